/**
 * Rows of a TSV, CSV or JSONL file, and the cells of each that a task reads.
 *
 * @module
 */
import { csvParseRows } from "d3-dsv";
import { InputError, shown } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";
import { withoutLastLineEnds } from "../base/read_text.ts";
import { unknownName } from "../base/suggest.ts";
import type { Column, Example, SplitFile, TextSource } from "./types.ts";

/** What stands in one cell: text, or a JSON value of a jsonl file. */
export type Cell = string | number | boolean;

/** The cells of a line of a table. */
export interface Row {
  /** From 1; the first of a row that goes over several. */
  readonly line: number;
  /** Without quotes. */
  readonly cells: readonly string[];
}

/** The texts and the label of an example, whose cells are checked to be there. */
interface Picked extends Pick<Example, "id" | "text" | "pair" | "choices"> {
  readonly line: number;
  readonly label: Cell;
}

/** A template's literal texts and, between each two of them, a column. */
interface Template {
  readonly literals: readonly string[];
  readonly columns: readonly Column[];
}

/** A column in a template; doubled braces are braces. */
const columnInBraces = /\{\{|\}\}|\{([^{}]+)\}|[{}]/g;

/**
 * Takes a template apart.
 *
 * A column stands in braces, by its name or its index from 0; `{{` and `}}` are braces.
 *
 * @throws {SyntaxError} If a brace stands alone, or no column is named.
 */
function parseTemplate(template: string): Template {
  const literals = [""];
  const columns: Column[] = [];
  const add = (text: string) => literals[literals.length - 1] += text;
  let end = 0;
  for (const match of template.matchAll(columnInBraces)) {
    const [whole, name] = match;
    add(template.slice(end, match.index));
    end = match.index + whole.length;
    if (name !== undefined) {
      columns.push(/^\d+$/.test(name) ? Number(name) : name);
      literals.push("");
    } else if (whole.length === 2) add(whole[0]!);
    else throw new SyntaxError(`found a single "${whole}"; double it where it is a brace`);
  }
  if (columns.length === 0) throw new SyntaxError("found no column in braces");
  add(template.slice(end));
  return { literals, columns };
}

/** The columns that a text comes from. */
export function columnsOf(source: TextSource): readonly Column[] {
  return typeof source === "object" ? parseTemplate(source.template).columns : [source];
}

/**
 * How to get a text from a row.
 *
 * @param cellOf How to get one cell; it is asked once for each column, before any row.
 */
function textReader<Row>(
  source: TextSource,
  cellOf: (column: Column) => (row: Row) => Cell,
): (row: Row) => string {
  if (typeof source !== "object") {
    const read = cellOf(source);
    return (row) => String(read(row));
  }
  const { literals, columns } = parseTemplate(source.template);
  const cells = columns.map(cellOf);
  return (row) =>
    literals.map((text, i) => i === 0 ? text : `${cells[i - 1]!(row)}${text}`).join("");
}

/** How to get an example's texts and label from a row. */
function rowReader<Row>(
  { text, pair, choices, label }: SplitFile["columns"],
  cellOf: (column: Column) => (row: Row) => Cell,
): (row: Row) => Omit<Picked, "id" | "line"> {
  const readText = textReader(text, cellOf);
  const readPair = pair === null ? () => null : textReader(pair, cellOf);
  const readChoices = choices?.map((choice) => textReader(choice, cellOf));
  const readLabel = cellOf(label);
  return (row) => ({
    text: readText(row),
    pair: readPair(row),
    ...(readChoices === undefined ? {} : { choices: readChoices.map((read) => read(row)) }),
    label: readLabel(row),
  });
}

/** What a line is and what it should be; the message, after the file's name and the line, says both unless it is given. */
interface LineProblem {
  readonly found: string;
  readonly wanted: string;
  readonly message?: string;
}

/** The error of a line of a file. */
export function lineError(
  fileName: string,
  line: number,
  { found, wanted, message = `found ${found}, wanted ${wanted}` }: LineProblem,
): InputError {
  const place = `line ${line}`;
  return new InputError({
    file: fileName,
    place,
    found,
    wanted,
    message: `Cannot read "${fileName}", ${place}: ${message}`,
  });
}

/** The error of a line with a name that is not known. */
export function unknownAt(
  fileName: string,
  line: number,
  what: string,
  name: string,
  known: readonly string[],
): InputError {
  return lineError(fileName, line, {
    found: `the ${what} "${shown(name)}"`,
    wanted: "one that is known",
    message: unknownName(what, name, known),
  });
}

/**
 * The cells of each row of a file that a task reads, in order.
 *
 * @throws {InputError} At a row of another layout; the message names file and line.
 */
export function pickRows(file: SplitFile, text: string, fileName: string): Iterable<Picked> {
  if (file.format === "jsonl") return pickJsonRows(file, text, fileName);
  const rows = file.format === "csv" ? csvRows(text, fileName) : tsvRows(text);
  return pickCells(file, rows, fileName);
}

/** The lines without their ends and without blank lines at the end of the file. */
function contentLines(text: string): readonly string[] {
  return withoutLastLineEnds(text).split(/\r?\n/);
}

/** The rows of a table whose cells tabs part. */
export function* tsvRows(text: string): Generator<Row> {
  const lines = contentLines(text);
  if (lines.length === 1 && lines[0] === "") return;
  for (const [index, line] of lines.entries()) yield { line: index + 1, cells: line.split("\t") };
}

/** A row that stands after the file's last one; a quote that is never closed swallows it. */
const endMark = "end";

/**
 * The rows of a table whose cells commas part.
 *
 * @throws {InputError} Where a quote never closes.
 */
export function* csvRows(text: string, fileName: string): Generator<Row> {
  const content = withoutLastLineEnds(text);
  if (content === "") return;
  const rows: readonly (readonly string[])[] = csvParseRows(`${content}\n${endMark}`);
  const last = rows.at(-1);
  const closes = last?.length === 1 && last[0] === endMark;
  let line = 1;
  for (const [index, cells] of rows.entries()) {
    const isLast = index === rows.length - 1;
    if (isLast && closes) return;
    if (isLast) {
      throw lineError(fileName, line, {
        found: "a quote that never closes",
        wanted: "its end",
        message: 'a quote opens and never closes; close it with "',
      });
    }
    yield { line, cells };
    line += 1 + cells.reduce((sum, cell) => sum + (cell.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
  }
}

function* pickCells(file: SplitFile, rows: Iterable<Row>, fileName: string): Generator<Picked> {
  let header: Row | null = null;
  let read: ReturnType<typeof rowReader<readonly string[]>> | null = null;
  let wanted = 0;
  let torn = 0;
  let id = -1;
  for (const row of rows) {
    if (read === null) {
      read = rowReader(file.columns, (column) => {
        const index = findColumn(column, row, file.header, fileName);
        return (cells: readonly string[]) => cells[index]!;
      });
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
    yield { id, line: row.line, ...read(row.cells) };
  }
}

function columnCountError(
  row: Row,
  wanted: number,
  header: Row | null,
  file: SplitFile,
  fileName: string,
): InputError {
  const found = row.cells.length;
  const source = header === null
    ? "as in line 1"
    : `${shown(header.cells.slice(0, 20).map((name) => `"${name}"`).join(", "))} as in the header`;
  const fix = found === 1 && row.cells[0] === ""
    ? "remove the blank line"
    : file.format === "tsv"
    ? "separate columns with one tab each, and keep tabs and line breaks out of texts"
    : "put texts that hold commas, quotes or line breaks in double quotes";
  const columns = `${found} column${found === 1 ? "" : "s"}`;
  return lineError(fileName, row.line, {
    found: columns,
    wanted: String(wanted),
    message: `found ${columns}, wanted ${wanted} (${source}); ${fix}`,
  });
}

/** The index of a column in a file whose first row is `first`. */
function findColumn(column: Column, first: Row, isHeader: boolean, fileName: string): number {
  const count = first.cells.length;
  if (typeof column === "number") {
    if (column < count) return column;
    const found = `${count} column${count === 1 ? "" : "s"}`;
    throw lineError(fileName, first.line, {
      found,
      wanted: `at least ${column + 1}`,
      message:
        `found ${found}, wanted at least ${column + 1}, since a text or the label stands in ` +
        `column ${column} (counted from 0)`,
    });
  }
  const index = isHeader ? first.cells.indexOf(column) : -1;
  const again = index < 0 ? -1 : first.cells.indexOf(column, index + 1);
  if (again >= 0) {
    throw lineError(fileName, first.line, {
      found: `the column "${column}" twice (columns ${index + 1} and ${again + 1})`,
      wanted: "it once; rename or remove one of them",
    });
  }
  if (index >= 0) return index;
  if (isHeader) throw unknownAt(fileName, first.line, "column", column, first.cells);
  throw lineError(fileName, first.line, {
    found: "no header",
    wanted: `a header with "${column}"`,
    message: `the column "${column}" is given by name, yet the file has no header; ` +
      "give its index from 0, or declare a header",
  });
}

function* pickJsonRows(file: SplitFile, text: string, fileName: string): Generator<Picked> {
  const read = rowReader(
    file.columns,
    (column) => ({ object, line }: { readonly object: object; readonly line: number }) =>
      cell(object, column, fileName, line),
  );
  const lines = contentLines(text);
  if (lines.length === 1 && lines[0]!.trim() === "") return;
  for (const [index, content] of lines.entries()) {
    const line = index + 1;
    const object = parseObject(content, fileName, line);
    yield { id: index, line, ...read({ object, line }) };
  }
}

function parseObject(content: string, fileName: string, line: number): object {
  const value = parseJson(content, fileName, {
    place: `line ${line}`,
    wanted: "one JSON object a line",
  });
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw lineError(fileName, line, {
    found: content.slice(0, 40),
    wanted: "a JSON object with the columns as keys",
  });
}

function cell(object: object, column: Column, fileName: string, line: number): Cell {
  const key = String(column);
  const value: unknown = Object.hasOwn(object, key)
    ? (object as Readonly<Record<string, unknown>>)[key]
    : undefined;
  if (value === undefined) throw unknownAt(fileName, line, "key", key, Object.keys(object));
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  const found = JSON.stringify(value).slice(0, 40);
  throw lineError(fileName, line, {
    found: `"${key}": ${found}`,
    wanted: "a text, a number or a boolean",
    message: `"${key}" is ${found}, wanted a text, a number or a boolean`,
  });
}
