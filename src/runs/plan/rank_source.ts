/**
 * Where the ranks that a run starts with come from.
 *
 * @module
 */
import type { Method } from "../../methods/method.ts";
import type { RunSpec } from "../../study/types.ts";

/** Where the ranks that a run starts with come from; `method` is a plan of the method's own under its budget. */
type RankSource = "none" | "given" | "run" | "estimate" | "method" | "budget";

/** The source of a run's ranks; those of another run and of an estimate are not known before it starts. */
export function rankSourceOf(
  { run, method }: { readonly run: RunSpec; readonly method: Method },
): RankSource {
  if (!method.usesBudget) return "none";
  if (run.ranks !== null) return "given";
  if (run.ranksFrom !== undefined) return "run";
  if (method.bind(run.options).estimate !== undefined) return "estimate";
  return method.plan === undefined ? "budget" : "method";
}
