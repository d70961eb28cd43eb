/**
 * What is wrong with what a study says about its runs: claims, comparisons, targets and tuned settings.
 *
 * @module
 */
import { type Targets } from "../schema/study.ts";
import {
  type ArmPair,
  type ArmRun,
  armText,
  askedTasks,
  claimPairs,
  comparedPairs,
  problemsOfArm,
  runsOfArm,
  type StudyComparison,
} from "../compare/arms.ts";
import { unknownName } from "../../base/suggest.ts";
import { type Problem, repeated, show } from "./problems.ts";
import { overlaySettings } from "../schema/settings.ts";
import type { MethodEntry, RunSpec } from "../types.ts";
import { type Claim, type ClaimsOfStudy, decisionOf, otherTasks } from "../schema/claims.ts";
import { matchesCondition } from "../schema/conditions.ts";
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { runTitle } from "../grid/run_id.ts";
import { layerOf, parseSettingPath, settingAt, type SettingPath } from "../schema/setting_paths.ts";
import type { Tune } from "../schema/tune.ts";
import { isTunedFor, type Tuned } from "../schema/tuned.ts";

/** What is wrong with a study's targets: tasks that it does not have. */
export function problemsOfTargets(
  targets: Targets,
  tasks: readonly string[],
): readonly Problem[] {
  return Object.keys(targets).filter((task) => !tasks.includes(task)).map((task) => ({
    where: `targets.${task}`,
    message: unknownName("task of axes.tasks", task, tasks),
  }));
}

/** Where two arms stand in a study, and the tasks that are asked for. */
interface PairPlaces {
  readonly where: string;
  readonly tasks: readonly string[];
  /** The place of a task. */
  readonly placeOf: (i: number) => string;
}

/** What is wrong with the names of two arms and of their tasks, or else that both are the same runs. */
function problemsOfSides(
  { a, b }: ArmPair,
  { where, tasks, placeOf }: PairPlaces,
  known: readonly string[],
  runs: readonly ArmRun[],
): readonly Problem[] {
  const named = [
    ...problemsOfArm(a, `${where}.a`, runs),
    ...problemsOfArm(b, `${where}.b`, runs),
    ...tasks.flatMap((task, i) =>
      known.includes(task) ? [] : [{ where: placeOf(i), message: unknownName("task", task, known) }]
    ),
  ];
  // What follows would only repeat these.
  if (named.length > 0) return named;
  const ours = new Set(runsOfArm(a, runs));
  if (!runsOfArm(b, runs).some((run) => ours.has(run))) return [];
  const arms = `${armText(a)} and ${armText(b)}`;
  return [{
    where: `${where}.b`,
    message: `found runs that are those of a too (${arms}), wanted another arm`,
  }];
}

/**
 * What is wrong with arms that have no pair of runs, or none on a task that is asked for.
 *
 * @param noneText What is said after the arms where they have no pair at all.
 */
function problemsOfUnpaired(
  pair: ArmPair,
  { where, tasks, placeOf }: PairPlaces,
  noneText: string,
  runs: readonly ArmRun[],
): readonly Problem[] {
  const paired = new Set(claimPairs(pair, runs).map(({ task }) => task));
  const arms = `"${armText(pair.a)}" and "${armText(pair.b)}"`;
  if (paired.size === 0) {
    return [{ where, message: `found no task and seed that ${arms} have both${noneText}` }];
  }
  return tasks.flatMap((task, i) =>
    paired.has(task) ? [] : [{
      where: placeOf(i),
      message: `found "${task}", wanted a task that ${arms} have both`,
    }]
  );
}

/** What the scores of a task can be. */
export interface ScoreRange {
  /** The metric that decides. */
  readonly metric: string;
  /** The least and the most that it can be. */
  readonly range: readonly [number, number];
  /** Whether a higher value is better. */
  readonly isHigherBetter: boolean;
}

/** What is wrong with a study's targets: scores that the metric of their task cannot have, or that all runs have. */
export function problemsOfTargetScores(
  targets: Targets,
  tasks: readonly string[],
  scoresOf: (task: string) => ScoreRange,
): readonly Problem[] {
  return Object.entries(targets).flatMap(([task, target]) => {
    if (!tasks.includes(task)) return [];
    const { metric, range: [least, most], isHigherBetter } = scoresOf(task);
    const isWithin = target >= least && target <= most;
    if (isWithin && target !== (isHigherBetter ? least : most)) return [];
    const wanted = [
      ...(Number.isFinite(least)
        ? [isHigherBetter ? `more than ${least}` : `at least ${least}`]
        : []),
      ...(Number.isFinite(most) ? [isHigherBetter ? `at most ${most}` : `less than ${most}`] : []),
    ];
    return [{
      where: `targets.${task}`,
      message: `found ${target}, wanted a score by "${metric}": ${wanted.join(" and ")}`,
    }];
  });
}

/**
 * What is wrong with the comparisons of a study: arms that are not there, the same arm or the same comparison twice, tasks that
 * one of the arms does not have, and arms without a common task and seed.
 *
 * @param runs All runs of the study.
 */
export function problemsOfComparisons(
  comparisons: readonly StudyComparison[],
  runs: readonly ArmRun[],
): readonly Problem[] {
  const wrong = comparisons.map((comparison, i) =>
    problemsOfComparison(comparison, `comparisons[${i}]`, runs)
  );
  // The same two arms the other way round differ in a sign only.
  const keys = comparisons.map((comparison, i) =>
    wrong[i]!.length > 0 ? `wrong ${i}` : comparedPairs(comparison, runs)
      .map(({ a, b }) => [JSON.stringify(a), JSON.stringify(b)].sort().join()).sort().join()
  );
  const firsts = new Map(repeated(keys).map(({ i, first }) => [i, first]));
  return wrong.flatMap((problems, i) =>
    !firsts.has(i) ? problems : [{
      where: `comparisons[${i}]`,
      message: `found the same runs as in comparisons[${
        firsts.get(i)
      }], wanted each comparison once`,
    }]
  );
}

function problemsOfComparison(
  comparison: StudyComparison,
  where: string,
  runs: readonly ArmRun[],
): readonly Problem[] {
  const known = [...new Set(runs.map(({ task }) => task))];
  const isOne = typeof comparison.task === "string";
  const tasks = askedTasks(comparison) ?? [];
  const places = {
    where,
    tasks,
    placeOf: (i: number) => isOne ? `${where}.task` : `${where}.task[${i}]`,
  };
  const problems = problemsOfSides(comparison, places, known, runs);
  if (problems.length > 0) return problems;
  const noneText =
    " at the same budget, wanted at least one; to compare across budgets, give both arms theirs";
  return problemsOfUnpaired(comparison, places, noneText, runs);
}

type MetricsOf = ((task: string) => readonly string[]) | undefined;

/**
 * Arms that are not there, the same arm or name twice, exclusions that leave nothing, metrics that a task does not have, margins of
 * tasks that the study does not have, and a rule that its seeds do not fit.
 *
 * @param runs All runs of the study.
 * @param tasks The study's tasks and sequences.
 * @param metricsOf Metrics that a task's runs are evaluated by. Default: not checked.
 */
export function problemsOfClaims(
  study: TunedStudy,
  runs: readonly ArmRun[],
  tasks: readonly string[],
  metricsOf?: MetricsOf,
): readonly Problem[] {
  const { claims = [] } = study;
  return [
    ...repeated(claims.map(({ name }) => name)).map(({ i, first }) => ({
      where: `claims[${i}].name`,
      message: `found "${claims[i]!.name}" as in claims[${first}], wanted a name of its own`,
    })),
    ...claims.flatMap((claim, i) => problemsOfClaim(claim, `claims[${i}]`, runs, tasks, metricsOf)),
    ...problemsOfRobust(study),
    ...problemsOfMargin(study, tasks),
    ...problemsOfDecision(study),
  ];
}

/** A study with claims, and what tuning it has. */
interface TunedStudy extends ClaimsOfStudy {
  readonly tune?: Pick<Tune, "seeds">;
  readonly tuned?: Tuned;
}

/** What keeps the robust claims of a study from being decided: no trials that say anything of the settings beside the chosen ones. */
function problemsOfRobust({ claims = [], tune, tuned }: TunedStudy): readonly Problem[] {
  const seeds = tuned?.seeds ?? tune?.seeds;
  const isOld = tuned?.best.some(({ trials }) => trials.some(({ runs }) => runs === undefined));
  const of = (claim: Claim): string | null => {
    if (claim.robust !== true) return null;
    if (tune === undefined && tuned === undefined) {
      return "found true in a study that is not tuned, wanted a tune block: a claim is robust if it holds at the settings " +
        "that were tried beside the best ones";
    }
    if (claim.metric !== undefined) {
      return `found true beside the metric "${claim.metric}", wanted none: trials are compared by the first metric of each task`;
    }
    if (isOld === true) {
      return "found true with a tuned file that has no scores by seed, wanted them: run deno task tune again";
    }
    return seeds?.length === 1
      ? "found true with trials of one seed, which give no interval, wanted at least two in tune.seeds"
      : null;
  };
  return claims.flatMap((claim, i) => {
    const message = of(claim);
    return message === null ? [] : [{ where: `claims[${i}].robust`, message }];
  });
}

function problemsOfClaim(
  claim: Claim,
  where: string,
  runs: readonly ArmRun[],
  known: readonly string[],
  metricsOf: MetricsOf,
): readonly Problem[] {
  const { exclude: _exclude, ...whole } = claim;
  const placeOf = (i: number) => `${where}.tasks[${i}]`;
  const places = { where, tasks: claim.tasks ?? [], placeOf };
  const { margin } = claim;
  const problems = [
    ...problemsOfSides(claim, places, known, runs),
    ...(typeof margin === "object"
      ? problemsOfSides(
        { ...claim, ...margin },
        { ...places, where: `${where}.margin` },
        known,
        runs,
      )
      : []),
  ];
  if (problems.length > 0) return problems;
  const noneText = ", wanted at least one at the same budget";
  const unpaired = problemsOfUnpaired(whole, places, noneText, runs);
  const isEmpty = unpaired.length === 0 && claimPairs(claim, runs).length === 0;
  return [
    ...problemsOfExclusions(claim, runs, where),
    ...unpaired,
    ...(isEmpty
      ? [{ where: `${where}.exclude`, message: "found that no task is left, wanted some left" }]
      : []),
    ...problemsOfMetric(claim, runs, where, metricsOf),
  ];
}

function problemsOfExclusions(
  { a, b, exclude = [] }: Claim,
  all: readonly ArmRun[],
  where: string,
): readonly Problem[] {
  const runs = [...runsOfArm(a, all), ...runsOfArm(b, all)];
  return exclude.flatMap((when, i) =>
    runs.some((run) => matchesCondition(when, run)) ? [] : [{
      where: `${where}.exclude[${i}]`,
      message:
        "found no run of the claim's arms that it matches, wanted at least one; leave it out or correct it",
    }]
  );
}

function problemsOfMetric(
  claim: Claim,
  runs: readonly ArmRun[],
  where: string,
  metricsOf: MetricsOf,
): readonly Problem[] {
  const { metric } = claim;
  if (metric === undefined || metricsOf === undefined) return [];
  const tasks = new Set(claimPairs(claim, runs).map(({ task }) => task));
  return [...tasks].flatMap((task) => {
    const known = metricsOf(task);
    return known.includes(metric) ? [] : [{
      where: `${where}.metric`,
      message: `${unknownName("metric", metric, known)} (task "${task}")`,
    }];
  });
}

function problemsOfMargin({ margin }: ClaimsOfStudy, tasks: readonly string[]): readonly Problem[] {
  if (margin === undefined || typeof margin === "number") return [];
  return Object.keys(margin).filter((task) => task !== otherTasks && !tasks.includes(task))
    .map((task) => ({
      where: `margin.${task}`,
      message: unknownName("task", task, [...tasks, otherTasks]),
    }));
}

function problemsOfDecision(study: ClaimsOfStudy): readonly Problem[] {
  const { decide = {}, axes: { seeds } } = study;
  const { rule, block, mostSeeds } = decisionOf(study);
  const problems: Problem[] = [];
  const note = (key: string, message: string) => problems.push({ where: `decide.${key}`, message });
  if (rule === "fixed" && decide.block !== undefined) {
    note("block", `found ${decide.block} with the rule "fixed", which looks once; leave it out`);
  }
  if (rule === "fixed" && (study.claims ?? []).length > 0 && mostSeeds < 3) {
    note("rule", `found "fixed" with ${mostSeeds} seeds, wanted at least 3`);
  }
  if (rule !== "fixed" && block > mostSeeds) {
    note("block", `found ${block}, wanted at most mostSeeds, which is ${mostSeeds}`);
  }
  if (decide.mostSeeds !== undefined && decide.mostSeeds < seeds.length) {
    note(
      "mostSeeds",
      `found ${decide.mostSeeds}, wanted at least the ${seeds.length} seeds of axes.seeds`,
    );
  }
  return problems;
}

/** Whether a run has a value; what it leaves out at its default, it has. */
function hasValue(run: RunSpec, path: SettingPath, value: Json, entry: MethodEntry): boolean {
  const layer = layerOf(path, value);
  const settings = overlaySettings(run.settings, layer.set);
  const options = path.type === "setting"
    ? run.options
    : entry.parseOptions({ ...run.options as object, ...layer.options });
  const textOf = (value: unknown) => canonicalJson(value as Json);
  return textOf({ settings, options }) ===
    textOf({ settings: run.settings, options: run.options });
}

/**
 * What goes before settings that were tuned: a report of such runs would say that they have the chosen values. Axes of settings may,
 * since they vary on purpose.
 *
 * @param tuned Of the study; undefined where nothing was tuned.
 * @param entries Methods of the runs.
 */
export function problemsOfTuned(
  tuned: Tuned | undefined,
  runs: readonly RunSpec[],
  entries: readonly MethodEntry[],
): readonly Problem[] {
  return (tuned?.best ?? []).flatMap((choice) => {
    const own = runs.filter((run) => isTunedFor(choice, run));
    return Object.entries(choice.values).flatMap(([text, value]): readonly Problem[] => {
      const path = parseSettingPath(text);
      const other = own.find((run) => {
        const entry = entries.find(({ name }) => name === run.method)!;
        return !Object.hasOwn(run.varied ?? {}, text) && !hasValue(run, path, value, entry);
      });
      if (other === undefined) return [];
      const found = settingAt(other.settings, other.options, path) ?? null;
      return [{
        where: `run "${runTitle(other)}", ${text}`,
        message:
          `found ${show(found)}, wanted ${
            show(value)
          }, which tuning chose; leave it out of deltas and of ` +
          "--set, or do not extend the file of the tuning",
      }];
    });
  });
}
