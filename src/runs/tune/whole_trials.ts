/**
 * Trials that are all trained to their end.
 *
 * @module
 */
import { leasesOf } from "../pool/lease_timeout.ts";
import { runAll } from "../pool/run_all.ts";
import {
  type MakingSetting,
  storeTrials,
  tellOf,
  type TrialMaker,
  type TrialsResult,
} from "./making.ts";
import type { TrialWorkers } from "./trial_workers.ts";
import { outcomeOf, type Trial, type TrialOutcome, type Tried } from "./trials.ts";

/** Makes all trials to their end. */
export class WholeTrials implements TrialMaker {
  readonly #setting: MakingSetting;
  readonly #workers: TrialWorkers;
  readonly #outcomes = new Map<Trial, TrialOutcome>();

  constructor(setting: MakingSetting, workers: TrialWorkers) {
    this.#setting = setting;
    this.#workers = workers;
  }

  async make(tried: readonly Tried[]): Promise<TrialsResult> {
    const { results, options, stop } = this.#setting;
    const trials = tried.flatMap((own) => own.trials);
    const all = trials.flatMap(({ runs }) => runs);
    const open = trials.filter((trial) => !this.#outcomes.has(trial));
    const runs = open.flatMap((trial) => trial.runs);
    await storeTrials(this.#setting, all);
    const result = {
      paused: 0,
      ...await runAll({
        runs,
        results,
        retryFailed: false,
        leases: leasesOf(options),
        stop,
        tell: tellOf(this.#setting),
        openWorkers: (opening) => this.#workers.forRound({ runs: all, made: runs.length }, opening),
      }),
    };
    if (result.stopped) return result;
    for (const trial of open) this.#outcomes.set(trial, await outcomeOf(trial, results));
    return result;
  }

  outcomes(): ReadonlyMap<Trial, TrialOutcome> {
    return this.#outcomes;
  }
}
