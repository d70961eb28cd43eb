/**
 * The plain table that a sweep prints at its end.
 *
 * @module
 */
import { fitTable, type TextRow } from "../base/text_table.ts";
import { wrapped } from "../base/text_width.ts";
import { earlyCells } from "../analysis/convergence.ts";
import { flaggedRunsText } from "../analysis/run_flags.ts";
import { methodsTable } from "./sections/scores.ts";
import type { Analysis } from "../analysis/analysis.ts";

/** How a cell ends that has a mean: how many seeds it is of, and what is missing. */
const seedsOf = / \((n \d+[^)]*)\)$/;

/** What most cells say of their seeds, or null where none says anything. */
function usualSeeds(cells: readonly string[]): string | null {
  const said = Map.groupBy(cells.flatMap((cell) => seedsOf.exec(cell)?.[1] ?? []), (text) => text);
  const [most] = [...said].sort(([, a], [, b]) => b.length - a.length);
  return most?.[0] ?? null;
}

/**
 * Methods × budgets as plain text, a block a task: the mean over seeds with its spread, and how many seeds where that differs;
 * below them what needs more steps, and the runs that collapsed or learned nothing.
 *
 * @param width Columns of the terminal, or null for no limit. Default null.
 */
export function methodsText(results: Analysis, width: number | null = null): string {
  const { rows, columns: [task, metric, method, ...budgets] } = methodsTable(results);
  const cells = rows.map((row) => budgets.map(({ cell }) => cell(row)));
  const usual = usualSeeds(cells.flat());
  const terse = (cell: string) =>
    seedsOf.exec(cell)?.[1] === usual ? cell.replace(seedsOf, "") : cell;
  const blocks = Map.groupBy(
    rows.keys(),
    (i) => `${task!.cell(rows[i]!)}, ${metric!.cell(rows[i]!)}`,
  );
  const body = [...blocks].flatMap(([heading, own], i): readonly TextRow[] => [
    ...(i === 0 ? [] : [{ heading: "" }]),
    { heading },
    ...own.map((i) => [method!.cell(rows[i]!), ...cells[i]!.map(terse)]),
  ]);
  const columns = [
    { title: method!.title, align: "left", isName: true } as const,
    ...budgets.map(({ title }) => ({ title, align: "right", isName: false }) as const),
  ];
  const count = usual === null ? "" : ` (${usual} unless a cell says otherwise)`;
  const note = `Mean ± sample standard deviation over seeds${count}. ` +
    "Metrics within [−1, 1] are shown × 100.";
  const fitted = (lines: readonly string[], indent = 0) =>
    width === null ? lines : lines.flatMap((line) => wrapped(line, width, indent));
  const early = earlyCells(results.cells);
  const flagged = fitted([
    ...(early === null ? [] : [`${early.summary}; the report has their curves.`]),
    ...flaggedRunsText(results.runs),
  ], 4);
  return [
    ...fitted([note]),
    "",
    fitTable(columns, body, { width, hasRule: true }),
    ...(flagged.length === 0 ? [] : [...flagged, ""]),
  ].join("\n");
}
