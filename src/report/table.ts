/**
 * Tables as values: typed rows, and the columns in which people read them.
 *
 * @module
 */
import type { Row } from "../analysis/run_rows.ts";
import { fitTable } from "../base/text_table.ts";
import { wrapped } from "../base/text_width.ts";

/** `good` and `bad` carry a verdict, `muted` says that there is nothing to read. */
export type Tone = "plain" | "good" | "bad" | "muted";

/** A column as people read it. */
export interface Column<T> {
  /** Column heading. */
  readonly title: string;
  /** `right` for numbers, so that digits stand below each other. */
  readonly align: "left" | "right";
  /** Text of a row's cell, rounded and with its unit. */
  cell(row: T): string;
  /** How the page colours the cell. */
  tone(row: T): Tone;
}

/** A table: rows of raw values (written as CSV) and the columns people read (Markdown, HTML, terminal). */
export interface ReportTable<T extends object = object> {
  /** File name without ending. */
  readonly id: string;
  /** Heading above the table. */
  readonly title: string;
  /** What a reader must know to read it, one or two sentences. */
  readonly note: string;
  /** Unrounded values, one row a line of the table. */
  readonly rows: readonly T[];
  /** What people see, from left to right. */
  readonly columns: readonly Column<T>[];
  /** A row as the CSV file has it, in the order of its columns. */
  csv(row: T): Row;
}

const plain = (): Tone => "plain";

/** A column of words. */
export function text<T>(
  title: string,
  cell: (row: T) => string,
  tone: (row: T) => Tone = plain,
): Column<T> {
  return { title, align: "left", cell, tone };
}

/** A column of numbers. */
export function number<T>(
  title: string,
  cell: (row: T) => string,
  tone: (row: T) => Tone = plain,
): Column<T> {
  return { title, align: "right", cell, tone };
}

/**
 * A table of rows.
 *
 * @param table `columns` from left to right, null for one that these rows do not have; `csv` gives a row as the CSV file has it,
 * by default all its fields as they stand in the row.
 */
export function reportTable<T extends object>(
  rows: readonly T[],
  { columns, csv = (row: T) => ({ ...row }) as Row, ...about }: {
    readonly id: string;
    readonly title: string;
    readonly note: string;
    readonly columns: readonly (Column<NoInfer<T>> | null)[];
    readonly csv?: (row: NoInfer<T>) => Row;
  },
): ReportTable<T> {
  return { ...about, rows, columns: columns.filter((column) => column !== null), csv };
}

/** The rows as the CSV file has them. */
export function csvRows(table: ReportTable): readonly Row[] {
  return table.rows.map((row) => table.csv(row));
}

/** The cells of a table's rows as people read them. */
export function cellsOf({ rows, columns }: ReportTable): readonly (readonly string[])[] {
  return rows.map((row) => columns.map(({ cell }) => cell(row)));
}

/**
 * A table as plain text below its note.
 *
 * @param width Columns of the terminal, or null for no limit.
 */
export function tableText(table: ReportTable, width: number | null): string {
  const { note, columns } = table;
  const heads = columns.map(({ title, align }) => ({ title, align, isName: align === "left" }));
  return [
    ...(width === null ? [note] : wrapped(note, width, 0)),
    "",
    fitTable(heads, cellsOf(table), { width, hasRule: true }),
  ].join("\n");
}
