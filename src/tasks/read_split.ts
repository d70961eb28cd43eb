/**
 * Reading one split of a task from the bytes of its files.
 *
 * @module
 */
import { InputError, shown } from "../base/input_error.ts";
import { decodeText } from "../base/read_text.ts";
import { unknownName } from "../base/suggest.ts";
import { type Cell, lineError, pickRows, unknownAt } from "./file_rows.ts";
import type { Example, SplitFile, Task, TaskOutput, TextSource } from "./types.ts";

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
 * @throws {InputError} If a file has no rows, or a row is malformed; the message names file and line.
 * @throws {Error} If the split is unknown.
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
  const text = decodeText(bytes, fileName);
  const allowsEmpty = task.source === "glue";
  const toTarget = targetReader(task.output, fileName);
  const examples: Example[] = [];
  for (const picked of pickRows(file, text, fileName)) {
    if (!allowsEmpty) {
      const { text, pair, choices = [] } = file.columns;
      if (picked.text.trim() === "") throw emptyText(fileName, picked.line, text);
      if (picked.pair?.trim() === "") throw emptyText(fileName, picked.line, pair!);
      const blank = picked.choices?.findIndex((choice) => choice.trim() === "") ?? -1;
      if (blank >= 0) throw emptyText(fileName, picked.line, choices[blank]!);
    }
    const { line, label, ...texts } = picked;
    examples.push({ ...texts, target: toTarget(label, line) });
  }
  if (examples.length === 0) {
    const wanted = `at least one row${file.header ? " below the header" : ""}`;
    throw new InputError({
      file: fileName,
      found: "no rows",
      wanted,
      message:
        `Cannot use "${fileName}": the split "${split}" of task "${task.name}" is empty, wanted ${wanted}`,
    });
  }
  return examples;
}

function emptyText(fileName: string, line: number, source: TextSource): InputError {
  const found = typeof source === "object"
    ? `template ${JSON.stringify(source.template)}`
    : `column ${JSON.stringify(source)}`;
  return lineError(fileName, line, {
    found: `an empty text in ${found}`,
    wanted: "a text",
    message: `the text in ${found} is empty; fill or remove the row`,
  });
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** Turns a label cell into a class index or a score. */
function targetReader(output: TaskOutput, fileName: string): (label: Cell, line: number) => number {
  if (output.type === "classification") {
    const indices = new Map(output.labels.map((label, index) => [label, index]));
    return (label, line) => {
      const index = indices.get(String(label).trim());
      if (index !== undefined) return index;
      throw unknownAt(fileName, line, "label", String(label), output.labels);
    };
  }
  const { min, max } = output;
  return (label, line) => {
    const written = String(label).trim();
    const score = decimal.test(written) ? Number(written) : NaN;
    if (score >= min && score <= max) return score;
    const found = Number.isFinite(score)
      ? `the label ${shown(written)} is out of bounds`
      : `the label "${shown(written)}" is not a number`;
    const wanted = `a number from ${min} to ${max}`;
    throw lineError(fileName, line, { found, wanted, message: `${found}, wanted ${wanted}` });
  };
}
