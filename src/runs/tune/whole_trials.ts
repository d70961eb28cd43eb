/**
 * Trials that are all trained to their end.
 *
 * @module
 */
import { runAll } from "../pool/run_all.ts";
import {
  type MakingSetting,
  storeTrials,
  type TrialMaker,
  type TrialsResult,
  trialWork,
} from "./making.ts";
import { outcomeOf, type Trial, type TrialOutcome, type Tried } from "./trials.ts";

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
