/**
 * Paired differences of two methods, one a seed: what they say by themselves, and the verdict after the correction.
 *
 * @module
 */
import { meritOf } from "../tasks/metrics.ts";
import { type Pair, seedDifferences, type Unit } from "./pairs.ts";
import { bayesTTest, type Odds } from "../stats/bayes.ts";
import { isNoSpread, summarise, type Summary } from "../stats/statistics.ts";
import { hedgesG } from "../stats/effects.ts";
import { equivalenceTest } from "../stats/power.ts";
import { significanceLevel } from "../stats/rank_tests.ts";
import { centralProbability } from "../stats/distributions.ts";
import { differenceVerdict, type NoVerdict, type Verdict } from "./verdict.ts";

/** Differences with what they say before any correction. */
export interface Contrast extends Summary {
  /** Half of the region of practical equivalence, in units of the differences. */
  readonly margin: number;
  /** Chances that the true mean lies above, within and below the region; null with fewer than two differences. */
  readonly odds: Odds | null;
  /** Hedges' g; null with fewer than two differences, or with equal ones. */
  readonly effect: number | null;
  /** Two-sided p of the paired t test; null where there is nothing to test. */
  readonly p: number | null;
  /** p of the two one-sided tests that the mean lies within the region; null where there is nothing to test. */
  readonly pEquivalent: number | null;
  /** Why there is no verdict whatever the difference is; null where there may be one. */
  readonly noVerdict: NoVerdict | null;
}

/** A contrast after the correction for all that the report tests. */
export interface Decided {
  /** {@linkcode Contrast.p}, corrected. */
  readonly corrected: number | null;
  /** {@linkcode Contrast.pEquivalent}, corrected. */
  readonly correctedEquivalent: number | null;
  /** Equivalence comes first: a difference that is there but smaller than the margin is called equivalent. */
  readonly verdict: Verdict;
}

/** What pairs say in a unit: one difference a seed. */
export function contrastOf(
  pairs: readonly Pair[],
  unit: Unit,
  noVerdict: Contrast["noVerdict"],
): Contrast {
  const { margin, metric } = unit;
  const differences = seedDifferences(pairs, unit);
  const turned = differences.map((difference) => meritOf(metric, difference));
  const summary = summarise(differences);
  const { n, mean, sd } = summary;
  const isTestable = mean !== null && sd !== null && noVerdict === null;
  // Rounding leaves a few ulps of spread between differences that are equal in truth: there is nothing to test.
  const isSame = isTestable && hasNoSpread(sd, mean, differences);
  return {
    ...summary,
    margin,
    noVerdict,
    odds: noVerdict !== null ? null : bayesTTest(turned, margin),
    effect: noVerdict !== null || isSame ? null : hedgesG(turned),
    p: !isTestable
      ? null
      : isSame
      ? (mean === 0 ? 1 : null)
      : 1 - centralProbability(mean / (sd / Math.sqrt(n)), n - 1),
    pEquivalent: isTestable && !isSame ? equivalenceTest(turned, margin)?.p ?? null : null,
  };
}

function hasNoSpread(sd: number, mean: number, differences: readonly number[]): boolean {
  return isNoSpread(sd, differences) || sd <= 1e-12 * Math.max(1, Math.abs(mean));
}

/** The verdict on a contrast, from its corrected p-values. */
export function verdictOf(
  { n, mean, sd, noVerdict }: Contrast,
  { corrected, correctedEquivalent }: Omit<Decided, "verdict">,
  isHigherBetter: boolean,
): Verdict {
  const untested = (reason: Verdict["reason"]): Verdict => ({ kind: "untested", reason });
  if (n === 0 || mean === null) return untested("no pairs");
  if (noVerdict !== null) return { kind: "void", reason: noVerdict };
  if (n === 1 || sd === null) return untested("one pair only");
  if (sd <= 1e-12 * Math.max(1, Math.abs(mean))) return untested("same in every pair");
  return correctedEquivalent !== null && correctedEquivalent < significanceLevel
    ? { kind: "equivalent", reason: null }
    : differenceVerdict(corrected, (mean > 0) === isHigherBetter);
}
