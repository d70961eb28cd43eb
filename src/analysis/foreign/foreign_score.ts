/**
 * Scores that were made elsewhere: what one row of a table of results says.
 *
 * @module
 */
import type { Claim, Decide, StudyMargin } from "../../study/schema/claims.ts";

/** One score of one run, or of one example or step of it. */
export interface ForeignScore {
  /** Name of the method. */
  readonly method: string;
  /** The score; null where the run ended without one. */
  readonly score: number | null;
  /** Name of the task. Default: all scores are of one task. */
  readonly task?: string;
  /** Seed of the run, a whole number. Default: runs of a method on a task are numbered in their order. */
  readonly seed?: number;
  /** Name of the metric; a task may have several, the first decides. Default `score`. */
  readonly metric?: string;
  /** Which way the metric is better. Default `higher`, or what ranklab knows of a metric of that name. */
  readonly better?: "higher" | "lower";
  /** Rank or another size that makes methods comparable. Default: none. */
  readonly budget?: number;
  /** Parameters that were trained. Default: not known. */
  readonly parameters?: number;
  /** Steps done at this score: of several, the last counts and the others show whether it still moves. Default: the end. */
  readonly step?: number;
  /** The example that the score is of: the run's score is the mean over its examples. Default: the score is the run's. */
  readonly example?: string | number;
  /** How many examples the score is the mean of. Default: not known. */
  readonly examples?: number;
  /** The file that it stands in, for messages. Default `scores`. */
  readonly file?: string;
  /** Its line there, or its place in the list. Default: its place in the list. */
  readonly line?: number;
}

/** What is claimed of scores that were made elsewhere, as `claims.json` has it. */
export interface ForeignClaims {
  /** Primary contrasts. Default: none. */
  readonly claims?: readonly Claim[];
  /** Half of the region of practical equivalence: a point is 0.01. Default 0.01. */
  readonly margin?: StudyMargin;
  /** The rule that decides. Default: `fixed`, once with all seeds that are there. */
  readonly decide?: Decide;
  /** What the page is headed with. Default: made of the files' names. */
  readonly title?: string;
}

/** How scores are to be read. */
export interface ForeignOptions {
  /** The method that others are compared with. Default: LoRA where there is one, else the first. */
  readonly baseline?: string;
  /**
   * What scores are: `fraction`, shares within [−1, 1]; `percent`, a hundred times as much; `own`, anything else. Default: found from
   * the scores.
   */
  readonly scale?: "fraction" | "percent" | "own";
  /** Which way metrics are better that do not say it. Default: `higher`; a metric whose name sounds like a loss is refused. */
  readonly better?: "higher" | "lower";
  /** What the results are called. Default `elsewhere`. */
  readonly name?: string;
  /** What a reader was told while the scores were read. Default: nothing. */
  readonly warnings?: readonly string[];
}
