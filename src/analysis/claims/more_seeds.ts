/**
 * How many more seeds a claim that is undecided needs.
 *
 * @module
 */
import {
  differencePower,
  equivalencePower,
  seedsForDifference,
  seedsForEquivalence,
} from "../../stats/power.ts";
import { roundingSpread } from "../../stats/spread.ts";
import { summarise } from "../../stats/statistics.ts";
import { centreOf, lookLevel, powerSpread, type StoppingPlan } from "../../stats/stopping.ts";

/** The chance of a verdict that the number of seeds is to give. */
export const wantedPower = 0.8;

/** What is left to do. */
export interface MoreSeeds {
  /** Seeds in all with which 80 of 100 studies would decide; Infinity where none do. */
  readonly total: number;
  /** Whether the plan allows them. */
  readonly isWithinPlan: boolean;
  /** Whether that number was computed from a spread; otherwise it is the next look. */
  readonly isKnown: boolean;
}

/** A verdict that may come: its power at a look, and the seeds of one test. */
interface Candidate {
  readonly powerAt: (n: number, level: number) => number;
  /** The critical value of a look on one side. */
  readonly critical: (look: number) => number;
  readonly seeds: () => number;
}

/**
 * The seeds in all after which a claim is likely decided, if the mean and the spread so far are the true ones.
 *
 * Within the plan it is the first look at which one verdict has a power of 0.8 against the critical value of that look alone,
 * which earlier looks can only raise. Beyond it, the seeds of one test at the plan's level.
 *
 * @param differences In margins, one a seed, in the order of the seeds.
 */
export function moreSeeds(differences: readonly number[], plan: StoppingPlan): MoreSeeds {
  const { sd } = summarise(differences);
  const mean = differences.length === 0 ? null : centreOf(plan, differences);
  const next = plan.looks.find((n) => n > differences.length);
  const spread = sd === null ? 0 : Math.max(sd, roundingSpread(plan.resolution));
  if (mean === null || spread === 0) {
    return { total: next ?? Infinity, isWithinPlan: next !== undefined, isKnown: false };
  }
  return seedsToDecide(mean, spread, plan, differences.length);
}

/**
 * The seeds in all after which a claim is likely decided, for a true mean difference and a true spread of seeds' differences.
 *
 * @param mean In margins.
 * @param spread Standard deviation, in margins; above zero.
 * @param from Seeds that are there already. Default 0.
 */
export function seedsToDecide(
  mean: number,
  spread: number,
  plan: StoppingPlan,
  from = 0,
): MoreSeeds {
  const candidates = candidatesOf(mean, powerSpread(plan, spread), plan);
  const isLikely = (n: number, look: number) =>
    candidates.some(({ powerAt, critical }) => {
      const t = critical(look);
      return t !== Infinity && powerAt(n, lookLevel(plan, n, t)) >= wantedPower;
    });
  const look = plan.looks.findIndex((n, i) => n > from && isLikely(n, i));
  if (look >= 0) return { total: plan.looks[look]!, isWithinPlan: true, isKnown: true };
  const total = Math.max(plan.cap + 1, Math.min(...candidates.map(({ seeds }) => seeds())));
  return { total, isWithinPlan: false, isKnown: true };
}

/** The verdicts towards which the mean points. */
function candidatesOf(mean: number, sd: number, plan: StoppingPlan): readonly Candidate[] {
  const { margin, betterThan, question, level } = plan;
  const difference = (size: number): Candidate => ({
    powerAt: (n, level) => differencePower(n, size, sd, { level: 2 * level }),
    critical: (look) => plan.difference[look]!,
    seeds: () => seedsForDifference(size, sd, { level, power: wantedPower }),
  });
  if (question === "not worse") return [difference(mean + margin)];
  return [
    ...(Math.abs(mean) > betterThan ? [difference(Math.abs(mean) - betterThan)] : []),
    ...(Math.abs(mean) < margin
      ? [{
        powerAt: (n: number, level: number) => equivalencePower(n, margin, mean, sd, { level }),
        critical: (look: number) => plan.equivalence[look]!,
        seeds: () =>
          seedsForEquivalence(margin, sd, { level, difference: mean, power: wantedPower }),
      }]
      : []),
  ];
}
