import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  defaultSettings,
  overlaySettings,
  type PartialTrainSettings,
} from "../../../src/study/schema/settings.ts";
import {
  evaluationSteps,
  learningRateAt,
  stepsPerEpoch,
  totalSteps,
  warmupSteps,
} from "../../../src/study/grid/steps.ts";
import figures from "../../golden/learning_rate.json" with { type: "json" };
import { examplesOf } from "../tables.ts";

const settingsOf = (train: PartialTrainSettings) => overlaySettings(defaultSettings, { train });

Deno.test("totalSteps() gives the step counts of ElaLoRA's released scripts", () => {
  // Task, epochs, and steps with batches of 64 on the published training splits.
  const scripts: readonly [string, number, number][] = [
    ["MNLI", 1, 6136],
    ["SST-2", 20, 21060],
    ["CoLA", 20, 2680],
    ["QNLI", 5, 8185],
    ["RTE", 50, 1950],
    ["MRPC", 20, 1160],
  ];
  for (const [task, epochs, steps] of scripts) {
    assertEquals(totalSteps(settingsOf({ epochs, batchSize: 64 }), examplesOf(task)), steps);
  }
});

Deno.test("totalSteps() follows steps, the limit on examples and broken epochs", () => {
  assertEquals(totalSteps(settingsOf({ steps: 7, epochs: 50 }), 1000), 7);
  assertEquals(totalSteps(settingsOf({ epochs: 2, batchSize: 10, trainLimit: 35 }), 1000), 8);
  assertEquals(totalSteps(settingsOf({ epochs: 2, batchSize: 10, trainLimit: 35 }), 20), 4);
  assertEquals(totalSteps(settingsOf({ epochs: 2, batchSize: 10, heldOut: 0.2 }), 100), 16);
  assertEquals(
    totalSteps(settingsOf({ epochs: 1, batchSize: 10, heldOut: 0.25, trainLimit: 50 }), 100),
    5,
  );
  assertThrows(
    () => totalSteps(settingsOf({ epochs: 1, batchSize: 10, heldOut: 0.99 }), 3),
    RangeError,
    "train.heldOut leaves 0 of 3",
  );
  assertEquals(totalSteps(settingsOf({ epochs: 0.5, batchSize: 10 }), 30), 2);
  assertEquals(stepsPerEpoch(settingsOf({ batchSize: 10 }), 31), 4);
  // 4.2 and 3.9 steps: a broken pass is rounded up, as transformers does.
  assertEquals(totalSteps(settingsOf({ epochs: 1.4, batchSize: 10 }), 30), 5);
  assertEquals(totalSteps(settingsOf({ epochs: 1.3, batchSize: 10 }), 30), 4);
});

Deno.test("stepsPerEpoch() refuses a split without examples", () => {
  for (const examples of [0, -1, NaN]) {
    assertThrows(
      () => stepsPerEpoch(defaultSettings, examples),
      RangeError,
      `found ${examples} training examples, wanted at least 1`,
    );
  }
});

Deno.test("warmupSteps() reads shares below 1 and numbers of steps", () => {
  // As transformers' get_warmup_steps: ceil(0.06 · 101) = ceil(6.06) = 7.
  assertEquals(warmupSteps({ warmup: 0.06 }, 101), 7);
  assertEquals(warmupSteps({ warmup: 0 }, 100), 0);
  assertEquals(warmupSteps({ warmup: 1 }, 100), 1);
  assertEquals(warmupSteps({ warmup: 1000 }, 1950), 1000);
});

Deno.test("learningRateAt() gives the figures of transformers' schedules", () => {
  assertEquals(figures.rows.length > 30, true);
  for (const { warmup, total, step, linear, constant } of figures.rows) {
    for (const [schedule, factor] of [["linear", linear], ["constant", constant]] as const) {
      const rate = learningRateAt(step, total, { learningRate: 8e-4, warmup, schedule });
      assertAlmostEquals(rate, 8e-4 * factor, 1e-18);
    }
  }
});

Deno.test("learningRateAt() starts at 0, peaks after the warm-up and ends at 0", () => {
  const train = { learningRate: 2, warmup: 0.25, schedule: "linear" } as const;
  const rates = [0, 1, 2, 3, 5, 7, 8, 9].map((step) => learningRateAt(step, 8, train));
  assertEquals(rates, [0, 1, 2, 2 * (5 / 6), 1, 2 / 6, 0, 0]);
});

Deno.test("evaluationSteps() joins multiples, ends of epochs and the last step", () => {
  const cases: readonly [PartialTrainSettings, readonly number[]][] = [
    [{ epochs: 3 }, [4, 8, 12]],
    [{ epochs: 2.5 }, [4, 8, 10]],
    [{ steps: 10 }, [4, 8, 10]],
    [{ steps: 3 }, [3]],
    [{ epochs: 3, evaluateEpochs: false }, [12]],
    [{ epochs: 2, evaluateEvery: 3 }, [3, 4, 6, 8]],
    [{ steps: 7, evaluateEvery: 3, evaluateEpochs: false }, [3, 6, 7]],
    [{ steps: 7, evaluateEvery: 100, evaluateEpochs: false }, [7]],
    [{ epochs: 1.4, trainLimit: 25 }, [3, 5]],
  ];
  for (const [train, expected] of cases) {
    assertEquals(evaluationSteps(settingsOf({ ...train, batchSize: 10 }), 40), expected);
  }
});
