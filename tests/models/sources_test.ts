import { assert, assertEquals, assertThrows } from "@std/assert";
import { embeddedModelFolder, modelFileNames, modelSource } from "../../src/models/sources.ts";
import { modelNames } from "../../src/spec/settings.ts";

Deno.test("modelSource() resolves every name that a study may give", () => {
  const resolved = modelNames.map((name) => [name, modelSource(name, "minilm")]);
  assertEquals(Object.fromEntries(resolved), {
    "embedded": { folder: embeddedModelFolder, randomWeights: false },
    "embedded-random": { folder: embeddedModelFolder, randomWeights: true },
    "folder": { folder: "minilm", randomWeights: false },
  });
  assert(embeddedModelFolder.pathname.endsWith("/src/models/embedded/"));
});

Deno.test("modelSource() refuses an unknown name, and a folder that is not given", () => {
  assertThrows(
    () => modelSource("embeded", null),
    TypeError,
    'Unknown model "embeded": known are "embedded", "embedded-random", "folder". Did you mean "embedded"?',
  );
  assertThrows(() => modelSource("folder", null), TypeError, "give it by --model DIR");
});

Deno.test("modelFileNames() chooses what is read and leaves the rest", () => {
  assertEquals(
    modelFileNames(
      ["README.md", "vocab.txt", "pytorch_model.bin", "model.safetensors", "config.json"],
      "bert",
    ),
    {
      config: "config.json",
      weights: "model.safetensors",
      tokenizerJson: null,
      vocab: "vocab.txt",
      tokenizerConfig: null,
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
      tokenizerJson: "tokenizer.json",
      vocab: null,
      tokenizerConfig: "tokenizer_config.json",
    },
  );
});

Deno.test("modelFileNames() says what a folder lacks and what to do", () => {
  const all = ["config.json", "model.safetensors", "vocab.txt"];
  const without = (name: string) => all.filter((other) => other !== name);
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[], 'Cannot load the model folder "m": found no config.json'],
    [without("config.json"), "found no config.json, want a Hugging Face folder"],
    [without("vocab.txt"), "found neither tokenizer.json nor vocab.txt, want one of them"],
    [without("model.safetensors"), "found no weights, want model.safetensors"],
    [
      [...without("model.safetensors"), "pytorch_model.bin"],
      'found only PyTorch weights ("pytorch_model.bin"), want model.safetensors; convert them by python -c',
    ],
    [
      [...without("model.safetensors"), "model.safetensors.index.json"],
      "found only weights in several safetensors files",
    ],
    [
      [...without("model.safetensors"), "pytorch_model.bin.index.json"],
      'weights in another format ("pytorch_model.bin.index.json")',
    ],
    [[...without("model.safetensors"), "tf_model.h5"], 'weights in another format ("tf_model.h5")'],
  ];
  for (const [listing, message] of cases) {
    assertThrows(() => modelFileNames(listing, "m"), TypeError, message);
  }
});
