import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import {
  cellConvergence,
  type Convergence,
  convergenceOf,
  type ConvergenceSource,
  lateChange,
  needsMoreSteps,
} from "../../src/analysis/run_convergence.ts";
import type { RecordedResult } from "../../src/record/types.ts";

/** Normal numbers of a named stream. */
function noise(seed: number): () => number {
  const stream = RandomStream.fromSeed(seed).fork("noise");
  return () => stream.normal();
}

interface Shape {
  readonly steps?: number;
  readonly scores: readonly number[];
  /** Default: they stay. */
  readonly losses?: readonly number[];
  readonly happened?: Partial<RecordedResult>;
  readonly split?: string;
}

/** A run that is evaluated at equal distances, the last time at its end. */
function run(
  { steps = 100, scores, losses = scores.map(() => 0.5), happened, split = "dev" }: Shape,
): ConvergenceSource {
  return {
    record: {
      happened: {
        outcome: { state: "finished" },
        steps,
        primaryMetric: "accuracy",
        last: { step: steps, epoch: 1, split: "dev", loss: 0, metrics: {} },
        ...happened,
      } as RecordedResult,
    },
    evaluations: scores.map((accuracy, i) => ({
      step: steps * (i + 1) / scores.length,
      split,
      loss: losses[i]!,
      metrics: { accuracy },
    })),
  };
}

const counted = (dev: number) => ({ examples: { train: 1, splits: { dev } } });
const flat = [0.5, 0.7, 0.8, 0.81, 0.81];

Deno.test("a run whose score and held-out loss stay in the last fifth has converged", () => {
  assertEquals(convergenceOf(run({ scores: flat })).state, "converged");
});

Deno.test("a run that learns by heart has converged: its held-out loss rises, whatever its training loss does", () => {
  // The training loss is not even read.
  const overfits = run({ scores: flat, losses: [0.9, 0.6, 0.5, 0.55, 0.7] });
  const { state, fall } = convergenceOf(overfits);
  assertEquals(state, "converged");
  assertAlmostEquals(fall!.change, -0.15 / 0.55, 1e-12);
});

Deno.test("a held-out loss that falls by more than the share is falling", () => {
  const falls = run({ scores: flat, losses: [0.9, 0.8, 0.7, 0.6, 0.5] });
  const { state, fall } = convergenceOf(falls);
  assertEquals(state, "falling");
  assertAlmostEquals(fall!.change, 0.1 / 0.6, 1e-12);
  assertEquals(convergenceOf(falls, { lossShare: 0.5 }).state, "converged");
  // A loss of zero has no share.
  assertEquals(convergenceOf(run({ scores: flat, losses: [1, 1, 1, 0, 0] })).fall, null);
});

Deno.test("a score that rises by more than a point over the last fifth still climbs", () => {
  // AdaLoRA's curve on CoLA after epochs 3, 4 and 5, and LoRA's.
  const { state, gain } = convergenceOf(run({ scores: [0, 0.05, 0.091, 0.185, 0.226] }));
  assertEquals(state, "climbing");
  assertAlmostEquals(gain!.change, 0.041, 1e-12);
  assertEquals(
    convergenceOf(run({ scores: [0, 0.2, 0.251, 0.266, 0.269] })).state,
    "converged",
  );
});

Deno.test("a gain is that of a fifth, also where evaluations lie further apart", () => {
  const halves = convergenceOf(run({ scores: [0.5, 0.52] }));
  assertAlmostEquals(halves.gain!.change, 0.02 * 0.4, 1e-12);
  assertEquals(halves.state, "converged");
});

Deno.test("a log loss that falls over the last fifth still climbs, and one that rises does not", () => {
  const of = (scores: readonly number[]) => {
    const made = run({ scores, happened: { primaryMetric: "logLoss" } });
    const evaluations = made.evaluations.map((line) => ({
      ...line,
      metrics: { logLoss: line.metrics["accuracy"]! },
    }));
    return convergenceOf({ ...made, evaluations });
  };
  const falling = of([0.7, 0.6, 0.5, 0.4, 0.3]);
  assertEquals(falling.state, "climbing");
  assertAlmostEquals(falling.gain!.change, 0.25, 1e-12);
  assertEquals(of([0.3, 0.3, 0.3, 0.4, 0.5]).state, "converged");
});

Deno.test("of a metric without bound the gain and its noise are shares of the score, whatever its units are", () => {
  const of = (primaryMetric: string, scores: readonly number[], count: number) => {
    const made = run({ scores, happened: { primaryMetric, ...counted(count) } });
    const evaluations = made.evaluations.map((line) => ({
      ...line,
      metrics: { [primaryMetric]: line.metrics["accuracy"]! },
    }));
    return convergenceOf({ ...made, evaluations });
  };
  for (const metric of ["rmse", "mae", "logLoss", "cost↓"]) {
    for (const unit of [0.001, 1, 1000]) {
      const falls = (by: number, count: number) =>
        of(metric, [3, 2, 2, 2, 2 - by].map((score) => score * unit), count).state;
      // By 0.5 %, and by 5 %: √(0.1/n) of the score is the noise of their difference.
      assertEquals(falls(0.01, 20_000), "converged", `${metric}, ${unit}`);
      assertEquals(falls(0.1, 20_000), "climbing", `${metric}, ${unit}`);
      assertEquals(falls(0.08, 200), "converged", `${metric}, ${unit}`);
    }
  }
  const cell = cellConvergence([of("rmse", [400, 300, 200, 200, 190], 20_000)]);
  assertAlmostEquals(cell.gain!.change, 0.05, 1e-12);
});

Deno.test("a gain of few answers on a small split is noise", () => {
  const scores = [0.5, 0.55, 0.6, 0.61, 0.64];
  const of = (count: number) => convergenceOf(run({ scores, happened: counted(count) })).state;
  assertEquals([of(100), of(2000)], ["converged", "climbing"]);
});

Deno.test("the held-out share is looked at where there is one", () => {
  const dev = run({ scores: [0.5, 0.6, 0.7, 0.8, 0.9], losses: [5, 4, 3, 2, 1] });
  const heldOut = run({ scores: [0.5, 0.6, 0.7, 0.7, 0.7], split: "held_out" });
  const both = { ...dev, evaluations: [...dev.evaluations, ...heldOut.evaluations] };
  assertEquals([convergenceOf(dev).state, convergenceOf(both).state], ["climbing", "converged"]);
  assertEquals(convergenceOf(both).fall!.change, 0);
});

const pointsOf = (...pairs: readonly (readonly [number, number])[]) =>
  pairs.map(([step, value]) => ({ step, value }));

Deno.test("a late change is that of a fifth, by finite values and the distance of their middles", () => {
  // Of 20 steps the last fifth has 17 to 20 and the one before it 13 to 16.
  const points = pointsOf([12, 99], [13, 1], [14, 2], [15, 3], [17, NaN], [18, 5], [20, 7]);
  const own = lateChange(points, 20)!;
  assertEquals([own.before, own.after], [2, 6]);
  // The middles, 14 and 19, are five steps apart, and a fifth is four.
  assertAlmostEquals(own.change, 4 * 0.8, 1e-12);
  assertAlmostEquals(own.perVariance, (1 / 2 + 1 / 3) * 0.8 ** 2, 1e-12);
  // Squares about the means, 2 and 2, by three degrees of freedom.
  assertAlmostEquals(own.variance, 4 / 3, 1e-12);
  assertEquals(own.freedom, 3);
});

Deno.test("single values have no spread, and an earlier value fills a fifth that has none", () => {
  const single = lateChange(pointsOf([13, 1], [20, 3]), 20)!;
  assertEquals([single.variance, single.freedom], [0, 0]);
  assertEquals(lateChange(pointsOf([17, 1], [18, 2]), 20), null);
  const { before, change } = lateChange(pointsOf([5, 1], [9, 4], [18, 5]), 20)!;
  assertEquals([before, change], [4, 4 / 9]);
});

Deno.test("answers are counted by the record, else by the predictions of the split", () => {
  const scores = [0.5, 0.55, 0.6, 0.61, 0.64];
  const plain = run({ scores });
  const predictions = ["dev", "train", "dev", "dev", "dev"].map((split) => ({ split }));
  const expectedOf = (source: ConvergenceSource) => convergenceOf(source).gain!.expected;
  // One answer in twenty changes by chance, of four, in each of two evaluations.
  assertAlmostEquals(expectedOf({ ...plain, predictions })!, 2 * 0.05 / 4, 1e-12);
  const known = run({ scores, happened: counted(10) });
  assertAlmostEquals(expectedOf({ ...known, predictions })!, 2 * 0.05 / 10, 1e-12);
  assertEquals([expectedOf(plain), expectedOf({ ...plain, predictions: [] })], [null, null]);
});

Deno.test("what cannot be told is unknown, and a failed run is apart", () => {
  assertEquals(convergenceOf(run({ scores: [0.5] })).state, "unknown");
  const failed = { outcome: { state: "failed", cause: "diverged", message: "", step: 3 } } as const;
  assertEquals(convergenceOf(run({ scores: flat, happened: failed })).state, "failed");
});

Deno.test("a run that its plateau ended has converged by the rule that it was given", () => {
  const shape: Shape = { scores: [0.5, 0.6, 0.7, 0.8, 0.9] };
  assertEquals(convergenceOf(run({ ...shape, happened: { ended: "plateau" } })).state, "converged");
  assertEquals(convergenceOf(run({ ...shape, happened: { ended: "cap" } })).state, "climbing");
});

Deno.test("each stage of a sequence has an end of its own, by the loss on its own task", () => {
  const stages = ["a", "b"].map((task, i) => ({ task, classes: 2, firstStep: 50 * i, steps: 50 }));
  const happened = { sequence: { stages } as unknown as NonNullable<RecordedResult["sequence"]> };
  const of = (a: readonly number[], b: readonly number[]) => {
    const line = (split: string, losses: readonly number[], from: number) =>
      losses.map((loss, i) => ({
        step: from + 10 * (i + 1),
        split,
        loss,
        metrics: { accuracy: i },
      }));
    // The first task is evaluated in the second stage too, where it is forgotten and comes back.
    const evaluations = [
      ...line("a", a, 0),
      ...line("a", [9, 8, 7, 6, 1], 50),
      ...line("b", b, 50),
    ];
    const found = convergenceOf({ ...run({ scores: [], happened }), evaluations });
    return [found.state, found.gain];
  };
  const [still, falls] = [[0.9, 0.6, 0.5, 0.5, 0.5], [0.9, 0.8, 0.7, 0.6, 0.5]];
  assertEquals(of(still, still), ["converged", null]);
  assertEquals([of(falls, still), of(still, falls)], [["falling", null], ["falling", null]]);
  assertEquals(of([], []), ["unknown", null]);
});

const of = (change: number, rest: Partial<Convergence["gain"]> = {}, isAtPlateau = false) => ({
  state: "converged" as const,
  isAtPlateau,
  fall: null,
  gain: { change, variance: 0, freedom: 0, expected: null, ...rest },
});

Deno.test("a cell's change is the mean of its runs', but for plateaus; its error is found of all that shows noise", () => {
  // Runs that lie 2 points apart, two spreads within fifths, and what examples let one expect, which counts for four.
  const cell = cellConvergence([
    of(0.03, { variance: 0.03 ** 2, freedom: 2, expected: 0.01 ** 2 }),
    of(0.05, { variance: 0.04 ** 2, freedom: 3, expected: 0.03 ** 2 }),
    of(0.5, {}, true),
  ]);
  assertAlmostEquals(cell.gain!.change, 0.04, 1e-12);
  const squares = 1 * 0.0002 + 2 * 0.0009 + 3 * 0.0016 + 4 * 0.0005;
  assertEquals(cell.gain!.freedom, 10);
  assertAlmostEquals(cell.gain!.error!, Math.sqrt(squares / 10 / 2), 1e-12);
  assertEquals([cell.runs, cell.fall], [3, null]);
  assertEquals(cellConvergence([of(0.5, {}, true)]).state, "converged");
  // What the study allows holds for the cell.
  const rising = [of(0.04), of(0.041)];
  const states = [0.01, 0.05].map((scoreGain) => cellConvergence(rising, { scoreGain }).state);
  assertEquals(states, ["climbing", "converged"]);
  assertEquals(cellConvergence([]).state, "failed");
  assertEquals(needsMoreSteps(cellConvergence(rising)), true);
});

Deno.test("a change that may be one that is allowed is noisy, and without an error it always is", () => {
  const spread = (change: number) => of(change, { variance: 1e-4, freedom: 20 });
  const four = (change: number) => Array.from({ length: 4 }, () => spread(change));
  // The error is half a point less what the runs agree in, so that 1.9 points are clearly more than one, and 1.3 are not.
  const found = [0.009, 0.013, 0.019].map((change) => cellConvergence(four(change)))
    .map(({ state, isNoisy }) => [state, isNoisy]);
  assertEquals(found, [["converged", false], ["climbing", true], ["climbing", false]]);
  assertEquals(cellConvergence([of(0.013)]).isNoisy, true);
  // A fall that is no noise counts, whatever the score does.
  const both = four(0.013).map((own) => ({ ...own, fall: { ...own.gain, change: 0.2 } }));
  assertEquals(cellConvergence(both).isNoisy, false);
});

/** The share of studies whose cell needs more steps: accuracies with a noise of a point that climb by so much a fifth. */
function gated(climb: number, { seeds = 3, fifth = 2, studies = 1000 } = {}): number {
  const next = noise(seeds);
  const evaluations = 5 * fifth;
  const early = Array.from(
    { length: studies },
    () =>
      needsMoreSteps(cellConvergence(Array.from({ length: seeds }, () => {
        const scores = Array.from(
          { length: evaluations },
          (_, i) => 0.7 + climb * i / fifth + 0.01 * next(),
        );
        return convergenceOf(run({ scores, happened: counted(500) }));
      }))),
  );
  return early.filter((isEarly) => isEarly).length / studies;
}

Deno.test("of flat cells of three seeds hardly one in twenty is gated, with one evaluation a fifth and with two", () => {
  for (const fifth of [1, 2]) {
    const share = gated(0, { fifth });
    assert(share < 0.065, `found ${share} with ${fifth} a fifth`);
  }
  assert(gated(0, { seeds: 6 }) < 0.02);
});

Deno.test("of cells that climb by two points a fifth, hardly one in ten is missed with two evaluations a fifth", () => {
  const share = gated(0.02);
  assert(share > 0.9, `found ${share}`);
  assert(gated(0.02, { seeds: 6 }) > 0.97);
});
