/**
 * Which column of a table of results says what.
 *
 * @module
 */
import { UsageError } from "../../base/input_error.ts";
import { unknownName } from "../../base/suggest.ts";

/** What a column can say of a score. */
export const fields = [
  "method",
  "task",
  "seed",
  "score",
  "metric",
  "budget",
  "parameters",
  "step",
  "example",
  "examples",
  "state",
] as const;

/** What a column says of a score. */
export type Field = typeof fields[number];

/** Columns by what they say, as `--columns` gives them; the score may be in several, one a task or metric. */
export type ColumnMap = Partial<Record<Field, readonly string[]>>;

/** What else columns are called that say the same: by people, by MLflow and by Weights & Biases. */
const synonyms: Partial<Record<Field, readonly string[]>> = {
  method: ["peft_type", "model"],
  task: ["dataset"],
  seed: ["random_seed"],
  parameters: ["num_trainable_params", "trainable_params"],
  step: ["_step"],
  example: ["example_id", "doc_id"],
  state: ["status"],
};

/**
 * Columns as `--columns` gives them, such as `score=eval_accuracy,method=params.method`.
 *
 * @throws {UsageError} If one is not of the form `what=column`, or says what no column can.
 */
export function parseColumns(texts: readonly string[]): ColumnMap {
  const found: Partial<Record<Field, string[]>> = {};
  for (const part of texts.flatMap((text) => text.split(","))) {
    const [, name, column] = /^([^=]*)=(.+)$/.exec(part.trim()) ?? [];
    if (name === undefined || column === undefined) {
      throw new UsageError(
        `Option "--columns" has "${part}", want what=column, as in score=accuracy`,
      );
    }
    const field = fields.find((field) => field === name);
    if (field === undefined) {
      throw new UsageError(`Option "--columns": ${unknownName("word", name, [...fields])}`);
    }
    const own = found[field] ??= [];
    own.push(column);
    if (own.length > 1 && field !== "score") {
      throw new UsageError(`Option "--columns" has ${field} twice, want it once`);
    }
  }
  return found;
}

/** A column's name without where a tool keeps it, such as `metrics.` or `eval/`. */
export const bareName = (column: string): string => column.slice(column.search(/[^./]*$/));

/** Where what is said stands among a table's columns. */
export type Found = Partial<Record<Field, readonly number[]>>;

/** A problem of a table's header: what is found, and what is wanted. */
export class ColumnError extends Error {}

/**
 * The columns of a table by what they say: those that are asked for, else those of the name itself, else the only one that ends with
 * the name, as `params.seed` does.
 *
 * @throws {ColumnError} If a column that is asked for is not there, or there is none for the method or the score.
 */
export function findColumns(header: readonly string[], asked: ColumnMap): Found {
  const found: Partial<Record<Field, readonly number[]>> = {};
  for (const field of fields) {
    const given = asked[field];
    const own = given === undefined
      ? namedColumn(header, field)
      : given.map((column) => indexOf(header, column));
    if (own.length > 0) found[field] = own;
  }
  for (const field of ["method", "score"] as const) {
    if (found[field] !== undefined) continue;
    const list = header.map((name) => `"${name}"`).join(", ");
    throw new ColumnError(
      `no column "${field}" among ${list}; say which it is by --columns ${field}=${
        exampleOf(header, field)
      }`,
    );
  }
  return found;
}

function indexOf(header: readonly string[], column: string): number {
  const index = header.indexOf(column);
  if (index >= 0) return index;
  throw new ColumnError(unknownName("column", column, header));
}

function namedColumn(header: readonly string[], field: Field): readonly number[] {
  const lower = header.map((name) => name.trim().toLowerCase());
  for (const name of [field, ...synonyms[field] ?? []]) {
    const exact = lower.indexOf(name);
    if (exact >= 0) return [exact];
    const ending = [...lower.keys()].filter((i) => bareName(lower[i]!) === name);
    if (ending.length === 1) return ending;
  }
  return [];
}

/** A column that may be meant, for an error that asks for one. */
function exampleOf(header: readonly string[], field: Field): string {
  const like = field === "score" ? /acc|f1|score|metric|exact/i : /name|method|model|adapter/i;
  return header.find((name) => like.test(name)) ?? "COLUMN";
}
