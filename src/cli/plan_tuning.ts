/**
 * What a study's plan says of its tuning.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { hashJson } from "../base/hash.ts";
import { counted, listed } from "../base/format.ts";
import { untunedLabels } from "../analysis/tuned_runs.ts";
import type { SweptStudy } from "../runs/plan/planned_study.ts";
import { plannedTuning } from "../runs/tune/tune_study.ts";
import type { Study } from "../study/schema/study.ts";
import { tuneDefaults, type TuneSearch } from "../study/schema/tune.ts";
import type { RunSpec } from "../study/types.ts";

/** A tuning before it is made. */
export interface TuningPlan {
  /** Choices that are made: one for each method, and for each task and budget where those have their own. */
  readonly choices: number;
  /** Trials of each choice at first. */
  readonly trials: number;
  readonly search: TuneSearch;
  /** Runs of these trials; of halved ones, few are trained to their end. */
  readonly runs: number;
}

/**
 * The tuning of a study; null where it has none.
 *
 * @throws {StudyError} If its `tune` block is wrong, with all problems found.
 */
export function tuningPlan(
  { study, methods }: Omit<SweptStudy, "folder">,
  mostRuns: number | undefined,
): TuningPlan | null {
  if (study.tune === undefined) return null;
  const { tune, combinations } = plannedTuning({ study, methods }, mostRuns);
  const { trials, search = tuneDefaults.search } = tune;
  return {
    choices: combinations.length,
    trials,
    search,
    runs: trials * combinations.reduce((sum, { runs }) => sum + runs.length, 0),
  };
}

/** The tuning of a study in a line; none where it has none. */
export function tuningLines(
  plan: TuningPlan | null,
  { tune, tuned }: Pick<Study, "tune" | "tuned">,
  planned: readonly RunSpec[],
): readonly string[] {
  if (plan === null) return [];
  const { choices, trials, search, runs } = plan;
  const size = `${counted(trials, "trial")} (${search}) of each of ${counted(choices, "choice")}, ${
    counted(runs, "run")
  } at first`;
  if (tuned === undefined) {
    return [`Tuning: ${size}, by deno task tune; the study does not have its settings yet`];
  }
  if (tuned.hash !== hashJson(tune as unknown as Json)) {
    return [
      `Tuning: ${size}; the study has settings that were chosen before its tune block was changed: run deno task tune again`,
    ];
  }
  const without = untunedLabels({ tuned, planned });
  const except = without.length === 0 ? "" : `, but not for all runs of ${listed(without)}`;
  return [`Tuning: ${size}; the study has the settings that it chose${except}`];
}
