/**
 * One correction for everything that a report tests, with the primary contrasts apart.
 *
 * @module
 */
import { holm, significanceLevel } from "./rank_tests.ts";

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
 * import { correctFamily } from "./families.ts";
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
