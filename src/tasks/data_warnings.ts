/**
 * What is found in a task's data that cannot be meant.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { lengthOf, sample } from "./batches.ts";
import { encodeExample, encodeExamples } from "./tokenizer.ts";
import type { EncodedTask, Example, Task, TaskData, Tokenizer } from "./types.ts";

/** Something in a task's data that a reader of its results must know. */
export interface DataWarning {
  /** Name of the single task, also within a sequence. */
  readonly task: string;
  /** One file for train and a split, texts in both, a label that train lacks, a split with nothing to tell apart, or texts cut at `maxLength`. */
  readonly kind: "same-file" | "shared-texts" | "unseen-label" | "one-target" | "cut-texts";
  /** Texts or labels that it holds for. */
  readonly count: number;
  /** Texts or labels that were looked at. */
  readonly of: number;
  /** The same in a sentence that needs no context, for instance `Tickets: 12 of 400 dev texts also occur in train.` */
  readonly text: string;
}

function whole(count: number): string {
  return count.toLocaleString("en");
}

/** A verb's form: of one thing, else of several. */
function agree(count: number, one: string, many: string): string {
  return count === 1 ? one : many;
}

/** An example's texts as one key. */
function keyOf({ text, pair, choices }: Example): string {
  if (choices !== undefined) return JSON.stringify([text, ...choices]);
  return pair === null ? text : JSON.stringify([text, pair]);
}

/**
 * What is odd about a task whatever it is read with: files and texts that stand in train and in a split that is evaluated, and
 * labels that train lacks.
 */
export function dataWarnings(read: TaskData): readonly DataWarning[] {
  const train = read.splits.get("train");
  if (train === undefined) return [];
  const trained = new Set(train.map(keyOf));
  const evaluated = [...read.splits].filter(([split]) => split !== "train");
  return [
    ...evaluated.flatMap(([split, examples]) => overlap(read, split, examples, trained)),
    ...unseenLabels(read.task, train, evaluated),
    ...evaluated.flatMap(([split, examples]) => oneTarget(read.task, split, examples)),
  ];
}

/** A split whose examples all have one target, be it for want of a second example: no score of it can tell models apart. */
function oneTarget(
  { name, output }: Task,
  split: string,
  examples: readonly Example[],
): readonly DataWarning[] {
  const [target, ...others] = new Set(examples.map((example) => example.target));
  if (target === undefined || others.length > 0) return [];
  const of = examples.length;
  const what = output.type === "regression"
    ? `the number ${target}`
    : `the label "${output.labels[target]}"`;
  const told = of === 1
    ? `${split} has one example`
    : `all ${whole(of)} ${split} examples have ${what}`;
  return [{
    task: name,
    kind: "one-target",
    count: of,
    of,
    text: `${name}: ${told}, so that its score cannot tell good models from bad ones.`,
  }];
}

function overlap(
  { task, hashes }: TaskData,
  split: string,
  examples: readonly Example[],
  trained: ReadonlySet<string>,
): readonly DataWarning[] {
  const count = examples.filter((example) => trained.has(keyOf(example))).length;
  if (count === 0) return [];
  const { pair, choices } = examples[0]!;
  const noun = choices !== undefined ? "question" : pair === null ? "text" : "pair";
  const of = examples.length;
  const warning = (kind: DataWarning["kind"], said: string) => [
    { task: task.name, kind, count, of, text: `${task.name}: ${said}` },
  ];
  const trainFiles = task.splits["train"] ?? [];
  for (const { path } of task.splits[split] ?? []) {
    const twin = trainFiles.find((file) => hashes[file.path] === hashes[path]);
    if (twin === undefined) continue;
    const where = twin.path === path
      ? `${split} and train are one file, "${path}"`
      : `${split}'s file "${path}" is the same as train's "${twin.path}"`;
    return warning(
      "same-file",
      `${where}: ${whole(count)} of ${whole(of)} ${split} ${noun}s are trained on.`,
    );
  }
  return warning(
    "shared-texts",
    `${whole(count)} of ${whole(of)} ${split} ${noun}s also ${
      agree(count, "occurs", "occur")
    } in train.`,
  );
}

/** Labels that a sentence names; the others are counted. */
const mostNamed = 5;

function unseenLabels(
  { name, output }: Task,
  train: readonly Example[],
  evaluated: readonly (readonly [string, readonly Example[]])[],
): readonly DataWarning[] {
  if (output.type === "regression") return [];
  const seen = new Set(train.map(({ target }) => target));
  const unseen = output.labels.flatMap((label, i) => seen.has(i) ? [] : [{ label, i }]);
  if (unseen.length === 0) return [];
  const names = unseen.slice(0, mostNamed).map(({ label }) => `"${label}"`);
  const rest = unseen.length - names.length;
  const targets = new Set(unseen.map(({ i }) => i));
  const uses = evaluated.map(([split, examples]) => {
    const count = examples.filter(({ target }) => targets.has(target)).length;
    return `${whole(count)} of ${whole(examples.length)} ${split} ${
      agree(examples.length, "text", "texts")
    }`;
  });
  return [{
    task: name,
    kind: "unseen-label",
    count: unseen.length,
    of: output.labels.length,
    text: `${name}: ${whole(unseen.length)} of ${whole(output.labels.length)} labels never ${
      agree(unseen.length, "occurs", "occur")
    } in train: ${names.join(", ")}${rest > 0 ? ` and ${whole(rest)} more` : ""} (${
      uses.join(", ")
    }).`,
  }];
}

/** Texts of a split that exceed a length. */
interface CutTexts {
  readonly split: string;
  /** Tokens at most. */
  readonly maxLength: number;
  readonly count: number;
  /** Texts looked at. */
  readonly of: number;
  /** Whether there are more, of which these were drawn. */
  readonly isSampled: boolean;
}

/** Texts of a split whose lengths are measured before a study starts: all of the embedded tasks', under a second of any. */
const textsMeasured = 4000;

/**
 * How many texts of a task's split are longer than it is encoded to; of a large split, of a sample that all runs share. A small
 * split is encoded as runs need it anyway.
 */
export function cutTexts(
  { splits, maxLength, encodedOf }: EncodedTask,
  split: string,
  tokenizer: Tokenizer,
): CutTexts {
  const all = splits.get(split)!;
  const stream = RandomStream.fromSeed(0).fork("cut-texts").fork(split);
  const examples = sample(all, textsMeasured, stream);
  const isSampled = examples.length < all.length;
  const encoded = isSampled ? encodeExamples(tokenizer, examples, maxLength) : encodedOf(split);
  const isCut = (example: Example, i: number) =>
    lengthOf(encoded[i]!) === maxLength &&
    lengthOf(encodeExample(tokenizer, example, maxLength + 1)) > maxLength;
  return {
    split,
    maxLength,
    count: examples.filter(isCut).length,
    of: examples.length,
    isSampled,
  };
}

/** The share of texts that lose their ends from which on it is worth a word. */
const cutShare = 0.05;

/** The warning of texts that are cut, or null where they are too few. */
export function cutWarning(
  { name }: Pick<Task, "name">,
  { split, maxLength, count, of, isSampled }: CutTexts,
): DataWarning | null {
  if (count < cutShare * of) return null;
  return {
    task: name,
    kind: "cut-texts",
    count,
    of,
    text: `${name}: ${whole(count)} of ${whole(of)} ${isSampled ? "sampled " : ""}${split} ${
      agree(of, "text", "texts")
    } (${Math.round((100 * count) / of)} %) ${
      agree(count, "is", "are")
    } longer than maxLength, ${maxLength} tokens, and cut.`,
  };
}
