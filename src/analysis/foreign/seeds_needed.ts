/**
 * How many seeds tell a method from the baseline, by how far the seeds that are there differ.
 *
 * @module
 */
import { seedsForDifference } from "../../stats/power.ts";
import { spreadLimits } from "../../stats/spread.ts";
import { summarise } from "../../stats/statistics.ts";
import { taskMargin } from "../../study/schema/claims.ts";
import type { Basis } from "../basis.ts";
import { wantedPower } from "../claims/more_seeds.ts";
import { pairsOf } from "../pairs.ts";
import { type Cell, keyOf } from "../run_rows.ts";

/** A method beside the baseline on one task. */
export interface SeedsNeededRow extends Cell {
  readonly metric: string;
  /** Seeds that both have. */
  readonly n: number;
  readonly mean: number;
  /** Of the differences of seeds; null with fewer than two. */
  readonly sd: number | null;
  readonly margin: number;
  /** Seeds in all that tell a difference of one margin from none in 80 of 100 studies; null where the spread is not known. */
  readonly needed: number | null;
}

/** Level of the interval of a spread whose upper end seeds are planned with, as plans of studies have it. */
const spreadLevel = 0.6;

/** Seeds that tell a difference of one margin from none, where the differences of seeds have this spread, in margins. */
export function seedsForMargin(spread: number): number {
  return seedsForDifference(1, spread, { power: wantedPower });
}

/** Each method beside the baseline on each task. */
export function seedsNeeded({ rows, baseline, study }: Basis): readonly SeedsNeededRow[] {
  const pairs = pairsOf(
    rows.filter(({ label }) => label !== baseline),
    rows.filter(({ label }) => label === baseline),
  );
  const metrics = new Map(rows.map(({ task, metric }) => [task, metric]));
  return [...Map.groupBy(pairs, ({ task, label, budget }) => keyOf(task, label, budget)).values()]
    .map((own): SeedsNeededRow => {
      const { task, label, budget } = own[0]!;
      const margin = taskMargin(study, task);
      const { n, mean, sd } = summarise(own.map(({ difference }) => difference));
      const spread = sd === null || sd === 0 ? null : spreadLimits(sd, n - 1, spreadLevel).high;
      return {
        ...{ task, label, budget, metric: metrics.get(task)!, n, mean: mean!, sd, margin },
        needed: spread === null ? null : seedsForMargin(spread / margin),
      };
    });
}
