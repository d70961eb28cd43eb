/**
 * From a study to its runs: the grid of its axes, each point with its settings and options resolved.
 *
 * @module
 */
import { knownSequences, knownTasks, type StudyTables } from "./tasks.ts";
import { canonicalJson } from "../../base/canonical_json.ts";
import {
  problemsOfClaims,
  problemsOfComparisons,
  problemsOfTargetScores,
  problemsOfTuned,
} from "../check/study.ts";
import {
  askedRanksOf,
  checkNames,
  defaultMostRuns,
  gridProblem,
  type Point,
  problemsOfSources,
} from "./points.ts";
import { layerOf, type OptionLayer, parseOptions, settingAt } from "../schema/setting_paths.ts";
import { type Problem, repeated, StudyError } from "../check/problems.ts";
import { type Budget, budgetKey, budgetOf } from "../budget/budget.ts";
import { runContent, runTitle } from "./run_id.ts";
import { defaultSettings, overlaySettings, type PartialSettings } from "../schema/settings.ts";
import { matchesCondition } from "../schema/conditions.ts";
import type { Delta, Study } from "../schema/study.ts";
import type { GridRun } from "../types.ts";
import { knownVariants, type Variant, variedOf } from "./variants.ts";

/**
 * All runs of a study, tasks outermost, then methods, settings, budgets and seeds, each in the study's order.
 *
 * A method without ranks runs once per task and seed, with budget null. Settings are the defaults, the
 * study's base, the values of the axes of settings and the matching deltas, the later winning; options are the method's
 * defaults, those of the axes and those of the matching deltas. A delta for what an axis varies is refused.
 *
 * @throws {StudyError} With all problems found: unknown tasks, methods or options (the closest known one is
 * named), values given twice, labels that are not unique, missing budgets, ranks of runs that are not there, and two runs
 * that would compute the same; or, before anything is made, that there are too many runs.
 */
export function expandStudy(study: Study, tables: StudyTables): readonly GridRun[] {
  const what = `Cannot plan study "${study.name}"`;
  const tooLarge = gridProblem(study, tables.methods, tables.mostRuns ?? defaultMostRuns);
  if (tooLarge !== null) throw new StudyError(what, [tooLarge]);
  const problems: Problem[] = [];
  const { tasks: single, unsound } = knownTasks(study, tables, problems);
  const { outputOf = () => "classification", metricsOf, scoresOf } = tables;
  const sequences = knownSequences(
    study,
    single,
    (task) => unsound.has(task) ? "classification" : outputOf(task),
    problems,
  );
  const tasks = [...single, ...sequences.keys()];
  const variants = knownVariants(study, tables.methods, problems);
  const budgets = (study.axes.budgets ?? []).map(budgetOf);
  checkNames(study, tasks, variants, tables.methods, problems);
  problems.push(...problemsOfTwice(study, budgets));
  const ranked = variants.find(({ entry }) => entry.usesBudget);
  if (ranked !== undefined && budgets.length === 0) {
    problems.push({
      where: "axes.budgets",
      message: `missing, wanted at least one budget, since "${ranked.entry.name}" has ranks`,
    });
  }
  const grid = study.axes.tasks.flatMap((task) =>
    variants.flatMap((variant) =>
      (variant.entry.usesBudget ? budgets : [null]).flatMap((budget) =>
        study.axes.seeds.map((seed): Point => ({
          task,
          method: variant.entry.name,
          label: variant.label,
          arm: variant.arm,
          varied: variedOf(variant),
          budget,
          seed,
          sequence: sequences.get(task),
          variant,
        }))
      )
    )
  );
  const points = withoutExceptions(study, grid, problems);
  const before = problems.length;
  const runs = points.flatMap((point) => resolve(study, point, variants, problems));
  const isSound = problems.length === before;
  // Where a delta gives what varies, runs are missing that others may take their ranks from.
  if (runs.length === points.length) {
    problems.push(...problemsOfSources(runs, variants));
  }
  // Where runs are missing, claims and comparisons of them would be reported as well.
  const isWhole = runs.length === points.length &&
    !problems.some(({ where }) => /^(?:axes\.|except)/.test(where));
  checkSame(runs, problems);
  if (isSound) problems.push(...problemsOfTuned(study.tuned, runs, tables.methods));
  if (isWhole) {
    const metrics = unsound.size > 0 ? undefined : metricsOf;
    problems.push(
      ...problemsOfClaims(study, runs, study.axes.tasks, metrics),
      ...problemsOfComparisons(study.comparisons ?? [], runs),
      ...(unsound.size > 0 || scoresOf === undefined
        ? []
        : problemsOfTargetScores(study.targets ?? {}, study.axes.tasks, scoresOf)),
    );
  }
  if (problems.length > 0) {
    const texts = new Map(problems.map((problem) => [canonicalJson({ ...problem }), problem]));
    throw new StudyError(what, [...texts.values()]);
  }
  return runs;
}

/** The points that no exception matches; an exception that matches none is a problem, for it means something else than it says. */
function withoutExceptions(
  { except = [] }: Study,
  grid: readonly Point[],
  problems: Problem[],
): readonly Point[] {
  except.forEach((when, i) => {
    if (grid.length === 0 || grid.some((point) => matchesCondition(when, point))) return;
    problems.push({
      where: `except[${i}]`,
      message: "found no run that it matches, wanted at least one; leave it out or correct it",
    });
  });
  const left = grid.filter((point) => !except.some((when) => matchesCondition(when, point)));
  if (left.length === 0 && grid.length > 0) {
    problems.push({
      where: "except",
      message: "found that it matches every run, wanted some left",
    });
  }
  return left;
}

/** What is wrong with values of a delta for what the point varies: they would make points equal that are named apart. */
function problemsOfVaried(
  { set = {}, options = {} }: Delta,
  where: string,
  { variant }: Point,
): readonly Problem[] {
  return variant.values.filter(({ path }) => settingAt(set, options, path) !== undefined).map((
    { path },
  ) => ({
    where: `${where}.${path.type === "option" ? path.text : `set.${path.text}`}`,
    message:
      `found a value of what axes.settings varies for "${variant.arm}", wanted it in one of both places; ` +
      `leave values of the axis out for some runs by except`,
  }));
}

function resolve(
  study: Study,
  point: Point,
  variants: readonly Variant[],
  problems: Problem[],
): GridRun[] {
  const { task, sequence, variant, budget, seed } = point;
  const { entry, label, arm, values } = variant;
  const askedRanks = askedRanksOf(point, variants);
  const matching = (study.deltas ?? [])
    .map((delta, i) => ({ delta, where: `deltas[${i}]` }))
    .filter(({ delta }) => matchesCondition(delta.when, point));
  const twice = matching.flatMap(({ delta, where }) => problemsOfVaried(delta, where, point));
  if (twice.length > 0) {
    problems.push(...twice);
    return [];
  }
  const layers: readonly OptionLayer[] = [
    { options: variant.options, where: `${variant.where}.options` },
    ...values.map(({ path, value, where }) => ({
      options: layerOf(path, value).options,
      where,
      whereOf: () => where,
    })),
    ...matching.map(({ delta, where }) => ({
      options: delta.options ?? {},
      where: `${where}.options`,
    })),
  ];
  const settings = [
    { set: study.base ?? {}, where: "base" },
    ...values.map(({ path, value, where }) => ({ set: layerOf(path, value).set, where })),
    ...matching.map(({ delta, where }) => ({ set: delta.set ?? {}, where: `${where}.set` })),
  ];
  problems.push(...problemsOfCap(settings));
  // Options that are wrong stay as they are: the run is none, but others and claims may name it.
  const parsed = parseOptions(entry, layers, problems);
  const options = parsed?.options ?? Object.assign({}, ...layers.map(({ options }) => options));
  const keepsCap = parsed !== null && entry.keepsCap?.(options) === true;
  return [{
    study: study.name,
    task,
    ...(sequence === undefined ? {} : { sequence }),
    method: entry.name,
    label,
    ...(values.length === 0 ? {} : { arm, varied: variedOf(variant) }),
    methodVersion: entry.version,
    ...(entry.origin === undefined ? {} : { methodHash: entry.origin.hash }),
    options,
    budget: budget !== null && budget.type !== "rank" && keepsCap
      ? { ...budget, isCap: true }
      : budget,
    seed,
    settings: overlaySettings(defaultSettings, ...settings.map(({ set }) => set)),
    ranks: null,
    ...(askedRanks === null ? {} : { askedRanks }),
  }];
}

/** What an axis lists twice; methods are told apart by their labels. */
function problemsOfTwice(
  { axes: { tasks, seeds } }: Study,
  budgets: readonly Budget[],
): readonly Problem[] {
  const axes = { tasks, budgets: budgets.map(budgetKey), seeds: seeds.map(String) };
  return Object.entries(axes).flatMap(([axis, values]) =>
    repeated(values).map(({ i, first }) => ({
      where: `axes.${axis}[${i}]`,
      message: `found the same as axes.${axis}[${first}], wanted each once`,
    }))
  );
}

function checkSame(runs: readonly GridRun[], problems: Problem[]): void {
  const seen = new Map<string, GridRun>();
  for (const run of runs) {
    const content = canonicalJson(runContent(run));
    const twin = seen.get(content);
    if (twin === undefined) seen.set(content, run);
    else if (twin.label !== run.label) {
      problems.push({
        where: "axes.methods",
        message: `found that run "${runTitle(run)}" is the same as run "${runTitle(twin)}", ` +
          `wanted options or settings that differ`,
      });
    }
  }
}

interface WrittenLayer {
  readonly set: Pick<PartialSettings, "train">;
  /** For instance `base` or `deltas[0].set`. */
  readonly where: string;
}

/** What is wrong with a plateau by the layers in which a run's settings are written: it has no cap but the default. */
function problemsOfCap(layers: readonly WrittenLayer[]): readonly Problem[] {
  const last = layers.findLast(({ set }) => set.train?.until !== undefined);
  if (last === undefined || last.set.train?.until === "epochs") return [];
  const isCapped = layers.some(({ set: { train } }) =>
    train?.epochs !== undefined || (train?.steps ?? null) !== null
  );
  return isCapped ? [] : [{
    where: `${last.where}.train.until`,
    message:
      "found a plateau without a cap, wanted train.steps or train.epochs beside it: a run that never stops rising ends there",
  }];
}
