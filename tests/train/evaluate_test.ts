/** Evaluation of a split against what transformers computed for its rows. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import type { HostTensor } from "../../src/graph/mod.ts";
import { findMethod } from "../../src/methods/table.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { defaultSettings } from "../../src/study/settings.ts";
import { makeBatch } from "../../src/tasks/batches.ts";
import type { Encoded, Task, TaskOutput } from "../../src/tasks/types.ts";
import { assemble } from "../../src/train/assemble.ts";
import { evaluateSplit } from "../../src/train/evaluate.ts";
import { flatten } from "../../src/train/layout.ts";
import { expected, goldenFiles, goldenModel } from "../models/fixture.ts";

const executor = await nativeExecutor(1);
const { size, length } = expected;

/** The golden rows without padding. */
const encoded = Array.from({ length: size }, (_, row): Encoded => {
  const own = (values: readonly number[]) => values.slice(row * length, (row + 1) * length);
  const tokens = own(expected.mask).reduce((sum, value) => sum + value, 0);
  return {
    ids: Int32Array.from(own(expected.ids).slice(0, tokens)),
    types: Int32Array.from(own(expected.types).slice(0, tokens)),
  };
});

async function evaluate(
  output: TaskOutput,
  metrics: Task["metrics"],
  targets: readonly number[],
  head: (name: string) => ArrayLike<number>,
) {
  const task: Task = {
    name: "golden",
    title: "Golden",
    output,
    metrics,
    splits: {},
    source: "user",
  };
  const encoder = goldenModel();
  const assembly = assemble({
    encoder,
    output,
    method: findMethod("head").bind({}),
    ranks: [],
    train: defaultSettings.train,
  });
  const theta: HostTensor = {
    type: "f32",
    shape: [assembly.layout.size],
    data: flatten(
      assembly.layout,
      ({ name }) => (encoder.tensors.get(name)?.data as Float32Array | undefined) ?? head(name),
    ),
  };
  const session = await executor.load(assembly.evaluationProgram);
  // Rows out of order and in batches of two sizes.
  const batches = [[2, 0], [1]].map((rows) => makeBatch(encoded, targets, rows, 0));
  const split = { name: "dev", batches, targets, ids: [0, 1, 2] };
  const found = await evaluateSplit({ assembly, evaluate: session }, theta, task, split);
  await session.release();
  return found;
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
