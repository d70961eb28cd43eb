/**
 * A study's claims as its results keep them.
 *
 * @module
 */
import type { Json } from "../../base/canonical_json.ts";
import type { Committed } from "../../record/git_history.ts";
import type { CustomCode } from "../../study/types.ts";
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

/** Ranklab's code and the study's own. */
export interface RegisteredCode {
  /** Version of ranklab. */
  readonly ranklab: string;
  /** SHA-256 of its source; null where it lies in no folder. */
  readonly source: string | null;
  /** SHA-256 of the file that pins its packages; null where it is not there. */
  readonly lock: string | null;
  /** Methods and metrics that are not built in. */
  readonly own: readonly CustomCode[];
}

/** What `deno task register` writes. */
export interface Registration {
  /** Form of the file. */
  readonly schema: 1;
  /** Name of the study. */
  readonly study: string;
  /** Its claims, margins, rules and seeds. */
  readonly claims: StatedStudy;
  /** The same as `study.json` keeps it of each statement. */
  readonly statement: Omit<ClaimsStatement, "at" | "begun">;
  /** All of its runs. */
  readonly plan: readonly { readonly title: string; readonly id: string }[];
  /** What its settings were chosen from, and which; null where nothing was tuned. */
  readonly tuning: { readonly hash: string; readonly best: Json } | null;
  /** What is to make the runs. */
  readonly code: RegisteredCode;
  /** SHA-256 of the value of each key above, in canonical JSON. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** A registration as `study.json` keeps it. */
export interface Registered {
  /** Path of the file from the folder of the command. */
  readonly file: string;
  /** SHA-256 of the file, as it was printed. */
  readonly sha256: string;
  /** Since when git has it; null where git had it not when runs were made. */
  readonly committed: Committed | null;
  /** What the file holds. */
  readonly registration: Registration;
}

/** A registration with what is found where a report is made. */
export interface RegisteredClaims extends Registered {
  /** What git says of the commit here; null where the commit is not at hand. */
  readonly found: Committed | null;
  /** Titles of registered runs that the study has not, or has with other ids. */
  readonly otherRuns: readonly string[];
}

/** A study's claims and what their verdicts are made of besides records. */
export interface StatedClaims {
  /** Its claims, margins, rules and seeds. */
  readonly study: StatedStudy;
  /** All runs that it asks for, in the form that its plan has them. */
  readonly planned: readonly ArmRun[];
  /** In the order of time; the last is of the present claims. */
  readonly statements: readonly ClaimsStatement[];
  /** As they were registered; absent where they were not. */
  readonly registered?: RegisteredClaims;
}
