/**
 * A finding of a study, and the words that several kinds of findings share.
 *
 * @module
 */
import { allTasks, noBudget } from "../../analysis/run_rows.ts";
import { counted, intervalWords, signed } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { allBudgets } from "../../analysis/paired_rows.ts";
import type { PairedRow } from "../../analysis/significance.ts";

/** One thing the study shows: what it is about, and what was found, in whole sentences. */
export interface Finding {
  readonly lead: string;
  readonly text: string;
}

/** Methods from which a kind of finding is one sentence for all, or stands in its section alone. */
export const mostSingled = 5;

/** The text with its first letter large, unless it starts with the name of a method, which is as it is. */
export function sentence(text: string, labels: readonly string[] = []): string {
  return labels.some((label) => text.startsWith(label))
    ? text
    : text.charAt(0).toUpperCase() + text.slice(1);
}

/** A difference with its sign and unit: points where metrics are shown × 100. */
export function differenceWords(value: number, metric: string): string {
  const { scale, title } = metricInfo(metric);
  return `${signed(value * scale, 2)} ${scale === 100 ? "points" : title}`;
}

/** What a mean difference rests on, for instance `95% interval −1.20 to 0.31, 3 seeds`. */
export function spreadWords(
  row: { readonly low: number | null; readonly high: number | null; readonly n: number },
  metric: string,
): string {
  const { scale } = metricInfo(metric);
  const ends = (end: number | null) => end === null ? null : end * scale;
  return [intervalWords(ends(row.low), ends(row.high), 2), counted(row.n, "seed")]
    .filter((text) => text !== "").join(", ");
}

/** What a number of task-budget cells is called. */
interface CellWords {
  readonly preposition: string;
  readonly one: string;
  readonly many: string;
}

/** The words for cells of these tasks and budgets: budgets, tasks, or combinations of both. */
export function cellWords(
  cells: readonly { readonly task: string; readonly budget: string }[],
): CellWords {
  const has = (of: (cell: (typeof cells)[number]) => string) => new Set(cells.map(of)).size > 1;
  const [tasks, budgets] = [has(({ task }) => task), has(({ budget }) => budget)];
  if (tasks && budgets) {
    return {
      preposition: "in",
      one: "task-budget combination",
      many: "task-budget combinations",
    };
  }
  return budgets
    ? { preposition: "at", one: "budget", many: "budgets" }
    : { preposition: "on", one: "task", many: "tasks" };
}

/** `in all 6 task-budget combinations`, `on both tasks`. */
export function inAll(count: number, { preposition, one, many }: CellWords): string {
  if (count === 1) return `${preposition} the one ${one}`;
  return `${preposition} ${count === 2 ? "both" : `all ${count}`} ${many}`;
}

/** `in any of the 6 task-budget combinations`, `on either task`. */
export function inAny(count: number, { preposition, one, many }: CellWords): string {
  if (count === 1) return `${preposition} the one ${one}`;
  return count === 2
    ? `${preposition} either ${one}`
    : `${preposition} any of the ${count} ${many}`;
}

/** ` at rank 4`, or nothing for no budget. */
export function atBudget(budget: string): string {
  return budget === noBudget ? "" : ` at ${budget}`;
}

/** Where a difference was taken, for instance `on average over tasks at rank 4`. */
export function scopeText({ task, budget }: PairedRow): string {
  const everyTask = task === allTasks;
  const everyBudget = budget === allBudgets;
  if (everyTask && everyBudget) return "on average over tasks and budgets";
  if (everyTask) return `on average over tasks${atBudget(budget)}`;
  return everyBudget ? `on ${task}, on average over budgets` : `on ${task}${atBudget(budget)}`;
}
