/** What is told of steps that were started together, by hand. */
import { assertEquals } from "@std/assert";
import { type QueuedStep, settle } from "../../src/train/device_run.ts";

/** Steps 5, 6 and 7, counted from 0. */
const queued: readonly QueuedStep[] = [5, 6, 7].map((index) => ({
  ...{ index, learningRate: index / 10, tokens: 10 * index, millis: index },
  numbers: [],
}));
const epochsAt = (done: number) => done / 4;

Deno.test("settle() tells of steps in their order, and shares the wait among them", () => {
  const { events, divergence } = settle(
    queued,
    [[0.5, 2, 0.25], [0.4, 3], [0.3, 4, 0]],
    6,
    epochsAt,
  );
  assertEquals(divergence, null);
  const step = (index: number, loss: number, gradientNorm: number, regulariser: number) => ({
    kind: "step",
    ...{ step: index + 1, epoch: (index + 1) / 4, loss, regulariser, gradientNorm },
    ...{ learningRate: index / 10, stepMillis: index + 2, tokens: 10 * index },
  });
  assertEquals<unknown>(events, [
    step(5, 0.5, 2, 0.25),
    step(6, 0.4, 3, 0),
    step(7, 0.3, 4, 0),
  ]);
});

Deno.test("settle() stops before the first step that diverged, and names what did", () => {
  const cases = [
    [[[1, 1], [NaN, 1], [1, 1]], "Training diverged at step 7: found loss NaN"],
    [
      [[1, 1], [1, Infinity], [NaN, 1]],
      "Training diverged at step 7: found gradient norm Infinity",
    ],
    [[[1, 1], [], [1, 1]], "Training diverged at step 7: found loss NaN"],
  ] as const;
  for (const [values, message] of cases) {
    const { events, divergence } = settle(queued, values, 0, epochsAt);
    assertEquals(events.map((event) => event.kind === "step" ? event.step : 0), [6]);
    assertEquals([divergence!.index, divergence!.error.step], [6, 7]);
    assertEquals(divergence!.error.message.startsWith(message), true, divergence!.error.message);
  }
});
