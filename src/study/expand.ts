/**
 * From a study to its runs: the grid of its axes, each point with its settings and options resolved.
 *
 * @module
 */
import { canonicalJson, type Json } from "../base/canonical_json.ts";
import type { z } from "zod";
import { unknownName } from "../base/suggest.ts";
import { defaultMostRuns, gridProblem } from "./grid.ts";
import { placeOf, type Problem, problemsOf, StudyError } from "./problems.ts";
import { problemsOfSources } from "./rank_sources.ts";
import { budgetKey, runContent, runTitle } from "./run_id.ts";
import { knownSequences } from "./sequences.ts";
import { defaultSettings, overlaySettings } from "./settings.ts";
import {
  type DeltaCondition,
  type MethodOptions,
  mostOfName,
  type OneOrMore,
  type Study,
  type StudyMethod,
} from "./study.ts";
import { budgetOf, type StudyBudget } from "./study_budget.ts";
import { ranksText, type StudyRanks } from "./study_ranks.ts";
import type { AskedRanks, Budget, GridRun, MethodEntry } from "./types.ts";

/** What other rooms know of tasks and methods. */
export interface StudyTables {
  /** Names of the tasks that are built in. */
  readonly tasks: readonly string[];
  /** What it may name; further ones are reported as unknown. */
  readonly methods: readonly MethodEntry[];
  /**
   * Checks one of the study's own tasks, which stands at an index of `userTasks`, and gives its name; throws an error that says
   * what is wrong, a {@linkcode StudyError} where it knows the keys.
   */
  readonly declareTask?: (declared: Json, index: number) => string;
  /** What a known task asks for. Default: a class. */
  readonly outputOf?: (task: string) => "classification" | "regression";
  /** Runs at most, counted before exceptions. Default 10,000. */
  readonly mostRuns?: number;
}

/** Names that are looked up for a suggestion. */
const mostProblems = 100;

interface Variant {
  readonly entry: MethodEntry;
  readonly label: string;
  readonly options: MethodOptions;
  readonly ranks: StudyRanks<StudyBudget> | null;
  readonly where: string;
}

/**
 * All runs of a study, tasks outermost, then methods, budgets and seeds, each in the study's order.
 *
 * A method without ranks runs once per task and seed, with budget null. Settings are the defaults, the
 * study's base and the matching deltas, the later winning; options are the method's defaults, those of the
 * axis and those of the matching deltas.
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
  const single = knownTasks(study, tables, problems);
  const sequences = knownSequences(study, single, tables, problems);
  const tasks = [...single, ...sequences.keys()];
  const variants = knownVariants(study.axes.methods, tables.methods, problems);
  const budgets = (study.axes.budgets ?? []).map(budgetOf);
  checkNames(study, tasks, variants, tables.methods, problems);
  checkTwice(study, budgets, problems);
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
          sequence: sequences.get(task),
          variant,
          budget,
          seed,
        }))
      )
    )
  );
  const points = withoutExceptions(study, grid, problems);
  const runs = points.flatMap((point) => resolve(study, point, problems));
  // Where options are wrong, runs are missing that others may take their ranks from.
  if (runs.length === points.length) {
    problems.push(...problemsOfSources(
      runs,
      variants.map(({ label, where, entry }) => ({ label, where, hasRanks: entry.usesBudget })),
    ));
  }
  checkSame(runs, problems);
  if (problems.length > 0) {
    const texts = new Map(problems.map((problem) => [canonicalJson({ ...problem }), problem]));
    throw new StudyError(what, [...texts.values()]);
  }
  return runs;
}

interface Point {
  readonly task: string;
  readonly sequence: readonly string[] | undefined;
  readonly variant: Variant;
  readonly budget: Budget | null;
  readonly seed: number;
}

/** The points that no exception matches; an exception that matches none is a problem, for it means something else than it says. */
function withoutExceptions(
  { except = [] }: Study,
  grid: readonly Point[],
  problems: Problem[],
): readonly Point[] {
  except.forEach((when, i) => {
    if (grid.length === 0 || grid.some((point) => matches(when, point))) return;
    problems.push({
      where: `except[${i}]`,
      message: "found no run that it matches, wanted at least one; leave it out or correct it",
    });
  });
  const left = grid.filter((point) => !except.some((when) => matches(when, point)));
  if (left.length === 0 && grid.length > 0) {
    problems.push({
      where: "except",
      message: "found that it matches every run, wanted some left",
    });
  }
  return left;
}

/** The ranks that a point of the grid asks for, with what its entry leaves to the point. */
function askedRanksOf({ task, variant: { ranks }, budget, seed }: Point): AskedRanks | null {
  if (ranks === null) return null;
  if ("add" in ranks) return { type: "dose", add: ranks.add };
  const as = ranks.as ?? "same";
  if ("file" in ranks) return { type: "file", file: ranks.file, as };
  const { of } = ranks;
  const point = {
    task: of.task ?? task,
    label: of.label,
    budget: of.budget === undefined ? budget : budgetOf(of.budget),
    seed: of.seed ?? seed,
  };
  return { type: "run", of: point, as };
}

function resolve(study: Study, point: Point, problems: Problem[]): GridRun[] {
  const { task, sequence, variant: { entry, label, options: axisOptions, where }, budget, seed } =
    point;
  const askedRanks = askedRanksOf(point);
  const matching = (study.deltas ?? [])
    .map((delta, i) => ({ delta, where: `deltas[${i}]` }))
    .filter(({ delta }) => matches(delta.when, point));
  const layers = [
    { options: axisOptions, where },
    ...matching.map(({ delta, where }) => ({ options: delta.options ?? {}, where })),
  ];
  const options = Object.assign({}, ...layers.map(({ options }) => options)) as MethodOptions;
  const parsed = parseOptions(entry, options, layers, problems);
  if (parsed === null) return [];
  return [{
    study: study.name,
    task,
    ...(sequence === undefined ? {} : { sequence }),
    method: entry.name,
    label,
    methodVersion: entry.version,
    ...(entry.origin === undefined ? {} : { methodHash: entry.origin.hash }),
    options: parsed.options,
    budget: budget !== null && budget.type !== "rank" && entry.keepsCap?.(parsed.options) === true
      ? { ...budget, isCap: true }
      : budget,
    seed,
    settings: overlaySettings(
      defaultSettings,
      study.base ?? {},
      ...matching.map(({ delta }) => delta.set ?? {}),
    ),
    ranks: null,
    ...(askedRanks === null ? {} : { askedRanks }),
  }];
}

function matches(when: DeltaCondition, { task, variant, budget, seed }: Point): boolean {
  const has = <T>(wanted: OneOrMore<T> | undefined, test: (value: T) => boolean) =>
    wanted === undefined || toList(wanted).some(test);
  return has(when.task, (name) => name === task) &&
    has(when.method, (name) => name === variant.entry.name || name === variant.label) &&
    has(
      when.budget,
      (value) => budget !== null && budgetKey(budgetOf(value)) === budgetKey(budget),
    ) &&
    has(when.seed, (value) => value === seed);
}

function toList<T>(value: OneOrMore<T>): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

/** Options as the method's entry completes them, or null after noting what is wrong and where it was written. */
function parseOptions(
  entry: MethodEntry,
  options: MethodOptions,
  layers: readonly { readonly options: MethodOptions; readonly where: string }[],
  problems: Problem[],
): { readonly options: Json } | null {
  const place = (path: string) => placeOf("method", entry.name, path);
  try {
    return { options: entry.parseOptions(options) };
  } catch (error) {
    const whereIs = (key: string) =>
      layers.findLast(({ options }) => Object.hasOwn(options, key))?.where ?? layers[0]!.where;
    if (!hasIssues(error)) {
      const message = error instanceof Error ? error.message : String(error);
      problems.push({ where: place(`${layers[0]!.where}.options`), message });
      return null;
    }
    for (const { where, message } of problemsOf(error.issues, options, [], knownOptions(entry))) {
      const key = /^[^.[]+/.exec(where)?.[0] ?? where;
      const isOption = where !== "study";
      problems.push({
        where: place(
          isOption ? `${whereIs(key)}.options.${where}` : `${layers[0]!.where}.options`,
        ),
        message: message.replace(/^Unknown key/, "Unknown option"),
      });
    }
    return null;
  }
}

function hasIssues(error: unknown): error is { readonly issues: readonly z.core.$ZodIssue[] } {
  return typeof error === "object" && error !== null && "issues" in error &&
    Array.isArray(error.issues);
}

/** Names of a method's options, from its JSON Schema. */
function knownOptions({ optionsSchema }: MethodEntry): readonly string[] {
  const properties = isObject(optionsSchema) ? optionsSchema["properties"] : undefined;
  return isObject(properties) ? Object.keys(properties) : [];
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function knownTasks(study: Study, tables: StudyTables, problems: Problem[]): readonly string[] {
  const tasks = [...tables.tasks];
  for (const [i, declared] of (study.userTasks ?? []).entries()) {
    const where = placeOf("task", isObject(declared) ? declared["name"] : null, `userTasks[${i}]`);
    if (tables.declareTask === undefined) {
      problems.push({ where, message: "found a task, wanted none: own tasks cannot be read here" });
      continue;
    }
    try {
      const name = tables.declareTask(declared, i);
      if (tasks.includes(name)) {
        problems.push({
          where,
          message: `found the name "${name}", wanted one that no other task has`,
        });
      } else tasks.push(name);
    } catch (error) {
      if (error instanceof StudyError) problems.push(...error.problems);
      else {problems.push({
          where,
          message: error instanceof Error ? error.message : String(error),
        });}
    }
  }
  return tasks;
}

function knownVariants(
  methods: readonly StudyMethod[],
  entries: readonly MethodEntry[],
  problems: Problem[],
): readonly Variant[] {
  const variants = new Map<string, Variant>();
  const names = new Set(entries.map(({ name }) => name));
  for (const [i, item] of methods.entries()) {
    const where = `axes.methods[${i}]`;
    const given = typeof item === "string" ? { method: item } : item;
    const entry = entries.find(({ name }) => name === given.method);
    if (entry === undefined) {
      problems.push({
        where,
        message: unknownName("method", given.method, entries.map(({ name }) => name)),
      });
      continue;
    }
    if (entry.name.length > mostOfName.method) {
      problems.push({
        where,
        message: `found a method with a name of ${entry.name.length} characters, wanted at most ` +
          `${mostOfName.method}, since it names folders`,
      });
      continue;
    }
    const { options = {}, ranks = null } = given;
    const label = given.label ?? defaultLabel(entry.name, options, ranks);
    const twin = variants.get(label);
    if (twin !== undefined) {
      problems.push({
        where,
        message: `found the label "${label}" as in ${twin.where}, wanted a label of its own`,
      });
    } else if (label !== entry.name && names.has(label)) {
      problems.push({
        where: `${where}.label`,
        message: `found "${label}", wanted a label that is not another method's name`,
      });
    } else if (ranks !== null && !entry.usesBudget) {
      problems.push({
        where: `${where}.ranks`,
        message: `found ranks of "${entry.name}", which has none; wanted a method with ranks`,
      });
    } else variants.set(label, { entry, label, options, ranks, where });
  }
  return [...variants.values()];
}

/** The method's name, followed by the options and the ranks that are given: `elalora b=8 ties="upstream"`. */
function defaultLabel(
  method: string,
  options: MethodOptions,
  ranks: StudyRanks<StudyBudget> | null,
): string {
  return [
    method,
    ...Object.entries(options).map(([key, value]) => `${key}=${canonicalJson(value)}`),
    ...(ranks === null ? [] : [ranksText(ranks, (budget) => budgetKey(budgetOf(budget)))]),
  ]
    .join(" ").replaceAll('"', "");
}

function checkNames(
  study: Study,
  tasks: readonly string[],
  variants: readonly Variant[],
  entries: readonly MethodEntry[],
  problems: Problem[],
): void {
  const methods = [
    ...new Set([...entries.map(({ name }) => name), ...variants.map(({ label }) => label)]),
  ];
  const check = (
    what: string,
    where: string,
    found: OneOrMore<string>,
    known: readonly string[],
  ) => {
    const isKnown = new Set(known);
    for (const [i, name] of toList(found).entries()) {
      if (isKnown.has(name) || problems.length >= mostProblems) continue;
      const place = Array.isArray(found) ? `${where}[${i}]` : where;
      problems.push({ where: place, message: unknownName(what, name, known) });
    }
  };
  check("task", "axes.tasks", study.axes.tasks, tasks);
  for (const [i, { when }] of (study.deltas ?? []).entries()) {
    check("task", `deltas[${i}].when.task`, when.task ?? [], tasks);
    check("method", `deltas[${i}].when.method`, when.method ?? [], methods);
  }
  for (const [i, when] of (study.except ?? []).entries()) {
    check("task", `except[${i}].task`, when.task ?? [], tasks);
    check("method", `except[${i}].method`, when.method ?? [], methods);
  }
}

/** Notes what an axis lists twice; methods are told apart by their labels. */
function checkTwice(study: Study, budgets: readonly Budget[], problems: Problem[]): void {
  const axes = {
    tasks: study.axes.tasks,
    budgets: budgets.map(budgetKey),
    seeds: study.axes.seeds.map(String),
  };
  for (const [axis, values] of Object.entries(axes)) {
    const firsts = new Map<string, number>();
    for (const [i, value] of values.entries()) {
      const first = firsts.get(value);
      if (first === undefined) {
        firsts.set(value, i);
        continue;
      }
      problems.push({
        where: `axes.${axis}[${i}]`,
        message: `found the same as axes.${axis}[${first}], wanted each once`,
      });
    }
  }
}

/** Notes runs with different labels that would compute the same. */
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
