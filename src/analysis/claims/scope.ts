/**
 * What a claim's verdict is about, in words: what was drawn anew in the test, and what was taken as it is.
 *
 * @module
 */
import { whole } from "../../base/format.ts";
import { isOverExamples } from "../../study/schema/claims.ts";
import type { ClaimVerdict } from "./verdict.ts";

/** For instance `holds over seeds, on this task and these dev texts`. */
export function scopeText(
  { claim, differences, isHalved }: Pick<ClaimVerdict, "claim" | "differences" | "isHalved">,
): string {
  const count = differences[0]?.tasks.length ?? claim.tasks?.length ?? 0;
  const tasks = count === 1
    ? "this task"
    : count === 0
    ? "these tasks"
    : `these ${whole(count)} tasks`;
  if (isOverExamples(claim)) {
    return `over seeds and dev texts, on ${tasks}${
      isHalved ? ", by the half kept for verdicts" : ""
    }`;
  }
  return `over seeds, on ${tasks} and ${
    isHalved ? "the half of these dev texts that was kept for verdicts" : "these dev texts"
  }`;
}
