/**
 * The workers of a tuning, which stay open from one round of trials to the next.
 *
 * @module
 */
import { chooseExecutor } from "../../exec/choose.ts";
import { KeptWorkers } from "../pool/kept_workers.ts";
import { type Opening, openWorkers } from "../pool/open_workers.ts";
import type { PlannedRun } from "../plan/planning.ts";
import type { RunWorker } from "../pool/workers.ts";
import { type MakingSetting, tellOf } from "./making.ts";

/** A round of trials. */
interface TrialRound {
  /** The runs of all trials, those of earlier rounds included. */
  readonly runs: readonly PlannedRun[];
  /** How many of them are to be made now. */
  readonly made: number;
}

async function openFor(
  { study, results, inputs, options, watch }: MakingSetting,
  { runs, made }: TrialRound,
  opening: Opening,
): Promise<readonly RunWorker[]> {
  const { device = "auto", jobs = null, threads = null, checkpointMillis } = options;
  return await openWorkers({
    ...opening,
    title: `${study.title ?? study.name}, tuning: ${made} runs`,
    tell: tellOf({ watch }),
    device: await chooseExecutor(device, threads === null ? {} : { threads }),
    jobs,
    threads,
    studyRuns: runs.length,
    plan: { study, runs, inputs },
    results,
    ...(checkpointMillis === undefined ? {} : { checkpointMillis }),
  });
}

/** Opens the workers of a tuning. */
export class TrialWorkers {
  readonly #setting: MakingSetting;
  #kept: KeptWorkers | null = null;
  #sharing = 0;

  /** No worker is open yet. */
  constructor(setting: MakingSetting) {
    this.#setting = setting;
  }

  /** Workers of a round: those of the round before, unless more runs than then share the cores, which decides their threads. */
  async forRound(round: TrialRound, opening: Opening): Promise<readonly RunWorker[]> {
    const sharing = Math.min(round.runs.length, navigator.hardwareConcurrency);
    if (this.#kept === null || sharing !== this.#sharing) {
      await this.close();
      this.#kept = new KeptWorkers((opening) => openFor(this.#setting, round, opening));
      this.#sharing = sharing;
    }
    return await this.#kept.forRound(opening);
  }

  /** Closes them all; nothing may be under way. */
  async close(): Promise<void> {
    const kept = this.#kept;
    this.#kept = null;
    await kept?.close();
  }
}
