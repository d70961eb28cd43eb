/**
 * Reading one split of a task from the bytes of its files.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { atLine, type Cell, pickRows } from "./file_rows.ts";
import type { Column, Example, SplitFile, Task, TaskOutput } from "./types.ts";

/** One file of a split. */
export interface SplitContent {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** How errors call it. Default: its path as the task has it. */
  readonly fileName?: string;
}

/**
 * Reads the examples of a split, file after file, in the order of the rows.
 *
 * TSV is read without quoting, CSV with it (RFC 4180), JSONL as one object a line. UTF-8 with or without a
 * byte-order mark; both kinds of line ends; blank lines at the end are ignored.
 *
 * @param task The task, which says where texts and label stand and what labels there are.
 * @param split The split's name, for instance `dev`.
 * @param contents The split's files, as many and in the order in which the task names them.
 * @throws {Error} If the split is unknown, a file has no rows, or a row is malformed; the message names file and line.
 */
export function readSplit(
  task: Task,
  split: string,
  contents: readonly SplitContent[],
): readonly Example[] {
  const files = task.splits[split];
  if (files === undefined) {
    throw new Error(unknownName(`split of task "${task.name}"`, split, Object.keys(task.splits)));
  }
  if (files.length !== contents.length) {
    throw new RangeError(
      `Cannot read the split "${split}" of task "${task.name}": found ${contents.length} files, wanted ${files.length}`,
    );
  }
  const examples: Example[] = [];
  let firstId = 0;
  for (const [i, file] of files.entries()) {
    const { bytes, fileName = file.path } = contents[i]!;
    const own = readFile(task, split, file, { bytes, fileName });
    for (const example of own) examples.push({ ...example, id: firstId + example.id });
    firstId += own.at(-1)!.id + 1;
  }
  return examples;
}

/** The examples of one file, counted from its first row. */
function readFile(
  task: Task,
  split: string,
  file: SplitFile,
  { bytes, fileName }: Required<SplitContent>,
): readonly Example[] {
  const text = decodeUtf8(bytes, fileName);
  const allowsEmpty = task.source === "glue";
  const toTarget = targetReader(task.output, fileName);
  const examples: Example[] = [];
  for (const picked of pickRows(file, text, fileName)) {
    if (!allowsEmpty) {
      if (picked.text.trim() === "") throw emptyText(fileName, picked.line, file.columns.text);
      if (picked.pair?.trim() === "") throw emptyText(fileName, picked.line, file.columns.pair!);
    }
    examples.push({
      id: picked.id,
      text: picked.text,
      pair: picked.pair,
      target: toTarget(picked.label, picked.line),
    });
  }
  if (examples.length === 0) {
    throw new Error(
      `Cannot use "${fileName}": the split "${split}" of task "${task.name}" is empty, wanted at least one row` +
        (file.header ? " below the header" : ""),
    );
  }
  return examples;
}

function emptyText(fileName: string, line: number, column: Column): Error {
  return new Error(
    `${atLine(fileName, line)}: the text in column ${
      JSON.stringify(column)
    } is empty; fill or remove the row`,
  );
}

function decodeUtf8(bytes: Uint8Array, fileName: string): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new Error(
      `${
        atLine(fileName, firstInvalidLine(bytes))
      }: the bytes are not valid UTF-8; convert the file to UTF-8`,
      { cause },
    );
  }
}

/** The number, from 1, of the first line that is not UTF-8 by itself. */
function firstInvalidLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const lineEnd = bytes.indexOf(10, start);
    const end = lineEnd < 0 ? bytes.length : lineEnd + 1;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    start = end;
  }
  return line;
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** Turns a label cell into a class index or a score. */
function targetReader(output: TaskOutput, fileName: string): (label: Cell, line: number) => number {
  if (output.type === "classification") {
    const indices = new Map(output.labels.map((label, index) => [label, index]));
    return (label, line) => {
      const index = indices.get(String(label).trim());
      if (index !== undefined) return index;
      throw new Error(
        `${atLine(fileName, line)}: ${unknownName("label", String(label), output.labels)}`,
      );
    };
  }
  const { min, max } = output;
  return (label, line) => {
    const written = String(label).trim();
    const score = decimal.test(written) ? Number(written) : NaN;
    if (score >= min && score <= max) return score;
    const problem = Number.isFinite(score)
      ? `the label ${written} is out of bounds`
      : `the label "${written}" is not a number`;
    throw new Error(`${atLine(fileName, line)}: ${problem}, wanted a number from ${min} to ${max}`);
  };
}
