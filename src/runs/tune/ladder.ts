/**
 * The trials of a combination on their rungs: which run is trained how far next, and what came of each trial.
 *
 * @module
 */
import type { PlannedRun } from "../plan/planning.ts";
import { type HalvingJob, type HalvingRules, nextJob } from "./halving.ts";
import { metricOf, type RunOutcome, type Trial, type TrialOutcome, trialScore } from "./trials.ts";

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

  /** Keeps what came of a run. */
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
        seconds: known.reduce((sum, { seconds }) => sum + seconds, 0),
        runs: runs.length,
      };
      return [this.#trials[at]!, outcome] as const;
    }));
  }
}
