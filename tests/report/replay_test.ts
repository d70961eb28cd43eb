/** The replay ablation in the report: what is compared with what is recorded, whatever the runs are called. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { replays } from "../../src/report/findings/comparisons.ts";
import { replayTable } from "../../src/report/sections/paired_differences.ts";
import type { Replay, ReplayedRun } from "../../src/record/types.ts";
import type { ReplayResults } from "../../src/analysis/results.ts";
import { fixtureStudy } from "../analysis/fixture.ts";

/** Runs by label: their part in the ablation but for the seed, and the score of each seed. */
interface Part {
  readonly variant: Replay["variant"];
  readonly baseline: string;
  readonly scores: readonly number[];
}

/** A replay with one task, one budget and three seeds; ids are a label's and the seed's. */
function replayOf(parts: Readonly<Record<string, Part>>): ReplayResults {
  const study = fixtureStudy({
    tasks: [["a", "accuracy"]],
    methods: Object.keys(parts).map((label) => ({
      method: "lora",
      label,
      usesBudget: true,
      gain: 0,
      stepMillis: 1,
      movesRanks: false,
    })),
    budgets: [4],
    layers: 1,
    steps: 3,
    events: 1,
    examples: 0,
  });
  const runs = study.runs.map((run): ReplayedRun => {
    const { asked: { label, seed }, happened } = run.record;
    const { variant, baseline, scores } = parts[label]!;
    const last = { ...happened.last!, metrics: { accuracy: scores[seed - 1]! } };
    return {
      ...run,
      record: { ...run.record, id: `${label}-${seed}`, happened: { ...happened, last } },
      replay: { variant, source: `source-${seed}`, baseline: `${baseline}-${seed}` },
    };
  });
  return { ...study, runs };
}

const found = { variant: "final", baseline: "even", scores: [0.8, 0.9, 0.7] } as const;
const even = { variant: "uniform", baseline: "even", scores: [0.7, 0.7, 0.7] } as const;

Deno.test("a replay is compared with the runs that are recorded as uniform, whatever their label", () => {
  // The first label reads as if its ranks were uniform.
  const replay = replayOf({ "not uniform": found, even });
  assertEquals(analyse({ ...replay, replay }).replay!.baseline, "even");
  const rows = analyse({ ...replay, replay }).tests.replays;
  assertEquals(rows.map(({ label, n }) => [label, n]), [["not uniform", 3]]);
  assertAlmostEquals(rows[0]!.mean!, 0.1, 1e-12);
  // It is tested with all others of the report.
  assert(rows[0]!.corrected! > rows[0]!.p!);
  assertEquals(replays(analyse({ ...replay, replay })).map(({ lead }) => lead), [
    "Replayed: not uniform against even",
  ]);
});

Deno.test("ranks of another total are compared with the uniform ranks of that total", () => {
  const replay = replayOf({
    "found": found,
    even,
    "more found": { variant: "final", baseline: "more even", scores: [0.9, 0.9, 0.9] },
    "more even": { variant: "uniform", baseline: "more even", scores: [0.9, 0.8, 0.7] },
  });
  const means = analyse({ ...replay, replay }).tests.replays.map((
    { label, mean },
  ) => [label, mean!.toFixed(6)]);
  assertEquals(means, [["found", "0.100000"], ["more found", "0.100000"]]);
  assertEquals(
    replayTable(analyse({ ...replay, replay })).title,
    "Differences against uniform ranks, paired by seed",
  );
});

Deno.test("a replay without uniform runs yet has no differences and no findings", () => {
  const replay = replayOf({ found });
  assertEquals([
    analyse({ ...replay, replay }).replay!.baseline,
    analyse({ ...replay, replay }).tests.replays,
  ], [null, []]);
  assertEquals(replayTable(analyse({ ...replay, replay })).rows.length, 0);
  assertEquals(replays(analyse({ ...replay, replay })), []);
});

Deno.test("the baseline of a study is LoRA with the ranks of its budget, not with given ones", () => {
  const study = replayOf({ taken: found, plain: even });
  const runs = study.runs.map((run) => {
    const { asked } = run.record;
    if (asked.label === "plain") return run;
    const ranksFrom = { type: "file", file: "ranks.json", as: "same" } as const;
    return { ...run, record: { ...run.record, asked: { ...asked, ranksFrom } } };
  });
  assertEquals(analyse(study).baseline, "taken");
  assertEquals(analyse({ ...study, runs }).baseline, "plain");
  const given = runs.filter(({ record }) => record.asked.label === "taken");
  assertEquals(analyse({ ...study, runs: given }).baseline, null);
});
