/**
 * Alpha spending: critical values of the t test for studies that are looked at several times.
 *
 * @module
 */
import {
  normalUpper,
  normalUpperQuantile,
  upperProbability,
  upperQuantile,
} from "./distributions.ts";

/**
 * How fast the chance of a false verdict is used up: `obrien-fleming` keeps nearly all for the end, `pocock` spends
 * about evenly.
 */
export type Spending = "obrien-fleming" | "pocock";

/**
 * The chance of a false verdict spent when a share of the seeds is there, for a one-sided test at `level`.
 *
 * Lan and DeMets, Biometrika 70 (1983): 2 − 2Φ(z(level / 2) / √share), and level · ln(1 + (e − 1) share).
 *
 * @param share Seeds seen over the most that there may be, from 0 to 1.
 */
export function spentLevel(spending: Spending, share: number, level: number): number {
  const seen = Math.min(1, share);
  return spending === "pocock"
    ? level * Math.log1p((Math.E - 1) * seen)
    : 2 * normalUpper(normalUpperQuantile(level / 2) / Math.sqrt(seen));
}

/** When a study is looked at, and what its looks may cost. */
export interface LookPlan {
  /** Seeds at each look, ascending, from 2. */
  readonly looks: readonly number[];
  /** The most seeds there may be: where all of the level is spent. Default: the last look. */
  readonly cap?: number;
  /** Chance of a false rejection over all looks, on each side that is tested. */
  readonly level: number;
  /** Sides that end the study: 1 or 2. */
  readonly sides: 1 | 2;
  /** How the level is spent. Default `obrien-fleming`. */
  readonly spending?: Spending;
}

/** Less than this is kept for the next look: critical values beyond it are of no use. */
const leastSpent = 1e-7;

/**
 * Critical values of |t| (two sides) or t (one side), one a look, that keep the level exactly for normal values of
 * unknown spread; Infinity where a look has nothing to spend.
 *
 * Boundaries for known variance, read as t quantiles (Pocock 1977), reject 5.2 to 5.6 of 100 true nulls instead of 5
 * with 3 to 60 values. These are exact, because of two facts. The t statistic after k values is a function of
 * u = Σx / √Σx². And the next value over √Σx² is Student's t with k degrees of freedom over √k, independent of all
 * u so far, since these do not depend on the scale and Σx² is a complete statistic of it (Basu). So u is a Markov chain
 * in one dimension, and its distribution among the studies still open is carried from seed to seed on a grid, as
 * Armitage, McPherson and Rowe (1969) do for known variance.
 *
 * @throws RangeError where the looks do not ascend from 2 or exceed the cap.
 */
export function criticalValues(plan: LookPlan): readonly number[] {
  const { looks, level, sides, spending = "obrien-fleming" } = plan;
  const cap = plan.cap ?? looks.at(-1) ?? 0;
  assertLooks(looks, cap);
  const found: number[] = [];
  let spent = 0;
  let open: Open | null = null;
  for (const [i, n] of looks.entries()) {
    const wanted = spentLevel(spending, n / cap, level) - spent;
    open = open === null ? start(n) : advance(open, looks[i - 1]!, n);
    if (wanted < leastSpent) {
      found.push(Infinity);
      continue;
    }
    spent += wanted;
    const end: number = i === 0
      ? ratioOf(upperQuantile(wanted, n - 1), n)
      : tailPoint(open, wanted);
    found.push(statisticOf(end, n));
    open = cut(open, sides === 2 ? -end : -Infinity, end);
  }
  return found;
}

/**
 * How many of the values of each look must lie on one side of a number to refute that it is the median; Infinity where all
 * would be too few. {@linkcode criticalValues} of the sign test.
 *
 * At most half of the values lie above a median by chance, each by itself, whatever their distribution is. So the counts
 * of the studies still open are carried from seed to seed exactly. What a look cannot spend, since counts are whole, is
 * left to the next. Values that are equal to the number count on neither side.
 *
 * @throws RangeError where the looks do not ascend from 2 or exceed the cap.
 */
export function signCounts(plan: LookPlan): readonly number[] {
  const { looks, level, sides, spending = "obrien-fleming" } = plan;
  const cap = plan.cap ?? looks.at(-1) ?? 0;
  assertLooks(looks, cap);
  /** Chances of so many values above, among the studies still open. */
  let open = [1];
  let spent = 0;
  return looks.map((n) => {
    while (open.length <= n) open = [...open, 0].map((p, k) => (p + (open[k - 1] ?? 0)) / 2);
    const wanted = spentLevel(spending, n / cap, level) - spent;
    let count = n + 1;
    let tail = 0;
    while (count > 0 && tail + open[count - 1]! <= wanted) tail += open[--count]!;
    spent += tail;
    open = open.map((p, k) => k >= count || (sides === 2 && k <= n - count) ? 0 : p);
    return count > n ? Infinity : count;
  });
}

function assertLooks(looks: readonly number[], cap: number): void {
  const isAscending = looks.every((n, i) =>
    Number.isInteger(n) && n >= 2 && (i === 0 || n > looks[i - 1]!)
  );
  if (looks.length === 0 || !isAscending || looks.at(-1)! > cap) {
    throw new RangeError(
      `Cannot plan looks at ${looks.join(", ") || "no number of"} seeds with at most ${cap}: ` +
        "ascending whole numbers from 2 up to that most are wanted",
    );
  }
}

/** u = Σx / √Σx² of a t statistic over n values, and back. */
const ratioOf = (t: number, n: number): number => t * Math.sqrt(n / (n - 1 + t * t));
const statisticOf = (u: number, n: number): number =>
  u * u >= n ? Infinity : u * Math.sqrt((n - 1) / (n - u * u));

/** How u is spread among the studies that are still open: masses on cells, and the mean u within each. */
interface Open {
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly mass: Float64Array;
  readonly middle: Float64Array;
}

const cells = 240;
/** No u beyond this is told apart: 2 in 10⁹ of normal values. */
const reach = 6;

function emptyAt(n: number): Omit<Open, "middle"> {
  const end = Math.min(reach, Math.sqrt(n));
  const width = 2 * end / cells;
  return {
    left: Float64Array.from({ length: cells }, (_, i) => -end + i * width),
    right: Float64Array.from({ length: cells }, (_, i) => -end + (i + 1) * width),
    mass: new Float64Array(cells),
  };
}

/**
 * Adds the means: a density f that slopes by f' moves the mean of a cell of width h by h² f' / 12f. Without, each step
 * would widen the whole distribution by Sheppard's h² / 12.
 */
function withMiddles(open: Omit<Open, "middle">): Open {
  const { left, right, mass } = open;
  const middle = mass.map((m, i) => {
    const width = right[i]! - left[i]!;
    const isInner = i > 0 && i < cells - 1 && m > 0;
    const slope = isInner ? (mass[i + 1]! - mass[i - 1]!) / m / 24 : 0;
    return (left[i]! + right[i]!) / 2 + width * Math.max(-0.2, Math.min(0.2, slope));
  });
  return { ...open, middle };
}

function start(n: number): Open {
  const open = emptyAt(n);
  const above = (u: number) => upperProbability(statisticOf(u, n), n - 1);
  let before = 1;
  for (let i = 0; i < cells; i++) {
    const after = i === cells - 1 ? 0 : above(open.right[i]!);
    open.mass[i] = before - after;
    before = after;
  }
  return withMiddles(open);
}

/** The point with `wanted` of the mass above it; the logarithm of the tail is taken as straight within a cell. */
function tailPoint({ left, right, mass }: Open, wanted: number): number {
  let tail = 0;
  let i = mass.length - 1;
  while (i > 0 && tail + mass[i]! < wanted) tail += mass[i--]!;
  const within = tail === 0
    ? wanted / mass[i]!
    : Math.log(wanted / tail) / Math.log((tail + mass[i]!) / tail);
  return right[i]! - within * (right[i]! - left[i]!);
}

/** What remains of the open studies between two ends. */
function cut(open: Open, low: number, high: number): Open {
  const left = open.left.map((u) => Math.max(u, low));
  const right = open.right.map((u) => Math.min(u, high));
  const share = left.map((u, i) => Math.max(0, right[i]! - u) / (open.right[i]! - open.left[i]!));
  return {
    left,
    right,
    mass: open.mass.map((m, i) => m * share[i]!),
    middle: open.middle.map((u, i) => share[i] === 1 ? u : (left[i]! + right[i]!) / 2),
  };
}

function advance(open: Open, from: number, to: number): Open {
  let moved = open;
  for (let k = from; k < to; k++) moved = step(moved, k);
  return moved;
}

/** One more value after k: u becomes (u + w) / √(1 + w²), with w √k Student's t with k degrees of freedom. */
function step({ left, right, mass, middle }: Open, k: number): Open {
  const next = emptyAt(k + 1);
  const first = next.left[0]!;
  const width = next.right[0]! - first;
  const angles = angleTable(k);
  for (let i = 0; i < cells; i++) {
    if (mass[i]! < 1e-14) continue;
    // Two points with half of the mass each have the mean and the variance of the cell.
    const offset = (right[i]! - left[i]!) / Math.sqrt(12);
    spread(middle[i]! - offset, mass[i]! / 2);
    spread(middle[i]! + offset, mass[i]! / 2);
  }
  return withMiddles(next);

  /**
   * With w = tan ψ, the next u is u cos ψ + sin ψ = R cos(ψ − ψ₀): at most x where ψ is farther than acos(x / R) from ψ₀
   * on the circle.
   */
  function spread(u: number, amount: number): void {
    const radius = Math.hypot(1, u);
    const centre = Math.atan2(1, u);
    const { widest } = angles;
    const at = (angle: number) => radius * Math.cos(angle - centre);
    const low = centre - Math.PI >= -widest ? -radius : Math.min(at(-widest), at(widest));
    const high = centre <= widest ? radius : Math.max(at(-widest), at(widest));
    const from = Math.max(0, Math.floor((low - first) / width));
    const to = Math.min(cells - 1, Math.floor((high - first) / width));
    let before = 0;
    for (let j = from; j <= to; j++) {
      const x = (first + (j + 1) * width) / radius;
      let after = 1;
      if (j < to && x < 1) {
        const apart = x <= -1 ? Math.PI : Math.acos(x);
        after = angles.below(centre - apart) - angles.below(centre + apart - 2 * Math.PI) +
          1 - angles.below(centre + apart);
      }
      next.mass[j]! += amount * (after - before);
      before = after;
    }
  }
}

const angleSteps = 4096;

/** The distribution of ψ = atan(T / √k), whose density is as cos^(k − 1) ψ. */
function angleTable(
  k: number,
): { readonly below: (angle: number) => number; readonly widest: number } {
  const h = Math.PI / angleSteps;
  const density = (angle: number) => Math.max(0, Math.cos(angle)) ** (k - 1);
  const sums = new Float64Array(angleSteps + 1);
  for (let i = 0; i < angleSteps; i++) {
    const angle = -Math.PI / 2 + i * h;
    sums[i + 1] = sums[i]! + density(angle) + 4 * density(angle + h / 2) + density(angle + h);
  }
  const total = sums[angleSteps]!;
  let outside = 0;
  while (sums[outside + 1]! / total < 1e-12) outside++;
  return {
    widest: Math.PI / 2 - outside * h,
    below: (angle) => {
      const place = (angle + Math.PI / 2) / h;
      if (place <= 0) return 0;
      if (place >= angleSteps) return 1;
      const i = Math.floor(place);
      return (sums[i]! + (place - i) * (sums[i + 1]! - sums[i]!)) / total;
    },
  };
}
