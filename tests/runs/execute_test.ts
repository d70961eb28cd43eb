/** Single runs: how often one saves where it stands, what of its settings reaches the graph, and how a diverged one ends. */
import { assert, assertEquals } from "@std/assert";
import { pauseAfter } from "../../src/runs/execute.ts";
import type { StoredRun } from "../../src/record/results_reader.ts";
import type { PartialTrainSettings } from "../../src/study/schema/settings.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import { inHome, runsIn, scoredStudy, sweepIn, tinyStudy } from "./tiny_study.ts";

Deno.test("checkpoints come every twenty seconds, and rarer where they would take more than a fiftieth of the time", () => {
  assertEquals([0, 80, 400].map(pauseAfter), [20_000, 20_000, 20_000]);
  assertEquals(pauseAfter(3_000), 150_000);
});

/** The study with runs of a trained head, one for each of these settings, by seed from 1. */
function headStudy(study: Study, settings: readonly PartialTrainSettings[]): Study {
  return parseStudy({
    ...study,
    deltas: settings.map((train, i) => ({ when: { seed: i + 1 }, set: { train } })),
    axes: {
      tasks: study.axes.tasks,
      methods: ["head"],
      seeds: settings.map((_, i) => i + 1),
    },
  });
}

/** Sweeps a study of tiny runs, which may fail, and gives them by seed. */
function swept(study: Study): Promise<readonly StoredRun[]> {
  return inHome(async (home) => await runsIn((await sweepIn(home, study)).folder));
}

Deno.test("a regression starts at the middle of its range, or at zero where the settings say so, side by side", async () => {
  const [middle, zero] = await swept(headStudy(scoredStudy, [
    { steps: 1, warmup: 0 },
    { steps: 1, warmup: 0, regressionBias: "zero" },
  ])) as [StoredRun, StoredRun];
  // Scores lie around 2.6 of 1 to 5, and a fresh head adds little: squares around 1.5 of 3, and 8 of 0.
  assert(middle.steps[0]!.loss < 3, `${middle.steps[0]!.loss}`);
  assert(zero.steps[0]!.loss > 5, `${zero.steps[0]!.loss}`);
});

Deno.test("a run whose parameters are no numbers at an evaluation has diverged, whatever it predicts", async () => {
  // The first step's loss is fine, and its update is not: the evaluation after it meets Infinity times zero.
  const wild = { steps: 2, evaluateEvery: 1, learningRate: 1e38, warmup: 0 } as const;
  for (const study of [tinyStudy, scoredStudy]) {
    const [{ record: { happened: { outcome } } }] = await swept(headStudy(study, [wild])) as [
      StoredRun,
    ];
    assert(outcome.state === "failed");
    assertEquals([outcome.cause, outcome.step], ["diverged", 1]);
    assert(/loss on "dev" (NaN|Infinity)/.test(outcome.message), outcome.message);
  }
});
