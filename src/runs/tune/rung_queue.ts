/**
 * Runs of several ladders as workers take them: what may be trained next follows from the scores of those before.
 *
 * @module
 */
import type { PlannedRun } from "../plan/planned_run.ts";
import type { JobQueue } from "../pool/work_on_runs.ts";
import type { StopFlag } from "../events.ts";
import { metricOf, type RunOutcome, type Trial, type TrialOutcome, trialScore } from "./trials.ts";
import { type HalvingJob, type HalvingRules, nextJob } from "./halving.ts";

interface RungQueueSetting {
  readonly ladders: readonly Ladder[];
  /** Names the kind of a run: those of a kind need the same programs. */
  readonly kindOf: (planned: PlannedRun) => string;
  /** What is known of a run that was trained so far before, or null. */
  readonly knownOf: (run: RungRun) => RunOutcome | null;
  readonly stop: Pick<StopFlag, "isRaised">;
  /** Milliseconds between two looks at the stop flag. Default 200. */
  readonly pauseMillis?: number;
}

/** The queue of all ladders. */
export class RungQueue implements JobQueue<RungRun> {
  readonly #setting: RungQueueSetting;
  readonly #pending: RungRun[] = [];
  /** Runs that were given out and have no outcome. */
  readonly #open = new Set<RungRun>();
  readonly #left = new Set<RungRun>();
  #changed = Promise.withResolvers<void>();
  #known = 0;

  constructor(setting: RungQueueSetting) {
    this.#setting = setting;
  }

  /** Runs that were not given out since they had been trained so far before. */
  get known(): number {
    return this.#known;
  }
  waiting(): readonly RungRun[] {
    this.#fill();
    return this.#pending;
  }

  /** The next run of a worker; waits while it hangs on the scores of others. */
  async take(last: RungRun | null): Promise<RungRun | null> {
    const { stop, kindOf } = this.#setting;
    while (!stop.isRaised) {
      this.#fill();
      const kind = last === null ? null : kindOf(last.planned);
      const near = this.#pending.findIndex(({ planned }) => kindOf(planned) === kind);
      const [run] = this.#pending.splice(Math.max(0, near), 1);
      if (run !== undefined) {
        this.#open.add(run);
        return run;
      }
      // What others do is waited for elsewhere.
      if (this.#open.size === this.#left.size) return null;
      await this.#change();
    }
    return null;
  }

  /** Asks all ladders for what may go on, until they wait or have nothing left. */
  #fill(): void {
    for (const ladder of this.#setting.ladders) {
      for (let runs = ladder.next(); runs.length > 0; runs = ladder.next()) {
        for (const run of runs) {
          const known = this.#setting.knownOf(run);
          if (known === null) this.#pending.push(run);
          else {
            ladder.settle(run, known);
            this.#known++;
          }
        }
      }
    }
  }

  /** Waits for an outcome, and no longer than until the stop flag is looked at again. */
  async #change(): Promise<void> {
    const { pauseMillis = 200 } = this.#setting;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const pause = new Promise<void>((resolve) => timer = setTimeout(resolve, pauseMillis));
    await Promise.race([this.#changed.promise, pause]);
    clearTimeout(timer);
  }

  /** Keeps what came of a run, which may let others go on. */
  settle(run: RungRun, outcome: RunOutcome): void {
    this.#open.delete(run);
    this.#left.delete(run);
    run.ladder.settle(run, outcome);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  leave(run: RungRun): void {
    this.#left.add(run);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  leased(run: RungRun): void {
    this.#left.delete(run);
  }
}

/** A run that is to be trained up to a rung. */
export interface RungRun {
  readonly planned: PlannedRun;
  /** The step of the rung; infinite for the end of the run. */
  readonly pauseAt: number;
  /** The ladder that it belongs to, and the places of its job there and of itself in the job. */
  readonly ladder: Ladder;
  readonly job: number;
  readonly place: number;
}

interface Climb extends HalvingJob {
  readonly outcomes: (RunOutcome | undefined)[];
}

/** A combination's trials on their rungs. */
export class Ladder {
  readonly #rules: HalvingRules;
  readonly #rungsOf: (planned: PlannedRun) => readonly number[];
  readonly #climbs: Climb[] = [];
  #trials: readonly Trial[] = [];

  /** @param rungsOf The steps of a run's rungs, the last one its end. */
  constructor(rules: HalvingRules, rungsOf: (planned: PlannedRun) => readonly number[]) {
    this.#rules = rules;
    this.#rungsOf = rungsOf;
  }

  /** Trials that were given out, each as often as it was. */
  get climbed(): number {
    return this.#climbs.length;
  }

  /** Runs that were given out and have no outcome yet. */
  get open(): number {
    return this.#climbs.flatMap(({ outcomes }) => outcomes)
      .filter((outcome) => outcome === undefined).length;
  }

  /** Takes all trials that may begin, those that it has included and in the same order. */
  extend(trials: readonly Trial[]): void {
    this.#trials = trials;
  }

  /** The runs that may be trained further now; none while scores are waited for, or where nothing is left. */
  next(): readonly RungRun[] {
    const scores = this.#climbs.map((climb) => this.#scoreOf(climb));
    const next = nextJob(this.#trials.length, this.#climbs, scores, this.#rules);
    if (next === "wait" || next === "done") return [];
    const { runs } = this.#trials[next.trial]!;
    const job = this.#climbs.push({ ...next, outcomes: runs.map(() => undefined) }) - 1;
    const isLast = next.rung === this.#rules.rungs - 1;
    return runs.map((planned, place) => ({
      planned,
      pauseAt: isLast ? Infinity : this.#rungsOf(planned)[next.rung]!,
      ladder: this,
      job,
      place,
    }));
  }
  settle({ job, place }: Pick<RungRun, "job" | "place">, outcome: RunOutcome): void {
    this.#climbs[job]!.outcomes[place] = outcome;
  }

  #scoreOf({ trial, outcomes }: Climb): number | null | undefined {
    const known = outcomes.filter((outcome) => outcome !== undefined);
    return known.length < outcomes.length
      ? undefined
      : trialScore(known, this.#trials[trial]!.weights);
  }

  /** What came of each trial at the highest rung that it reached; of trials that began only. */
  outcomes(): ReadonlyMap<Trial, TrialOutcome> {
    const highest = new Map<number, Climb>();
    for (const climb of this.#climbs) {
      if (this.#scoreOf(climb) !== undefined) highest.set(climb.trial, climb);
    }
    return new Map([...highest].map(([at, { rung, outcomes }]) => {
      const { point, runs, weights } = this.#trials[at]!;
      const known = outcomes as readonly RunOutcome[];
      const score = trialScore(known, weights);
      const isWhole = rung === this.#rules.rungs - 1;
      const rungs = this.#rungsOf(runs[0]!);
      const outcome: TrialOutcome = {
        point,
        score,
        metric: metricOf(known),
        isWhole,
        // One that failed goes no further.
        share: isWhole || score === null ? 1 : rungs[rung]! / rungs.at(-1)!,
        runs: known,
      };
      return [this.#trials[at]!, outcome] as const;
    }));
  }
}
