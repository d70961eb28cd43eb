/**
 * Runs that are no evidence for a verdict or weak evidence: tasks on which nothing was learned, arms that lost too many runs, and arms
 * of which only one was tuned.
 *
 * @module
 */
import type { StoppingVerdict } from "../../stats/stopping.ts";
import type { RunSpec } from "../../study/types.ts";
import { counted, whole } from "../../base/format.ts";
import type { LeftOut, ScoredRun, SeedDifference } from "./series.ts";
import { canonicalJson } from "../../base/canonical_json.ts";
import { type ArmRun, type ClaimPair, valueAt } from "../../study/compare/arms.ts";
import type { Claim } from "../../study/schema/claims.ts";

/** Share of an arm's seeds that may lack a score and the verdict still leave them out. */
const mostLost = 0.1;

/** An arm of which more runs have no score than a verdict in its favour may leave out. */
export interface LostArm {
  /** Its label. */
  readonly label: string;
  /** Seeds without a score of it, among those that the verdict is about. */
  readonly seeds: number;
  /** All of these seeds. */
  readonly of: number;
}

/** Whether a run learned anything: it neither collapsed nor is it no better than the majority class. */
export function hasLearned({ record }: ScoredRun): boolean {
  return (record.happened.flags ?? []).length === 0;
}

/** Runs that learned nothing in words, for instance `2 of its 6 runs collapsed or are no better than the majority class`. */
export function idleText(idle: number, of: number): string {
  return `${whole(idle)} of its ${counted(of, "run")} collapsed or ${
    idle === 1 ? "is" : "are"
  } no better than the majority class`;
}

/**
 * Tasks on which no run of either arm learned anything: their scores are chance beside chance.
 *
 * @param runs Those behind a claim's differences.
 */
export function unlearnedTasks<R extends ScoredRun>(
  runs: readonly R[],
  hasLearned: (run: R) => boolean,
): readonly string[] {
  const learned = new Set(runs.filter(hasLearned).map(({ record }) => record.asked.task));
  return [...new Set(runs.map(({ record }) => record.asked.task))]
    .filter((task) => !learned.has(task));
}

/** Labels of runs without tuned settings, where others of the same task have them. */
export function notTunedOf<R>(
  runs: readonly R[],
  isTuned: (run: R) => boolean,
  of: (run: R) => Pick<RunSpec, "task" | "label">,
): readonly string[] {
  const tasks = new Set(runs.filter(isTuned).map((run) => of(run).task));
  const without = runs.filter((run) => !isTuned(run) && tasks.has(of(run).task));
  return [...new Set(without.map((run) => of(run).label))];
}

/**
 * The arm that a verdict favours although more than a tenth of its seeds have no score; null where there is none. Its failures would
 * be left out to its advantage. A verdict of equivalence favours both arms.
 */
export function lostArm(
  differences: readonly SeedDifference[],
  leftOut: readonly LeftOut[],
  verdict: StoppingVerdict,
): LostArm | null {
  if (verdict === "undecided") return null;
  const isFavoured = (arm: "a" | "b") =>
    verdict === "equivalent" || arm === (verdict === "worse" ? "b" : "a");
  const of = differences.length + new Set(leftOut.map(({ seed }) => seed)).size;
  for (const arm of ["a", "b"] as const) {
    const own = leftOut.filter((left) => left.arm === arm);
    const seeds = new Set(own.map(({ seed }) => seed)).size;
    if (isFavoured(arm) && seeds > mostLost * of) return { label: own[0]!.label, seeds, of };
  }
  return null;
}

/** Settings that say how much a run trains, on what, and by which examples it is evaluated. */
const ofTheContest = [
  "model",
  "train.epochs",
  "train.steps",
  "train.batchSize",
  "train.trainLimit",
  "train.devLimit",
  "train.maxLength",
  "train.heldOut",
  "train.verdictSplit",
  "train.until",
  "train.keep",
] as const;

/**
 * Settings in which paired runs differ although a comparison of methods would give both the same, with the first two values, such as
 * `train.steps (600 and 60)`. Those that the claim itself names are what it is about.
 */
export function unequalSettings(
  { a, b }: Pick<Claim, "a" | "b">,
  pairs: readonly ClaimPair<ArmRun>[],
): readonly string[] {
  const named = new Set([a, b].flatMap(({ settings = {} }) => Object.keys(settings)));
  return ofTheContest.filter((key) => !named.has(key)).flatMap((key): readonly string[] => {
    const values = pairs.map((pair) =>
      [pair.a, pair.b].map((run) => canonicalJson(valueAt(run, key)))
    );
    const apart = values.find(([ours, theirs]) => ours !== theirs);
    return apart === undefined ? [] : [`${key} (${apart.join(" and ")})`];
  });
}
