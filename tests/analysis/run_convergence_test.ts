import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import {
  cellConvergence,
  type Convergence,
  convergenceOf,
  type ConvergenceSource,
  lateChange,
  lossFall,
  needsMoreSteps,
} from "../../src/analysis/run_convergence.ts";
import type { RecordedResult } from "../../src/record/types.ts";

/** Normal numbers of a named stream. */
function noise(seed: number): () => number {
  const stream = RandomStream.fromSeed(seed).fork("noise");
  return () => stream.normal();
}

interface Shape {
  readonly steps: number;
  /** By the share of the run that is done. */
  readonly lossAt?: (done: number) => number;
  readonly scores?: readonly number[];
  readonly happened?: Partial<RecordedResult>;
  readonly split?: string;
}

/** A run whose scores are found at equal distances, the last one at its end. */
function run({ steps, lossAt, scores = [], happened, split = "dev" }: Shape): ConvergenceSource {
  const evaluations = scores.map((accuracy, i) => ({
    step: steps * (i + 1) / scores.length,
    split,
    metrics: { accuracy },
  }));
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
    steps: lossAt === undefined
      ? []
      : Array.from({ length: steps }, (_, i) => ({ step: i + 1, loss: lossAt((i + 1) / steps) })),
    evaluations,
  };
}

Deno.test("a run whose loss and score stay in the last fifth has converged", () => {
  const flat = run({ steps: 100, lossAt: () => 0.4, scores: [0.5, 0.7, 0.8, 0.81, 0.81] });
  assertEquals(convergenceOf(flat).state, "converged");
});

Deno.test("a score that rises by more than a point over the last fifth still climbs", () => {
  // AdaLoRA's curve on CoLA after epochs 3, 4 and 5, and LoRA's.
  const climbing = run({ steps: 100, scores: [0, 0.05, 0.091, 0.185, 0.226] });
  const { state, score } = convergenceOf(climbing);
  assertEquals(state, "climbing");
  assertAlmostEquals(score!.change, 0.041, 1e-12);
  assertEquals(
    convergenceOf(run({ steps: 100, scores: [0, 0.2, 0.251, 0.266, 0.269] })).state,
    "converged",
  );
});

Deno.test("a gain is that of a fifth, also where evaluations lie further apart", () => {
  const halves = run({ steps: 100, scores: [0.5, 0.52] });
  assertAlmostEquals(convergenceOf(halves).score!.change, 0.02 * 0.4, 1e-12);
  assertEquals(convergenceOf(halves).state, "converged");
});

Deno.test("a log loss that falls over the last fifth still climbs, and one that rises does not", () => {
  const of = (scores: readonly number[]) => {
    const made = run({ steps: 100, scores, happened: { primaryMetric: "logLoss" } });
    const evaluations = made.evaluations.map((line) => ({
      ...line,
      metrics: { logLoss: line.metrics["accuracy"]! },
    }));
    return convergenceOf({ ...made, evaluations });
  };
  const falling = of([0.7, 0.6, 0.5, 0.4, 0.3]);
  assertEquals(falling.state, "climbing");
  assertAlmostEquals(falling.score!.change, 0.1, 1e-12);
  assertEquals([falling.score!.before, falling.score!.after], [0.4, 0.3]);
  assertEquals(of([0.3, 0.3, 0.3, 0.4, 0.5]).state, "converged");
});

Deno.test("of a metric without bound the gain and its noise are shares of the score, whatever its units are", () => {
  const of = (primaryMetric: string, scores: readonly number[], count: number) => {
    const examples = { train: 1, splits: { dev: count } };
    const made = run({ steps: 100, scores, happened: { primaryMetric, examples } });
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
      // By 0.5 %, and by 5 %: √(0.1/n) of the score is noise, 2 % for 200 examples and 0.2 % for 20,000.
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
  const of = (count: number) =>
    convergenceOf(
      run({ steps: 100, scores, happened: { examples: { train: 1, splits: { dev: count } } } }),
    )
      .state;
  assertEquals([of(100), of(2000)], ["converged", "climbing"]);
});

Deno.test("the held-out share is looked at where there is one", () => {
  const dev = run({ steps: 100, scores: [0.5, 0.6, 0.7, 0.8, 0.9] });
  const heldOut = run({ steps: 100, scores: [0.5, 0.6, 0.7, 0.7, 0.7], split: "held_out" });
  const both = { ...dev, evaluations: [...dev.evaluations, ...heldOut.evaluations] };
  assertEquals(convergenceOf(both).score!.split, "held_out");
  assertEquals(convergenceOf(both).state, "converged");
});

Deno.test("a loss that falls by more than the share is falling, whatever the noise of batches hides", () => {
  const next = noise(1);
  const falling = run({ steps: 2000, lossAt: (done) => 1 - 0.6 * done + 0.1 * next() });
  const { state, loss } = convergenceOf(falling);
  assertEquals(state, "falling");
  // From the middle of the fourth fifth (0.58) to that of the last (0.46).
  assertAlmostEquals(lossFall(loss!).change, 0.12 / 0.58, 0.02);
  assertEquals(convergenceOf(falling, { lossShare: 0.5 }).state, "converged");
});

Deno.test("of runs whose noisy loss stays, hardly one in a hundred is taken for falling", () => {
  const states = Array.from({ length: 200 }, (_, seed) => {
    const next = noise(seed);
    return convergenceOf(run({ steps: 300, lossAt: () => 0.4 + 0.25 * next() })).state;
  });
  const early = states.filter((state) => state === "falling").length;
  assert(early <= 4, `found ${early} of 200`);
});

Deno.test("the error of a late change is that of two means", () => {
  const points = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((step) => ({ step, value: step % 2 }));
  const { before, after, change, error } = lateChange(points, 10)!;
  assertEquals([before, after, change], [0.5, 0.5, 0]);
  // Two values a fifth, 0 and 1: each mean has the variance 0.5 / 2.
  assertAlmostEquals(error!, Math.sqrt(0.25 + 0.25), 1e-12);
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
  assertAlmostEquals(own.error!, Math.sqrt(2 / 2 + 1 / 3) * 0.8, 1e-12);
  // A known variance counts where it is larger, as that of the shorter fifth's mean.
  const errorOf = (variance: number) => lateChange(points, 20, { variance })!.error!;
  assertAlmostEquals(errorOf(12), Math.sqrt(12 / 2) * 0.8, 1e-12);
  assertAlmostEquals(errorOf(1), own.error!, 1e-12);
  assertEquals(lateChange(points, 20, { isFilled: true }), own);
});

Deno.test("a single value has no error but a known one, and an earlier value fills a fifth where it may", () => {
  for (const points of [pointsOf([13, 1], [14, 2], [20, 3]), pointsOf([13, 1], [18, 2], [20, 3])]) {
    assertEquals(lateChange(points, 20)!.error, null);
    assert(lateChange(points, 20, { variance: 1e-6 })!.error! > 0);
  }
  assertEquals(lateChange(pointsOf([17, 1], [18, 2]), 20), null);
  const far = pointsOf([5, 1], [9, 4], [18, 5]);
  assertEquals(lateChange(far, 20), null);
  const { before, change, error } = lateChange(far, 20, { isFilled: true })!;
  assertEquals([before, change, error], [4, 4 / 9, null]);
});

Deno.test("a fall is a share of the loss before it, and none where that is zero", () => {
  const shares = lossFall({ before: 0.5, after: 0.4, change: -0.1, error: 0.05 });
  assertEquals(shares, { change: 0.2, error: 0.1 });
  assertEquals(lossFall({ before: 0.5, after: 0, change: -0.5, error: null }).error, null);
  assertEquals(lossFall({ before: 0, after: 1, change: 1, error: 1 }), { change: 0, error: null });
});

Deno.test("answers are counted by the record, else by the predictions of the split", () => {
  const scores = [0.5, 0.55, 0.6, 0.61, 0.64];
  const plain = run({ steps: 100, scores });
  const predictions = ["dev", "train", "dev", "dev", "dev"].map((split) => ({ split }));
  const errorOf = (source: ConvergenceSource) => convergenceOf(source).score!.error;
  // One answer in ten changes by chance, of four.
  assertAlmostEquals(errorOf({ ...plain, predictions })!, Math.sqrt(0.1 / 4), 1e-12);
  const happened = { examples: { train: 1, splits: { dev: 10 } } };
  assertAlmostEquals(
    errorOf({ ...run({ steps: 100, scores, happened }), predictions })!,
    0.1,
    1e-12,
  );
  assertEquals([errorOf(plain), errorOf({ ...plain, predictions: [] })], [null, null]);
});

Deno.test("a run of 25 steps has enough for a change of its loss", () => {
  const at = (steps: number) => convergenceOf(run({ steps, lossAt: (done) => 2 - done })).state;
  assertEquals([at(24), at(25)], ["unknown", "falling"]);
});

Deno.test("what cannot be told is unknown, and a failed run is apart", () => {
  assertEquals(
    convergenceOf(run({ steps: 10, lossAt: (done) => 1 - done, scores: [0.5] })).state,
    "unknown",
  );
  const failed = { outcome: { state: "failed", cause: "diverged", message: "", step: 3 } } as const;
  assertEquals(
    convergenceOf(run({ steps: 100, lossAt: () => 1, happened: failed })).state,
    "failed",
  );
});

Deno.test("a run that its plateau ended has converged by the rule that it was given", () => {
  const shape: Shape = { steps: 1000, lossAt: (done) => 1 - 0.6 * done };
  assertEquals(convergenceOf(run({ ...shape, happened: { ended: "plateau" } })).state, "converged");
  assertEquals(convergenceOf(run({ ...shape, happened: { ended: "cap" } })).state, "falling");
});

Deno.test("each stage of a sequence has an end of its own", () => {
  const stages = [0, 500].map((firstStep) => ({ task: "a", classes: 2, firstStep, steps: 500 }));
  const happened = { sequence: { stages } as unknown as NonNullable<RecordedResult["sequence"]> };
  // It falls at the end of the first stage alone.
  const lossAt = (done: number) => done <= 0.5 ? 2 - 3 * done : 0.5;
  assertEquals(convergenceOf(run({ steps: 1000, lossAt, happened })).state, "falling");
  assertEquals(convergenceOf(run({ steps: 1000, lossAt: () => 0.5, happened })).state, "converged");
  // Only the second falls; then neither does, although the second begins lower.
  const second = (done: number) => done <= 0.5 ? 2 : 2.5 - done;
  assertEquals(convergenceOf(run({ steps: 1000, lossAt: second, happened })).state, "falling");
  const lower = (done: number) => done <= 0.5 ? 2 : 1;
  const apart = convergenceOf(
    run({ steps: 1000, lossAt: lower, scores: [0, 0, 0, 0.5, 1], happened }),
  );
  assertEquals([apart.state, apart.score], ["converged", null]);
});

Deno.test("a cell's change is the mean of its runs', with an error where all have one, but for plateaus", () => {
  const of = (change: number, error: number | null, isAtPlateau = false): Convergence => ({
    state: "converged",
    isAtPlateau,
    loss: null,
    score: { split: "dev", before: 0, after: change, change, error, unit: 1 },
  });
  const cell = cellConvergence([of(0.03, 0.03), of(0.05, 0.04), of(0.5, 0.1, true)]);
  assertAlmostEquals(cell.gain!.change, 0.04, 1e-12);
  // √(0.03² + 0.04²) / 2
  assertAlmostEquals(cell.gain!.error!, 0.025, 1e-12);
  assertEquals([cell.runs, cell.fall], [3, null]);
  assertEquals(cellConvergence([of(0.03, 0.03), of(0.05, null)]).gain!.error, null);
  assertEquals(cellConvergence([of(0.5, 0.1, true)]).state, "converged");
  // What the study allows holds for the cell too.
  const rising = [of(0.04, 0.001), of(0.04, 0.001)];
  const states = [0.01, 0.05].map((scoreGain) => cellConvergence(rising, { scoreGain }).state);
  assertEquals(states, ["climbing", "converged"]);
});

Deno.test("the runs of a cell tell together what each alone leaves in noise", () => {
  const own = Array.from({ length: 8 }, (_, seed) => {
    const next = noise(seed);
    return convergenceOf(run({ steps: 400, lossAt: (done) => 0.7 - 0.5 * done + 0.3 * next() }));
  });
  const cell = cellConvergence(own);
  assertEquals(cell.state, "falling");
  assert(cell.early < own.length, `found that each run tells alone`);
  assertAlmostEquals(cell.fall!.change, 0.1 / 0.35, 0.12);
});

Deno.test("a cell needs more steps where more than one in five of its runs do", () => {
  const flat = convergenceOf(run({ steps: 100, scores: [0.5, 0.7, 0.8, 0.8, 0.8] }));
  const climbing = convergenceOf(run({ steps: 100, scores: [0.5, 0.7, 0.8, 0.8, 0.82] }));
  const down = convergenceOf(run({ steps: 100, scores: [0.5, 0.7, 0.8, 0.8, 0.77] }));
  assertEquals(cellConvergence([flat, flat, climbing, down]).state, "climbing");
  assertEquals(cellConvergence([flat, flat, flat, climbing, down]).state, "converged");
  assertEquals(cellConvergence([flat, flat, flat, climbing, down]).early, 1);
  // Runs that failed are no runs of the five.
  const outcome = { state: "failed", cause: "diverged", message: "", step: 9 } as const;
  const failed = convergenceOf(run({ steps: 100, happened: { outcome } }));
  const cell = cellConvergence([flat, flat, climbing, down, failed]);
  assertEquals([cell.state, cell.runs], ["climbing", 4]);
  assertEquals(cellConvergence([]).state, "failed");
  assertEquals(needsMoreSteps(cellConvergence([climbing])), true);
});
