/**
 * Studies with claims and scores by hand, in as few records as verdicts need.
 *
 * @module
 */
import type { ScoredRun } from "../../../src/analysis/claims/series.ts";
import type { ImprovingCell, RunChecks } from "../../../src/analysis/claims/gates.ts";
import { cellTitle } from "../../../src/study/grid/run_id.ts";
import { type ClaimVerdict, verdictsOf } from "../../../src/analysis/claims/verdict.ts";
import type { ArmRun } from "../../../src/study/compare/arms.ts";
import type { Claim, ClaimsOfStudy } from "../../../src/study/schema/claims.ts";
import { scoredStudy } from "../scored_study.ts";

/** A study by its scores. */
export interface ClaimedOptions {
  readonly claims: readonly Claim[];
  readonly rest?: Partial<Omit<ClaimsOfStudy, "claims" | "axes">>;
  /** Default one task `t` evaluated by matthews, of which no smallest step is known. */
  readonly tasks?: readonly (readonly [name: string, metric: string])[];
  /** Default `lora` and `ours`. */
  readonly labels?: readonly string[];
  /** Default none. */
  readonly budgets?: readonly (number | null)[];
  /** Seeds that are asked for, from 1. */
  readonly seeds: number;
  /** Scores; null for a run that failed, undefined for one that was not made. */
  readonly score: (place: Place) => number | null | undefined;
}

/** The place of a run. */
export interface Place {
  readonly task: string;
  readonly label: string;
  readonly budget: number | null;
  readonly seed: number;
}

/** What verdicts are made of. */
export interface Claimed {
  readonly study: ClaimsOfStudy;
  readonly planned: readonly ArmRun[];
  readonly runs: readonly ScoredRun[];
}

const template = scoredStudy({ labels: ["lora"], seeds: [1], score: () => 0.5 }).runs[0]!.record;

/** The study, what it asks for and what was recorded. */
export function claimedStudy(options: ClaimedOptions): Claimed {
  const { tasks = [["t", "matthews"]], labels = ["lora", "ours"], budgets = [null] } = options;
  const seeds = Array.from({ length: options.seeds }, (_, i) => i + 1);
  const places = tasks.flatMap(([task, metric]) =>
    labels.flatMap((label) =>
      budgets.flatMap((budget) => seeds.map((seed) => ({ task, metric, label, budget, seed })))
    )
  );
  const runs = places.map(({ metric, budget, ...place }) => {
    const asked = {
      ...template.asked,
      ...place,
      method: place.label,
      budget: budget === null ? null : { type: "rank" as const, value: budget },
    };
    return { asked, metric, score: options.score({ ...place, budget }) };
  });
  return {
    study: { ...options.rest, claims: options.claims, axes: { seeds } },
    planned: runs.map(({ asked }) => ({ ...asked, settings: {} })),
    runs: runs.flatMap(({ asked, metric, score }): readonly ScoredRun[] => {
      if (score === undefined) return [];
      const last = { ...template.happened.last!, metrics: { [metric]: score ?? 0 } };
      const failed = { state: "failed", cause: "diverged", message: "NaN", step: 3 } as const;
      const outcome = score === null ? failed : template.happened.outcome;
      const happened = {
        ...template.happened,
        primaryMetric: metric,
        keep: "last" as const,
        examples: { train: 2000, splits: { [last.split]: 500 } },
        best: last,
        last,
        outcome,
      };
      return [{ record: { asked, happened } }];
    }),
  };
}

/** A claim that the label `ours` is better than `lora`, with what is given laid over it. */
export function claimOf(rest: Partial<Claim> = {}): Claim {
  return { name: "ours", says: "better", a: { method: "ours" }, b: { method: "lora" }, ...rest };
}

/** The cells of some runs, as if they all were still improving. */
export function improvingCells(
  runs: readonly ScoredRun[],
  isNoisy = false,
): readonly ImprovingCell[] {
  return [...new Set(runs.map(({ record }) => cellTitle(record.asked)))]
    .map((title) => ({ title, isNoisy }));
}

/** The verdicts of a study. */
export function verdictsOn(
  { study, planned, runs }: Claimed,
  checks: RunChecks<ScoredRun> = {},
): readonly ClaimVerdict[] {
  return verdictsOf(study, planned, runs, checks);
}
