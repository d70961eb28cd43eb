/**
 * The mean difference of a study that stopped early: its raw mean is too large, the median-unbiased one is not.
 *
 * @module
 */
import { bisected, normalUpper } from "./distributions.ts";
import { roundingSpread } from "./spread.ts";
import { assertFinite, isNoSpread, summarise } from "./statistics.ts";
import type { StoppingPlan, StoppingVerdict } from "./stopping.ts";

/** Where a look ends a study, by the mean of its values in standard deviations. */
export interface StopRegion {
  /** Values at this look. */
  readonly n: number;
  /** From which mean on the study ends above; Infinity where none does. */
  readonly above: number;
  /** Up to which mean it ends below; −Infinity where none does. */
  readonly below: number;
  /** It also ends where the mean is closer than this to zero; 0 where no mean ends it so. */
  readonly within: number;
}

/** How a study ended. */
export interface Stopped {
  /** Index of the look. */
  readonly look: number;
  /** Mean of the values so far, in standard deviations. */
  readonly mean: number;
  /** On which side; `middle` near zero, and where the last look decided nothing. */
  readonly side: "above" | "below" | "middle";
}

/** Sums at which studies are still open after `n` values, with their masses under one true mean. */
interface Open {
  readonly n: number;
  readonly sums: readonly number[];
  readonly masses: readonly number[];
}

/** Standard deviations of a sum beyond which no study is followed. */
const reach = 7;
/** Standard errors of the observed mean within which the true mean is looked for. */
const search = 5;
/** Width of a step of the integration, in standard deviations of what a look adds. */
const stepShare = 0.3;

/**
 * The true mean, in standard deviations, under which an outcome beyond the observed one has a chance of one half.
 *
 * Outcomes are ordered stage by stage (Tsiatis, Rosner and Mehta, Biometrics 40, 1984; Jennison and Turnbull, "Group
 * Sequential Methods", 2000, section 8.4): those that end above come first, the earlier the higher; those that end below come last, the
 * earlier the lower; between them are those that end near zero or decide nothing, by their mean. Values are normal and
 * their standard deviation is known. Chances are integrated from look to look (Armitage, McPherson and Rowe, Journal of
 * the Royal Statistical Society A 132, 1969); those under another mean follow from the likelihood ratio, which depends on the sum alone.
 *
 * @param regions One a look, n ascending.
 * @throws RangeError where there is no such look.
 */
export function medianUnbiasedMean(
  regions: readonly StopRegion[],
  { look, mean, side }: Stopped,
): number {
  const own = regions[look];
  if (own === undefined) {
    throw new RangeError(
      `Cannot order an outcome of look ${look}: there are looks 0 to ${regions.length - 1}`,
    );
  }
  // Below is above with all signs turned.
  if (side === "below") {
    const turned = regions.map((region) => ({
      ...region,
      above: -region.below,
      below: -region.above,
    }));
    return -medianUnbiasedMean(turned, { look, mean: -mean, side: "above" });
  }
  const wide = search / Math.sqrt(own.n);
  const seen = side === "above" ? regions.slice(0, look + 1) : regions;
  const opens = openStudies(seen, mean, wide);
  return bisected(mean - wide, mean + wide, (drift) => {
    let chance = 0;
    for (const [i, open] of opens.entries()) {
      const region = seen[i]!;
      const tail = tailOf(open, region.n, mean, drift);
      const isLast = i === seen.length - 1;
      if (side === "above") {
        chance += tail(isLast ? mean : region.above);
      } else {
        const top = isLast ? region.above : region.within;
        const bottom = Math.max(mean, isLast ? region.below : -region.within);
        chance += tail(region.above) + (bottom < top ? tail(bottom) - tail(top) : 0);
      }
    }
    return chance < 0.5;
  });
}

/** The studies that are open before each look, under the true mean `at`. */
function openStudies(
  regions: readonly StopRegion[],
  at: number,
  wide: number,
): readonly Open[] {
  const opens: Open[] = [{ n: 0, sums: [0], masses: [1] }];
  for (const region of regions.slice(0, -1)) opens.push(next(opens.at(-1)!, region, at, wide));
  return opens;
}

function next(open: Open, { n, above, below, within }: StopRegion, at: number, wide: number): Open {
  const far = reach * Math.sqrt(n) + wide * n;
  const low = Math.max(n * below, n * at - far);
  const high = Math.min(n * above, n * at + far);
  const parts = within > 0
    ? [[low, Math.min(high, -n * within)], [Math.max(low, n * within), high]]
    : [[low, high]];
  const added = n - open.n;
  const scale = 1 / Math.sqrt(2 * Math.PI * added);
  const sums: number[] = [];
  const masses: number[] = [];
  for (const [from, to] of parts) {
    if (!(from! < to!)) continue;
    // Simpson's rule.
    const panels = Math.ceil((to! - from!) / (2 * stepShare * Math.sqrt(added))) + 2;
    const step = (to! - from!) / (2 * panels);
    for (let i = 0; i <= 2 * panels; i++) {
      const sum = from! + i * step;
      let density = 0;
      for (const [j, before] of open.sums.entries()) {
        const gap = sum - before - added * at;
        density += open.masses[j]! * Math.exp(-gap * gap / (2 * added));
      }
      const weight = i === 0 || i === 2 * panels ? 1 : i % 2 === 1 ? 4 : 2;
      sums.push(sum);
      masses.push(scale * density * weight * step / 3);
    }
  }
  return { n, sums, masses };
}

/** The chance that a study is open before a look of `n` values and has there a mean above some number, under the true mean `drift`. */
function tailOf(
  open: Open,
  n: number,
  at: number,
  drift: number,
): (mean: number) => number {
  const added = n - open.n;
  const root = Math.sqrt(added);
  const shift = (drift * drift - at * at) * open.n / 2;
  const masses = open.sums.map((sum, i) => open.masses[i]! * Math.exp((drift - at) * sum - shift));
  return (mean) => {
    if (mean === Infinity) return 0;
    let chance = 0;
    for (const [i, sum] of open.sums.entries()) {
      chance += masses[i]! * normalUpper((n * mean - sum - added * drift) / root);
    }
    return chance;
  };
}

/**
 * The median-unbiased mean difference of a study that a plan stopped, in the units of the differences: over all ways in which such a study
 * can end, it lies above the true mean as often as below.
 *
 * {@linkcode medianUnbiasedMean} with one approximation: the spread seen at the look is taken to be the true one, at all looks, and
 * a look ends the study where the mean lies as many standard errors away as its critical value of t says. docs/decisions/verdicts.md
 * has how far that holds by simulation. Critical values of a normal value with the same tail probability do worse: a look of few
 * seeds would end too many studies with a large difference, and the estimate would be 14 % too small at one standard deviation.
 *
 * Null where the mean is unbiased or there is no such estimate: a plan with one look, which no result can stop early; rule
 * `sign`, which asks about the median and whose regions depend on the single differences; a study that is still open;
 * equal differences.
 *
 * @param differences Those up to the look that ended the study, in the order of their seeds.
 * @param verdict What that look said.
 * @throws RangeError where a difference is not finite or their number is not that of a look.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { planStopping, stoppingState } from "./stopping.ts";
 * import { stoppedMean } from "./stopped_mean.ts";
 * const plan = planStopping({ block: 3, cap: 12, margin: 1, rule: "pocock" });
 * const differences = [2.1, 2.9, 2.4];
 * const { verdict, mean } = stoppingState(differences, plan);
 * assert(stoppedMean(differences, plan, verdict)! <= mean!);
 * ```
 */
export function stoppedMean(
  differences: readonly number[],
  plan: StoppingPlan,
  verdict: StoppingVerdict,
): number | null {
  assertFinite(differences, "difference");
  const look = plan.looks.indexOf(differences.length);
  if (look < 0) {
    throw new RangeError(
      `Cannot say where ${differences.length} differences ended a study: looks are at ${
        plan.looks.join(", ")
      }`,
    );
  }
  if (plan.rule === "sign" || plan.looks.length === 1) return null;
  if (verdict === "undecided" && differences.length < plan.cap) return null;
  const { mean, sd } = summarise(differences);
  const own = sd === null || isNoSpread(sd, differences) ? 0 : sd;
  const spread = Math.max(own, roundingSpread(plan.resolution));
  if (spread === 0) return null;
  // What is tested lies at zero then, or at −margin for "not worse".
  const origin = plan.question === "not worse" ? -plan.margin : 0;
  const found = medianUnbiasedMean(regionsOf(plan, spread), {
    look,
    mean: (mean! - origin) / spread,
    side: verdict === "better" || verdict === "not worse"
      ? "above"
      : verdict === "worse"
      ? "below"
      : "middle",
  });
  return origin + spread * found;
}

/** Where the looks of a plan end a study whose true spread is known. */
function regionsOf(plan: StoppingPlan, spread: number): readonly StopRegion[] {
  const { looks, difference, equivalence, question, margin, betterThan } = plan;
  const bar = question === "not worse" ? 0 : betterThan / spread;
  return looks.map((n, i) => {
    const half = (critical: number) => critical / Math.sqrt(n);
    const within = question === "not worse"
      ? 0
      : Math.max(0, margin / spread - half(equivalence[i]!));
    // Equivalent comes before better.
    const above = Math.max(within, bar + half(difference[i]!));
    return { n, above, below: -above, within };
  });
}
