/** What a report says of runs before anything else: those that failed, are missing, collapsed or were not reproduced. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assertEquals } from "@std/assert";
import { noticesOf } from "../../src/report/sections/summary.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import { scoredStudy, withHappened } from "../analysis/scored_study.ts";

Deno.test("noticesOf names failed, missing and collapsed runs, doubtful data and runs that were not reproduced", () => {
  const study = scoredStudy({
    labels: ["lora", "head"],
    seeds: [1, 2, 3],
    score: ({ label, seed }) =>
      label === "head" && seed === 3 ? null : seed === 2 ? undefined : 0.5,
  });
  const collapsed = withHappened(study, ({ record: { asked } }) => ({
    flags: asked.label === "lora"
      ? [
        { kind: "one-class", prediction: 1 },
        { kind: "loss-above-chance", loss: 1.9e11, chance: 0.693 },
        { kind: "at-majority", metric: "accuracy", score: 0.5, majority: 0.5 },
      ]
      : asked.seed === 1
      ? [{ kind: "at-majority", metric: "accuracy", score: 0.5, majority: 0.52 }]
      : [],
  }));
  const warned = {
    ...collapsed,
    warnings: [
      {
        task: "t",
        kind: "shared-texts" as const,
        count: 12,
        of: 400,
        text: "t: 12 of 400 dev texts also occur in train.",
      },
      {
        task: "t",
        kind: "cut-texts" as const,
        count: 94,
        of: 100,
        text: "t: 94 of 100 texts are cut.",
      },
    ],
    verification: {
      schema: 1,
      study: "fixture",
      verifiedAt: "2026-02-03T04:05:06.789Z",
      tolerance: 1e-4,
      finishedRuns: 3,
      sampleSeed: 0,
      runs: (["not reproduced", "within tolerance", "inputs differ"] as const).map((
        verdict,
        i,
      ) => ({
        id: String(i),
        title: `t, lora, r4, seed ${i + 1}`,
        verdict,
        pinned: [],
        quantities: [],
        first: null,
        firstBeyond: null,
        message: null,
      })),
    },
  } satisfies StudyResults;
  assertEquals(noticesOf(analyse(warned)), [
    { text: "1 of 4 runs failed and counts in no mean.", lines: [] },
    { text: "2 of 6 planned runs have not been made yet.", lines: [] },
    {
      text: "2 of 4 runs collapsed and count in every mean.",
      lines: ["t, lora, rank 4, seeds 1 and 3: one prediction; loss above chance; at the majority"],
    },
    {
      text: "1 of 4 runs is no better than the majority class and counts in every mean.",
      lines: ["t, head, seed 1: accuracy 50.00, the majority class has 52.00"],
    },
    {
      text: "2 warnings about the data.",
      lines: ["t: 12 of 400 dev texts also occur in train.", "t: 94 of 100 texts are cut."],
    },
    { text: "1 verified run could not be reproduced.", lines: ["t, lora, r4, seed 1"] },
  ]);
  const one = withHappened(
    scoredStudy({ labels: ["lora"], seeds: [1], score: () => 0.5 }),
    () => ({
      flags: [
        { kind: "one-class", prediction: 1 },
        { kind: "loss-above-chance", loss: 1.9e11, chance: 0.693 },
      ],
    }),
  );
  assertEquals(noticesOf(analyse(one)), [{
    text: "1 of 1 run collapsed and counts in every mean.",
    lines: [
      "t, lora, rank 4, seed 1: predicts the same for every text; training loss 1.9e11 at the end, chance is 0.693",
    ],
  }]);
  assertEquals(noticesOf(analyse({ ...study, runs: [], planned: [] })), []);
});
