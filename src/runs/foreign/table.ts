/**
 * Tables of results: CSV, TSV, lines of JSON or a list, one row a score, as people, MLflow and Weights & Biases write them.
 *
 * @module
 */
import type { ForeignScore } from "../../analysis/foreign/foreign_score.ts";
import { counted } from "../../base/format.ts";
import { InputError, shown } from "../../base/input_error.ts";
import { parseJson } from "../../base/read_json.ts";
import { csvRows, tsvRows } from "../../tasks/file_rows.ts";
import {
  bareName,
  ColumnError,
  type ColumnMap,
  type Field,
  findColumns,
  type Found,
} from "./columns.ts";

/** A cell as its file has it. */
type Value = string | number | boolean | null | undefined;

/** A row with its line. */
interface Row {
  readonly line: number;
  readonly cells: readonly Value[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Table {
  readonly header: readonly string[];
  readonly rows: Iterable<Row>;
}

/** Texts that stand for a score that is not there. */
const missing: ReadonlySet<string> = new Set(["", "nan", "none", "null", "na", "n/a", "-"]);

/** States of runs, as MLflow and Weights & Biases write them, whose last score is not their end's. */
const brokenOff: ReadonlySet<string> = new Set([
  ...["failed", "crashed", "killed", "running", "scheduled", "preempted"],
]);

/** The splits that a metric's name may begin with. */
const splitBefore = /^(?:eval|test|validation|valid|val|dev)[_ -]/;

/**
 * The scores of a table.
 *
 * @param columns Which column says what. Default: by their names.
 *
 * @throws {InputError} If it has no such column, or a cell is not what it should be; it names line and column.
 */
export function readTable(text: string, file: string, columns: ColumnMap): readonly ForeignScore[] {
  const { header, rows } = tableOf(text, file);
  let found: Found;
  try {
    found = findColumns(header, columns);
  } catch (error) {
    if (!(error instanceof ColumnError)) throw error;
    throw new InputError({
      ...{ file, place: "line 1", found: error.message, wanted: "another column" },
      message: `Cannot read "${file}", line 1: ${error.message}`,
    });
  }
  const scores = found.score!;
  const namesTask = scores.length > 1 && found.task === undefined;
  const result: ForeignScore[] = [];
  for (const row of rows) {
    const read = readerOf(row, header, found, file);
    const method = read.text("method");
    if (method === undefined) {
      return read.refuse("method", "nothing", "the name of a method");
    }
    const isBrokenOff = brokenOff.has((read.text("state") ?? "").toLowerCase());
    const about: Mutable<Omit<ForeignScore, "score">> = { method, file, line: row.line };
    const task = read.text("task");
    if (task !== undefined) about.task = task;
    const example = read.text("example");
    if (example !== undefined) about.example = example;
    for (const [field, isFit, wanted] of numbers) {
      const value = read.number(field, isFit, wanted);
      if (value !== undefined) about[field] = value;
    }
    for (const index of scores) {
      const value = read.scoreAt(index);
      const name = bareName(header[index]!);
      const score: Mutable<ForeignScore> = { ...about, score: isBrokenOff ? null : value };
      // A task's own column says nothing of its metric.
      const metric = read.text("metric") ?? (namesTask ? undefined : name.replace(splitBefore, ""));
      if (namesTask) score.task = name;
      if (metric !== undefined) score.metric = metric;
      result.push(score);
    }
  }
  if (result.length === 0) {
    throw new InputError({ file, found: "no row below the header", wanted: "at least one score" });
  }
  return result;
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Fields of numbers, with what they must be. */
const numbers = [
  ["seed", isWhole, "a whole number from 0"],
  ["budget", (value) => value > 0, "a number above 0, such as a rank"],
  ["parameters", (value) => value >= 0, "a number from 0"],
  ["step", (value) => value >= 0, "a number from 0"],
  ["examples", (value) => value >= 1, "a number from 1"],
] as const satisfies readonly (readonly [Field, (value: number) => boolean, string])[];

/** What the cells of a row say. */
function readerOf({ line, cells }: Row, header: readonly string[], found: Found, file: string) {
  const refuseAt = (index: number, what: string, wanted: string): never => {
    throw new InputError({
      file,
      place: `line ${line}, column "${header[index]}"`,
      found: what,
      wanted,
    });
  };
  const textAt = (index: number): string => String(cells[index] ?? "").trim();
  const numberAt = (index: number, wanted: string): number => {
    const text = textAt(index);
    const value = Number(text);
    return Number.isFinite(value) ? value : refuseAt(index, `"${shown(text)}"`, wanted);
  };
  return {
    refuse: (field: Field, what: string, wanted: string) =>
      refuseAt(found[field]![0]!, what, wanted),
    text: (field: Field): string | undefined => {
      const index = found[field]?.[0];
      return index === undefined ? undefined : textAt(index) || undefined;
    },
    number: (field: Field, isFit: (value: number) => boolean, wanted: string) => {
      const index = found[field]?.[0];
      if (index === undefined || missing.has(textAt(index).toLowerCase())) return undefined;
      const value = numberAt(index, wanted);
      return isFit(value) ? value : refuseAt(index, String(value), wanted);
    },
    scoreAt: (index: number): number | null =>
      missing.has(textAt(index).toLowerCase()) ? null : numberAt(index, "a number"),
  };
}

function tableOf(text: string, file: string): Table {
  if (/\.jsonl$/i.test(file)) return objectsTable(linesOf(text, file), file);
  if (/\.json$/i.test(file)) {
    const value = parseJson(text, file);
    if (Array.isArray(value)) {
      return objectsTable(value.map((value, i) => ({ line: i + 1, value })), file);
    }
    throw new InputError({
      file,
      found: "JSON that is no list of scores, nor results of peft or lm-eval",
      wanted: "one of these",
    });
  }
  const all = (/\.tsv$/i.test(file) ? tsvRows(text) : csvRows(text, file))[Symbol.iterator]();
  const first = all.next();
  if (first.done === true) {
    throw new InputError({ file, found: "an empty file", wanted: "a header and rows" });
  }
  const header = first.value.cells;
  return { header, rows: fullRows(all, header, file) };
}

/** The rows that are not blank, each as long as the header. */
function* fullRows(rows: Iterator<Row>, header: readonly string[], file: string): Iterable<Row> {
  for (let next = rows.next(); next.done !== true; next = rows.next()) {
    const { line, cells } = next.value;
    if (cells.length === 1 && cells[0] === "") continue;
    if (cells.length !== header.length) {
      throw new InputError({
        ...{ file, place: `line ${line}` },
        found: counted(cells.length, "column"),
        wanted: `${header.length}, as the header has`,
      });
    }
    yield next.value;
  }
}

interface JsonLine {
  readonly line: number;
  readonly value: unknown;
}

function linesOf(text: string, file: string): readonly JsonLine[] {
  return text.split(/\r?\n/).flatMap((line, i) =>
    line.trim() === ""
      ? []
      : [{ line: i + 1, value: parseJson(line, file, { place: `line ${i + 1}` }) }]
  );
}

/** Objects as a table; keys within objects are joined by full stops. */
function objectsTable(lines: readonly JsonLine[], file: string): Table {
  const header: string[] = [];
  const places = new Map<string, number>();
  const rows = lines.map(({ line, value }): Row => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new InputError({
        ...{
          file,
          place: `line ${line}`,
          found: shown(JSON.stringify(value)),
          wanted: "an object",
        },
      });
    }
    const cells: Value[] = [];
    const add = (object: object, before: string) => {
      for (const [key, value] of Object.entries(object)) {
        const name = before + key;
        if (typeof value === "object" && value !== null) {
          if (!Array.isArray(value)) add(value, `${name}.`);
          continue;
        }
        let place = places.get(name);
        if (place === undefined) {
          place = header.push(name) - 1;
          places.set(name, place);
        }
        cells[place] = value;
      }
    };
    add(value, "");
    return { line, cells };
  });
  return { header, rows };
}
