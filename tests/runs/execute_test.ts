/** Single runs: how often one saves where it stands, what of its settings reaches the graph, and how a diverged one ends. */
import { assert, assertEquals } from "@std/assert";
import { pauseAfter } from "../../src/runs/execute.ts";
import type { RunRecord } from "../../src/record/types.ts";
import type { PartialTrainSettings } from "../../src/study/schema/settings.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import { inHome, scoredStudy, sweepIn, tinyStudy } from "./tiny_study.ts";

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

/** A run's record and the lines of its steps. */
interface Ended {
  readonly record: RunRecord;
  readonly losses: readonly number[];
}

/** Sweeps a study of tiny runs, which may fail, and gives them by seed. */
async function swept(study: Study): Promise<readonly Ended[]> {
  return await inHome(async (home) => {
    const { folder } = await sweepIn(home, study);
    const runs = [...Deno.readDirSync(folder)].filter(({ isDirectory }) => isDirectory);
    return runs.map(({ name }): Ended => {
      const lines = Deno.readTextFileSync(`${folder}/${name}/steps.jsonl`).trim().split("\n");
      return {
        record: JSON.parse(Deno.readTextFileSync(`${folder}/${name}/record.json`)),
        losses: lines.filter((line) => line !== "").map((line) => JSON.parse(line).loss),
      };
    }).sort((a, b) => a.record.asked.seed - b.record.asked.seed);
  });
}

Deno.test("a regression starts at the middle of its range, or at zero where the settings say so, side by side", async () => {
  const [middle, zero] = await swept(headStudy(scoredStudy, [
    { steps: 1, warmup: 0 },
    { steps: 1, warmup: 0, regressionBias: "zero" },
  ])) as [Ended, Ended];
  // Scores lie around 2.6 of 1 to 5, and a fresh head adds little: squares around 1.5 of 3, and 8 of 0.
  assert(middle.losses[0]! < 3, `${middle.losses[0]}`);
  assert(zero.losses[0]! > 5, `${zero.losses[0]}`);
});

Deno.test("a run whose parameters are no numbers at an evaluation has diverged, whatever it predicts", async () => {
  // The first step's loss is fine, and its update is not: the evaluation after it meets Infinity times zero.
  const wild = { steps: 2, evaluateEvery: 1, learningRate: 1e38, warmup: 0 } as const;
  for (const study of [tinyStudy, scoredStudy]) {
    const [{ record: { happened: { outcome } } }] = await swept(headStudy(study, [wild])) as [
      Ended,
    ];
    assert(outcome.state === "failed");
    assertEquals([outcome.cause, outcome.step], ["diverged", 1]);
    assert(/loss on "dev" (NaN|Infinity)/.test(outcome.message), outcome.message);
  }
});
