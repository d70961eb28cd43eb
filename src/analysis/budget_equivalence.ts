/**
 * Which budget the baseline needs to score like another method at its own.
 *
 * @module
 */
import type { Budget } from "../study/budget/budget.ts";
import { meritOf } from "../tasks/metrics.ts";
import { meanOf } from "../stats/statistics.ts";
import { placeReaching } from "../stats/monotone.ts";
import { averageMetric } from "./metrics.ts";
import { allTasks, budgetName, type Cell, noBudget, orderOf, type RunRow } from "./run_rows.ts";
import { hasAverage } from "./scores.ts";
import type { Basis } from "./basis.ts";
import type { NoVerdict } from "./verdict.ts";

/** A budget on the scale that is meant, or beyond the smallest or the largest that was tried. */
export type NeededBudget = number | "below" | "above";

/** Why it is not known which budget is needed. */
export type NoEquivalence = "fewer than 3 seeds" | "fewer than 2 budgets";

/** The budget at which the baseline scores like a method. */
export interface BudgetEquivalence extends Cell {
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** The label of plain LoRA. */
  readonly baseline: string;
  /** What budgets count; null where the baseline has none. */
  readonly counts: Budget["type"] | null;
  /** The budgets of the baseline that it rests on, ascending. */
  readonly tried: readonly number[];
  /** Seeds that have the method and the baseline at each of these budgets. */
  readonly n: number;
  /** Mean of the method over these seeds; null without one. */
  readonly mean: number | null;
  /** Means of the baseline over these seeds, parallel to `tried`. */
  readonly reference: readonly (number | null)[];
  /** Where the fitted line first reaches the method's mean; null where there is no answer. */
  readonly needed: NeededBudget | null;
  /** Lower end of the 95% interval. */
  readonly low: NeededBudget | null;
  /** Upper end of it. */
  readonly high: NeededBudget | null;
  /** The method's own budget in the same unit; null where it has none. */
  readonly own: number | null;
  /** What is needed, with its ends, divided by {@linkcode BudgetEquivalence.own}; null without either. */
  readonly timesOwn: Readonly<Record<"needed" | "low" | "high", NeededBudget>> | null;
  /** Why there is no answer; null where there is one. */
  readonly reason: NoEquivalence | null;
  /** Why a comparison of the same cells would have no verdict; null where it may have one. */
  readonly noVerdict: NoVerdict | null;
}

/** Seeds below which an interval says next to nothing. */
const fewestSeeds = 3;

/** Scores by seed. */
type Scores = ReadonlyMap<number, number>;

/**
 * For each task, and their mean where metrics share a scale: the budget of the baseline that each other method's cell is worth.
 *
 * Seeds are paired: those count that have the method and the baseline at each budget. A budget that the baseline has with fewer
 * than half of the method's seeds is left out. The axis is the logarithm of the budget: of ranks for a method whose budget is a
 * rank, of the numbers that its budget counts for others, and for a method without budget what the baseline has most budgets of.
 *
 * @returns In the order of the grid; none in a study without baseline or with one budget alone.
 */
export function budgetEquivalences(basis: Basis): readonly BudgetEquivalence[] {
  const { grid, baseline, rows } = basis;
  if (baseline === null || grid.budgets.filter((name) => name !== noBudget).length < 2) return [];
  const budgets = new Map(
    basis.runs.flatMap(({ record: { asked: { budget } } }) =>
      budget === null ? [] : [[budgetName(budget), budget] as const]
    ),
  );
  const scoresOf = scoresBySeed(rows);
  const isOther = ({ label, score }: RunRow) => label !== baseline && score !== null;
  const cells = new Map(
    rows.filter(isOther).flatMap(({ task, label, budget }) =>
      (hasAverage(grid) ? [task, allTasks] : [task]).map((each) =>
        [JSON.stringify([each, label, budget]), { task: each, label, budget }] as const
      )
    ),
  );
  const theirs = [
    ...new Set(rows.filter(({ label }) => label === baseline).map(({ budget }) => budget)),
  ].flatMap((name) => budgets.get(name) ?? []).toSorted((a, b) => a.value - b.value);
  const kinds = [...Map.groupBy(theirs, ({ type }) => type)]
    .toSorted(([, a], [, b]) => b.length - a.length);
  const order = orderOf(grid);
  return [...cells.values()].toSorted((a, b) => order(a) - order(b)).map((cell) => {
    const { task, label, budget } = cell;
    const own = budgets.get(budget) ?? null;
    const counts = own?.type ?? kinds[0]?.[0] ?? null;
    const tasks = task === allTasks ? grid.tasks : [task];
    const method = scoresOf(tasks, label, budget);
    const curve = theirs.filter(({ type }) => type === counts).flatMap((each) => {
      const scores = scoresOf(tasks, baseline, budgetName(each));
      const shared = [...method.keys()].filter((seed) => scores.has(seed)).length;
      return shared > 0 && 2 * shared >= method.size ? [{ value: each.value, scores }] : [];
    });
    const metric = task === allTasks ? averageMetric() : grid.metrics.get(task) ?? "";
    const place = { task: task === allTasks ? null : task };
    const scopes = [
      { ...place, label, budget },
      ...curve.map(({ value }) => ({
        ...place,
        label: baseline,
        budget: budgetName({ type: counts!, value }),
      })),
    ];
    const answer = reached(metric, method, curve);
    return {
      ...cell,
      metric,
      baseline,
      counts,
      tried: curve.map(({ value }) => value),
      own: own?.value ?? null,
      ...answer,
      timesOwn: timesOwn(answer, own?.value ?? null),
      noVerdict: basis.noVerdict(...scopes),
    };
  });
}

/** The scores of a method at a budget by seed: the mean over tasks, of seeds that have all. */
function scoresBySeed(
  rows: readonly RunRow[],
): (tasks: readonly string[], label: string, budget: string) => Scores {
  const runs = Map.groupBy(
    rows.filter(({ score }) => score !== null),
    ({ task, label, budget }) => JSON.stringify([task, label, budget]),
  );
  return (tasks, label, budget) => {
    const own = tasks.flatMap((task) => runs.get(JSON.stringify([task, label, budget])) ?? []);
    return new Map(
      [...Map.groupBy(own, ({ seed }) => seed)]
        .filter(([, each]) => each.length === tasks.length)
        .map(([seed, each]) => [seed, meanOf(each.map(({ score }) => score!))]),
    );
  };
}

type Answer = Pick<
  BudgetEquivalence,
  "n" | "mean" | "reference" | "needed" | "low" | "high" | "reason"
>;

function reached(
  metric: string,
  method: Scores,
  curve: readonly { readonly value: number; readonly scores: Scores }[],
): Answer {
  const seeds = [...method.keys()].filter((seed) => curve.every(({ scores }) => scores.has(seed)));
  const ours = seeds.map((seed) => method.get(seed)!);
  const reference = curve.map(({ scores }) => seeds.map((seed) => scores.get(seed)!));
  const means = {
    n: seeds.length,
    mean: seeds.length === 0 ? null : meanOf(ours),
    reference: reference.map((scores) => scores.length === 0 ? null : meanOf(scores)),
  };
  const turned = (scores: readonly number[]) => scores.map((score) => meritOf(metric, score));
  const found = seeds.length < fewestSeeds ? null : placeReaching(
    curve.map(({ value }) => Math.log2(value)),
    reference.map(turned),
    turned(ours),
  );
  if (found === null) {
    const reason = curve.length < 2 ? "fewer than 2 budgets" : "fewer than 3 seeds";
    return { ...means, needed: null, low: null, high: null, reason };
  }
  const { estimate, interval } = found;
  return {
    ...means,
    needed: neededAt(estimate),
    low: neededAt(interval.low),
    high: neededAt(interval.high),
    reason: null,
  };
}

function timesOwn(
  { needed, low, high }: Answer,
  own: number | null,
): BudgetEquivalence["timesOwn"] {
  if (own === null || needed === null || low === null || high === null) return null;
  const of = (budget: NeededBudget) => typeof budget === "number" ? budget / own : budget;
  return { needed: of(needed), low: of(low), high: of(high) };
}

function neededAt(place: number): NeededBudget {
  return place === -Infinity ? "below" : place === Infinity ? "above" : 2 ** place;
}

/** The answers as lines for programs: one a task, method and budget. */
export function budgetEquivalenceJson(
  equivalences: readonly BudgetEquivalence[],
): readonly (BudgetEquivalence & { readonly kind: "budget-equivalence" })[] {
  return equivalences.map((row) => ({ kind: "budget-equivalence" as const, ...row }));
}
