/**
 * Whether the differences of a claim are too skewed for a rule about their mean.
 *
 * @module
 */
import { fixed, signed } from "../../base/format.ts";
import { isSkewed, skewnessOf } from "../../stats/statistics.ts";
import type { ClaimVerdict } from "./verdict.ts";

/**
 * A warning about the seeds that a verdict counts; false where they are not skewed, and where the rule asks about their
 * median, which skewness does not touch.
 */
export function skewText({ differences, plan, state }: ClaimVerdict): string | false {
  const values = differences.slice(0, state.n).map(({ value }) => value);
  if (plan.rule === "sign" || !isSkewed(values)) return false;
  const { skewness, error } = skewnessOf(values)!;
  return `its differences are skewed (${signed(skewness, 1)}, standard error ${
    fixed(error, 1)
  }): verdicts about their mean are false more often than stated, those of the rule "sign", about their median, are not`;
}
