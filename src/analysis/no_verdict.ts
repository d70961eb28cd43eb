/**
 * Where no verdict is given whatever the numbers are: training was not done, or tuning ended at an edge.
 *
 * @module
 */
import { type CellScope, hasConverged, isInScope, moreSteps, needsMore } from "./convergence.ts";
import { budgetName } from "./run_rows.ts";
import { hasBracketedSettings } from "./tuned_runs.ts";
import type { Basis } from "./basis.ts";
import type { RunResults } from "./results.ts";

/** Said in place of a verdict where a setting of one of both was chosen at the edge of all that were allowed. */
export const notBracketed: NoVerdict = "not bracketed";

/** Said in place of a verdict. */
export type NoVerdict = "more steps needed" | "not bracketed";

/** Whether a verdict is none. */
export function isNoVerdict(verdict: unknown): verdict is NoVerdict {
  return verdict === moreSteps || verdict === notBracketed;
}

/** Why the runs that are meant have no verdict, or null where they may have one. */
export function noVerdicts(results: Basis): (scope: CellScope) => NoVerdict | null {
  const isEarly = needsMore(results.cells);
  const isBracketed = hasBracketedSettings(results);
  const edges = results.runs.filter((run) => !isBracketed(run)).map(({ record: { asked } }) => ({
    task: asked.task,
    label: asked.label,
    budget: budgetName(asked.budget),
  }));
  return (scope) => {
    const isAtEdge = edges.some((cell) => isInScope(cell, scope));
    return isAtEdge ? notBracketed : isEarly(scope) ? moreSteps : null;
  };
}

/** The same of single runs. */
export function noVerdictOf(
  results: Basis,
): (run: Pick<RunResults, "record">) => NoVerdict | null {
  const isConverged = hasConverged(results.cells);
  const isBracketed = hasBracketedSettings(results);
  return (run) => !isBracketed(run) ? notBracketed : isConverged(run) ? null : moreSteps;
}

/** What gives a verdict where there is none. */
export interface Remedy {
  /** What is needed, such as `more steps`. */
  readonly needs: string;
  /** The section of the page that has more. */
  readonly see: string;
}

/** What gives verdicts where there are none. */
export function remedyOf(verdicts: Iterable<NoVerdict>): Remedy {
  const found = new Set(verdicts);
  if (!found.has(notBracketed)) return { needs: "more steps", see: "Convergence" };
  return found.has(moreSteps)
    ? { needs: "more steps and wider tuning ranges", see: "Convergence and Tuning" }
    : { needs: "wider tuning ranges", see: "Tuning" };
}

/** What a note below a table says of verdicts that are none; empty where there are none of these. */
export function noVerdictNote(verdicts: readonly unknown[]): string {
  const why = "so there is no verdict, however large the difference is.";
  return (verdicts.includes(moreSteps)
    ? ` “More steps needed”: training of one arm or both had not converged, ${why}`
    : "") +
    (verdicts.includes(notBracketed)
      ? ` “Not bracketed”: a tuned setting of one arm or both lies at the edge of what was allowed, ${why}`
      : "");
}
