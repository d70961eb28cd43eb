/**
 * An anytime-valid t test: evidence that may be looked at after every seed, without a plan and without a cap.
 *
 * @module
 */
import { summarise } from "./statistics.ts";

/**
 * Log of the evidence against a mean of zero: a test martingale, so that it ever exceeds log(1 / α) with a chance of at
 * most α where the mean is zero, whenever one looks.
 *
 * The ratio of two likelihoods of the t statistic, which do not depend on the spread: effects μ/σ drawn from
 * N(0, `scale`²) against zero. With r = 1 + n scale² and ν = n − 1 it is
 * r^(−1/2) ((1 + t²/ν) / (1 + t²/(ν r)))^(n/2): Gönen et al., The American Statistician 59 (2005), equation 2; a
 * martingale by Wang and Ramdas, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown
 * variance", Sequential Analysis 44 (2025); Lindon et al. 2022 for linear models; the method of mixtures is that of
 * Howard et al. 2021. 0 for fewer than two values and for values that are all zero.
 *
 * @param scale Effects that are looked for, in standard deviations. Default 1.
 */
export function logMixtureEvidence(differences: readonly number[], scale = 1): number {
  const { n, mean, sd } = summarise(differences);
  if (mean === null || sd === null || mean === 0) return 0;
  const square = n * mean * mean / ((n - 1) * sd * sd);
  const r = 1 + n * scale * scale;
  // Equal differences are the limit t² → ∞.
  const ratio = sd === 0 ? Math.log(r) : Math.log1p(square) - Math.log1p(square / r);
  return (n * ratio - Math.log(r)) / 2;
}

/**
 * The t beyond which {@linkcode logMixtureEvidence} exceeds log(1 / `level`) after `n` values: mean ± t s / √n is a
 * confidence sequence, which covers the mean at all n together with chance 1 − level. Infinity where no t does.
 */
export function mixtureCritical(n: number, level: number, scale = 1): number {
  const r = 1 + n * scale * scale;
  const wanted = Math.exp((Math.log(r) - 2 * Math.log(level)) / n);
  return wanted >= r ? Infinity : Math.sqrt((n - 1) * (wanted - 1) / (1 - wanted / r));
}
