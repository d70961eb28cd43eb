/**
 * From records to the paired differences that decide a claim, one a seed.
 *
 * @module
 */
import type { PredictionLine, RunRecord } from "../../record/types.ts";
import { type ArmRun, type ClaimPair, claimPairs } from "../../study/compare/arms.ts";
import {
  type Claim,
  type ClaimsOfStudy,
  decisionOf,
  marginOf,
  shareText,
} from "../../study/schema/claims.ts";
import { listed, whole } from "../../base/format.ts";
import { runTitle } from "../../study/grid/run_id.ts";
import { verdictEvaluation } from "../run_rows.ts";
import { meritOf } from "../../tasks/metrics.ts";
import { meanOf } from "../../stats/statistics.ts";
import type { ConvergenceSource } from "../run_convergence.ts";
import { aligned, type Course, lateGain, meanCourse, scoreCourse } from "./course.ts";

/** What verdicts read of a run. */
export interface ScoredRun {
  /** What was asked, and what happened. */
  readonly record: Pick<RunRecord, "asked" | "happened">;
  /** What its model gave for each example; only claims over examples ask for it. Default: nothing was kept. */
  readonly predictions?: readonly PredictionLine[];
  /** Its journal of evaluations, which says how differences came about. Default: not known. */
  readonly evaluations?: ConvergenceSource["evaluations"];
}

/** The difference of a claim's arms on one task, with one seed. */
export interface TaskDifference {
  /** Its name. */
  readonly task: string;
  /** What the scores are. */
  readonly metric: string;
  /** In units of the score, above zero where a is better; the mean over the task's pairs. */
  readonly difference: number;
  /** Half of the region of practical equivalence, in the same units. */
  readonly margin: number;
  /** How it came about over training; absent where evaluations are not known. */
  readonly course?: Course;
  /** By how much it changed from the last fifth of the steps but one to the last; absent where evaluations do not say. */
  readonly moved?: number;
}

/** What one seed says. */
export interface SeedDifference {
  /** As the study has it. */
  readonly seed: number;
  /** The mean over tasks of differences over margins: 1 is a margin, above zero where a is better. */
  readonly value: number;
  /** What it is the mean of. */
  readonly tasks: readonly TaskDifference[];
}

/** A run because of which its seed does not count. */
export interface LeftOut {
  /** As the study has it. */
  readonly seed: number;
  /** Such as `RTE, elalora, r4, seed 1`. */
  readonly run: string;
  /** The arm that it is of. */
  readonly arm: "a" | "b";
  /** What the study calls it. */
  readonly label: string;
  /** Why it has no score, such as `failed: diverged`. */
  readonly reason: string;
}

/** What the records say of a claim so far. */
export interface ClaimSeries<R extends ScoredRun> {
  /** In the order of the seeds, up to the first that is not there yet. */
  readonly differences: readonly SeedDifference[];
  /** Runs without a score among those seeds. */
  readonly leftOut: readonly LeftOut[];
  /** Seeds that the study asks for from the first that is not there yet, ascending. */
  readonly waiting: readonly number[];
  /** The runs behind the differences. */
  readonly runs: readonly R[];
  /** The same in pairs, for each of the differences. */
  readonly pairs: readonly (readonly FoundPair<R>[])[];
  /** How much one example of each task's evaluation is in margins: a spread below it is indistinguishable from none. */
  readonly resolution: number;
  /** Why its margin, which is to be measured, is not; null where it is, and where it is stated. */
  readonly unmeasured: string | null;
}

/**
 * Pairs the records of a claim's runs by task, budget and seed.
 *
 * A seed counts as a whole: where a run of it has no score, all of it is left out. Seeds count in ascending order, and those after
 * one that is not there yet wait for it, so that what was decided of the first seeds is not changed by later ones.
 *
 * @param planned All runs of the study, in the form that its plan has them.
 */
export function claimSeries<R extends ScoredRun>(
  study: ClaimsOfStudy,
  claim: Claim,
  planned: readonly ArmRun[],
  runs: readonly R[],
): ClaimSeries<R> {
  const { margin } = claim;
  if (typeof margin !== "object") return seriesWith(study, claim, planned, runs);
  const { margin: _margin, ...rest } = claim;
  // Differences in units of the score say what the margin is a share of.
  const reference = { ...rest, a: margin.a, b: margin.b, margin: 1 };
  const { differences } = seriesWith(study, reference, planned, runs);
  const { block } = decisionOf(study);
  const first = differences.slice(0, block);
  const byTask = Map.groupBy(first.flatMap(({ tasks }) => tasks), ({ task }) => task);
  const margins = [...byTask].map(([task, own]) =>
    [task, margin.share * meanOf(own.map(({ difference }) => difference))] as const
  );
  const none = margins.filter(([, size]) => !(size > 0)).map(([task]) => task);
  const unmeasured = first.length < block
    ? `its margin, ${shareText(margin)}, is measured once ${whole(block)} seeds have both`
    : none.length > 0
    ? `its margin, ${shareText(margin)}, is none: there is no gain on ${listed(none)}`
    : null;
  const measured = { ...study, margin: Object.fromEntries(margins) };
  const series = seriesWith(unmeasured === null ? measured : study, rest, planned, runs);
  return unmeasured === null
    ? series
    : { ...series, differences: [], runs: [], pairs: [], unmeasured };
}

/** The series of a claim whose margins are stated. */
function seriesWith<R extends ScoredRun>(
  study: ClaimsOfStudy,
  claim: Claim,
  planned: readonly ArmRun[],
  runs: readonly R[],
): ClaimSeries<R> {
  const recorded = new Map(runs.map((run) => [runTitle(run.record.asked), run]));
  const seeds = Map.groupBy(claimPairs(claim, planned), ({ seed }) => String(seed));
  const order = [...seeds.keys()].map(Number).sort((a, b) => a - b);
  const differences: SeedDifference[] = [];
  const leftOut: LeftOut[] = [];
  const used = new Set<R>();
  const counted: (readonly FoundPair<R>[])[] = [];
  let resolution = 0;
  let next = 0;
  for (; next < order.length; next++) {
    const seed = order[next]!;
    const pairs = foundPairs(seeds.get(String(seed))!, recorded);
    if (pairs === null) break;
    const own = new Map(
      pairs.flatMap(({ a, b }) => [[a, "a"], [b, "b"]] as const),
    );
    const without = [...own].flatMap(([run, arm]) => withoutScore(run, arm, claim));
    if (without.length > 0) {
      leftOut.push(...without.map((left) => ({ seed, ...left })));
      continue;
    }
    for (const run of own.keys()) used.add(run);
    if (differences.length === 0) resolution = resolutionOf(study, claim, pairs);
    differences.push(seedDifference(study, claim, seed, pairs));
    counted.push(pairs);
  }
  return {
    ...{ differences, leftOut, waiting: order.slice(next) },
    ...{ runs: [...used], pairs: counted, resolution },
    unmeasured: null,
  };
}

/** Two runs that a claim compares. */
export interface FoundPair<R> {
  /** Of both. */
  readonly task: string;
  /** The run of arm a. */
  readonly a: R;
  /** The run of arm b. */
  readonly b: R;
}

/** The records of pairs, or null where one is not there yet. */
function foundPairs<R extends ScoredRun>(
  pairs: readonly ClaimPair<ArmRun>[],
  recorded: ReadonlyMap<string, R>,
): readonly FoundPair<R>[] | null {
  const found = pairs.flatMap(({ task, a, b }): readonly FoundPair<R>[] => {
    const [ours, theirs] = [recorded.get(runTitle(a)), recorded.get(runTitle(b))];
    return ours === undefined || theirs === undefined ? [] : [{ task, a: ours, b: theirs }];
  });
  return found.length === pairs.length ? found : null;
}

/** The metric by which a run counts for a claim. */
export const metricOf = ({ record }: ScoredRun, { metric }: Claim): string =>
  metric ?? record.happened.primaryMetric;

function scoreOf(run: ScoredRun, claim: Claim): number | null {
  const score = verdictEvaluation(run.record)?.metrics[metricOf(run, claim)];
  return score !== undefined && Number.isFinite(score) ? score : null;
}

function withoutScore(
  run: ScoredRun,
  arm: "a" | "b",
  claim: Claim,
): readonly Omit<LeftOut, "seed">[] {
  if (scoreOf(run, claim) !== null) return [];
  const { asked, happened: { outcome } } = run.record;
  const reason = outcome.state === "failed"
    ? `failed: ${outcome.cause}`
    : `has no ${metricOf(run, claim)}`;
  return [{ run: runTitle(asked), arm, label: asked.label, reason }];
}

function seedDifference(
  study: ClaimsOfStudy,
  claim: Claim,
  seed: number,
  pairs: readonly FoundPair<ScoredRun>[],
): SeedDifference {
  const tasks = [...Map.groupBy(pairs, ({ task }) => task)].map(([task, own]): TaskDifference => {
    const metric = metricOf(own[0]!.a, claim);
    return {
      task,
      metric,
      difference: meritOf(
        metric,
        meanOf(own.map(({ a, b }) => scoreOf(a, claim)! - scoreOf(b, claim)!)),
      ),
      margin: marginOf(study, claim, task)!,
      ...courseOf(own, metric),
    };
  });
  return { seed, value: meanOf(tasks.map(({ difference, margin }) => difference / margin)), tasks };
}

/** How the mean difference of some pairs came about, and by how much it moved at the end. */
function courseOf(
  pairs: readonly FoundPair<ScoredRun>[],
  metric: string,
): Pick<TaskDifference, "course" | "moved"> {
  const own = pairs.flatMap(({ a, b }) => {
    const runs = [a, b].flatMap(({ record, evaluations }) =>
      evaluations === undefined ? [] : [{ record, evaluations }]
    );
    if (runs.length < 2) return [];
    const [ours = NaN, theirs = NaN] = runs.map((run) => lateGain(run, metric) ?? NaN);
    return [{
      course: aligned(runs.map((run) => scoreCourse(run, metric)))
        .map(({ done, values }) => ({ done, value: values[0]! - values[1]! })),
      moved: ours - theirs,
    }];
  });
  if (own.length < pairs.length) return {};
  const moved = meanOf(own.map((pair) => pair.moved));
  return {
    course: meanCourse(own.map(({ course }) => course)),
    ...(Number.isFinite(moved) ? { moved } : {}),
  };
}

/** Accuracies move by whole examples; of other metrics no smallest step is known. */
function resolutionOf(
  study: ClaimsOfStudy,
  claim: Claim,
  pairs: readonly FoundPair<ScoredRun>[],
): number {
  const tasks = [...Map.groupBy(pairs, ({ task }) => task)];
  const squares = tasks.map(([task, own]) => {
    const { a } = own[0]!;
    const split = verdictEvaluation(a.record)?.split ?? "";
    const examples = a.record.happened.examples?.splits[split] ?? 0;
    if (metricOf(a, claim) !== "accuracy" || examples === 0) return 0;
    return (1 / examples / marginOf(study, claim, task)!) ** 2 / own.length;
  });
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0)) / tasks.length;
}
