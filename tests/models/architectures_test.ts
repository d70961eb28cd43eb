import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { architectureOf, modelTypes, parseConfig } from "../../src/models/architectures.ts";
import { checkMaxLength, type EncoderFiles, loadEncoder } from "../../src/models/load.ts";
import { readSafetensors, type StoredTensor } from "../../src/models/safetensors.ts";
import { type Golden, golden } from "./deberta_fixture.ts";
import { goldenEncoder, goldenEncoderFiles, goldenFamilies } from "./encoders.ts";
import { goldenFiles, weightsOf } from "./fixture.ts";

/** The golden files of each family, BERT's too. */
const filesOf: Readonly<Record<string, EncoderFiles & { readonly weights: Uint8Array }>> = {
  bert: goldenFiles,
  ...Object.fromEntries(goldenFamilies.map((family) => [family, goldenEncoderFiles(family)])),
};

/** The config file of a family with some keys changed. */
function configOf(family: string, change: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...JSON.parse(filesOf[family]!.config), ...change });
}

/** A family's files with their tensors renamed. */
function renamed(family: string, rename: (name: string) => string): EncoderFiles {
  const { tensors } = readSafetensors(filesOf[family]!.weights, family);
  const named = [...tensors].map(([name, tensor]) => [rename(name), tensor] as const);
  return { ...filesOf[family]!, weights: weightsOf(named) };
}

/** Fails unless the files of a folder are refused with a text. */
const assertRefused = (files: EncoderFiles, folder: string, text: string) =>
  assertThrows(() => loadEncoder(files, folder), InputError, text);

Deno.test("every model type belongs to one architecture, which is found by it and by its configs", () => {
  assertEquals(new Set(modelTypes).size, modelTypes.length);
  for (const [family, { config }] of Object.entries(filesOf)) {
    const parsed = parseConfig(config, "m");
    assertEquals(parsed.architecture, family);
    const architecture = architectureOf(parsed);
    assertEquals(architecture.name, family);
    for (const modelType of architecture.modelTypes) {
      assertEquals(parseConfig(configOf(family, { model_type: modelType }), "m"), parsed);
    }
  }
  // transformers gives these the graph and the names of RoBERTa.
  for (const modelType of ["xlm-roberta", "camembert"]) {
    const config = configOf("roberta", { model_type: modelType });
    assertEquals(parseConfig(config, "m"), parseConfig(filesOf["roberta"]!.config, "m"));
  }
});

Deno.test("parseConfig() lists the known architectures where it meets another", () => {
  const { message } = assertThrows(
    () => parseConfig(configOf("bert", { model_type: "t5" }), "d/config.json"),
    InputError,
    'Cannot build the encoder of "d/config.json": model_type is "t5", known are ',
  );
  for (const known of modelTypes) assert(message.includes(`"${known}"`), message);
  assertThrows(
    () => parseConfig("{}", "d/config.json"),
    InputError,
    'Cannot read "d/config.json": key "model_type"',
  );
});

Deno.test("parseConfig() reads each family's own keys", () => {
  const roberta = parseConfig(configOf("roberta", { pad_token_id: 3 }), "r");
  assertEquals([roberta.paddingPosition, roberta.maxPositions, roberta.tokenTypes], [3, 12, 1]);
  const distilbert = parseConfig(configOf("distilbert", { activation: "gelu" }), "d");
  assertEquals(
    [distilbert.layers, distilbert.hidden, distilbert.heads, distilbert.intermediate],
    [2, 16, 2, 20],
  );
  assertEquals([distilbert.tokenTypes, distilbert.activation], [0, "gelu"]);
  const electra = goldenEncoder("electra").model.config;
  assertEquals(electra.architecture === "electra" && electra.embeddingSize, 10);
  assertEquals(electra.activation, "gelu_tanh");
});

Deno.test("parseConfig() takes transformers' defaults for the keys that a file leaves out", () => {
  const left = ["layer_norm_eps", "type_vocab_size", "pad_token_id", "initializer_range"];
  const fileOf = (family: string, modelType: string) => {
    const whole = family === "deberta"
      ? golden<Golden>("shared").config
      : JSON.parse(filesOf[family]!.config);
    const file = { ...whole, model_type: modelType };
    for (const key of [...left, "hidden_act", "activation"]) delete file[key];
    return JSON.stringify(file);
  };
  // What transformers 5.24 says of BertConfig(), RobertaConfig() and so on.
  const wanted = [
    ["bert", "bert", 1e-12, 2, null],
    ["roberta", "roberta", 1e-12, 2, 1],
    ["roberta", "xlm-roberta", 1e-12, 2, 1],
    ["roberta", "camembert", 1e-12, 2, 1],
    ["electra", "electra", 1e-12, 2, null],
    ["distilbert", "distilbert", 1e-12, 0, null],
    ["deberta", "deberta-v2", 1e-7, 0, null],
  ] as const;
  for (const [family, modelType, epsilon, tokenTypes, paddingPosition] of wanted) {
    const found = parseConfig(fileOf(family, modelType), modelType);
    assertEquals(
      [found.layerNormEpsilon, found.tokenTypes, found.paddingPosition],
      [epsilon, tokenTypes, paddingPosition],
      modelType,
    );
    assertEquals([found.initializerRange, found.activation], [0.02, "gelu"], modelType);
  }
});

Deno.test("parseConfig() refuses what a family cannot be built with", () => {
  const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ["roberta", { hidden_act: "silu" }, 'hidden_act is "silu", known are "gelu"'],
    ["roberta", { hidden_act: "toString" }, 'hidden_act is "toString", known are'],
    ["roberta", { position_embedding_type: "relative_key" }, '"relative_key", known is "absolute"'],
    [
      "roberta",
      { max_position_embeddings: 2 },
      "max_position_embeddings is 2, want more than 2, since positions start after pad_token_id",
    ],
    ["distilbert", { activation: "silu" }, 'activation is "silu", known are "gelu"'],
    ["distilbert", { n_heads: 3 }, "dim 16 is not a multiple of n_heads 3"],
    ["distilbert", { hidden_dim: "20" }, 'key "hidden_dim"'],
    ["electra", { embedding_size: 0 }, 'key "embedding_size"'],
    // Sizes that would fill a memory before any weight is read.
    [
      "roberta",
      { num_hidden_layers: 1e9 },
      'key "num_hidden_layers": found 1000000000, wanted at most 512',
    ],
    ["distilbert", { n_layers: 513 }, 'key "n_layers": found 513, wanted at most 512'],
    ["roberta", { vocab_size: 1e12 }, 'key "vocab_size": found 1000000000000, wanted at most'],
    ["electra", { hidden_size: 1e6 }, 'key "hidden_size": found 1000000, wanted at most 65536'],
    ["electra", { num_attention_heads: 3 }, "hidden_size 16 is not a multiple of"],
  ];
  for (const [family, change, message] of cases) {
    assertThrows(() => parseConfig(configOf(family, change), "c"), InputError, message);
  }
});

Deno.test("ELECTRA has no projection where the embedding is as wide as the hidden states", () => {
  const names = (change: Readonly<Record<string, unknown>>) => {
    const config = parseConfig(configOf("electra", change), "e");
    return architectureOf(config).encoderParameters(config).map(({ name }) => name);
  };
  const projection = ["embeddings_project.weight", "embeddings_project.bias"];
  assertEquals(names({}).filter((name) => name.includes("project")), projection);
  assertEquals(
    names({ embedding_size: 16 }),
    names({}).filter((name) => !projection.includes(name)),
  );
});

Deno.test("loadEncoder() says which architecture the tensors of another are named as", () => {
  for (const [own, { config }] of Object.entries(filesOf)) {
    for (const [other, { weights }] of Object.entries(filesOf)) {
      if (own === other) continue;
      const [wanted, found] = [own, other].map((name) =>
        architectureOf(parseConfig(filesOf[name]!.config, "")).title
      );
      assertRefused(
        { ...filesOf[own]!, config, weights },
        "m",
        `Cannot load "m/model.safetensors": its tensors are named as those of ${found}, want those of ` +
          `${wanted}, as model_type of "m/config.json" says; take both from one checkpoint`,
      );
    }
  }
  // Without a prefix these three families have the same names.
  const { weights } = renamed("bert", (name) => name.replace(/^bert\./, ""));
  assertRefused(
    { ...filesOf["distilbert"]!, weights },
    "m",
    "named as those of BERT or RoBERTa or ELECTRA, want those of DistilBERT",
  );
});

Deno.test("loadEncoder() takes every naming of a family's checkpoint", () => {
  for (const family of goldenFamilies) {
    const wanted = goldenEncoder(family).model.tensors;
    const namings: readonly ((name: string) => string)[] = [
      (name) => name.replace(`${family}.`, ""),
      (name) => `model.${name}`,
      (name) =>
        name.replace(
          /LayerNorm\.(weight|bias)$/,
          (_, kind) => `LayerNorm.${kind === "weight" ? "gamma" : "beta"}`,
        ),
    ];
    for (const naming of namings) {
      assertEquals(loadEncoder(renamed(family, naming), "renamed").tensors, wanted);
    }
  }
});

Deno.test("loadEncoder() refuses a tokenizer with ids beyond the word embedding of any family", () => {
  for (const family of goldenFamilies) {
    const files = filesOf[family]!;
    assertRefused(
      { ...files, vocab: `${files.vocab}extra\n` },
      "v",
      'Cannot use the tokenizer "v/vocab.txt" with the encoder of "v": found ids up to 24, want at most 23',
    );
  }
});

Deno.test("checkMaxLength() leaves out RoBERTa's positions of padding", () => {
  const { config } = goldenEncoder("roberta").model;
  checkMaxLength(config, 10, "p");
  assertThrows(
    () => checkMaxLength(config, 11, "p"),
    RangeError,
    'Cannot train the encoder of "p" on 11 tokens: found maxLength 11, want at most 10 ' +
      "(max_position_embeddings of its config.json is 12, of which the first 2 are not for tokens)",
  );
  checkMaxLength(goldenEncoder("distilbert").model.config, 12, "p");
  assertThrows(() => checkMaxLength(goldenEncoder("electra").model.config, 13, "p"), RangeError);
});

Deno.test("loadEncoder() reads weights in several files as it reads them in one", () => {
  const files = filesOf["roberta"]!;
  const tensors = [...readSafetensors(files.weights, "roberta").tensors];
  const shards = (split: readonly (readonly (readonly [string, StoredTensor])[])[]) =>
    new Map(split.map((own, i) => [`model-${i}.safetensors`, weightsOf(own)]));
  const whole = loadEncoder(files, "s");
  const halves = [tensors.slice(0, 20), tensors.slice(20)];
  const parted = loadEncoder({ ...files, weights: shards(halves) }, "s");
  assertEquals(parted.tensors, whole.tensors);
  assertNotEquals(parted.weightsHash, whole.weightsHash);
  const reversed = new Map([...shards(halves)].reverse());
  assertEquals(loadEncoder({ ...files, weights: reversed }, "s").weightsHash, parted.weightsHash);

  const query = "roberta.encoder.layer.0.attention.self.query.weight";
  assertRefused(
    { ...files, weights: shards([...halves, [tensors[20]!]]) },
    "s",
    `Cannot load "s/model-2.safetensors": found "${
      tensors[20]![0]
    }", which "s/model-1.safetensors" has too`,
  );
  const without = halves.map((half) => half.filter(([name]) => name !== query));
  assertRefused(
    { ...files, weights: shards(without) },
    "s",
    'Cannot load "s/model.safetensors.index.json": tensor "encoder.layer.0.attention.self.query.weight" is missing',
  );
  const wide = halves.map((half) =>
    half.map(([name, tensor]) =>
      [name, name === query ? { shape: [16, 17], data: new Float32Array(272) } : tensor] as const
    )
  );
  const holder = halves.findIndex((half) => half.some(([name]) => name === query));
  assertRefused(
    { ...files, weights: shards(wide) },
    "s",
    `Cannot load "s/model-${holder}.safetensors": tensor "${query}" has shape [16,17], want [16,16]`,
  );
});
