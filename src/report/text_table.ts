/**
 * The plain table that a sweep prints at its end.
 *
 * @module
 */
import { fitTable, type TextRow } from "../base/text_table.ts";
import { wrapped } from "../base/text_width.ts";
import { groupBy, rowsOf } from "./facts.ts";
import { methodsTable } from "./tables/scores.ts";
import type { StudyResults } from "./types.ts";

/** How a cell ends that says no more than how many seeds it is the mean of. */
const plainCount = / \(n (\d+)\)$/;

/** The number of seeds that most cells are the mean of, or null where there is none. */
function usualCount(cells: readonly string[]): string | null {
  const counts = groupBy(cells.flatMap((cell) => plainCount.exec(cell)?.[1] ?? []), (n) => n);
  const [most] = [...counts].sort(([, a], [, b]) => b.length - a.length);
  return most?.[0] ?? null;
}

/**
 * Methods × budgets as plain text, a block a task: the mean over seeds with its spread, and how many seeds where that differs.
 *
 * @param width Columns of the terminal, or null for no limit. Default null.
 */
export function methodsText(results: StudyResults, width: number | null = null): string {
  const { table, columns: [task, metric, method, ...budgets] } = methodsTable(results);
  const rows = rowsOf(table);
  const cells = rows.map((row) => budgets.map(({ cell }) => cell(row)));
  const usual = usualCount(cells.flat());
  const terse = (cell: string) =>
    plainCount.exec(cell)?.[1] === usual ? cell.replace(plainCount, "") : cell;
  const blocks = groupBy(rows.keys(), (i) => `${task!.cell(rows[i]!)}, ${metric!.cell(rows[i]!)}`);
  const body = [...blocks].flatMap(([heading, own], i): readonly TextRow[] => [
    ...(i === 0 ? [] : [{ heading: "" }]),
    { heading },
    ...own.map((i) => [method!.cell(rows[i]!), ...cells[i]!.map(terse)]),
  ]);
  const columns = [
    { title: method!.title, align: "left", isName: true } as const,
    ...budgets.map(({ title }) => ({ title, align: "right", isName: false }) as const),
  ];
  const count = usual === null ? "" : ` (n = ${usual} unless a cell says n)`;
  const note = `Mean ± sample standard deviation over seeds${count}. ` +
    "Metrics within [−1, 1] are shown × 100.";
  const lines = width === null ? [note] : wrapped(note, width);
  return `${lines.join("\n")}\n\n${fitTable(columns, body, { width, hasRule: true })}`;
}
