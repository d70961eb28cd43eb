/**
 * Studies whose scores are drawn: two labels on two tasks, as seeds differ on the embedded encoder.
 *
 * @module
 */
import type { RandomStream } from "../src/base/random.ts";
import type { RunRecord } from "../src/record/types.ts";
import type { ScoredRun } from "../src/analysis/claims/series.ts";
import type { ArmRun } from "../src/study/compare/arms.ts";
import type { ClaimOn, ClaimSays, ClaimsOfStudy } from "../src/study/schema/claims.ts";

/** What is claimed, and what is true. */
export interface SimulatedOptions {
  /** What is claimed of the first label beside the second. Default `better`. */
  readonly says?: ClaimSays;
  /** The bar of better and worse. Default the study's own default. */
  readonly betterThan?: 0 | "margin";
  /** Whether it is claimed of the average of both tasks or of each. Default the study's own default. */
  readonly on?: ClaimOn;
  /** Points by which the first label is better on each task. Default 0: both are the same method. */
  readonly points?: readonly [number, number];
  /** Seeds at most. Default 30. */
  readonly mostSeeds?: number;
}

/** A study with all its runs. */
export interface SimulatedStudy {
  readonly study: ClaimsOfStudy;
  readonly planned: readonly ArmRun[];
  readonly runs: readonly ScoredRun[];
}

/** Tasks with the spread of a run's score over initial weights alone, and over what both labels of a seed share. */
const tasks = [
  {
    name: "Acceptability",
    metric: "matthews",
    score: 0.61,
    own: 0.01,
    shared: 0.008,
    examples: 1000,
  },
  { name: "Topic", metric: "accuracy", score: 0.72, own: 0.01, shared: 0.005, examples: 1000 },
] as const;

/** What verdicts read of a record, with a score on one task. */
function recordOf(
  asked: { readonly task: string; readonly label: string; readonly seed: number },
  metric: string,
  score: number,
  examples: number,
): ScoredRun {
  const last = { step: 1, epoch: 1, split: "dev", loss: 0, metrics: { [metric]: score } };
  const happened = {
    outcome: { state: "finished" },
    primaryMetric: metric,
    keep: "last",
    best: last,
    last,
    examples: { train: 1000, splits: { dev: examples } },
  };
  return {
    record: { asked: { ...asked, budget: null }, happened } as unknown as Pick<
      RunRecord,
      "asked" | "happened"
    >,
  };
}

/** Draws the scores of a study that is swept to its end. */
export function simulatedStudy(
  stream: RandomStream,
  { says = "better", betterThan, on, points = [0, 0], mostSeeds = 30 }: SimulatedOptions = {},
): SimulatedStudy {
  const seeds = Array.from({ length: mostSeeds }, (_, i) => i + 1);
  const labels = ["a", "b"] as const;
  const runs = tasks.flatMap(({ name, metric, score, own, shared, examples }, task) =>
    seeds.flatMap((seed) => {
      const common = score + shared * stream.normal();
      return labels.map((label) => {
        const drawn = common + own * stream.normal() + (label === "a" ? points[task]! / 100 : 0);
        // Scores are shares of right answers.
        const rounded = metric === "accuracy" ? Math.round(drawn * examples) / examples : drawn;
        return recordOf({ task: name, label, seed }, metric, rounded, examples);
      });
    })
  );
  return {
    study: {
      claims: [{
        name: "a and b",
        says,
        ...(on === undefined ? {} : { on }),
        a: { method: "a" },
        b: { method: "b" },
      }],
      decide: { mostSeeds, ...(betterThan === undefined ? {} : { betterThan }) },
      axes: { seeds },
    },
    planned: runs.map(({ record: { asked } }) => ({
      ...asked,
      method: asked.label,
      settings: {},
    })),
    runs,
  };
}
