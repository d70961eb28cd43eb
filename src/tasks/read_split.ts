/**
 * Reading one split of a task from the bytes of its files, drawing the one that has none, and how a task is read as hashes.
 *
 * @module
 */
import { InputError, shown } from "../base/input_error.ts";
import { decodeText } from "../base/read_text.ts";
import { unknownName } from "../base/suggest.ts";
import { type Cell, lineError, pickRows, unknownAt } from "./file_rows.ts";
import type { Example, SplitFile, Task, TaskOutput, TextSource } from "./types.ts";
import type { Json } from "../base/canonical_json.ts";
import { hashJson } from "../base/hash.ts";
import { RandomStream } from "../base/random.ts";

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

/** Version of the encoding: raised when {@linkcode encodeExample} gives other tokens for the same text. */
const encodingVersion = 1;

/**
 * Hashes of how a task is read. A task that is built in has none while the encoding has its first version: ids of runs are older
 * than this, and its columns and labels belong to ranklab.
 *
 * @param version Of the encoding.
 */
export function readingHashes(
  { name, source, output, splits, metrics, ownMetrics = [] }: Task,
  version: number = encodingVersion,
): Readonly<Record<string, string>> {
  // The first metric chooses the selected evaluation; any other one can be computed later, unless it is code that changes.
  const own = ownMetrics.map(({ name, origin }) => [name, origin?.hash ?? null]);
  const stated = {
    output,
    splits,
    metric: metrics[0],
    ...(own.length === 0 ? {} : { own }),
  } as unknown as Json;
  return {
    ...(source === "user" ? { [`${name}: columns and labels`]: hashJson(stated) } : {}),
    ...(version === 1 ? {} : { "encoding of texts": `version ${version}` }),
  };
}

/** The two splits, each in the order of the file. */
interface DrawnSplits {
  readonly train: readonly Example[];
  readonly dev: readonly Example[];
}

/**
 * Draws the development split: the same rows for all runs, which the task's name decides.
 *
 * The draw is stratified: of each class, round(share × rows) go to `dev`, and one row at least stays in `train`. Of a
 * regression, as many of all rows.
 *
 * @param task Its `devShare` must be set.
 * @param examples The rows of the training file.
 * @throws {RangeError} If no row would be drawn.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const output = { type: "classification", labels: ["no", "yes"] } as const;
 * const examples = Array.from({ length: 30 }, (_, id) => ({ id, text: `${id}`, pair: null, target: id % 3 ? 0 : 1 }));
 * const { train, dev } = drawDev({ name: "Tickets", output, devShare: 0.2 }, examples);
 * assertEquals([train.length, dev.length, dev.filter(({ target }) => target === 1).length], [24, 6, 2]);
 * ```
 */
export function drawDev(
  { name, output, devShare }: Required<Pick<Task, "name" | "output" | "devShare">>,
  examples: readonly Example[],
): DrawnSplits {
  const stream = RandomStream.fromSeed(0).fork("dev").fork(name);
  const strata = output.type === "regression"
    ? [examples]
    : output.labels.map((_, label) => examples.filter(({ target }) => target === label));
  const drawn = new Set(strata.flatMap((rows, i) => {
    const count = Math.min(Math.round(devShare * rows.length), rows.length - 1);
    if (count <= 0) return [];
    return stream.fork(i).permutation(rows.length).slice(0, count).map((row) => rows[row]!);
  }));
  if (drawn.size === 0) {
    throw new RangeError(
      `Cannot draw the dev split of "${name}": ${devShare} of ${examples.length} training rows ` +
        `(${
          strata.length === 1 ? "of all" : "of each label"
        }, rounded) are none, wanted at least one; ` +
        'raise "dev", or give dev a file of its own',
    );
  }
  return {
    train: examples.filter((example) => !drawn.has(example)),
    dev: examples.filter((example) => drawn.has(example)),
  };
}
