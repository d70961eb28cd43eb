/** What readPeftAdapter takes and refuses, on a model of two layers that is written out here. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { type StoredTensor, writeSafetensors } from "../../src/models/safetensors.ts";
import { type ImportedAdapter, readPeftAdapter } from "../../src/peft/peft_import.ts";

/** Numbers that differ from each other. */
function tensor(...shape: readonly number[]): StoredTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float32Array.from({ length: size }, (_, i) => i + 1) };
}

/** A model whose names transformers puts `m.` before. */
const target = {
  shapes: new Map<string, readonly number[]>([
    ["embeddings.word.weight", [9, 4]],
    ["layer.0.query.weight", [5, 4]],
    ["layer.0.query.bias", [5]],
    ["layer.1.query.weight", [5, 4]],
    ["layer.1.query.bias", [5]],
    ["layer.1.norm.weight", [5]],
    ["classifier.weight", [2, 5]],
  ]),
  parameterName: (name: string) => name.replace(/^m\./, ""),
};

const usual = { peft_type: "LORA", r: 2, lora_alpha: 8 };

/** The two factors of a layer, as peft names them. */
function pairOf(layer: string, rank = 2, ending = "weight") {
  return {
    [`base_model.model.m.${layer}.lora_A.${ending}`]: tensor(rank, 4),
    [`base_model.model.m.${layer}.lora_B.${ending}`]: tensor(5, rank),
  };
}

type Tensors = Readonly<Record<string, StoredTensor>>;

function read(
  config: Readonly<Record<string, unknown>>,
  tensors: Tensors = pairOf("layer.0.query"),
  head: Tensors | null = null,
): ImportedAdapter {
  const files = {
    config: JSON.stringify({ ...usual, ...config }),
    weights: writeSafetensors(new Map(Object.entries(tensors))),
    head: head === null ? null : writeSafetensors(new Map(Object.entries(head))),
  };
  return readPeftAdapter(files, target, "folder");
}

function refusal(...read_: Parameters<typeof read>): InputError {
  return assertThrows(() => read(...read_), InputError);
}

function scaleOf(config: Readonly<Record<string, unknown>>, rank = 2): number {
  return read(config, pairOf("layer.0.query", rank)).updates[0]!.scale;
}

Deno.test("an adapter has the factors of its layers by the model's names, and the base that it names", () => {
  const own = pairOf("layer.1.query", 2, "default.weight");
  const { updates, whole, baseModel } = read(
    { base_model_name_or_path: "someone/base" },
    { ...pairOf("layer.0.query"), ...own, "m.classifier.weight": tensor(2, 5) },
  );
  assertEquals(
    updates,
    ["layer.0.query", "layer.1.query"].map((path) => ({
      path,
      A: tensor(2, 4),
      B: tensor(5, 2),
      scale: 4,
    })),
  );
  assertEquals([...whole], [["classifier.weight", tensor(2, 5)]]);
  assertEquals([baseModel, read({}).baseModel], ["someone/base", null]);
});

Deno.test("the scale is alpha over the rank or its root, by the first pattern that ends the name at a dot", () => {
  assertEquals(scaleOf({}), 4);
  assertEquals(scaleOf({ r: 4, use_rslora: true }, 4), 4);
  assertEquals(scaleOf({ alpha_pattern: { "0.query": 6, query: 2 } }), 3);
  assertEquals(scaleOf({ alpha_pattern: { query: 2, "0.query": 6 } }), 1);
  assertEquals(scaleOf({ alpha_pattern: { uery: 2, "layer.0": 2 } }), 4);
  assertEquals(scaleOf({ rank_pattern: { "m.layer.0.query": 1 } }, 1), 8);
});

Deno.test("keys of variants that are off, a bias of none and initial values that leave the base are taken", () => {
  for (const off of [false, null, []]) assertEquals(scaleOf({ use_qalora: off }), 4);
  for (const config of [{ bias: "none" }, { init_lora_weights: false }]) {
    assertEquals(scaleOf(config), 4);
  }
  assertEquals(scaleOf({ init_lora_weights: "gaussian" }), 4);
  for (const on of [true, {}, ["x"], 0, ""]) {
    assertEquals(refusal({ use_qalora: on }).found, 'QALoRA (key "use_qalora")');
  }
  for (const init of ["pissa", "olora", "corda", "loftq", "lora_ga"]) {
    const { found, wanted, file } = refusal({ init_lora_weights: init });
    assertEquals(found, `init_lora_weights "${init}", which changes the base's weights`);
    assert(wanted.includes("path_initial_model_for_weight_conversion"));
    assertEquals(file, "folder/adapter_config.json");
  }
  assertEquals(refusal({ bias: null }).found, "bias null");
});

Deno.test("a config that is no adapter's of LoRA says what it is", () => {
  assertEquals(refusal({ peft_type: 3 }).found, "peft_type 3");
  const bare = (config: string) =>
    assertThrows(
      () => readPeftAdapter({ config, weights: new Uint8Array() }, target, "folder"),
      InputError,
    );
  for (const text of ["null", "7", "{}"]) assertEquals(bare(text).found, "peft_type missing");
  assert(bare("{").message.includes("folder/adapter_config.json"));
});

Deno.test("a config has at most 10,000 patterns and ranks of at most 65,536", () => {
  const patterns = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, 1]));
  // One less is looked at, and the first of them is refused.
  const fewer = { "x(?!y)": 1, ...patterns(9_999) };
  assert(refusal({ rank_pattern: fewer }).message.includes("without looking ahead"));
  const { found, wanted, place, file } = refusal({ rank_pattern: patterns(10_001) });
  assertEquals([found, wanted, place, file], [
    "10001 patterns",
    "at most 10000",
    'key "rank_pattern"',
    "folder/adapter_config.json",
  ]);
  assert(refusal({ rank_pattern: { x: 65_537 } }).message.includes("rank_pattern"));
  assertEquals(scaleOf({ rank_pattern: { x: 65_536 } }), 4);
});

Deno.test("tensors for what the model does not have are refused with the three closest names", () => {
  const weights = "folder/adapter_model.safetensors";
  const absent = refusal({}, pairOf("layer.2.query"));
  assertEquals(
    absent.message,
    `Cannot import "${weights}": tensor "base_model.model.m.layer.2.query.lora_A.weight" adapts the module ` +
      '"m.layer.2.query", which the model does not have; the closest that exist are "layer.0.query", "layer.1.query", "classifier"',
  );
  assertEquals([absent.file, absent.wanted], [weights, "an adapter for this model"]);
  // A table, a norm and a bias have no matrix of a layer.
  for (const layer of ["embeddings.word", "layer.1.norm"]) {
    assert(refusal({}, pairOf(layer)).found.includes("which the model does not have"), layer);
  }
  const { found: nothing } = refusal({}, { "m.layer.0.query.gain": tensor(5) });
  const [said, ...closest] = nothing.split("closest names are ");
  assert(said!.endsWith("is for nothing that the model has; the "), nothing);
  assertEquals(closest.join().split(", ").length, 3, nothing);
  const shape = refusal({}, { "m.classifier.weight": tensor(3, 5) });
  assertEquals(shape.found, 'tensor "m.classifier.weight" has shape [3,5]');
  assert(shape.wanted.startsWith("[2,5] as the model has"));
  const { found, wanted } = refusal({}, {});
  assertEquals([found, wanted], ["no tensors", "those of an adapter"]);
});

Deno.test("a layer needs A and B, of its rank and of its weight", () => {
  const { "base_model.model.m.layer.0.query.lora_A.weight": A, ...onlyB } = pairOf("layer.0.query");
  assertEquals(refusal({}, onlyB).found, 'module "m.layer.0.query" has lora_B alone');
  const changed = (name: "A" | "B", ...shape: readonly number[]) =>
    refusal({}, {
      ...pairOf("layer.0.query"),
      [`base_model.model.m.layer.0.query.lora_${name}.weight`]: tensor(...shape),
    });
  assert(A !== undefined);
  for (const error of [changed("A", 2, 3), changed("A", 3, 4), changed("B", 5, 3)]) {
    assert(error.wanted.startsWith("[2, 4] and [5, 2]: its rank is 2"), error.message);
  }
});

Deno.test("DoRA's lengths are taken by each name that peft has given them", () => {
  const endings = ["", ".weight", ".default", ".default.weight"];
  for (const ending of endings) {
    const name = `base_model.model.m.layer.0.query.lora_magnitude_vector${ending}`;
    const tensors = { ...pairOf("layer.0.query"), [name]: tensor(5) };
    const [update] = read({ use_dora: true }, tensors).updates;
    assertEquals(update!.lengths, { type: "whole", values: tensor(5).data });
    for (const wrong of [tensor(4), tensor(5, 1)]) {
      const { wanted } = refusal({ use_dora: true }, { ...tensors, [name]: wrong });
      assertEquals(wanted, "[5]");
    }
    const { found } = refusal({}, tensors);
    assertEquals(found, 'module "m.layer.0.query" has a lora_magnitude_vector');
  }
  const { found, wanted } = refusal({ use_dora: true });
  assertEquals(found, 'module "m.layer.0.query" has no lora_magnitude_vector');
  assertEquals(wanted, "one: use_dora is true in adapter_config.json");
});

Deno.test("a head's own file replaces what the adapter saves whole, and holds nothing of LoRA", () => {
  const saved = { ...pairOf("layer.0.query"), "m.classifier.weight": tensor(2, 5) };
  const head = { "classifier.weight": { shape: [2, 5], data: new Float32Array(10) } };
  assertEquals([...read({}, saved, head).whole], Object.entries(head));
  const { message, file } = refusal({}, saved, pairOf("layer.1.query"));
  assertEquals(file, "folder/head.safetensors");
  assert(message.includes(`LoRA's tensors of "layer.1.query", want those of a head alone`));
});
