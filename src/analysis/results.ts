/**
 * A study with everything that its runs left behind: what all of this room starts from.
 *
 * @module
 */
import type { StatedClaims } from "./claims/statement.ts";
import type { RecordedRequest, ReplayedRun, RunResults } from "../record/types.ts";
import type { StudySpectra } from "../record/spectra.ts";
import type { Verification } from "../record/verification.ts";
import type { ResolvedComparison } from "../study/compare/arms.ts";
import type { StudyMargin } from "../study/schema/claims.ts";
import type { ConvergenceRule, StudyMethod, Targets } from "../study/schema/study.ts";
import type { Tuned } from "../study/schema/tuned.ts";
import type { DataWarning } from "../tasks/data_warnings.ts";

export type { RunResults };

/** The place of a run in its study. */
export type PlannedRun = Pick<RecordedRequest, "task" | "label" | "budget" | "seed">;

/** A run whose files are not what was written. */
export interface DamagedRun {
  /** Its folder in the study's. */
  readonly folder: string;
  /** Which file, what was found and what was wanted. */
  readonly problem: string;
}

/** A file that a command made of a study's results and that is left out because it is not what was written. */
export interface DamagedFile {
  /** Its path in the study's folder. */
  readonly file: string;
  /** The command that makes it anew, such as `verify`. */
  readonly command: string;
  /** What was found and what was wanted. */
  readonly problem: string;
}

/** A study and everything its runs left behind. */
export interface StudyResults {
  /** What the page is headed with; title and description are the study's own words. */
  readonly study: {
    readonly name: string;
    readonly title: string;
    readonly description: string;
    /** Its axis of methods, which says what labels stand for. Default: labels are not explained. */
    readonly methods?: readonly StudyMethod[];
    /** When a run needs more steps. Default: see {@linkcode ConvergenceRule}. */
    readonly convergence?: Partial<ConvergenceRule>;
    /** Scores by task to which steps and seconds are given. Default: from the results. */
    readonly targets?: Targets;
    /** Differences below it count as none. Default: one point. */
    readonly margin?: StudyMargin;
  };
  /** What the study asks to be compared, beside what is compared anyway. */
  readonly comparisons: readonly ResolvedComparison[];
  /** Runs that the study asks for; fewer may have been recorded. */
  readonly planned: readonly PlannedRun[];
  /** What was found in the tasks' data when the study was planned. */
  readonly warnings: readonly (Pick<DataWarning, "text"> & Partial<DataWarning>)[];
  /** Runs that have a record, failed ones too. */
  readonly runs: readonly RunResults[];
  /** Runs that are left out because their files are not what was written. */
  readonly damaged: readonly DamagedRun[];
  /** Files made of the results that are left out because they are not what was written. */
  readonly damagedFiles: readonly DamagedFile[];
  /** The replay ablation; null until `deno task ablate` made it. */
  readonly replay: ReplayResults | null;
  /** What the last `deno task verify` found; null until there was one. */
  readonly verification: Verification | null;
  /** What its settings were chosen from; null where it does not extend the file of a tuning. */
  readonly tuned: Tuned | null;
  /** What it claims, and since when; null where it claims nothing. */
  readonly claims: StatedClaims | null;
  /** What the updates of its runs are made of; null until `deno task spectra` found it. */
  readonly spectra: StudySpectra | null;
  /** Where its scores are from, if they were made elsewhere: of such runs nothing else is known. Absent for ranklab's own. */
  readonly foreign?: ForeignSource;
}

/** Where scores are from that were made elsewhere. */
export interface ForeignSource {
  /** The files, and how many rows with a score each has. */
  readonly sources: readonly { readonly file: string; readonly rows: number }[];
  /** What was taken for granted when they were read, a sentence each. */
  readonly notes: readonly string[];
  /** The method that others are compared with. */
  readonly baseline: string;
}

/**
 * The replay ablation of a study: LoRA trained again with the final ranks of other methods, with the same ranks reversed in depth, and with
 * uniform ranks.
 */
export interface ReplayResults extends StudyResults {
  /** What its runs left, with the part of each in the ablation. */
  readonly runs: readonly ReplayedRun[];
}
