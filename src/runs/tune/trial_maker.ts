/**
 * Making the runs of trials. Where they are halved, each is trained up to a rung, pauses there, and only the better ones go on from
 * their checkpoints; else the only rung is the end of the run.
 *
 * @module
 */
import type { Inputs } from "../inputs.ts";
import type { PlannedRun } from "../plan/planned_run.ts";
import type { PlanOptions, SweptStudy } from "../plan/planned_study.ts";
import { kindOf, type Pool, type PoolOptions } from "../pool/pool.ts";
import { type MadeRun, type RunsResult, RunTally, unfinished } from "../pool/run_all.ts";
import { storePlan, toStore } from "../stored_study.ts";
import { readRun } from "../../record/results_reader.ts";
import type { RunResults } from "../../record/types.ts";
import { totalSteps } from "../../study/grid/steps.ts";
import { scoreAt } from "../run_figures.ts";
import { readEach } from "../../record/read_bounded.ts";
import { type WorkOnRuns, workOnRuns } from "../pool/work_on_runs.ts";
import { type HalvingRules, rungCount, type RungRules, rungSteps } from "./halving.ts";
import { Ladder, RungQueue, type RungRun } from "./rung_queue.ts";
import {
  recordedOutcome,
  type RunOutcome,
  type Trial,
  type TrialOutcome,
  type Tried,
} from "./trials.ts";

/** What a tuning receives: as a sweep, but for a part of the study. */
export type TuneOptions = PoolOptions & Omit<PlanOptions, "only" | "set">;

/** What is the same for all rounds of a tuning. */
export interface MakingSetting extends SweptStudy {
  readonly options: TuneOptions;
  readonly results: string;
  readonly inputs: Inputs;
  readonly pool: Pool;
}

/** How a round of trials ended. */
export interface TrialsResult extends RunsResult {
  /** Times that a run was trained up to a step at which it pauses. */
  readonly paused: number;
}

/** How trials are halved, and how many go on without waiting for each other. */
type Halving = RungRules & { readonly atOnce: number };

/** What came of a recorded run after a step, be it its end. */
function outcomeAt(
  { record, evaluations }: Pick<RunResults, "record" | "evaluations">,
  pauseAt: number,
): RunOutcome {
  const end = recordedOutcome(record);
  const { outcome, primaryMetric, keep, steps } = record.happened;
  const isBehind = pauseAt < (outcome.state === "failed" ? outcome.step ?? 0 : steps);
  return isBehind ? { ...end, score: scoreAt(pauseAt, primaryMetric, evaluations, keep) } : end;
}

/** Makes the runs of trials, and knows what came of them. */
export class TrialMaker {
  readonly #setting: MakingSetting;
  readonly #halving: Halving | null;
  readonly #rules: HalvingRules;
  #ladders: readonly Ladder[] = [];

  /** @param halving How trials are halved, or null where all are trained to their end. */
  constructor(setting: MakingSetting, halving: Halving | null) {
    this.#setting = setting;
    this.#halving = halving;
    this.#rules = halving === null
      ? { reduction: 1, rungs: 1, atOnce: Infinity }
      : { ...halving, rungs: rungCount(halving) };
  }

  #rungsOf({ run }: PlannedRun): readonly number[] {
    const steps = totalSteps(run.settings, this.#setting.inputs.examplesOf(run.task));
    return this.#halving === null ? [steps] : rungSteps(steps, this.#halving);
  }
  async #recorded(runs: readonly PlannedRun[]): Promise<ReadonlyMap<string, RunResults>> {
    const { results } = this.#setting;
    const open = new Set(await unfinished(runs, results, false));
    const done = runs.filter((run) => !open.has(run));
    const read = await readEach(done, ({ folder }) => readRun(`${results}/${folder}`));
    return new Map(done.flatMap(({ folder }, i) => read[i] === null ? [] : [[folder, read[i]!]]));
  }

  /** How many runs are about to be trained up to a rung. */
  #expected(tried: readonly Tried[]): number {
    const { reduction, rungs } = this.#rules;
    return tried.reduce((sum, { trials }, i) => {
      const climbs = Array.from(
        { length: rungs },
        (_, rung) => Math.floor(trials.length / reduction ** rung),
      ).reduce((a, b) => a + b, 0);
      const left = Math.max(0, climbs - this.#ladders[i]!.climbed) * (trials[0]?.runs.length ?? 0);
      return sum + left + this.#ladders[i]!.open;
    }, 0);
  }

  /** Makes what is not made yet of all trials; those of earlier calls come first. */
  async make(tried: readonly Tried[]): Promise<TrialsResult> {
    const { study, inputs, folder, results, options, pool } = this.#setting;
    const { stop, emit } = pool;
    if (this.#ladders.length === 0) {
      this.#ladders = tried.map(() => new Ladder(this.#rules, (planned) => this.#rungsOf(planned)));
    }
    this.#ladders.forEach((ladder, i) => ladder.extend(tried[i]!.trials));
    const all = tried.flatMap(({ trials }) => trials.flatMap(({ runs }) => runs));
    const plan = { study, runs: all, inputs };
    await storePlan(results, toStore(plan, folder, options), emit);
    const recorded = await this.#recorded(all);
    const queue = new RungQueue({
      ladders: this.#ladders,
      kindOf,
      stop,
      knownOf: ({ planned, pauseAt }) => {
        const found = recorded.get(planned.folder);
        return found === undefined ? null : outcomeAt(found, pauseAt);
      },
    });
    const tally = new RunTally(emit);
    const jobs = [...queue.waiting()];
    const expected = this.#expected(tried) + queue.known;
    if (jobs.length > 0) {
      await emit({ kind: "begun", noun: "runs", total: expected, skipped: queue.known });
      const title = `${study.title ?? study.name}, tuning: ${expected} runs`;
      const work = { title, plan, results, studyRuns: all.length };
      await workOnRuns(pool, work, { ...this.#work(queue, tally), jobs });
    }
    const { finished, failed, elsewhere, paused, stoppedRuns, executorShare } = tally;
    const made = paused + finished + failed + elsewhere + queue.known;
    const isLeft = queue.waiting().length > 0 || this.#ladders.some(({ open }) => open > 0);
    const stopped = jobs.length > 0 && (stoppedRuns.length > 0 || stop.isRaised && isLeft);
    return {
      finished,
      failed,
      elsewhere,
      paused,
      stopped,
      // How many trials go on is an estimate, which counts only as long as it is not known.
      total: jobs.length === 0 || stopped ? Math.max(expected, made) : made,
      skipped: queue.known,
      stoppedRuns,
      executorShare,
    };
  }
  #work(
    queue: RungQueue,
    tally: RunTally,
  ): Omit<WorkOnRuns<RungRun, MadeRun>, "jobs"> {
    const { results } = this.#setting;
    return {
      queue,
      plannedOf: ({ planned }) => planned,
      isDone: async ({ planned }) => (await unfinished([planned], results, false)).length === 0,
      onElsewhere: async (run) => {
        tally.elsewhere++;
        const found = await readRun(`${results}/${run.planned.folder}`);
        if (found !== null) queue.settle(run, outcomeAt(found, run.pauseAt));
      },
      work: (worker, { planned, pauseAt }, attempt) =>
        tally.make(worker, planned, attempt, pauseAt),
      onResult: async (run, result) => {
        if (result.kind === "paused") {
          const { metric, score, wallMillis } = result.paused;
          queue.settle(run, { metric, score, seconds: wallMillis / 1000 });
          return await tally.pause(run.planned, result.paused);
        }
        if (result.kind === "recorded") queue.settle(run, recordedOutcome(result.record));
        return await tally.end(run.planned, result);
      },
    };
  }

  /** Of each trial that was made. */
  outcomes(): ReadonlyMap<Trial, TrialOutcome> {
    return new Map(this.#ladders.flatMap((ladder) => [...ladder.outcomes()]));
  }
}
