/**
 * Verdicts on comparisons: their kinds, why there is none, and how tables put them.
 *
 * @module
 */
import { significanceLevel } from "../stats/rank_tests.ts";
import { type CellScope, type ConvergedCell, isInScope, needsMore } from "./convergence.ts";
import { cellOf } from "./run_rows.ts";
import { hasBracketedSettings } from "./tuned_runs.ts";
import type { StudyResults } from "./results.ts";

/** Why there is no verdict whatever the numbers are. */
export type NoVerdict =
  /** Training of one side or both had not converged. */
  | "more steps needed"
  /** A tuned setting of one side or both was chosen at the edge of all that were allowed. */
  | "not bracketed";

/** What is said of one side of a comparison beside the other. */
export type VerdictKind =
  | "better"
  | "worse"
  /** They differ by less than the margin. */
  | "equivalent"
  /** Neither a difference nor equivalence was shown. */
  | "undecided"
  /** The pairs allow no test. */
  | "untested"
  /** For a {@linkcode NoVerdict}. */
  | "void";

/** A verdict on a comparison. */
export interface Verdict {
  /** What is said. */
  readonly kind: VerdictKind;
  /** Why it is untested or void; null for other kinds. */
  readonly reason: NoVerdict | "same in every pair" | "one pair only" | "no pairs" | null;
}

/** The verdict of a test for a difference, from its p after the correction; null where there was none. */
export function differenceVerdict(corrected: number | null, isBetter: boolean): Verdict {
  const isFound = corrected !== null && corrected < significanceLevel;
  return { kind: !isFound ? "undecided" : isBetter ? "better" : "worse", reason: null };
}

/** Whether two sides differ. */
export function isApart({ kind }: Verdict): boolean {
  return kind === "better" || kind === "worse";
}

/** A verdict as tables have it. */
export function verdictText({ kind, reason }: Verdict): string {
  return reason ?? kind;
}

/** Why the runs that are meant have no verdict, or null where they may have one. */
export function noVerdicts(
  results: StudyResults,
  cells: readonly ConvergedCell[],
): (...scopes: readonly CellScope[]) => NoVerdict | null {
  const isEarly = needsMore(cells);
  const isBracketed = hasBracketedSettings(results);
  const edges = results.runs.filter((run) => !isBracketed(run)).map(({ record }) => cellOf(record));
  const isAtEdge = (scope: CellScope) => edges.some((cell) => isInScope(cell, scope));
  return (...scopes) =>
    scopes.map((scope) =>
      isAtEdge(scope) ? "not bracketed" : isEarly(scope) ? "more steps needed" : null
    ).find((found) => found !== null) ?? null;
}

/** What gives a verdict where there is none. */
export interface Remedy {
  /** What is needed, such as `more steps`. */
  readonly needs: string;
  /** The section of the page that has more. */
  readonly see: string;
}

/** What gives verdicts to comparisons that are void for some reasons. */
export function remedyOf(reasons: readonly Verdict["reason"][]): Remedy {
  if (!reasons.includes("not bracketed")) return { needs: "more steps", see: "Convergence" };
  return reasons.includes("more steps needed")
    ? { needs: "more steps and wider tuning ranges", see: "Convergence and Tuning" }
    : { needs: "wider tuning ranges", see: "Tuning" };
}

/** What a note below a table says of verdicts that are void; empty where there are none of these. */
export function noVerdictNote(verdicts: readonly Verdict[]): string {
  const reasons = verdicts.map(({ reason }) => reason);
  const why = "so there is no verdict, however large the difference is.";
  return (reasons.includes("more steps needed")
    ? ` “More steps needed”: training of one arm or both had not converged, ${why}`
    : "") +
    (reasons.includes("not bracketed")
      ? ` “Not bracketed”: a tuned setting of one arm or both lies at the edge of what was allowed, ${why}`
      : "");
}
