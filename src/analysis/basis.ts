/**
 * A study's results with what every question to them needs: rows, grid, baseline, and which cells had converged.
 *
 * @module
 */
import { type ConvergedCell, convergedCells } from "./convergence.ts";
import type { StudyResults } from "./results.ts";
import { type Grid, gridOf, type RunRow, runRowsOf } from "./run_rows.ts";

/** What the parts of an analysis are computed from. */
export interface Basis extends StudyResults {
  /** A row a run. */
  readonly rows: readonly RunRow[];
  /** The values each axis takes. */
  readonly grid: Grid;
  /** The label of plain LoRA, null in a study without. */
  readonly baseline: string | null;
  /** The cells of task, method and budget, and whether they had converged. */
  readonly cells: readonly ConvergedCell[];
}

/** Reads what every question needs. */
export function basisOf(results: StudyResults): Basis {
  const grid = gridOf(results);
  return {
    ...results,
    rows: runRowsOf(results),
    grid,
    baseline: baselineOf(grid),
    cells: convergedCells(results, grid),
  };
}

/** The label of plain LoRA, null in a study without. */
function baselineOf(grid: Grid): string | null {
  return grid.labels.find((label) =>
    grid.methods.get(label) === "lora" && !grid.withGivenRanks.has(label)
  ) ?? null;
}
