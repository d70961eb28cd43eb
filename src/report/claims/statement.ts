/**
 * A study's claims as its results keep them.
 *
 * @module
 */
import type { ArmRun } from "../../study/arms.ts";
import type { ClaimsOfStudy } from "../../study/claims.ts";

/** Claims as they stood when a sweep began; `study.json` keeps one for each change. */
export interface ClaimsStatement {
  /** As {@linkcode claimsHash} gives it. */
  readonly hash: string;
  /** When they were first seen so, in ISO 8601. */
  readonly at: string;
  /** SHA-256 of what the arms' runs of the first seed compute; absent where it was not kept. */
  readonly arms?: string;
  /** Runs of whatever claims and settings that lay in the folder then; absent where it was not kept. */
  readonly begun?: number;
}

/** A study's claims and what their verdicts are made of besides records. */
export interface StatedClaims {
  /** Its claims, margins, rule and seeds. */
  readonly study: ClaimsOfStudy;
  /** All runs that it asks for, in the form that its plan has them. */
  readonly planned: readonly ArmRun[];
  /** In the order of time; the last is of the present claims. */
  readonly statements: readonly ClaimsStatement[];
}
