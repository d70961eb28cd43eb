/** Kinds of planned runs with their times. */
import { assertEquals, assertMatch } from "@std/assert";
import { kindsOf, kindsTable, longRunText, timeLeftText } from "../../src/cli/plan_table.ts";
import { methods } from "../../src/methods/table.ts";
import { defaultSettings, overlaySettings } from "../../src/study/schema/settings.ts";

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
