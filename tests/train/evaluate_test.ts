/** Evaluation of a split against what transformers computed for its rows. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { findMethod } from "../../src/methods/table.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { defaultSettings } from "../../src/study/schema/settings.ts";
import { makeBatch } from "../../src/tasks/batches.ts";
import type { Encoded, Task, TaskOutput } from "../../src/tasks/types.ts";
import { assemble } from "../../src/train/assemble.ts";
import { evaluationsOf, type EvaluationSplit, exampleLoss } from "../../src/train/evaluate.ts";
import { expected, goldenFiles, goldenModel } from "../models/fixture.ts";
import { tinyTask } from "./fixture.ts";
import { tinySequence } from "./sequence_fixture.ts";
import { evaluated } from "./golden_evaluation.ts";

function evaluate(
  output: TaskOutput,
  metrics: Task["metrics"],
  targets: readonly number[],
  head: (name: string) => ArrayLike<number>,
) {
  const encoder = goldenModel();
  const method = findMethod("head").bind({});
  const assembly = assemble({ encoder, output, method, ranks: [], train: defaultSettings.train });
  return evaluated(
    assembly,
    { output, metrics },
    { ...expected, targets },
    (name) => (encoder.tensors.get(name)?.data as Float32Array | undefined) ?? head(name),
  );
}

Deno.test("the loss and the predictions of a classification are those of transformers", async () => {
  const { labels, logits, loss } = expected.classification;
  const { tensors } = readSafetensors(goldenFiles.weights, "golden/model.safetensors");
  const output = { type: "classification", labels: ["a", "b", "c"] } as const;
  const found = await evaluate(output, ["accuracy"], labels, (name) => tensors.get(name)!.data);
  assertAlmostEquals(found.loss, loss, 1e-5);
  const rows = [0, 1, 2].map((row) => logits.slice(3 * row, 3 * row + 3));
  const wanted = rows.map((row) => row.indexOf(Math.max(...row)));
  assertEquals(found.predictions, wanted);
  const right = wanted.filter((label, row) => label === labels[row]).length;
  assertAlmostEquals(found.metrics["accuracy"]!, right / 3, 1e-12);
  assertEquals(found.split, "dev");
});

Deno.test("the loss and the scores of a regression are those of transformers", async () => {
  const { scores, logits, loss, head } = expected.regression;
  const output = { type: "regression", min: 0, max: 5 } as const;
  const found = await evaluate(output, ["pearson", "spearman"], scores, (name) => head[name]!);
  assertAlmostEquals(found.loss, loss, 1e-4);
  logits.forEach((score, row) => {
    assert(
      Math.abs(found.predictions[row]! - score) < 1e-5,
      `row ${row}: ${found.predictions[row]}`,
    );
  });
});

/** A split whose examples are all in one batch. */
function splitOf(name: string, targets: readonly number[]): EvaluationSplit {
  const rows = targets.map((_, row) => row);
  const texts = rows.map((): Encoded => ({ ids: Int32Array.of(1), types: Int32Array.of(0) }));
  return { name, targets, ids: rows, batches: [makeBatch(texts, targets, rows, 0)] };
}

/** Outputs of which only one is not tiny, or as given. */
const outputs = (...rows: readonly (readonly number[])[]) =>
  rows.map((row) => Float32Array.from(row));

Deno.test("each task of a sequence is evaluated among all classes seen, and among its own from its first to its last", () => {
  // Classes 0 and 1 are those of the first task, 2, 3 and 4 those of the second.
  const splits = [splitOf("tiny", [0, 1, 1, 0]), splitOf("kinds", [2, 3, 4, 2, 4])];
  const [whole, tiny, kinds] = evaluationsOf({ task: tinySequence, splits }, [
    outputs(
      [5, 1, 0, 0, 0], // right
      [1, 4, 9, 0, 0], // taken for class 2, right when the task is known
      [3, 2, 0, 9, 0], // class 3, and wrong among its own
      [2, 1, 0, 0, 3], // class 4, right among its own
    ),
    outputs(
      [0, 0, 6, 5, 4], // right
      [9, 0, 1, 2, 0], // class 0, right when the task is known
      [0, 9, 1, 2, 3], // class 1, right when the task is known
      [0, 0, 1, 3, 2], // class 3, wrong among its own
      [9, 0, 4, 3, 2], // class 0, and among its own the first one, which is wrong
    ),
  ]);
  assertEquals(tiny!.predictions, [0, 2, 3, 4]);
  assertEquals(tiny!.metrics, { accuracy: 1 / 4, task_aware_accuracy: 3 / 4 });
  assertEquals(kinds!.predictions, [2, 0, 1, 3, 0]);
  assertEquals(kinds!.metrics, { accuracy: 1 / 5, task_aware_accuracy: 3 / 5 });
  assertEquals(whole!.split, "all tasks");
  assertEquals(whole!.predictions, [0, 2, 3, 4, 2, 0, 1, 3, 0]);
  assertAlmostEquals(whole!.metrics["average_accuracy"]!, (1 / 4 + 1 / 5) / 2, 1e-12);
  const taskAware = whole!.metrics["average_task_aware_accuracy"]!;
  assertAlmostEquals(taskAware, (3 / 4 + 3 / 5) / 2, 1e-12);
});

Deno.test("after the first stage only its classes count", () => {
  const splits = [splitOf("tiny", [0, 1]), splitOf("kinds", [2])];
  const found = evaluationsOf({ task: tinySequence, splits, seen: 1 }, [
    outputs([1, 0, 9, 9, 9], [2, 1, 9, 9, 9]),
  ]);
  assertEquals(found.map(({ split }) => split), ["all tasks", "tiny"]);
  assertEquals(found[1]!.predictions, [0, 0]);
  assertEquals(found[1]!.metrics, { accuracy: 1 / 2, task_aware_accuracy: 1 / 2 });
  // ln(1 + e⁻¹) and ln(1 + e¹).
  const losses = [Math.log1p(Math.exp(-1)), Math.log1p(Math.exp(1))];
  assertAlmostEquals(found[1]!.loss, (losses[0]! + losses[1]!) / 2, 1e-7);
  assertAlmostEquals(found[0]!.loss, (losses[0]! + losses[1]!) / 2, 1e-7);
});

Deno.test("of classes that are equally likely the first one is predicted", () => {
  const task = {
    ...tinyTask,
    output: { type: "classification", labels: ["a", "b", "c"] },
  } as const;
  const [found] = evaluationsOf({ task, splits: [splitOf("dev", [0, 1, 0, 2])] }, [
    outputs([2, 2, 1], [0, 3, 3], [1, 1, 1], [0, 0, 3]),
  ]);
  assertEquals(found!.predictions, [0, 1, 0, 2]);
});

Deno.test("the loss of an example is the cross entropy among the classes that count, stable at logits of 1,000", () => {
  const { output } = tinySequence;
  const loss = (logits: readonly number[], target: number, first: number, count: number) =>
    exampleLoss({ output }, Float32Array.from(logits), target, { first, count });
  // Among 2, 3 and 4: ln(e⁰ + e¹ + e²) − 1.
  const wanted = Math.log(1 + Math.exp(1) + Math.exp(2)) - 1;
  assertAlmostEquals(loss([99, 99, 5, 6, 7], 3, 2, 3), wanted, 1e-6);
  assertAlmostEquals(loss([0, 0, 1005, 1006, 1007], 3, 2, 3), wanted, 1e-6);
  assertAlmostEquals(loss([1000, 0, 0, 0, 0], 1, 0, 2), 1000, 1e-9);
  assertAlmostEquals(loss([1000, 0, 0, 0, 0], 0, 0, 2), 0, 1e-9);
  assertAlmostEquals(loss([-1000, -1000, 0, 0, 0], 0, 0, 2), Math.LN2, 1e-9);
  const scored = { output: { type: "regression", min: 0, max: 5 } } as const;
  assertEquals(exampleLoss(scored, Float32Array.of(1.5), 4), 6.25);
});
