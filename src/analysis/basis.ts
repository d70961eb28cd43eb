/**
 * A study's results with what every question to them needs: rows, grid, baseline, and which cells may have a verdict.
 *
 * @module
 */
import { type CellScope, type ConvergedCell, convergedCells } from "./convergence.ts";
import type { ReplayResults, StudyResults } from "./results.ts";
import { type Grid, gridOf, type RunRow, runRowsOf } from "./run_rows.ts";
import { type NoVerdict, noVerdicts } from "./verdict.ts";

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
  /** Why a comparison of the cells that are meant has no verdict; null where it may have one. */
  readonly noVerdict: (...scopes: readonly CellScope[]) => NoVerdict | null;
}

/** The same of a replay ablation. */
export interface ReplayBasis extends Basis {
  /** With the part of each in the ablation. */
  readonly runs: ReplayResults["runs"];
}

/** Reads what every question needs. */
export function basisOf<R extends StudyResults>(results: R): R & Basis {
  const grid = gridOf(results);
  const cells = convergedCells(results, grid);
  return {
    ...results,
    rows: runRowsOf(results),
    grid,
    baseline: results.foreign?.baseline ?? baselineOf(grid),
    cells,
    noVerdict: noVerdicts(results, cells),
  };
}

/** The label of plain LoRA, null in a study without. */
function baselineOf(grid: Grid): string | null {
  return grid.labels.find((label) =>
    grid.methods.get(label) === "lora" && !grid.withGivenRanks.has(label)
  ) ?? null;
}
