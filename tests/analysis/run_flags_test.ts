import { assertEquals } from "@std/assert";
import type { RecordedResult, RunFlag } from "../../src/record/types.ts";
import { flaggedRunsText, flagsText } from "../../src/analysis/run_flags.ts";
import { fixtureStudy } from "./fixture.ts";
import { scoredStudy, withHappened } from "./scored_study.ts";

const level: RunFlag = { kind: "at-majority", metric: "matthews", score: -0.0123, majority: 0 };
const one: RunFlag = { kind: "one-class", prediction: 2 };

Deno.test("flagsText() says nothing of a run without signs, or from before there were any", () => {
  assertEquals([flagsText([]), flagsText(undefined)], ["", ""]);
});

Deno.test("flagsText() does not call it a collapse to be no better than the majority", () => {
  assertEquals(
    flagsText([level]),
    "; no better than the majority class: Matthews −1.23, the majority class has 0.00",
  );
  assertEquals(
    flagsText([one, level]),
    "; collapsed: predicts the same for every text; Matthews −1.23, the majority class has 0.00",
  );
});

/** The runs of the made-up study, each with something else in what happened. */
function runsWith(happenedOf: (index: number) => Partial<RecordedResult>) {
  return fixtureStudy().runs.map((run, i) => ({
    ...run,
    record: { ...run.record, happened: { ...run.record.happened, ...happenedOf(i) } },
  }));
}

Deno.test("flaggedRunsText() names the runs of each kind, and is empty without any", () => {
  assertEquals(flaggedRunsText([]), []);
  assertEquals(flaggedRunsText(fixtureStudy().runs), []);
  const lines = flaggedRunsText(runsWith((i) => ({ flags: i === 3 ? [one] : [] })));
  assertEquals(lines, [
    "1 of 60 runs collapsed and counts in every mean:",
    "  gloss-pairs, LoRA, rank 2, seed 1: predicts the same for every text",
  ]);
});

Deno.test("flaggedRunsText() names seeds of a cell together, in words that hold for all of them", () => {
  const study = withHappened(
    scoredStudy({ labels: ["lora", "head"], score: () => 0.5 }),
    ({ record: { asked } }) => ({ flags: asked.seed === 2 ? [one] : [one, level] }),
  );
  assertEquals(flaggedRunsText(study.runs), [
    "6 of 6 runs collapsed and count in every mean:",
    "  t, lora, rank 4, seeds 1 and 3: one prediction; at the majority",
    "  t, lora, rank 4, seed 2: predicts the same for every text",
    "  t, head, seeds 1 and 3: one prediction; at the majority",
    "  t, head, seed 2: predicts the same for every text",
  ]);
});

Deno.test("flaggedRunsText() counts those that it does not name", () => {
  const tasks = Array.from({ length: 12 }, (_, i) => [`t${i}`, "accuracy"] as const);
  const study = withHappened(
    scoredStudy({ labels: ["lora"], seeds: [1], tasks, score: () => 0.5 }),
    ({ record: { asked } }) => ({ flags: asked.task < "t2" ? [one, level] : [level] }),
  );
  const lines = flaggedRunsText(study.runs);
  // t0, t1, t10 and t11 collapsed.
  assertEquals(lines.filter((line) => !line.startsWith("  ")), [
    "4 of 12 runs collapsed and count in every mean:",
    "8 of 12 runs are no better than the majority class and count in every mean:",
  ]);
  assertEquals(lines.length, 1 + 4 + 1 + 8);
  const all = flaggedRunsText(withHappened(study, () => ({ flags: [one] })).runs);
  assertEquals([all.length, all.at(-1)], [10, "  and 4 more, which the report names"]);
});

Deno.test("flaggedRunsText() calls no failed run collapsed", () => {
  const failed = withHappened(
    scoredStudy({ labels: ["lora"], seeds: [1], score: () => null }),
    () => ({ flags: [one] }),
  );
  assertEquals(flaggedRunsText(failed.runs), []);
});
