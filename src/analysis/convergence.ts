/**
 * Which cells of a study have runs that had not converged: between those there is no verdict.
 *
 * @module
 */
import {
  type CellConvergence,
  cellConvergence,
  type Change,
  convergenceOf,
  type ConvergenceState,
  needsMoreSteps,
} from "./run_convergence.ts";
import { hasBound } from "../tasks/metrics.ts";
import { hasLearned } from "./claims/no_evidence.ts";
import { type Cell, cellKeys, cellOf, type Grid, noBudget, orderOf, rolledUp } from "./run_rows.ts";
import { meanOf } from "../stats/statistics.ts";
import { counted, fixed, joined, said, signed, whole } from "../base/format.ts";
import type { StudyResults } from "./results.ts";

/** Cells that a sentence names; of more it says how many. */
const mostIdle = 3;

/** The runs of one task, method and budget. */
export interface ConvergedCell extends CellConvergence, Cell {
  /** What `gain` is, a hundred times: points, or per cent of a score that has no bound. */
  readonly gainIn: "points" | "%";
  /** Runs that their plateau ended. */
  readonly atPlateau: number;
  /** Finished runs that learned nothing: they collapsed or are no better than the majority class. */
  readonly idle: number;
  /** Steps done, averaged over the runs that did not fail; null where all did. */
  readonly steps: number | null;
}

/** Which cells are meant; null for any task, and for any budget. */
export interface CellScope {
  /** Its task. */
  readonly task: string | null;
  /** How reports call the method with its options. */
  readonly label: string;
  /** The budget's name. */
  readonly budget: string | null;
}

/** Whether a cell is one of those that are meant; that of a method without budget counts at each budget. */
export function isInScope(
  cell: Cell,
  { task, label, budget }: CellScope,
): boolean {
  return cell.label === label && (task === null || cell.task === task) &&
    (budget === null || cell.budget === noBudget || cell.budget === budget);
}

/** All cells, in the order of the grid. */
export function convergedCells(results: StudyResults, grid: Grid): readonly ConvergedCell[] {
  const { convergence = {} } = results.study;
  const order = orderOf(grid);
  const placed = results.runs.map((run) => ({ ...cellOf(run.record), run }));
  return rolledUp(placed, cellKeys, (runs) => {
    const own = runs.map(({ run }) => convergenceOf(run, convergence));
    const finished = runs.map(({ run }) => run)
      .filter(({ record }) => record.happened.outcome.state === "finished");
    const steps = finished.map(({ record }) => record.happened.steps);
    return {
      ...cellConvergence(own, convergence),
      gainIn: hasBound(runs[0]!.run.record.happened.primaryMetric)
        ? "points" as const
        : "%" as const,
      atPlateau: own.filter(({ isAtPlateau }) => isAtPlateau).length,
      idle: finished.filter((run) => !hasLearned(run)).length,
      steps: steps.length === 0 ? null : meanOf(steps),
    };
  }).toSorted((a, b) => order(a) - order(b));
}

/** Whether no run of a cell learned anything. */
export function learnedNothing({ runs, idle }: Pick<ConvergedCell, "runs" | "idle">): boolean {
  return runs > 0 && idle === runs;
}

/** The cells of which no run learned anything, in a sentence; null where each has one that did. */
export function idleCells(all: readonly ConvergedCell[]): string | null {
  const cells = all.filter(({ runs }) => runs > 0);
  const idle = cells.filter(learnedNothing);
  if (idle.length === 0) return null;
  if (idle.length === cells.length) {
    return "No run learned anything: each collapsed or is no better than the majority class";
  }
  const named = idle.length > mostIdle
    ? `${whole(idle.length)} of ${counted(cells.length, "cell")} (task, method and budget)`
    : joined(idle.map(placeText));
  return `${named} learned nothing: all runs there collapsed or are no better than the majority class`;
}

/** Whether one of the cells that are meant needs more steps. */
export function needsMore(cells: readonly ConvergedCell[]): (scope: CellScope) => boolean {
  const early = cells.filter(needsMoreSteps);
  return (scope) => early.some((cell) => isInScope(cell, scope));
}

const states: Readonly<Record<ConvergenceState, string>> = {
  climbing: "score still climbs",
  falling: "held-out loss still falls",
  converged: "converged",
  unknown: "evaluated too rarely to tell",
  failed: "failed",
};

/** A state in words. */
export function stateText(state: ConvergenceState): string {
  return states[state];
}

/** A change as `+1.2 ± 0.4`, in hundredths. */
export function changeText(change: Omit<Change, "freedom"> | null, digits: number): string | null {
  if (change === null) return null;
  const error = change.error === null ? "" : ` ± ${fixed(100 * change.error, digits)}`;
  return `${signed(100 * change.change, digits)}${error}`;
}

const placeText = ({ task, label, budget }: ConvergedCell): string =>
  said(task, label, budget !== noBudget && budget).join(", ");

/** The cells that need more steps, a line each after a sentence; null where none does. */
export function earlyCells(
  all: readonly ConvergedCell[],
): { readonly summary: string; readonly lines: readonly string[] } | null {
  const cells = all.filter(({ state }) => state !== "failed");
  const early = cells.filter(needsMoreSteps);
  if (early.length === 0) return null;
  const [need, them] = early.length === 1 ? ["needs", "it"] : ["need", "them"];
  return {
    summary: `${whole(early.length)} of ${
      counted(cells.length, "cell")
    } (task, method and budget) ${need} more steps: training was still improving when it ended, so there is no verdict on ${them}`,
    lines: early.map((cell) => {
      const { state, runs, gain, gainIn, fall } = cell;
      const figures = said(
        gain !== null && `score ${changeText(gain, 1)} ${gainIn}`,
        fall !== null && `held-out loss ${signed(-100 * fall.change, 0)} %`,
      ).join(", ");
      return `${placeText(cell)}: ${stateText(state)} (in the last fifth of ${
        counted(runs, "run")
      }: ${figures})${cell.isNoisy ? "; more seeds may show that it does not" : ""}`;
    }),
  };
}
