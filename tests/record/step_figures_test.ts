/** What the journal of steps comes to, by hand. */
import { assertEquals } from "@std/assert";
import { stepFigures } from "../../src/record/step_figures.ts";
import type { StepLine } from "../../src/record/types.ts";

/** A step with what is summed up. */
function line(step: number, loss: number, stepMillis: number, tokens: number): StepLine {
  const rest = { regulariser: 0, gradientNorm: 1, learningRate: 1 };
  return { step, epoch: step / 10, loss, stepMillis, tokens, ...rest };
}

Deno.test("stepFigures() averages the last 50 losses, in the order of the steps", () => {
  // 1, 2, …, 60: the last 50 are 11 to 60, with mean 35.5.
  const steps = Array.from({ length: 60 }, (_, i) => line(i + 1, i + 1, 1, 1));
  const { finalTrainLoss, epochs } = stepFigures(steps);
  assertEquals([finalTrainLoss, epochs], [35.5, 6]);
  assertEquals(stepFigures(steps.slice(0, 4)).finalTrainLoss, 2.5);
});

Deno.test("stepFigures() gives the middle step time, of an even count the mean of two", () => {
  const medianOf = (...millis: readonly number[]) =>
    stepFigures(millis.map((value, i) => line(i + 1, 1, value, 1))).medianStepMillis;
  assertEquals(medianOf(9, 1, 4), 4);
  assertEquals(medianOf(10, 2, 9, 4), 6.5);
  assertEquals(medianOf(100, 20, 3), 20);
  assertEquals(medianOf(7), 7);
});

Deno.test("stepFigures() counts tokens by the second of step time", () => {
  // 300 tokens in 60 ms.
  assertEquals(stepFigures([line(1, 1, 40, 200), line(2, 1, 20, 100)]).tokensPerSecond, 5000);
});

Deno.test("stepFigures() of no steps", () => {
  assertEquals(stepFigures([]), {
    epochs: 0,
    finalTrainLoss: null,
    medianStepMillis: 0,
    tokensPerSecond: 0,
  });
});
