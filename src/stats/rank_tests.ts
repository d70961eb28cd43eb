/**
 * Tests of several methods over common blocks by ranks alone: Friedman, Wilcoxon, and Holm's correction.
 *
 * No maintained package for JavaScript gives the exact distribution of the signed-rank statistic with ties, which is
 * what a handful of blocks needs; the golden numbers of the tests are SciPy's and statsmodels'.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { averageRanks } from "./statistics.ts";
import erfc from "@stdlib/math-base-special-erfc";
import gammainc from "@stdlib/math-base-special-gammainc";

/** The level below which a corrected p-value counts as a difference. */
export const significanceLevel = 0.05;

/** What Friedman's test says of all methods together. */
export interface FriedmanTest {
  /** χ² with the correction for ties. */
  readonly statistic: number;
  /** Methods − 1. */
  readonly freedom: number;
  /** Share of random orders that give at least this statistic. */
  readonly p: number;
}

const friedmanDraws = 5000;

/** Blocks above this number take the tail of χ², which is right to three digits there; as many random orders take minutes. */
const mostDrawnBlocks = 1000;

/**
 * Friedman's test (1937) that all methods are alike: `scores[block][method]`, higher or lower better alike.
 *
 * The statistic is corrected for ties (Conover 1999, section 5.8). p is the share of `draws` random orders within the
 * blocks that give at least this statistic (the observed order counted in), not the tail of χ²: that is off for few
 * blocks, and taken above a thousand. Null with fewer than two blocks or two methods, or where every block ties all methods.
 */
export function friedmanTest(
  scores: readonly (readonly number[])[],
  options: { readonly seed?: number; readonly draws?: number } = {},
): FriedmanTest | null {
  const n = scores.length;
  const k = scores[0]?.length ?? 0;
  if (n < 2 || k < 2) return null;
  const ranks = scores.map((block) => averageRanks(block));
  // Conover's A₁ − C₁: ties make it smaller, which is the correction.
  const spread = ranks.flat().reduce((sum, rank) => sum + (rank - (k + 1) / 2) ** 2, 0);
  if (spread === 0) return null;
  const between = (blocks: readonly (readonly number[])[]) => {
    let sum = 0;
    for (let method = 0; method < k; method++) {
      let total = -n * (k + 1) / 2;
      for (const block of blocks) total += block[method]!;
      sum += total * total;
    }
    return sum;
  };
  const observed = between(ranks);
  const statistic = (k - 1) * observed / spread;
  if (n > mostDrawnBlocks) {
    return { statistic, freedom: k - 1, p: gammainc(statistic / 2, (k - 1) / 2, true, true) };
  }
  const draws = options.draws ?? friedmanDraws;
  const stream = RandomStream.fromSeed(options.seed ?? 0).fork("friedman");
  const drawn = ranks.map((block) => [...block]);
  let atLeast = 1;
  for (let draw = 0; draw < draws; draw++) {
    for (const block of drawn) shuffle(block, stream);
    // Totals are halves of whole numbers: the margin only takes up rounding.
    if (between(drawn) >= observed - 1e-6) atLeast++;
  }
  return { statistic, freedom: k - 1, p: atLeast / (draws + 1) };
}

function shuffle(values: number[], stream: RandomStream): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = stream.int(i + 1);
    const held = values[i]!;
    values[i] = values[j]!;
    values[j] = held;
  }
}

/** What the signed-rank test says of two methods. */
export interface SignedRankTest {
  /** Differences that are not zero. */
  readonly n: number;
  /** Sum of the ranks of the positive differences. */
  readonly positive: number;
  /** Two-sided; never 0. */
  readonly p: number;
}

/**
 * Differences above this number take the normal approximation: 17 methods compare in 136 pairs, and an exact p of 200
 * differences with ties takes 3 ms, one of 1,000 a quarter of a second.
 */
const mostExact = 200;

/**
 * Wilcoxon's signed-rank test (1945) that paired differences are as often and as far above zero as below, two-sided.
 *
 * Zeros are left out, equal sizes share their average rank, and p is exact given those ranks (all 2ⁿ signs); above 200
 * differences it is the normal approximation with the correction for ties, which is 4 % too large at three deviations
 * and 200 differences. Differences are compared to ten digits, so
 * that rounding neither makes nor breaks ties.
 */
export function signedRankTest(differences: readonly number[]): SignedRankTest {
  const largest = differences.reduce((most, d) => Math.max(most, Math.abs(d)), 0);
  const kept = differences.filter((d) => Math.abs(d) > 1e-12 * Math.max(1, largest));
  const n = kept.length;
  const ranks = averageRanks(kept.map((d) => Number(Math.abs(d).toPrecision(10))));
  const positive = kept.reduce((sum, d, i) => sum + (d > 0 ? ranks[i]! : 0), 0);
  const p = n > mostExact ? normalP(ranks, positive) : exactP(ranks, positive);
  // Smaller numbers than the smallest are no reason to say that something is impossible.
  return { n, positive, p: Math.min(1, Math.max(p, Number.MIN_VALUE)) };
}

/** Twice the smaller tail of the sum of `ranks` with random signs, counted out. */
function exactP(ranks: readonly number[], positive: number): number {
  // Average ranks are halves, so twice a rank is whole.
  const unit = ranks.every(Number.isInteger) ? 1 : 0.5;
  const sizes = ranks.map((rank) => rank / unit).sort((a, b) => a - b);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  // The distribution is symmetric, so the smaller tail is the lower one of the smaller sum.
  const smaller = Math.min(positive / unit, total - positive / unit);
  // How many signs give each sum: at most 2ⁿ, and sums of positive numbers keep all digits of the smallest.
  const ways = new Float64Array(smaller + 1);
  ways[0] = 1;
  let reach = 0;
  for (const size of sizes) {
    reach = Math.min(smaller, reach + size);
    for (let sum = reach; sum >= size; sum--) ways[sum]! += ways[sum - size]!;
  }
  return ways.reduce((sum, count) => sum + count, 0) * 2 ** (1 - ranks.length);
}

function normalP(ranks: readonly number[], positive: number): number {
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / 2;
  const deviation = Math.sqrt(ranks.reduce((sum, rank) => sum + rank * rank, 0)) / 2;
  return erfc(Math.abs(positive - mean) / deviation / Math.SQRT2);
}

/**
 * Holm's step-down correction (1979): p-values that may each be held against one level, whatever their number.
 *
 * @param mostTrue How many of the null hypotheses can be true together, where logic allows fewer than all: no factor exceeds
 * it (Shaffer, JASA 81, 1986, procedure S1). Default all.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { holm } from "./rank_tests.ts";
 * assertEquals(holm([0.5, 0.125, 0.25]), [0.5, 0.375, 0.5]);
 * ```
 */
export function holm(ps: readonly number[], mostTrue = ps.length): number[] {
  const order = ps.map((_, i) => i).sort((a, b) => ps[a]! - ps[b]!);
  const corrected = new Array<number>(ps.length).fill(1);
  let largest = 0;
  for (const [place, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, Math.min(ps.length - place, mostTrue) * ps[i]!));
    corrected[i] = largest;
  }
  return corrected;
}

/** The smallest p that Holm leaves of `comparisons` signed-rank tests over `blocks`, when one method wins every block. */
export function leastCorrectedP(blocks: number, comparisons: number): number {
  return Math.min(1, comparisons * 2 ** (1 - blocks));
}

/** Blocks from which {@linkcode leastCorrectedP} lies below the level. */
export function fewestBlocks(comparisons: number, level = significanceLevel): number {
  let blocks = 1;
  while (leastCorrectedP(blocks, comparisons) >= level) blocks++;
  return blocks;
}

/** p-values, or what the correction left of them. */
export interface TestFamily {
  /** Contrasts that claims are about, declared beforehand. */
  readonly primary: readonly number[];
  /** Everything else that is tested. */
  readonly secondary: readonly number[];
  /**
   * How many secondary null hypotheses can be true together, where that is fewer than all. A pair of methods cannot have no
   * difference and one beyond a margin, so its two tests count once. Default all.
   */
  readonly mostTrue?: number;
}

/**
 * Corrects a family so that the chance of any false positive, primary or secondary, is at most one level.
 *
 * Primary contrasts are corrected by Holm for their own number alone, as if nothing else were tested. Secondary ones may
 * count only if every primary one does: a serial gatekeeper (Westfall and Krishen, Journal of Statistical Planning and
 * Inference 99, 2001; Dmitrienko et al. 2009, section 5.3). So their p-values are corrected by Holm for their number and
 * are at least the largest of the primary ones. Without primary contrasts all are corrected together.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { correctFamily } from "./rank_tests.ts";
 * assertEquals(correctFamily({ primary: [0.25], secondary: [0.125, 0.0625] }), {
 *   primary: [0.25],
 *   secondary: [0.25, 0.25],
 * });
 * ```
 */
export function correctFamily(family: TestFamily): TestFamily {
  const primary = holm(family.primary);
  const gate = Math.max(0, ...primary);
  return {
    primary,
    secondary: holm(family.secondary, family.mostTrue).map((p) => Math.max(p, gate)),
  };
}

/** Whether the gate to the secondary contrasts is open: every primary one is significant. */
export function isGateOpen(corrected: TestFamily, level: number = significanceLevel): boolean {
  return corrected.primary.every((p) => p < level);
}
