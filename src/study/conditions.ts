/**
 * Conditions of a study's deltas and exceptions: which points of its grid they match, and whether they name what is there.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { unknownName } from "../base/suggest.ts";
import { problemsOfTargets } from "./convergence.ts";
import { type Problem, show } from "./problems.ts";
import {
  type DeltaCondition,
  isAmong,
  matchesCondition,
  type OneOrMore,
  toList,
} from "./condition_form.ts";
import type { Study } from "./study.ts";
import type { Budget, MethodEntry } from "./types.ts";
import { type Variant, variedOf } from "./variants.ts";

/** A point of a study's grid. */
export interface Point {
  readonly task: string;
  /** The tasks of a sequence, undefined for a single task. */
  readonly sequence: readonly string[] | undefined;
  readonly variant: Variant;
  /** Null for methods without ranks. */
  readonly budget: Budget | null;
  readonly seed: number;
}

/** Problems with names that a message lists at most. */
const mostProblems = 100;

/** Whether a point has one of the values of each key of a condition. */
export function matches(when: DeltaCondition, { variant, ...point }: Point): boolean {
  const { entry, arm, label } = variant;
  return matchesCondition(when, {
    ...point,
    method: entry.name,
    arm,
    label,
    ...(when.settings === undefined ? {} : { varied: variedOf(variant) }),
  });
}

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

/** What is wrong with a setting that a condition names, or null. */
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
