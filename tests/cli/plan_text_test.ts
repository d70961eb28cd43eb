import { assertEquals, assertMatch } from "@std/assert";
import type { Json } from "../../src/base/canonical_json.ts";
import { hashJson } from "../../src/base/hash.ts";
import { tuningLines } from "../../src/cli/plan_text.ts";
import type { RunSpec } from "../../src/study/types.ts";
import type { Tune } from "../../src/study/schema/tune.ts";
import type { Tuned } from "../../src/study/schema/tuned.ts";
import {
  kindsOf,
  kindsTable,
  longRunText,
  rareEvaluationText,
  timeLeftText,
} from "../../src/cli/plan_table.ts";
import { methods } from "../../src/methods/table.ts";
import { defaultSettings, overlaySettings } from "../../src/study/schema/settings.ts";

/** What a plan says of the tuning of its study. */

const plan = { choices: 2, trials: 4, seeds: [101, 102], search: "grid", runs: 8 } as const;
const tune: Tune = {
  vary: { "train.learningRate": { log: [1e-3, 1e-2] } },
  search: "grid",
  trials: 4,
  seeds: [101],
  heldOut: 0.2,
};
const choice = { name: "lora", metric: "accuracy", values: {}, score: 0.5, trials: [] };
const tuned: Tuned = {
  study: "s",
  hash: hashJson(tune as unknown as Json),
  search: "grid",
  trials: 4,
  seeds: [101],
  heldOut: 0.2,
  seconds: 1,
  runs: 8,
  notBracketed: [],
  best: [{ ...choice, method: "lora", task: "s" }, { ...choice, method: "head", task: "s" }],
};
const run = (label: string, task: string) => ({ label, task, budget: null }) as RunSpec;
const runs = [run("lora", "s"), run("head", "s")];

/** The end of the line, after the size of the tuning. */
const ending = (...[study, planned]: [Parameters<typeof tuningLines>[1], readonly RunSpec[]]) =>
  tuningLines(plan, study, planned)[0]!.replace(
    "Tuning: 4 trials (grid) of each of 2 choices, 8 runs at first",
    "",
  );

Deno.test("a plan says whether a study has the settings of its tuning, for all runs and of this tune block", () => {
  assertEquals(tuningLines(null, {}, runs), []);
  assertEquals(
    ending({ tune }, runs),
    ", by deno task tune; the study does not have its settings yet",
  );
  assertEquals(ending({ tune, tuned }, runs), "; the study has the settings that it chose");
  assertEquals(
    ending({ tune, tuned }, [...runs, run("lora", "t")]),
    "; the study has the settings that it chose, but not for all runs of lora",
  );
  assertEquals(
    ending({ tune: { ...tune, heldOut: 0.1 }, tuned }, runs),
    "; the study has settings that were chosen before its tune block was changed: run deno task tune again",
  );
});

Deno.test("a plan says how many trials a setting has, and what trials of one seed are worth", () => {
  const [line, warning] = tuningLines(
    { ...plan, trials: { perSetting: 4 }, seeds: [101] },
    { tune },
    runs,
  );
  assertMatch(line!, /^Tuning: 4 trials for each setting \(grid\) of each of 2 choices, 8 runs/);
  assertMatch(warning!, /one seed: .* 37 to 66 % get different settings .* leave tune.seeds out/);
  assertEquals(tuningLines(plan, { tune }, runs).length, 1);
});

type FoundRun = Parameters<typeof kindsOf>[0][number];

const head = methods.find(({ name }) => name === "head")!;
const inputs = { examplesOf: () => 100, modulesOf: () => [] };

/** A run of ten steps; `wallMillis` and `steps` are those of its record, without which it is open. */
function foundRun(
  place: { readonly task: string; readonly label: string; readonly seed: number },
  recorded: { readonly wallMillis: number; readonly steps: number; readonly id?: string } | null,
): FoundRun {
  const id = JSON.stringify(place);
  const settings = overlaySettings(defaultSettings, { train: { steps: 10 } });
  const run = { ...place, method: "head", budget: null, settings, options: {} };
  const planned = { run, id, method: head, plan: null } as unknown as FoundRun["planned"];
  if (recorded === null) return { planned, record: null };
  const { wallMillis, steps } = recorded;
  const happened = { steps, time: { wallMillis } } as NonNullable<FoundRun["record"]>["happened"];
  return { planned, record: { id: recorded.id ?? id, happened } };
}

Deno.test("kindsOf() takes times from runs of the kind, else from others of the task", () => {
  const kinds = kindsOf([
    foundRun({ task: "A", label: "x", seed: 1 }, { wallMillis: 2_000, steps: 10 }),
    foundRun({ task: "A", label: "x", seed: 2 }, { wallMillis: 4_000, steps: 10 }),
    foundRun({ task: "A", label: "y", seed: 1 }, null),
    foundRun({ task: "B", label: "x", seed: 1 }, null),
  ], inputs);
  assertEquals(
    kinds.map(({ seeds, done, steps, stepMillis }) => [seeds, done, steps, stepMillis]),
    [[2, 2, 10, 300], [1, 0, 10, 300], [1, 0, 10, null]],
  );
  assertMatch(timeLeftText(kinds), /^unknown until a run of each task has finished/);
  assertEquals(timeLeftText(kinds.slice(0, 2)), "3 s, one run at a time");
  const rows = kindsTable(kinds, [], null).trim().split("\n").slice(1);
  assertEquals(rows.map((row) => row.trim().split(/ {2,}/).slice(-2)), [
    ["2/2", "3 s"],
    ["0/1", "3 s"],
    ["0/1", "unknown"],
  ]);
});

Deno.test("kindsOf() counts a run that failed before its first step as done, and takes no time from it", () => {
  const [kind] = kindsOf([
    foundRun({ task: "A", label: "x", seed: 1 }, { wallMillis: 500, steps: 0 }),
    foundRun({ task: "A", label: "x", seed: 2 }, { wallMillis: 900, steps: 10, id: "another" }),
    foundRun({ task: "A", label: "x", seed: 3 }, { wallMillis: 60_000, steps: 10 }),
  ], inputs);
  assertEquals([kind!.seeds, kind!.done, kind!.stepMillis], [3, 2, 6_000]);
});

Deno.test("a plan says how long a run of very many steps takes", () => {
  const kinds = kindsOf([
    foundRun({ task: "A", label: "x", seed: 1 }, { wallMillis: 2_000, steps: 10 }),
    foundRun({ task: "B", label: "x", seed: 1 }, null),
  ], inputs);
  const textsOf = (...steps: readonly number[]) =>
    longRunText(kinds.map((kind, i) => ({ ...kind, steps: steps[i]! })));
  assertEquals(textsOf(999_999, 999_999), []);
  assertEquals(textsOf(1_000_000, 10), [
    "Warning: A, x has 1,000,000 steps. At 200.0 ms each, as measured, a run takes 2.3 days.",
  ]);
  assertEquals(textsOf(10, 10_000_000), [
    "Warning: B, x has 10,000,000 steps. Even at one millisecond each, a run takes 2.8 hours.",
  ]);
});

Deno.test("a plan warns of runs that are evaluated less than twice a fifth", () => {
  const kinds = kindsOf([
    foundRun({ task: "A", label: "x", seed: 1 }, null),
    foundRun({ task: "B", label: "x", seed: 1 }, null),
  ], inputs);
  const textsOf = (...counts: readonly (number | null)[]) =>
    rareEvaluationText(kinds.map((kind, i) => ({ ...kind, evaluations: counts[i]! })));
  assertEquals(textsOf(10, null), []);
  assertEquals(textsOf(9, 2), [
    "Warning: B, x, and 1 other kind of run: 2 evaluations a run, wanted at least 10 (train.evaluateEvery): of fewer, noise decides whether training had converged.",
  ]);
  // Ten steps in epochs of four: after each epoch, and at the end.
  assertEquals(kinds.map(({ evaluations }) => evaluations), [3, 3]);
});
