/**
 * When a study's claims were stated, and how many of its runs had begun by then.
 *
 * @module
 */
import { claimsHash, type ClaimsOfStudy } from "../../study/claims.ts";
import { counted, whole } from "../format.ts";
import type { ScoredRun } from "./series.ts";
import type { ClaimsStatement, StatedClaims } from "./statement.ts";

/** What is known of when claims were stated. */
export type Stating =
  /** No run had begun. */
  | { readonly kind: "before"; readonly at: string }
  /** So many runs had begun; they were changed then, or stated for the first time. */
  | {
    readonly kind: "changed" | "late";
    readonly at: string;
    readonly begun: number;
    readonly of: number;
  }
  /** None of the present runs had begun, but so many others had, before the claims or the settings of their arms were changed. */
  | { readonly kind: "settings"; readonly at: string; readonly begun: number }
  /** The claims are not those of the last statement, so that a file was changed by hand. */
  | { readonly kind: "unknown" };

/** The statements with that of a study's present claims, where they or the settings of their arms are new. */
export function withStatement(
  study: ClaimsOfStudy,
  statements: readonly ClaimsStatement[],
  now: Omit<ClaimsStatement, "hash">,
): readonly ClaimsStatement[] {
  if ((study.claims ?? []).length === 0) return statements;
  const hash = claimsHash(study);
  const last = statements.at(-1);
  const isSame = last?.hash === hash && (last.arms === undefined || last.arms === now.arms);
  return isSame ? statements : [...statements, { hash, ...now }];
}

/** When the present claims were stated, and which runs had begun by then, as their records say. */
export function statingOf(
  { study, planned, statements }: StatedClaims,
  runs: readonly ScoredRun[],
): Stating {
  const last = statements.at(-1);
  if (last === undefined || last.hash !== claimsHash(study)) return { kind: "unknown" };
  const { at } = last;
  const begun =
    runs.filter(({ record }) => Date.parse(record.happened.time.startedAt) < Date.parse(at)).length;
  if (begun === 0) {
    const others = statements.length > 1 ? last.begun ?? 0 : 0;
    return others === 0 ? { kind: "before", at } : { kind: "settings", at, begun: others };
  }
  const isFirst = statements.every(({ hash }) => hash === last.hash);
  return { kind: isFirst ? "late" : "changed", at, begun, of: planned.length };
}

/** A time as `2026-11-27 06:41 UTC`. */
function timeText(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}

/** {@linkcode statingOf} in words that follow "Claims". */
export function statingText(stating: Stating): string {
  if (stating.kind === "unknown") {
    return "changed by hand: study.json has no time at which these were stated";
  }
  const time = timeText(stating.at);
  if (stating.kind === "settings") {
    return `changed on ${time}, they or their arms' settings, after ${
      counted(stating.begun, "run")
    } of what was stated before`;
  }
  if (stating.kind === "before") return `stated before the first run (${time})`;
  const { begun, of, kind } = stating;
  return `${kind === "late" ? "stated" : "changed"} on ${time}, after ${whole(begun)} of ${
    counted(of, "run")
  } had begun`;
}
