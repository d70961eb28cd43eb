/** What a record says of a run by its journals: steps, sequences, and signs of a collapse. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { runFlags, sequenceOutcome, stepFigures } from "../../src/runs/run_figures.ts";
import { findTask } from "../../src/tasks/catalog.ts";
import { majorityMetrics } from "../../src/tasks/majority.ts";
import { computeMetrics } from "../../src/tasks/metrics.ts";
import type { Task } from "../../src/tasks/types.ts";
import type { EvaluationLine, StepLine } from "../../src/record/types.ts";
import { parseRunRecord } from "../../src/record/schema.ts";
import { fixtureStudy } from "../analysis/fixture.ts";

type EvaluatedRun = Parameters<typeof runFlags>[0];

interface Odd {
  readonly task?: string;
  readonly train?: readonly number[];
  readonly losses?: readonly number[];
  readonly targets: readonly number[];
  readonly predictions: readonly number[];
}

/** A run whose losses are those of one that learned, unless said otherwise. */
function evaluated({ task: name = "RTE", train = [0, 1], losses, ...split }: Odd): EvaluatedRun {
  const task: Task = findTask(name);
  return {
    task,
    trainTargets: train,
    losses: losses ?? [0.7, 0.6, 0.4, 0.3],
    ...split,
    scores: {
      own: computeMetrics(task, split.targets, split.predictions),
      majority: majorityMetrics(task, train, split.targets),
    },
  };
}

function kindsOf(odd: Odd): readonly string[] {
  return runFlags(evaluated(odd)).map(({ kind }) => kind);
}

Deno.test("runFlags() compares with the majority, and leaves a split of one class alone unless it was got wrong", () => {
  const [five, one, level, zeros, ones] = [[0, 0, 0, 1, 1], [0, 0, 1], [0, 1], [0, 0, 0], [1, 1]];
  const cases: readonly (readonly [Odd, isFlagged: boolean])[] = [
    [{ targets: [0, 1, 0, 1], predictions: [0, 1, 0, 0] }, false],
    [{ train: one, targets: five, predictions: [0, 0, 1, 1, 1] }, false],
    // Level with it, and below.
    [{ train: one, targets: five, predictions: [0, 0, 1, 1, 0] }, true],
    [{ train: one, targets: five, predictions: [1, 0, 1, 1, 0] }, true],
    // Training's classes are level: the harder answer is the one to beat, whatever the order of labels.
    [{ targets: five, predictions: [0, 1, 1, 1, 1] }, true],
    [{ train: one, targets: zeros, predictions: zeros }, false],
    [{ train: one, targets: ones, predictions: ones }, false],
    [{ train: one, targets: [0], predictions: [0] }, false],
    [{ train: one, targets: zeros, predictions: [1, 1, 1] }, true],
    [{ train: one, targets: ones, predictions: [0, 0] }, true],
    // Matthews' correlation of one class is 0 whatever is predicted.
    [{ task: "CoLA", targets: [1, 1, 1], predictions: [1, 1, 1] }, false],
    // Training's one class is not taken for a loss above chance.
    [{ train: [0, 0], losses: [3, 2, 1, 0.5], targets: level, predictions: level }, false],
  ];
  for (const [odd, isFlagged] of cases) {
    assertEquals(kindsOf(odd), isFlagged ? ["at-majority"] : [], JSON.stringify(odd));
  }
});

Deno.test("runFlags() tells a collapse by its three signs", () => {
  const losses = [0.7, 2, 3e11, 1.9e11];
  const found = runFlags(evaluated({ losses, targets: [0, 1, 0, 1], predictions: [1, 1, 1, 1] }));
  assertEquals(found, [
    { kind: "one-class", prediction: 1 },
    { kind: "loss-above-chance", loss: 1.9e11, chance: Math.LN2 },
    { kind: "at-majority", metric: "accuracy", score: 0.5, majority: 0.5 },
  ]);
});

Deno.test("runFlags() averages the losses of the last quarter, of 50 steps at most", () => {
  const flagOf = (losses: readonly number[]) =>
    runFlags(evaluated({ losses, targets: [0, 1], predictions: [0, 1] }))
      .find((flag) => flag.kind === "loss-above-chance")?.loss;
  // A bad start of a short run is no collapse.
  assertEquals(flagOf([90, 90, 90, 90, 90, 90, 1, 1]), undefined);
  assertEquals(flagOf([1, 1, 1, 1, 1, 1, 2, 4]), 3);
  assertEquals(flagOf([5]), 5);
  const long = Array.from({ length: 1000 }, (_, i) => i);
  assertEquals(flagOf(long), 974.5);
  // Dropout keeps training losses of fine runs above chance.
  assertEquals(flagOf([1, 1, 1, 1.4 * Math.LN2]), undefined);
  assertAlmostEquals(flagOf([1, 1, 1, 1.6 * Math.LN2])!, 1.6 * Math.LN2);
});

Deno.test("runFlags() compares a log loss with that of training's shares", () => {
  const task: Task = { ...findTask("RTE"), metrics: ["logLoss"] };
  const [train, targets, predictions] = [[0, 0, 0, 1], [0, 1], [0, 1]];
  const of = (rows: readonly (readonly number[])[]) =>
    runFlags({
      ...evaluated({ train, targets, predictions }),
      task,
      scores: {
        own: computeMetrics(task, targets, predictions, rows),
        majority: majorityMetrics(task, train, targets),
      },
    });
  assertEquals(of([[0.9, 0.1], [0.4, 0.6]]), []);
  const level = [0.75, 0.25];
  const chance = -(Math.log(0.75) + Math.log(0.25)) / 2;
  assertEquals(of([level, level]), [
    { kind: "at-majority", metric: "logLoss", score: chance, majority: chance },
  ]);
  assertEquals(of([level, [0.99, 0.01]]).map(({ kind }) => kind), ["at-majority"]);
});

Deno.test("runFlags() evaluates numbers by correlation and variance", () => {
  const train = [0, 1, 2, 3, 4, 5];
  const of = (predictions: readonly number[], losses = [9, 4, 2, 1.5]) =>
    kindsOf({ task: "STS-B", train, losses, targets: [0, 2, 5], predictions });
  assertEquals(of([1, 2, 3]), []);
  assertEquals(of([3, 2, 1]), ["at-majority"]);
  // Single precision's rounding about one value: correlated by accident.
  assertEquals(of([2.5, 2.5000002, 2.5000004]), ["one-class"]);
  assertEquals(of([0, 0, 0]), ["one-class", "at-majority"]);
  assertEquals(of([-4e8, -4e8, -4e8], [9, 1e6, 1e12, 1.6e17]), [
    "one-class",
    "loss-above-chance",
    "at-majority",
  ]);
  const constant = { targets: [3, 3], predictions: [3, 3.1] };
  assertEquals(kindsOf({ task: "STS-B", train, losses: [1], ...constant }), []);
});

Deno.test("runFlags() evaluates a sequence by its predictions and its last task's losses", () => {
  const run: EvaluatedRun = {
    ...evaluated({ targets: [0, 1], predictions: [0, 1] }),
    targets: [0, 1, 2, 3],
    predictions: [2, 2, 2, 2],
    losses: [90, 80, 70, 60],
    scores: null,
  };
  assertEquals(runFlags(run).map(({ kind }) => kind), ["one-class", "loss-above-chance"]);
  assertEquals(runFlags({ ...run, predictions: [2, 2, 2, 3], losses: [1, 0.5] }), []);
});

/** A step with what is summed up. */
function stepLine(step: number, loss: number, stepMillis: number, tokens: number): StepLine {
  const rest = { regulariser: 0, gradientNorm: 1, learningRate: 1 };
  return { step, epoch: step / 10, loss, stepMillis, tokens, ...rest };
}

Deno.test("stepFigures() averages the last 50 losses, in the order of the steps", () => {
  // 1, 2, …, 60: the last 50 are 11 to 60, with mean 35.5.
  const steps = Array.from({ length: 60 }, (_, i) => stepLine(i + 1, i + 1, 1, 1));
  const { finalTrainLoss, epochs } = stepFigures(steps);
  assertEquals([finalTrainLoss, epochs], [35.5, 6]);
  assertEquals(stepFigures(steps.slice(0, 4)).finalTrainLoss, 2.5);
});

Deno.test("stepFigures() gives the middle step time, of an even count the mean of two", () => {
  const medianOf = (...millis: readonly number[]) =>
    stepFigures(millis.map((value, i) => stepLine(i + 1, 1, value, 1))).medianStepMillis;
  assertEquals(medianOf(9, 1, 4), 4);
  assertEquals(medianOf(10, 2, 9, 4), 6.5);
  assertEquals(medianOf(100, 20, 3), 20);
  assertEquals(medianOf(7), 7);
});

Deno.test("stepFigures() counts tokens by the second of step time, and of no steps", () => {
  // 300 tokens in 60 ms.
  const two = [stepLine(1, 1, 40, 200), stepLine(2, 1, 20, 100)];
  assertEquals(stepFigures(two).tokensPerSecond, 5000);
  const none = { epochs: 0, finalTrainLoss: null, medianStepMillis: 0, tokensPerSecond: 0 };
  assertEquals(stepFigures([]), none);
});

const stages = [
  { task: "A", classes: 2, firstStep: 0, steps: 10 },
  { task: "B", classes: 3, firstStep: 10, steps: 4 },
];

function line(step: number, split: string, accuracy: number, aware: number): EvaluationLine {
  const metrics = { accuracy, task_aware_accuracy: aware };
  return { step, epoch: 1, split, loss: 1, metrics };
}

const lines = [
  line(5, "A", 0.1, 0.1),
  line(10, "A", 0.9, 0.9),
  line(12, "A", 0.2, 0.2),
  line(12, "B", 0.2, 0.2),
  line(14, "A", 0.5, 0.75),
  line(14, "B", 0.7, 0.8),
];

Deno.test("the matrices are of the evaluations at the ends of stages", () => {
  const outcome = sequenceOutcome(stages, lines);
  assertEquals(outcome.stages, stages);
  assertEquals(outcome.classIncremental, [[0.9], [0.5, 0.7]]);
  assertEquals(outcome.taskAware, [[0.9], [0.75, 0.8]]);
  assertAlmostEquals(outcome.averageAccuracy, 0.6, 1e-12);
  assertAlmostEquals(outcome.accuracyOverTime, 0.75, 1e-12);
  assertAlmostEquals(outcome.forgetting, 0.4, 1e-12);
});

Deno.test("a stage that was not evaluated is an error that names it", () => {
  assertThrows(
    () => sequenceOutcome(stages, lines.slice(0, -1)),
    RangeError,
    'found no accuracy of "B" after step 14',
  );
});

Deno.test("a record keeps what its sequence came to", () => {
  const [{ record }] = fixtureStudy().runs as [ReturnType<typeof fixtureStudy>["runs"][0]];
  const sequence = sequenceOutcome(stages, lines);
  const changed = { ...record, happened: { ...record.happened, sequence } };
  assertEquals(parseRunRecord(JSON.parse(JSON.stringify(changed)), "record.json"), changed);
});
