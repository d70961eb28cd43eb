/**
 * Whether a verdict holds at the settings beside those that were tuned.
 *
 * @module
 */
import { counted, signed } from "../../base/format.ts";
import type { StoppingPlan, StoppingVerdict } from "../../stats/stopping.ts";
import type { Specification, SpecificationCurve } from "./specifications.ts";

/** The level of the intervals that a verdict is asked of: of one side where it is about one, or about two that are asked apart. */
export function robustLevel(verdict: StoppingVerdict, { level }: StoppingPlan): number {
  return verdict === "better" || verdict === "worse" ? 1 - level : 1 - 2 * level;
}

/** By how many margins an interval falls short of a verdict; below 0 where it has it. */
function shortfall(
  { low, high }: Specification,
  verdict: StoppingVerdict,
  { margin, betterThan }: StoppingPlan,
): number {
  if (low === null || high === null) return Infinity;
  if (verdict === "better") return betterThan - low;
  if (verdict === "worse") return high + betterThan;
  if (verdict === "not worse") return -margin - low;
  return Math.max(-margin - low, high - margin);
}

const margins = (value: number): string => signed(value, 2);

/**
 * Why a verdict is not robust, in words; null where the trials at all settings beside the chosen ones have it too.
 *
 * The chosen pair itself is not asked: its trials were chosen for being the best, and the study has decided it by other runs.
 */
export function notRobustText(
  { rows, missing }: SpecificationCurve,
  verdict: StoppingVerdict,
  plan: StoppingPlan,
): string | null {
  if (missing !== "") return `it is to be robust, and ${missing}`;
  // The first rows are those over all budgets, as the claim is.
  const beside = rows.filter(({ isChosen, budget }) => !isChosen && budget === rows[0]!.budget);
  if (beside.length === 0) {
    return "it is to be robust, and no setting beside the chosen ones was tried";
  }
  const failing = beside.filter((row) => shortfall(row, verdict, plan) >= 0);
  const by = failing.map((row) => shortfall(row, verdict, plan));
  const worst = failing[by.indexOf(Math.max(...by))];
  if (worst === undefined) return null;
  const { mean, low, high, a, b } = worst;
  const found = mean === null
    ? "a trial failed"
    : low === null
    ? `trials of one seed have ${margins(mean)} margins and no interval`
    : `trials have ${margins(mean)} margins (interval ${margins(low)} to ${margins(high!)})`;
  return `its verdict is not that of ${
    counted(failing.length, "pair")
  } of settings out of ${beside.length} beside the chosen ones; ` +
    `with a at ${a.values} and b at ${b.values}, ${found}`;
}
