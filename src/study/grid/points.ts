/**
 * Points of a study's grid: how many there may be, whether conditions name what is there, and whose ranks they take.
 *
 * @module
 */
import { type OneOrMore, toList } from "../schema/shapes.ts";
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { unknownName } from "../../base/suggest.ts";
import { problemsOfTargets } from "../check/study.ts";
import { type Problem, show } from "../check/problems.ts";
import { type ConditionRun, type DeltaCondition, isAmong } from "../schema/conditions.ts";
import type { Study } from "../schema/study.ts";
import { budgetKey, budgetOf } from "../budget/budget.ts";
import type { AskedRanks, GridRun, MethodEntry, RunPoint } from "../types.ts";
import { type Variant, variedOf, variesBy } from "./variants.ts";
import { runTitle } from "./run_id.ts";

/** A point of a study's grid; its budget is null for methods without ranks. */
export interface Point extends ConditionRun {
  /** The tasks of a sequence, undefined for a single task. */
  readonly sequence: readonly string[] | undefined;
  readonly variant: Variant;
}

const mostProblems = 100;

/** Notes tasks, methods and values of settings that the study does not have, those of its conditions and its axis of tasks. */
export function checkNames(
  study: Study,
  tasks: readonly string[],
  variants: readonly Variant[],
  entries: readonly MethodEntry[],
  problems: Problem[],
): void {
  const methods = [
    ...new Set([
      ...entries.map(({ name }) => name),
      ...variants.flatMap(({ arm, label }) => [arm, label]),
    ]),
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
  const checkCondition = (when: DeltaCondition, where: string) => {
    check("task", `${where}.task`, when.task ?? [], tasks);
    check("method", `${where}.method`, when.method ?? [], methods);
    for (const [key, wanted] of Object.entries(when.settings ?? {})) {
      const message = problemOfSetting(key, wanted, study.axes.settings ?? {});
      if (message !== null) problems.push({ where: `${where}.settings.${key}`, message });
    }
  };
  check("task", "axes.tasks", study.axes.tasks, tasks);
  problems.push(...problemsOfTargets(study.targets ?? {}, study.axes.tasks));
  for (const [i, { when }] of (study.deltas ?? []).entries()) {
    checkCondition(when, `deltas[${i}].when`);
  }
  for (const [i, when] of (study.except ?? []).entries()) checkCondition(when, `except[${i}]`);
}

function problemOfSetting(
  key: string,
  wanted: Json,
  axes: NonNullable<Study["axes"]["settings"]>,
): string | null {
  const values = Object.hasOwn(axes, key) ? axes[key]! : null;
  if (values === null) {
    const known = Object.keys(axes);
    return known.length === 0
      ? `found the setting "${key}", wanted none: the study has no axes.settings`
      : unknownName("axis", key, known);
  }
  const listed = values.map(show).join(", ");
  const isValue = (value: Json) => values.some((one) => isAmong(value, one));
  if (isValue(wanted)) return null;
  if (!Array.isArray(wanted)) return `found ${show(wanted)}, wanted a value of its axis: ${listed}`;
  const unknown = wanted.find((one) => !isValue(one));
  return unknown === undefined && wanted.length > 0
    ? null
    : `found ${show(unknown ?? wanted)}, wanted values of its axis: ${listed}`;
}

/** What is the same for equal points of a study alone. */
export function pointKey({ task, label, budget, seed }: RunPoint): string {
  return JSON.stringify([task, label, budget === null ? null : budgetKey(budget), seed]);
}

/**
 * What is wrong with the runs that others take their ranks from: unknown labels, runs that the study does not have or that have no
 * ranks, and circles. Each entry of the methods' axis is reported once, with its first run that is concerned.
 */
export function problemsOfSources(
  runs: readonly GridRun[],
  variants: readonly Variant[],
): readonly Problem[] {
  const byPoint = new Map(runs.map((run) => [pointKey(run), run]));
  const found = new Map<string, Problem>();
  for (const run of runs) {
    const message = problemOf(run, byPoint, variants);
    if (message === null || found.has(run.label)) continue;
    const { where } = variants.find(({ label }) => label === run.label)!;
    found.set(run.label, { where: `${where}.ranks.of`, message });
  }
  return [...found.values()];
}

function problemOf(
  run: GridRun,
  byPoint: ReadonlyMap<string, GridRun>,
  variants: readonly Variant[],
): string | null {
  if (run.askedRanks?.type !== "run") return null;
  const { of } = run.askedRanks;
  const source = variants.find(({ label }) => label === of.label);
  if (source === undefined) {
    return unknownName(
      "label",
      of.label,
      variants.map(({ label }) => label),
    );
  }
  if (!source.entry.usesBudget) {
    return `found "${of.label}", which has no ranks, wanted a run with ranks`;
  }
  if (!byPoint.has(pointKey(of))) {
    return `found no run "${runTitle(of)}" in this study, wanted the run that run "${
      runTitle(run)
    }" takes its ranks from`;
  }
  const circle = circleFrom(run, byPoint);
  return circle === null
    ? null
    : `found a circle, wanted a run that does not wait for its own ranks: ${
      circle.map((member) => `"${runTitle(member)}"`).join(" takes its ranks from ")
    }`;
}

/** The runs from one to itself along their sources, or null where that leads to no circle through it. */
function circleFrom(
  run: GridRun,
  byPoint: ReadonlyMap<string, GridRun>,
): readonly GridRun[] | null {
  const path = [run];
  for (let next = sourceOf(run, byPoint); next !== null; next = sourceOf(next, byPoint)) {
    path.push(next);
    if (next === run) return path;
    if (path.length > byPoint.size) return null;
  }
  return null;
}

/** The run that another takes its ranks from; null where it takes them from none, or there is none. */
export function sourceOf(
  run: GridRun,
  byPoint: ReadonlyMap<string, GridRun>,
): GridRun | null {
  if (run.askedRanks?.type !== "run") return null;
  return byPoint.get(pointKey(run.askedRanks.of)) ?? null;
}

/** The ranks that a point of the grid asks for, with what its entry leaves to the point. */
export function askedRanksOf(
  { task, variant, budget, seed }: Point,
  variants: readonly Variant[],
): AskedRanks | null {
  const { ranks } = variant;
  if (ranks === null) return null;
  if ("add" in ranks) return { type: "dose", add: ranks.add };
  const as = ranks.as ?? "same";
  if ("file" in ranks) return { type: "file", file: ranks.file, as };
  const { of } = ranks;
  const point = {
    task: of.task ?? task,
    label: sourceLabel(of.label, variant, variants),
    budget: of.budget === undefined ? budget : budgetOf(of.budget),
    seed: of.seed ?? seed,
  };
  return { type: "run", of: point, as };
}

/** The label of the variant that ranks are taken from: where an entry is named, its variant of the same settings. */
function sourceLabel(named: string, asking: Variant, variants: readonly Variant[]): string {
  if (variants.some(({ label }) => label === named)) return named;
  const own = variedOf(asking);
  const same = variants.filter(({ arm, values }) =>
    arm === named &&
    values.every(({ path, value }) =>
      !Object.hasOwn(own, path.text) || canonicalJson(own[path.text]!) === canonicalJson(value)
    )
  );
  // Of several there is none that is meant.
  return same.length === 1 ? same[0]!.label : named;
}

/** Runs of a study at most, unless whoever plans it allows more. */
export const defaultMostRuns = 10_000;

const mostComparisons = 50_000_000;

const counted = (count: number) => count.toLocaleString("en");

/** Points of a study's grid: methods that are not known count once for each task and seed. */
function gridSize({ axes }: Study, entries: readonly MethodEntry[]): number {
  const known = new Map(entries.map((entry) => [entry.name, entry]));
  const sizes = Object.entries(axes.settings ?? {}).map(([text, { length }]) => ({ text, length }));
  const sizeOf = (entry: MethodEntry | undefined): number => {
    if (entry === undefined) return 1;
    return sizes.filter(({ text }) => variesBy(entry, text)).reduce(
      (product, { length }) => product * length,
      entry.usesBudget ? axes.budgets?.length ?? 0 : 1,
    );
  };
  const ofMethod = new Map<string, number>();
  let variants = 0;
  for (const item of axes.methods) {
    const name = typeof item === "string" ? item : item.method;
    const size = ofMethod.get(name) ?? sizeOf(known.get(name));
    ofMethod.set(name, size);
    variants += size;
  }
  return axes.tasks.length * variants * axes.seeds.length;
}

/** What is wrong with the size of a grid, or null. */
export function gridProblem(
  study: Study,
  entries: readonly MethodEntry[],
  mostRuns: number,
): Problem | null {
  const size = gridSize(study, entries);
  const { tasks, methods, budgets = [], seeds, settings = {} } = study.axes;
  if (size > mostRuns) {
    const all = Object.entries({ tasks, methods, budgets, seeds, ...settings });
    const axes = `${all.map(([name]) => name).join(" × ")} = ${
      all.map(([, { length }]) => counted(length)).join(" × ")
    }`;
    return {
      where: "axes",
      message: `found ${counted(size)} runs (${axes}), wanted at most ${counted(mostRuns)}; ` +
        `if so many are meant, allow them by --most-runs ${size}`,
    };
  }
  const values = [...(study.deltas ?? []).map(({ when }) => when), ...study.except ?? []]
    .reduce((sum, when) => sum + valuesOf(when), 0);
  if (values * size <= mostComparisons) return null;
  return {
    where: study.deltas === undefined ? "except" : "deltas",
    message:
      `found ${counted(values)} values in conditions for ${counted(size)} runs, wanted at most ` +
      `${counted(Math.floor(mostComparisons / size))}; say the same with fewer`,
  };
}

function valuesOf({ task, method, budget, seed, settings = {} }: DeltaCondition): number {
  const count = (value: OneOrMore<unknown> | undefined) =>
    value === undefined ? 0 : Array.isArray(value) ? value.length : 1;
  return [task, method, budget, seed, ...Object.values(settings)].reduce<number>(
    (sum, value) => sum + count(value),
    1,
  );
}
