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
  { claim, differences }: Pick<ClaimVerdict, "claim" | "differences">,
): string {
  const count = differences[0]?.tasks.length ?? claim.tasks?.length ?? 0;
  const tasks = count === 1
    ? "this task"
    : count === 0
    ? "these tasks"
    : `these ${whole(count)} tasks`;
  return isOverExamples(claim)
    ? `over seeds and dev texts, on ${tasks}`
    : `over seeds, on ${tasks} and these dev texts`;
}
