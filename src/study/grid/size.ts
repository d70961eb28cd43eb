/**
 * How large a study's grid may be; its size is known before any of it is made.
 *
 * @module
 */
import type { Problem } from "../check/problems.ts";
import { variesBy } from "./variants.ts";
import type { DeltaCondition } from "../schema/conditions.ts";
import type { OneOrMore } from "../schema/shapes.ts";
import type { Study } from "../schema/study.ts";
import type { MethodEntry } from "../types.ts";

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
