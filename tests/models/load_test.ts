import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { RandomStream } from "../../src/base/random.ts";
import { parseConfig } from "../../src/models/architectures.ts";
import { bert, configJson } from "../../src/models/bert.ts";
import { checkMaxLength, type EncoderFiles, loadEncoder, loadHead } from "../../src/models/load.ts";
import { randomEncoder } from "../../src/models/random.ts";
import {
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from "../../src/models/safetensors.ts";
import golden from "../golden/tokenizer.json" with { type: "json" };
import { goldenConfig, goldenFiles, goldenModel, weightsOf } from "./fixture.ts";

const stored = readSafetensors(goldenFiles.weights, "golden").tensors;

/** The golden files with the tensors renamed, left out (null) or changed. */
function withTensors(
  change: (name: string, tensor: StoredTensor) => readonly [string, StoredTensor] | null,
): EncoderFiles {
  const changed = [...stored].flatMap(([name, tensor]) => {
    const entry = change(name, tensor);
    return entry === null ? [] : [entry];
  });
  return { ...goldenFiles, weights: weightsOf(changed) };
}

function withConfig(change: Readonly<Record<string, unknown>>): EncoderFiles {
  const config = JSON.stringify({ ...JSON.parse(goldenFiles.config), ...change });
  return { ...goldenFiles, config };
}

/** Fails unless the files of a folder are refused with a text. */
const assertRefused = (files: EncoderFiles, folder: string, text: string) =>
  assertThrows(() => loadEncoder(files, folder), InputError, text);

Deno.test("loadEncoder() reads what transformers saved", async () => {
  const { config, tensors, tokenizer, weightsHash } = goldenModel();
  assertEquals(config, {
    architecture: "bert",
    layers: 2,
    hidden: 16,
    heads: 2,
    intermediate: 24,
    vocabulary: 40,
    maxPositions: 16,
    paddingPosition: null,
    paddingId: 0,
    tokenizerClass: "BertTokenizer",
    tokenTypes: 2,
    activation: "gelu",
    layerNormEpsilon: 1e-12,
    pooling: "first",
    pooler: true,
    initializerRange: 0.02,
  });
  assertEquals(
    [...tensors.keys()],
    [...bert.encoderParameters(goldenConfig), ...bert.pretrainedHead(goldenConfig)].map((
      { name },
    ) => name),
  );
  for (const [name, { type, data }] of tensors) {
    assertEquals([type, data], ["f32", stored.get(`bert.${name}`)!.data], name);
  }
  // [CLS] the cats ran [SEP], by line number in vocab.txt.
  assertEquals([...tokenizer.encode("The cats ran", null, 8).ids], [2, 5, 7, 21, 11, 3]);
  const digest = await crypto.subtle.digest("SHA-256", Uint8Array.from(goldenFiles.weights));
  assertEquals(weightsHash, new Uint8Array(digest).toHex());
});

Deno.test("loadEncoder() and loadHead() read 8-bit rows as the numbers that they stand for", () => {
  const head: StoredTensor = { shape: [1, 16], data: new Float32Array(16).fill(-2) };
  const tensors = new Map([...stored, ["classifier.weight", head]]);
  const files = { ...goldenFiles, weights: writeSafetensors(tensors, "I8") };
  const rounded = readSafetensors(files.weights, "rounded").tensors;
  const model = loadEncoder(files, "small");
  assertEquals([...model.tensors.keys()], [...goldenModel().tensors.keys()]);
  for (const [name, { shape, data }] of model.tensors) {
    assertEquals({ shape, data }, rounded.get(`bert.${name}`), name);
  }
  assertEquals(loadHead(model.config, files.weights, "small").get("classifier.weight"), {
    type: "f32",
    ...head,
  });
});

Deno.test("BERT's parameterName() strips prefixes and renames old norms, and nothing else", () => {
  const names: readonly (readonly [string, string])[] = [
    ["bert.pooler.dense.weight", "pooler.dense.weight"],
    ["model.encoder.layer.3.output.dense.bias", "encoder.layer.3.output.dense.bias"],
    ["model.bert.embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"],
    ["encoder.layer.0.output.LayerNorm.beta", "encoder.layer.0.output.LayerNorm.bias"],
    ["embeddings.LayerNorm.weight", "embeddings.LayerNorm.weight"],
    ["albert.bert.x", "albert.bert.x"],
    ["bertha.gamma", "bertha.gamma"],
  ];
  for (const [from, to] of names) assertEquals(bert.parameterName(from), to);
});

Deno.test("loadEncoder() takes every naming of a checkpoint and leaves heads and buffers alone", () => {
  const wanted = goldenModel().tensors;
  const plain = (name: string) => name.replace(/^bert\./, "");
  const namings: readonly ((name: string) => string)[] = [
    plain,
    (name) => `model.${plain(name)}`,
    (name) =>
      name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
        "LayerNorm.bias",
        "LayerNorm.beta",
      ),
  ];
  const extra: readonly (readonly [string, StoredTensor])[] = [
    ["cls.predictions.bias", { shape: [40], data: new Float32Array(40) }],
    ["bert.embeddings.position_ids", { shape: [1, 16], data: new Float32Array(16) }],
    ["bert.encoder.layer.2.output.dense.bias", { shape: [16], data: new Float32Array(16) }],
  ];
  for (const naming of namings) {
    const renamed = [...stored].map(([name, tensor]) => [naming(name), tensor] as const);
    const files = { ...goldenFiles, weights: weightsOf([...extra, ...renamed]) };
    assertEquals(loadEncoder(files, "renamed").tensors, wanted);
  }
});

Deno.test("loadEncoder() reads half precision to within its rounding", () => {
  const weights = writeSafetensors(stored, "F16");
  const half = loadEncoder({ ...goldenFiles, weights }, "half").tensors;
  for (const [name, { data }] of goldenModel().tensors) {
    const found = half.get(name)!.data as Float32Array;
    data.forEach((value: number | bigint, i: number) => {
      const number = Number(value);
      // 11 significant bits; below 2⁻¹⁴ numbers are 2⁻²⁴ apart.
      const bound = Math.max(2 ** -11 * Math.abs(number), 2 ** -25);
      assert(Math.abs(found[i]! - number) <= bound, `${name}[${i}]`);
    });
  }
});

Deno.test("loadEncoder() does without a pooler where the file or the config has none", () => {
  const without = withTensors((name, tensor) => name.includes("pooler") ? null : [name, tensor]);
  const names = bert.encoderParameters(goldenConfig).map(({ name }) => name);
  assertEquals([...loadEncoder(without, "without").tensors.keys()], names);
  const unused = withConfig({ ranklab_pooler: false });
  assertEquals([...loadEncoder(unused, "unused").tensors.keys()], names);
});

Deno.test("loadEncoder() names a missing tensor and the closest that exist", () => {
  const query = "bert.encoder.layer.1.attention.self.query.weight";
  const error = assertRefused(
    withTensors((name, tensor) => name === query ? null : [name, tensor]),
    "m",
    'Cannot load "m/model.safetensors": tensor "encoder.layer.1.attention.self.query.weight" is missing; ' +
      "the closest that exist are ",
  );
  assert(
    error.message.includes('"bert.encoder.layer.0.attention.self.query.weight"'),
    error.message,
  );
  assertRefused(
    withTensors((name, tensor) => name === "bert.pooler.dense.bias" ? null : [name, tensor]),
    "m",
    'tensor "pooler.dense.bias" is missing; the closest that exist are "bert.pooler.dense.weight"',
  );
  // All of another architecture's names, a config with more layers, an empty file.
  assertRefused(
    withTensors((name, tensor) => [name.replace("bert.", "t5."), tensor]),
    "m",
    'tensor "embeddings.word_embeddings.weight" is missing, and so are 36 more; the closest that exist are ' +
      '"t5.embeddings.word_embeddings.weight"',
  );
  assertRefused(
    withConfig({ num_hidden_layers: 3 }),
    "m",
    'tensor "encoder.layer.2.attention.self.query.weight" is missing, and so are 15 more',
  );
  assertRefused(
    { ...goldenFiles, weights: weightsOf([]) },
    "m",
    "and so are 36 more; the file has no tensors",
  );
});

Deno.test("loadEncoder() names a tensor of another shape and both shapes", () => {
  const key = "bert.encoder.layer.0.attention.self.key.weight";
  const wide = withTensors((name, tensor) => [
    name,
    name === key ? { shape: [16, 17], data: new Float32Array(16 * 17) } : tensor,
  ]);
  assertRefused(
    wide,
    "w",
    `Cannot load "w/model.safetensors": tensor "${key}" has shape [16,17], want [16,16] as "w/config.json" says`,
  );
  // As many numbers, but transposed.
  const transposed = withTensors((name, tensor) => [
    name,
    { ...tensor, shape: [...tensor.shape].reverse() },
  ]);
  assertRefused(transposed, "w", "has shape [16,40], want [40,16]");
  assertRefused(
    withConfig({ intermediate_size: 32 }),
    "w",
    '"bert.encoder.layer.0.intermediate.dense.weight" has shape [24,16], want [32,16]',
  );
  const pooler = withTensors((name, tensor) => [
    name,
    name === "bert.pooler.dense.bias" ? { shape: [4, 4], data: tensor.data } : tensor,
  ]);
  assertRefused(pooler, "w", "has shape [4,4], want [16]");
});

Deno.test("loadEncoder() refuses two tensors for one parameter", () => {
  const [first] = stored;
  const twice = weightsOf([...stored, [first![0].replace("bert.", "model."), first![1]]]);
  assertRefused(
    { ...goldenFiles, weights: twice },
    "t",
    'found both "bert.embeddings.LayerNorm.bias" and "model.embeddings.LayerNorm.bias", want one tensor for ' +
      '"embeddings.LayerNorm.bias"',
  );
});

Deno.test("loadEncoder() refuses truncated weights by their file's name", () => {
  const { weights } = goldenFiles;
  assertRefused(
    { ...goldenFiles, weights: weights.subarray(0, weights.length / 2) },
    "t",
    'Cannot read "t/model.safetensors", tensor',
  );
});

Deno.test("loadEncoder() refuses a tokenizer with ids beyond the word embedding", () => {
  const vocab = `${goldenFiles.vocab}extra\n`;
  assertRefused(
    { ...goldenFiles, vocab },
    "v",
    'Cannot use the tokenizer "v/vocab.txt" with the encoder of "v": found ids up to 40, want at most 39',
  );
  const fewer = `${goldenFiles.vocab.split("\n").slice(0, 30).join("\n")}\n`;
  assertEquals(
    loadEncoder({ ...goldenFiles, vocab: fewer }, "v").tokenizer.vocabularySize,
    30,
  );
});

Deno.test("loadEncoder() prefers tokenizer.json and hashes the tokenizer's files", () => {
  const rows = { shape: [golden.vocabulary.length, 16], data: new Float32Array(74 * 16) };
  const wider = withTensors((name, tensor) => [name, name.includes("word_emb") ? rows : tensor]);
  const { config } = withConfig({ vocab_size: golden.vocabulary.length });
  const json = JSON.stringify(golden.cases[0]!.tokenizer);
  const files = { ...wider, config };
  const fromVocab = loadEncoder(files, "f");
  const fromJson = loadEncoder({ ...files, tokenizerJson: json }, "f");
  const cased = loadEncoder({ ...files, tokenizerConfig: '{"do_lower_case": false}' }, "f");
  assertEquals(fromVocab.tokenizer.vocabularySize, 40);
  assertEquals(fromJson.tokenizer.vocabularySize, 74);
  assertEquals([...cased.tokenizer.encode("The cat", null, 8).ids], [2, 1, 7, 3]);
  const hashes = [fromVocab, fromJson, cased].map(({ tokenizerHash }) => tokenizerHash);
  assertEquals(new Set(hashes).size, 3);
  // The vocabulary that is not read has no say.
  const { vocab: _, ...jsonOnly } = { ...files, tokenizerJson: json };
  assertEquals(loadEncoder(jsonOnly, "f").tokenizerHash, fromJson.tokenizerHash);
});

Deno.test("loadEncoder() refuses a folder without a tokenizer, and files that are not JSON", () => {
  const { vocab: _, ...bare } = goldenFiles;
  const cases: readonly (readonly [EncoderFiles, string])[] = [
    [
      bare,
      'Cannot load the tokenizer of "d": found neither tokenizer.json nor vocab.txt',
    ],
    [
      { ...goldenFiles, tokenizerJson: "{" },
      'Cannot read "d/tokenizer.json", line 1: found no JSON',
    ],
    [
      { ...goldenFiles, tokenizerConfig: "do_lower_case" },
      'Cannot read "d/tokenizer_config.json": found no JSON',
    ],
    [{ ...goldenFiles, config: "" }, 'Cannot read "d/config.json": found no JSON'],
    [
      withConfig({ model_type: "t5" }),
      'Cannot build the encoder of "d/config.json": model_type is "t5", known are "bert", "roberta"',
    ],
    [withConfig({ hidden_size: "16" }), 'key "hidden_size"'],
    [
      withConfig({ hidden_act: "silu" }),
      'hidden_act is "silu", known are "gelu", "gelu_new", "gelu_pytorch_tanh", "relu"',
    ],
    [withConfig({ position_embedding_type: "relative_key" }), '"relative_key"'],
    [withConfig({ num_attention_heads: 3 }), "hidden_size 16 is not a multiple of"],
  ];
  for (const [files, message] of cases) assertRefused(files, "d", message);
});

Deno.test("configJson() is read back to the same config", () => {
  const config = goldenConfig;
  assertEquals(parseConfig(configJson(config), "again"), config);
  const other = {
    ...config,
    pooling: "mean",
    pooler: false,
    maxPositions: 64,
    activation: "gelu_tanh",
  } as const;
  assertEquals(parseConfig(configJson(other), "again"), other);
});

Deno.test("checkMaxLength() takes as many tokens as there are positions and no more", () => {
  const { config } = goldenModel();
  checkMaxLength(config, 16, "p");
  assertThrows(
    () => checkMaxLength(config, 17, "p"),
    RangeError,
    'Cannot train the encoder of "p" on 17 tokens: found maxLength 17, want at most 16',
  );
});

Deno.test("randomEncoder() draws every weight anew and keeps the rest", () => {
  const model = goldenModel();
  const random = randomEncoder(model, RandomStream.fromSeed(1));
  assertEquals(random.config, model.config);
  assertEquals(random.tokenizerHash, model.tokenizerHash);
  assertEquals([...random.tensors.keys()], [...model.tensors.keys()]);
  for (const [name, { shape, data }] of random.tensors) {
    assertEquals([...shape], [...model.tensors.get(name)!.shape], name);
    assertNotEquals(data, model.tensors.get(name)!.data, name);
  }
  const words = Array.from(random.tensors.get("embeddings.word_embeddings.weight")!.data, Number);
  const deviation = Math.sqrt(words.reduce((sum, x) => sum + x * x, 0) / words.length);
  // 640 draws: the standard error of the deviation is 0.02 / √1280.
  assert(Math.abs(deviation - 0.02) < 5 * 0.02 / Math.sqrt(1280), String(deviation));
  const again = randomEncoder(model, RandomStream.fromSeed(1));
  assertEquals(again.tensors, random.tensors);
  assertEquals(again.weightsHash, random.weightsHash);
  const other = randomEncoder(model, RandomStream.fromSeed(2));
  assertEquals(new Set([model, random, other].map(({ weightsHash }) => weightsHash)).size, 3);
});
