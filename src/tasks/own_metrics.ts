/**
 * Metrics that a program or a study brings along.
 *
 * @module
 */
import { checkOwnNames } from "../base/suggest.ts";
import { errorMessage } from "../base/input_error.ts";
import { majorityMetrics, sureOf } from "./majority.ts";
import {
  averageAccuracyName,
  averageTaskAwareName,
  computeMetrics,
  lowerMark,
  metrics,
  taskAwareName,
} from "./metrics.ts";
import type { Metric, TaskData } from "./types.ts";

/** What {@linkcode defineMetric} takes. */
export interface MetricDefinition extends Omit<Metric, "binary" | "origin"> {
  /** Whether it is defined for two classes only. Default false. */
  readonly binary?: boolean;
}

/** Names that records and reports use for something else. */
const reserved = [averageAccuracyName, averageTaskAwareName, taskAwareName, "average", "margins"];

/** A metric's name, without a mark of its direction. */
const plainName = /^[A-Za-z][A-Za-z0-9._-]*$/;

function isTaken(name: string): boolean {
  return Object.hasOwn(metrics, name) || reserved.includes(name);
}

/**
 * Makes a metric of one's own, for a task that `train()` is given or a study declares.
 *
 * @returns The metric; where lower is better, its name ends with `↓`, in tasks, claims and records too.
 * @throws {RangeError} If its name is taken or has other characters than letters, digits, `.`, `_` and `-`, or no direction is given.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const cost = defineMetric({
 *   name: "cost",
 *   better: "lower",
 *   output: "classification",
 *   // An alarm that is missed costs ten times as much as one too many.
 *   compute: (targets, predictions) =>
 *     Array.from(targets).reduce((sum, target, i) =>
 *       sum + (target === predictions[i] ? 0 : target === 1 ? 10 : 1), 0) / targets.length,
 * });
 * assertEquals([cost.name, cost.compute([1, 0, 0], [0, 1, 0], [])], ["cost↓", 11 / 3]);
 * ```
 */
export function defineMetric(definition: MetricDefinition): Metric {
  const { name, better, binary = false } = definition;
  const fail = (found: string, wanted: string): never => {
    throw new RangeError(`Cannot define the metric "${name}": found ${found}, want ${wanted}`);
  };
  if (!plainName.test(name)) {
    fail("that name", 'letters, digits, ".", "_" and "-", the first a letter');
  }
  if (isTaken(name)) fail("that ranklab has it", "another name");
  if (better !== "higher" && better !== "lower") {
    fail(`better ${JSON.stringify(better)}`, '"higher" or "lower"');
  }
  return { ...definition, binary, name: better === "lower" ? name + lowerMark : name };
}

/** Whether a value has what {@linkcode defineMetric} returns. */
export function isMetric(value: unknown): value is Metric {
  if (typeof value !== "object" || value === null) return false;
  const { name, output, better, binary, compute } = value as Partial<Metric>;
  return typeof name === "string" && plainName.test(name.replace(/↓$/, "")) &&
    (output === "classification" || output === "regression") &&
    better === (name.endsWith(lowerMark) ? "lower" : "higher") &&
    typeof binary === "boolean" && typeof compute === "function";
}

/**
 * The metrics of a study's own as they were given.
 *
 * @param from What messages call the place that they come from, for instance the study's file.
 * @throws {RangeError} If a name is that of a metric of ranklab, or given twice.
 */
export function metricTable(own: readonly Metric[], from: string): readonly Metric[] {
  checkOwnNames("metric", own, isTaken, from);
  return own;
}

/**
 * What is wrong with the metrics of a task that ranklab does not bring along, by name: each is tried on the answers of the
 * majority and on right ones, since runs need both.
 */
export function failingMetrics(
  { task, splits }: TaskData,
): readonly (readonly [name: string, message: string])[] {
  const targetsOf = (split: string) => splits.get(split)?.map(({ target }) => target) ?? [];
  const train = targetsOf("train");
  const evaluated = [...splits.keys()].filter((split) => split !== "train").map(targetsOf);
  return (task.ownMetrics ?? []).flatMap(({ name }) => {
    const alone = { ...task, metrics: [name] };
    try {
      for (const targets of evaluated) {
        majorityMetrics(alone, train, targets);
        computeMetrics(alone, targets, targets, sureOf(task, targets));
      }
      return [];
    } catch (error) {
      return [[name, errorMessage(error)] as const];
    }
  });
}
