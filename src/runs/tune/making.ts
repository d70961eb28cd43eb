/**
 * What makes the runs of trials, and what both ways of making them share.
 *
 * @module
 */
import { teller, type Watch, type WorkEvent } from "../events.ts";
import type { Inputs } from "../inputs.ts";
import type { PlannedRun } from "../plan/planning.ts";
import type { RunsResult } from "../pool/run_all.ts";
import type { StopFlag } from "../pool/stop_flag.ts";
import { methodsToStore } from "../stored_study.ts";
import { storePlan, type SweepOptions, type SweptStudy } from "../sweep.ts";
import type { Trial, TrialOutcome, Tried } from "./trials.ts";

/** What a tuning is told: as a sweep, but for a part of the study. */
export type TuneOptions = Omit<SweepOptions, "only" | "retryFailed" | "set" | "untilDecided">;

/** What is the same for all rounds of a tuning. */
export interface MakingSetting extends SweptStudy {
  readonly options: TuneOptions;
  /** The results folder of the trials. */
  readonly results: string;
  readonly inputs: Inputs;
  readonly stop: StopFlag;
  readonly watch: Watch;
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

/** Tells an observer. */
export function tellOf(
  { watch }: Pick<MakingSetting, "watch">,
): (event: WorkEvent) => Promise<void> {
  return teller(watch);
}

/** Stores the plan of all trials in their results folder. */
export async function storeTrials(
  setting: MakingSetting,
  runs: readonly PlannedRun[],
): Promise<void> {
  const { study, folder: home, results, options } = setting;
  const { data = null, model = null, device = "auto" } = options;
  await storePlan(results, {
    study,
    studyFolder: home,
    data,
    model,
    device,
    ...methodsToStore(runs),
    runs: runs.map(({ folder, id, run }) => ({ folder, id, run })),
  }, tellOf(setting));
}
