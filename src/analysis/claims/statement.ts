/**
 * A study's claims as its results keep them.
 *
 * @module
 */
import type { ArmRun } from "../../study/compare/arms.ts";
import type { ClaimsOfStudy } from "../../study/schema/claims.ts";
import type { ConvergenceRule } from "../../study/schema/study.ts";

/** What decides a study's claims. */
export interface StatedStudy extends ClaimsOfStudy {
  /** When a run counts as converged; claims of runs that had not have no verdict. Default: every default of the rule. */
  readonly convergence?: Partial<ConvergenceRule>;
}

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
  /** As {@linkcode convergenceHash} gives it; absent where it was not kept. */
  readonly convergence?: string;
  /** For each claim the runs that it counts, an entry a seed in ascending order; absent where it was not kept. */
  readonly seeds?: ClaimedSeeds;
}

/** Entries such as `3:5c0b3e17`, the seed and the start of the hash of what its runs compute, by the names of claims. */
export type ClaimedSeeds = Readonly<Record<string, readonly string[]>>;

/** A study's claims and what their verdicts are made of besides records. */
export interface StatedClaims {
  /** Its claims, margins, rules and seeds. */
  readonly study: StatedStudy;
  /** All runs that it asks for, in the form that its plan has them. */
  readonly planned: readonly ArmRun[];
  /** In the order of time; the last is of the present claims. */
  readonly statements: readonly ClaimsStatement[];
}
