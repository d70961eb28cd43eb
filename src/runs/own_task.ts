/**
 * A task as a value: its examples held by the caller, checked, with the hashes of what they are.
 *
 * @module
 */
import { hashJson } from "../base/hash.ts";
import { readingHashes } from "../tasks/read_split.ts";
import type { Example, Metric, MetricName, Task, TaskData, TaskOutput } from "../tasks/types.ts";
import type { Json } from "../base/canonical_json.ts";
import { misfits } from "../tasks/metrics.ts";

/** A labelled text, or pair of texts. */
export interface OwnExample {
  /** The text, or the first one of a pair. */
  readonly text: string;
  /** The second text of a pair. Default: there is none. */
  readonly pair?: string;
  /** The texts to choose from, one for each label; each is scored as the second text of a pair. Default: there are none. */
  readonly choices?: readonly string[];
  /** One of the task's labels, or a number within its bounds. */
  readonly label: string | number;
}

/** A task as a value. */
export interface OwnTask {
  /** Name in records and predictions; letters of any script and spaces are fine. */
  readonly name: string;
  /** The labels in the order of their class indices, or the bounds of a number to predict. */
  readonly labels: readonly string[] | { readonly min: number; readonly max: number };
  /** Names, or what `defineMetric` gives; the first one decides. Default: accuracy, or Pearson and Spearman for a number. */
  readonly metrics?: readonly (MetricName | Metric)[];
  /** Examples to train on, shuffled anew in each epoch. */
  readonly train: readonly OwnExample[];
  /** Examples to evaluate on; none of them is trained on. */
  readonly dev: readonly OwnExample[];
}

function isBounds(
  labels: OwnTask["labels"],
): labels is { readonly min: number; readonly max: number } {
  return !Array.isArray(labels);
}

/**
 * Examples as a task's readers give them.
 *
 * @param what How messages call them.
 *
 * @throws {TypeError} If a text is no text, or a label is none of the task's; the message names the example.
 */
export function examplesOf(
  output: TaskOutput,
  examples: readonly OwnExample[],
  what: string,
): readonly Example[] {
  const wanted = output.type === "classification" && output.perChoice === true
    ? output.labels.length
    : null;
  return examples.map(({ text, pair, choices, label }, id) => {
    const fail = (found: unknown, wanted: string): never => {
      throw new TypeError(
        `Cannot use ${what}[${id}]: found ${JSON.stringify(found)}, want ${wanted}`,
      );
    };
    if (typeof text !== "string") fail(text, "a text");
    if (pair !== undefined && typeof pair !== "string") fail(pair, "a second text, or none");
    checkChoices(choices, wanted, (want) => fail(choices ?? null, want));
    if (choices !== undefined && pair !== undefined) fail(pair, "no pair beside choices");
    const target = output.type === "regression"
      ? Number(label)
      : output.labels.indexOf(String(label));
    if (output.type === "classification") {
      if (target < 0) fail(label, `one of the labels ${output.labels.join(", ")}`);
    } else if (!(target >= output.min && target <= output.max)) {
      fail(label, `a number from ${output.min} to ${output.max}`);
    }
    return { id, text, pair: pair ?? null, ...(choices === undefined ? {} : { choices }), target };
  });
}

/**
 * Sees that an example has the choices that its task asks for.
 *
 * @param wanted How many, or null for a task without choices.
 * @param fail Is given what is wanted.
 */
export function checkChoices(
  choices: unknown,
  wanted: number | null,
  fail: (want: string) => never,
): void {
  if (wanted === null) {
    if (choices !== undefined) fail("no choices, since other examples or the task have none");
  } else if (
    !Array.isArray(choices) || choices.length !== wanted ||
    choices.some((choice) => typeof choice !== "string")
  ) fail(`${wanted} choices, one text for each label`);
}

/**
 * A task's examples with their task and hashes.
 *
 * @throws {TypeError} If the task has no two labels, no bounds, a metric of another kind of task, or an example that does not fit.
 */
export function ownTaskData(own: OwnTask): TaskData {
  const { name, labels } = own;
  const fail = (problem: string): never => {
    throw new TypeError(`Cannot use the task "${name}": ${problem}`);
  };
  const output: TaskOutput = isBounds(labels)
    ? { type: "regression", min: labels.min, max: labels.max }
    : {
      type: "classification",
      labels,
      ...(own.train[0]?.choices === undefined ? {} : { perChoice: true }),
    };
  if (output.type === "classification" && new Set(output.labels).size < 2) {
    fail(`found the labels ${JSON.stringify(labels)}, want at least two different ones`);
  }
  if (output.type === "regression" && !(output.min < output.max)) {
    fail(`found the bounds ${JSON.stringify(labels)}, want min below max`);
  }
  const usual: readonly MetricName[] = output.type === "classification"
    ? ["accuracy"]
    : ["pearson", "spearman"];
  const given = own.metrics ?? usual;
  const ownMetrics = given.filter((metric) => typeof metric !== "string");
  const names = given.map((metric) => typeof metric === "string" ? metric : metric.name);
  if (names.length === 0) fail(`found no metrics, want those of a ${output.type}`);
  for (const [, problem] of misfits(names, output, ownMetrics)) fail(`its metrics: ${problem}`);
  const task: Task = {
    name,
    title: name,
    output,
    metrics: names,
    ...(ownMetrics.length === 0 ? {} : { ownMetrics }),
    splits: {},
    source: "user",
  };
  const splits = new Map((["train", "dev"] as const).map((split) => {
    if (own[split].length === 0) fail(`found no ${split} examples, want at least one`);
    return [split, examplesOf(output, own[split], `${split} of the task "${name}": example `)];
  }));
  const hashes = {
    ...readingHashes(task),
    ...Object.fromEntries(
      [...splits].map(([split, examples]) => [
        `${name}: ${split}`,
        hashJson(examples as unknown as Json),
      ]),
    ),
  };
  return { task, splits, hashes };
}
