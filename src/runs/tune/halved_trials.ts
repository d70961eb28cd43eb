/**
 * Trials of which only the better ones go on: each is trained up to a rung, pauses there, and may go on from its checkpoint.
 *
 * @module
 */
import { readRun } from "../../record/read_study.ts";
import type { RunResults } from "../../record/types.ts";
import { totalSteps } from "../../study/grid/steps.ts";
import { scoreAt } from "../execute.ts";
import { kindOf } from "../pool/pool.ts";
import type { PlannedRun } from "../plan/planning.ts";
import { type MadeRun, RunTally, unfinished } from "../pool/run_all.ts";
import { readEach } from "../../record/read_bounded.ts";
import { type WorkOnRuns, workOnRuns } from "../pool/work_on_runs.ts";
import { rungCount, type RungRules, rungSteps } from "./halving.ts";
import { Ladder, RungQueue, type RungRun } from "./rung_queue.ts";
import {
  type MakingSetting,
  storeTrials,
  type TrialMaker,
  type TrialsResult,
  trialWork,
} from "./making.ts";
import {
  recordedOutcome,
  type RunOutcome,
  type Trial,
  type TrialOutcome,
  type Tried,
} from "./trials.ts";

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

/** Makes trials by successive halving. */
export class HalvedTrials implements TrialMaker {
  readonly #setting: MakingSetting;
  readonly #rules: RungRules & { readonly atOnce: number };
  #ladders: readonly Ladder[] = [];

  constructor(
    setting: MakingSetting,
    rules: RungRules & { readonly atOnce: number },
  ) {
    this.#setting = setting;
    this.#rules = rules;
  }

  #rungsOf({ run }: PlannedRun): readonly number[] {
    return rungSteps(
      totalSteps(run.settings, this.#setting.inputs.examplesOf(run.task)),
      this.#rules,
    );
  }

  /** What is recorded of runs, by folder. */
  async #recorded(runs: readonly PlannedRun[]): Promise<ReadonlyMap<string, RunResults>> {
    const { results } = this.#setting;
    const open = new Set(await unfinished(runs, results, false));
    const done = runs.filter((run) => !open.has(run));
    const read = await readEach(done, ({ folder }) => readRun(`${results}/${folder}`));
    return new Map(done.flatMap(({ folder }, i) => read[i] === null ? [] : [[folder, read[i]!]]));
  }

  /** How many runs are about to be trained up to a rung. */
  #expected(tried: readonly Tried[]): number {
    const { reduction } = this.#rules;
    return tried.reduce((sum, { trials }, i) => {
      const climbs = Array.from(
        { length: rungCount(this.#rules) },
        (_, rung) => Math.floor(trials.length / reduction ** rung),
      ).reduce((a, b) => a + b, 0);
      const left = Math.max(0, climbs - this.#ladders[i]!.climbed) * (trials[0]?.runs.length ?? 0);
      return sum + left + this.#ladders[i]!.open;
    }, 0);
  }

  async make(tried: readonly Tried[]): Promise<TrialsResult> {
    const { pool } = this.#setting;
    const { stop, tell } = pool;
    const { reduction, atOnce } = this.#rules;
    const rules = { reduction, atOnce, rungs: rungCount(this.#rules) };
    if (this.#ladders.length === 0) {
      this.#ladders = tried.map(() => new Ladder(rules, (planned) => this.#rungsOf(planned)));
    }
    this.#ladders.forEach((ladder, i) => ladder.extend(tried[i]!.trials));
    const all = tried.flatMap(({ trials }) => trials.flatMap(({ runs }) => runs));
    await storeTrials(this.#setting, all);
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
    const tally = new RunTally(tell);
    const jobs = [...queue.waiting()];
    const expected = this.#expected(tried) + queue.known;
    if (jobs.length > 0) {
      await tell({ kind: "begun", noun: "runs", total: expected, skipped: queue.known });
      await workOnRuns(pool, trialWork(this.#setting, all, expected), {
        ...this.#work(queue, tally),
        jobs,
      });
    }
    const { finished, failed, elsewhere, paused, stoppedRuns, executorShare } = tally;
    const made = paused + finished + failed + elsewhere + queue.known;
    const stopped = jobs.length > 0 && (stoppedRuns.length > 0 || stop.isRaised);
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

  /** How runs are trained up to their rungs and counted. */
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

  outcomes(): ReadonlyMap<Trial, TrialOutcome> {
    return new Map(this.#ladders.flatMap((ladder) => [...ladder.outcomes()]));
  }
}
