/**
 * What makes the runs of trials, and what both ways of making them share.
 *
 * @module
 */
import type { Inputs } from "../inputs.ts";
import type { PlannedRun } from "../plan/planning.ts";
import type { PlanOptions, SweptStudy } from "../plan/planned_study.ts";
import type { Pool, PoolOptions, PoolWork } from "../pool/pool.ts";
import { runAll, type RunsResult } from "../pool/run_all.ts";
import { storePlan, toStore } from "../stored_study.ts";
import { outcomeOf, type Trial, type TrialOutcome, type Tried } from "./trials.ts";

/** What a tuning is told: as a sweep, but for a part of the study. */
export type TuneOptions = PoolOptions & Omit<PlanOptions, "only" | "set">;

/** What is the same for all rounds of a tuning. */
export interface MakingSetting extends SweptStudy {
  readonly options: TuneOptions;
  /** The results folder of the trials. */
  readonly results: string;
  readonly inputs: Inputs;
  readonly pool: Pool;
}

/** How a round of trials ended. */
export interface TrialsResult extends RunsResult {
  /** Times that a run was trained up to a step at which it pauses. */
  readonly paused: number;
}

/** Makes the runs of trials, and knows what came of them. */
export interface TrialMaker {
  /** Makes what is not made yet of all trials; those of earlier calls come first. */
  make(tried: readonly Tried[]): Promise<TrialsResult>;
  /** Of each trial that was made. */
  outcomes(): ReadonlyMap<Trial, TrialOutcome>;
}

/**
 * The work of a round of trials.
 *
 * @param all The runs of all trials, those of earlier rounds included.
 * @param made How many of them are to be made now.
 */
export function trialWork(
  { study, inputs, results }: MakingSetting,
  all: readonly PlannedRun[],
  made: number,
): PoolWork {
  return {
    title: `${study.title ?? study.name}, tuning: ${made} runs`,
    plan: { study, runs: all, inputs },
    results,
    studyRuns: all.length,
  };
}

/** Stores the plan of all trials in their results folder. */
export async function storeTrials(
  { study, folder, results, options, pool }: MakingSetting,
  runs: readonly PlannedRun[],
): Promise<void> {
  await storePlan(results, toStore({ study, runs }, folder, options), pool.tell);
}

/** Makes all trials to their end. */
export class WholeTrials implements TrialMaker {
  readonly #setting: MakingSetting;
  readonly #outcomes = new Map<Trial, TrialOutcome>();

  constructor(setting: MakingSetting) {
    this.#setting = setting;
  }

  async make(tried: readonly Tried[]): Promise<TrialsResult> {
    const { results, pool } = this.#setting;
    const trials = tried.flatMap((own) => own.trials);
    const all = trials.flatMap(({ runs }) => runs);
    const open = trials.filter((trial) => !this.#outcomes.has(trial));
    const runs = open.flatMap((trial) => trial.runs);
    await storeTrials(this.#setting, all);
    const result = {
      paused: 0,
      ...await runAll(pool, trialWork(this.#setting, all, runs.length), runs),
    };
    if (result.stopped) return result;
    for (const trial of open) this.#outcomes.set(trial, await outcomeOf(trial, results));
    return result;
  }

  outcomes(): ReadonlyMap<Trial, TrialOutcome> {
    return this.#outcomes;
  }
}
