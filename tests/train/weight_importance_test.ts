/** How much the loss depends on weights, against PyTorch (`tests/golden/weight_importance.py`). */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { targetModules } from "../../src/models/config.ts";
import type { TaskOutput } from "../../src/tasks/types.ts";
import type { EncoderWeights } from "../../src/train/assembly_request.ts";
import { type StartingModel, weightImportance } from "../../src/train/weight_importance.ts";
import { common, debertaModel } from "../models/deberta_fixture.ts";
import { expected, goldenModel, storedClassifier } from "../models/fixture.ts";
import { batchOf } from "../models/golden_tokens.ts";

const reference = new ReferenceExecutor();

type Importance = Readonly<Record<string, number>>;

const golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/weight_importance.json", import.meta.url)),
) as Readonly<Record<"bert" | "deberta", Readonly<Record<"whole" | "apart", Importance>>>>;

function modelOf(encoder: EncoderWeights, output: TaskOutput): StartingModel {
  return { encoder, output, train: {}, stream: RandomStream.fromSeed(1), classes: null };
}

const classification: TaskOutput = { type: "classification", labels: ["a", "b", "c"] };
const bare = goldenModel();
const bert = { ...bare, tensors: new Map([...bare.tensors, ...storedClassifier()]) };
const families = {
  bert: {
    model: modelOf(bert, classification),
    tokens: expected,
    targets: expected.classification.labels,
  },
  deberta: {
    model: modelOf(debertaModel("shared", 1), { type: "regression", min: 0, max: 5 }),
    tokens: common,
    targets: common.scores,
  },
} as const;

/** The importance of all modules of a family's model on batches of rows. */
async function found(
  family: keyof typeof families,
  batches: readonly (readonly number[])[],
  executor: Executor = reference,
): Promise<Importance> {
  const { model, tokens, targets } = families[family];
  const modules = targetModules(model.encoder.config);
  const values = await weightImportance(
    executor,
    model,
    batches.map((rows) => batchOf(tokens, targets, rows)),
    modules,
  );
  return Object.fromEntries(modules.map(({ name }, i) => [name, values[i]!]));
}

function assertImportance(values: Importance, wanted: Importance, tolerance: number): void {
  assertEquals(Object.keys(values).sort(), Object.keys(wanted).sort());
  for (const [name, value] of Object.entries(wanted)) {
    assertAlmostEquals(values[name]!, value, tolerance * value, name);
  }
}

for (const family of ["bert", "deberta"] as const) {
  Deno.test(`the importance of weights is PyTorch's: ${family}`, async () => {
    const { whole, apart } = golden[family];
    assertImportance(await found(family, [[0, 1, 2]]), whole, 1e-8);
    assertImportance(await found(family, [[0, 1, 2]], await nativeExecutor(1)), whole, 1e-4);
    // Gradients are added up over batches, each by its texts, before absolute values are taken.
    assertImportance(await found(family, [[2, 0], [1]]), whole, 1e-8);
    assert(Object.keys(whole).every((name) => apart[name]! > 1.05 * whole[name]!));
  });
}

Deno.test("a head that the encoder does not have is drawn by the seed", async () => {
  const batch = batchOf(expected, expected.classification.labels);
  const modules = targetModules(bare.config).slice(0, 2);
  const at = (seed: number) =>
    weightImportance(
      reference,
      { ...modelOf(bare, classification), stream: RandomStream.fromSeed(seed) },
      [batch],
      modules,
    );
  assertEquals(await at(1), await at(1));
  assert((await at(1)).join() !== (await at(2)).join());
});

Deno.test("only classes of the first stage of a sequence count", async () => {
  const batch = batchOf(expected, [0, 1, 0]);
  const modules = targetModules(bert.config);
  const importance = (classes: StartingModel["classes"], tensors = bert.tensors) => {
    const model = modelOf({ ...bert, tensors }, classification);
    return weightImportance(reference, { ...model, stages: 2, classes }, [batch], modules);
  };
  // With classes 0 and 1 alone, the third's weights do not matter.
  const shifted = new Map(bert.tensors);
  const { shape, data } = shifted.get("classifier.weight")!;
  const other = Float32Array.from(data as Float32Array);
  other.fill(3, 2 * (shape[1] as number));
  shifted.set("classifier.weight", { type: "f32", shape, data: other });
  const changed = await importance({ first: 0, count: 2 }, shifted);
  assertEquals(changed, await importance({ first: 0, count: 2 }));
  assert((await importance(null)).join() !== changed.join());
});

Deno.test("weights that are no numbers are told with their module", async () => {
  const tensors = new Map(bert.tensors);
  const path = "encoder.layer.0.output.dense.weight";
  const { shape, data } = tensors.get(path)!;
  const broken = Float32Array.from(data as Float32Array);
  broken[3] = NaN;
  tensors.set(path, { type: "f32", shape, data: broken });
  const batch = batchOf(expected, expected.classification.labels, [0, 1, 2]);
  await assertRejects(
    () =>
      weightImportance(
        reference,
        modelOf({ ...bert, tensors }, classification),
        [batch],
        targetModules(bert.config),
      ),
    RangeError,
    'depends on "layer.0.',
  );
});
