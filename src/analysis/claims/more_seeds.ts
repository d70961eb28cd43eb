/**
 * How many more seeds a claim that is undecided needs.
 *
 * @module
 */
import { differencePower, equivalencePower, fewestSeeds } from "../../stats/power.ts";
import { roundingSpread } from "../../stats/spread.ts";
import { type ExampleNoise, twoWayHalf } from "../../stats/two_way.ts";
import { summarise } from "../../stats/statistics.ts";
import { centreOf, lookLevel, powerSpread, type StoppingPlan } from "../../stats/stopping.ts";
import { upperProbability, upperQuantile } from "../../stats/distributions.ts";

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

/** A verdict that may come. */
interface Candidate {
  /** Its power by one test after n seeds, with the chance `tail` on one side. */
  readonly powerAt: (n: number, tail: number) => number;
  /** The critical value of a look on one side. */
  readonly critical: (look: number) => number;
  /** The chance on one side of one test at the plan's level. */
  readonly tail: number;
}

/**
 * The seeds in all after which a claim is likely decided, if the mean and the spread so far are the true ones.
 *
 * Within the plan it is the first look at which one verdict has a power of 0.8 against the critical value of that look alone,
 * which earlier looks can only raise. Beyond it, the seeds of one test at the plan's level.
 *
 * @param differences In margins, one a seed, in the order of the seeds.
 * @param noise Of the examples, for a claim over these too. Default: none.
 */
export function moreSeeds(
  differences: readonly number[],
  plan: StoppingPlan,
  noise: ExampleNoise = { variance: 0, freedom: 1 },
): MoreSeeds {
  const { sd } = summarise(differences);
  const mean = differences.length === 0 ? null : centreOf(plan, differences);
  const next = plan.looks.find((n) => n > differences.length);
  const spread = sd === null ? 0 : Math.max(sd, roundingSpread(plan.resolution));
  if (mean === null || spread === 0) {
    return { total: next ?? Infinity, isWithinPlan: next !== undefined, isKnown: false };
  }
  return seedsToDecide(mean, spread, plan, differences.length, noise);
}

/**
 * The seeds in all after which a claim is likely decided, for a true mean difference and a true spread of seeds' differences.
 *
 * @param mean In margins.
 * @param spread Standard deviation, in margins; above zero.
 * @param from Seeds that are there already. Default 0.
 * @param noise Of the examples, which no number of seeds makes less. Default: none.
 */
export function seedsToDecide(
  mean: number,
  spread: number,
  plan: StoppingPlan,
  from = 0,
  noise: ExampleNoise = { variance: 0, freedom: 1 },
): MoreSeeds {
  const sd = powerSpread(plan, spread);
  const candidates = candidatesOf(mean, sd, plan);
  // On these examples the mean varies by seeds alone: what other examples would change is a wider bar.
  const levelAt = (n: number, tail: number) => {
    if (noise.variance === 0) return tail;
    const error = sd / Math.sqrt(n);
    const half = twoWayHalf(upperQuantile(tail, n - 1) * error, tail, noise);
    return upperProbability(half / error, n - 1);
  };
  const powerOf = ({ powerAt }: Candidate, n: number, tail: number) => {
    const level = levelAt(n, tail);
    return level === 0 ? 0 : powerAt(n, level);
  };
  const look = plan.looks.findIndex((n, i) =>
    n > from && candidates.some((candidate) => {
      const t = candidate.critical(i);
      return t !== Infinity && powerOf(candidate, n, lookLevel(plan, n, t)) >= wantedPower;
    })
  );
  if (look >= 0) return { total: plan.looks[look]!, isWithinPlan: true, isKnown: true };
  const enough = candidates.map((candidate) =>
    fewestSeeds((n) => powerOf(candidate, n, candidate.tail), { power: wantedPower })
  );
  return { total: Math.max(plan.cap + 1, Math.min(...enough)), isWithinPlan: false, isKnown: true };
}

/** The verdicts towards which the mean points. */
function candidatesOf(mean: number, sd: number, plan: StoppingPlan): readonly Candidate[] {
  const { margin, betterThan, question, level } = plan;
  const difference = (size: number): Candidate => ({
    powerAt: (n, tail) => differencePower(n, size, sd, { level: 2 * tail }),
    critical: (look) => plan.difference[look]!,
    tail: level / 2,
  });
  if (question === "not worse") return [difference(mean + margin)];
  return [
    ...(Math.abs(mean) > betterThan ? [difference(Math.abs(mean) - betterThan)] : []),
    ...(Math.abs(mean) < margin
      ? [{
        powerAt: (n: number, tail: number) =>
          equivalencePower(n, margin, mean, sd, { level: tail }),
        critical: (look: number) => plan.equivalence[look]!,
        tail: level,
      }]
      : []),
  ];
}
