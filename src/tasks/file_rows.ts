/**
 * Rows of a TSV, CSV or JSONL file, and the cells of each that a task reads.
 *
 * @module
 */
import { csvParseRows } from "d3-dsv";
import { unknownName } from "../base/suggest.ts";
import type { Column, SplitFile } from "./types.ts";

/** What stands in one cell: text, or a JSON value of a jsonl file. */
export type Cell = string | number | boolean;

/** A row of cells and the line it starts on. */
interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/** The three cells of an example, checked to be there. */
export interface Picked {
  readonly id: number;
  readonly line: number;
  readonly text: string;
  readonly pair: string | null;
  readonly label: Cell;
}

/** How a message about a line begins. */
export function atLine(fileName: string, line: number): string {
  return `Cannot read "${fileName}", line ${line}`;
}

/**
 * The cells of each row of a file that a task reads, in order.
 *
 * @throws {Error} At a row of another layout; the message names file and line.
 */
export function pickRows(file: SplitFile, text: string, fileName: string): Iterable<Picked> {
  if (file.format === "jsonl") return pickJsonRows(file, text, fileName);
  const rows = file.format === "csv" ? csvRows(text, fileName) : tsvRows(text);
  return pickCells(file, rows, fileName);
}

/** The lines without their ends and without blank lines at the end of the file. */
function contentLines(text: string): readonly string[] {
  return text.replace(/[\r\n]+$/, "").split(/\r?\n/);
}

function* tsvRows(text: string): Generator<Row> {
  const lines = contentLines(text);
  if (lines.length === 1 && lines[0] === "") return;
  for (const [index, line] of lines.entries()) yield { line: index + 1, cells: line.split("\t") };
}

/** A row that stands after the file's last one; a quote that is never closed swallows it. */
const endMark = "end";

function* csvRows(text: string, fileName: string): Generator<Row> {
  const content = text.replace(/[\r\n]+$/, "");
  if (content === "") return;
  const rows: readonly (readonly string[])[] = csvParseRows(`${content}\n${endMark}`);
  const last = rows.at(-1);
  const closes = last?.length === 1 && last[0] === endMark;
  let line = 1;
  for (const [index, cells] of rows.entries()) {
    const isLast = index === rows.length - 1;
    if (isLast && closes) return;
    if (isLast) {
      throw new Error(`${atLine(fileName, line)}: a quote opens and never closes; close it with "`);
    }
    yield { line, cells };
    line += 1 + cells.reduce((sum, cell) => sum + (cell.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
  }
}

function* pickCells(file: SplitFile, rows: Iterable<Row>, fileName: string): Generator<Picked> {
  const { text, pair, label } = file.columns;
  let header: Row | null = null;
  let indices: { text: number; pair: number | null; label: number } | null = null;
  let wanted = 0;
  let torn = 0;
  let id = -1;
  for (const row of rows) {
    if (indices === null) {
      const find = (column: Column) => findColumn(column, row, file.header, fileName);
      indices = { text: find(text), pair: pair === null ? null : find(pair), label: find(label) };
      wanted = row.cells.length;
      if (file.header) {
        header = row;
        continue;
      }
    }
    id++;
    if (row.cells.length !== wanted) {
      torn++;
      if (torn <= (file.tornRowsAllowed ?? 0)) continue;
      throw columnCountError(row, wanted, header, file, fileName);
    }
    yield {
      id,
      line: row.line,
      text: row.cells[indices.text]!,
      pair: indices.pair === null ? null : row.cells[indices.pair]!,
      label: row.cells[indices.label]!,
    };
  }
}

function columnCountError(
  row: Row,
  wanted: number,
  header: Row | null,
  file: SplitFile,
  fileName: string,
): Error {
  const found = row.cells.length;
  const source = header === null
    ? "as in line 1"
    : `${header.cells.map((name) => `"${name}"`).join(", ")} as in the header`;
  const fix = found === 1 && row.cells[0] === ""
    ? "remove the blank line"
    : file.format === "tsv"
    ? "separate columns with one tab each, and keep tabs and line breaks out of texts"
    : "put texts that hold commas, quotes or line breaks in double quotes";
  return new Error(
    `${atLine(fileName, row.line)}: found ${found} column${
      found === 1 ? "" : "s"
    }, wanted ${wanted} (${source}); ${fix}`,
  );
}

/** The index of a column in a file whose first row is `first`. */
function findColumn(column: Column, first: Row, isHeader: boolean, fileName: string): number {
  const count = first.cells.length;
  if (typeof column === "number") {
    if (column < count) return column;
    throw new Error(
      `${atLine(fileName, first.line)}: found ${count} column${
        count === 1 ? "" : "s"
      }, wanted at least ` +
        `${column + 1}, since a text or the label stands in column ${column} (counted from 0)`,
    );
  }
  const index = isHeader ? first.cells.indexOf(column) : -1;
  if (index >= 0) return index;
  throw new Error(
    isHeader
      ? `${atLine(fileName, first.line)}: ${unknownName("column", column, first.cells)}`
      : `${
        atLine(fileName, first.line)
      }: the column "${column}" is given by name, yet the file has no header; ` +
        "give its index from 0, or declare a header",
  );
}

function* pickJsonRows(file: SplitFile, text: string, fileName: string): Generator<Picked> {
  const { text: textKey, pair: pairKey, label: labelKey } = file.columns;
  const lines = contentLines(text);
  if (lines.length === 1 && lines[0]!.trim() === "") return;
  for (const [index, content] of lines.entries()) {
    const line = index + 1;
    const object = parseObject(content, fileName, line);
    const textCell = cell(object, textKey, fileName, line);
    const pairCell = pairKey === null ? null : cell(object, pairKey, fileName, line);
    yield {
      id: index,
      line,
      text: String(textCell),
      pair: pairCell === null ? null : String(pairCell),
      label: cell(object, labelKey, fileName, line),
    };
  }
}

function parseObject(content: string, fileName: string, line: number): object {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new Error(
      `${atLine(fileName, line)}: not valid JSON (${
        cause instanceof Error ? cause.message : String(cause)
      }); ` +
        "wanted one JSON object a line",
      { cause },
    );
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new Error(
    `${atLine(fileName, line)}: found ${
      content.slice(0, 40)
    }, wanted a JSON object with the columns as keys`,
  );
}

function cell(object: object, column: Column, fileName: string, line: number): Cell {
  const key = String(column);
  const value: unknown = Object.hasOwn(object, key)
    ? (object as Readonly<Record<string, unknown>>)[key]
    : undefined;
  if (value === undefined) {
    throw new Error(`${atLine(fileName, line)}: ${unknownName("key", key, Object.keys(object))}`);
  }
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  throw new Error(
    `${atLine(fileName, line)}: "${key}" is ${
      JSON.stringify(value).slice(0, 40)
    }, wanted a text, a number or a boolean`,
  );
}
