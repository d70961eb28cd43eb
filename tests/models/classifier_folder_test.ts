import { assertEquals, assertThrows } from "@std/assert";
import { parseConfig } from "../../src/models/architectures.ts";
import {
  checkClassifierHead,
  classifierConfigJson,
  classifierTensors,
} from "../../src/models/classifier_folder.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { embeddedModelFolder } from "../../src/models/sources.ts";
import { goldenEncoder, goldenEncoderFiles, goldenFamilies } from "./encoders.ts";

const labels = { type: "classification", labels: ["LABEL_0", "LABEL_1", "LABEL_2"] } as const;

Deno.test("classifierTensors has the names and classifierConfigJson the class that transformers stored", () => {
  for (const family of goldenFamilies) {
    const { config: text, weights } = goldenEncoderFiles(family);
    const { model: { config }, parameters } = goldenEncoder(family);
    const { names } = readSafetensors(weights, family, () => false);
    const found = [...classifierTensors(config, parameters.classification).keys()];
    assertEquals(found.sort(), [...names].sort(), family);
    const read = JSON.parse(text);
    const written = JSON.parse(classifierConfigJson(text, config, labels));
    assertEquals(written.architectures, read.architectures);
    assertEquals(written.id2label, read.id2label);
    assertEquals(parseConfig(JSON.stringify(written), family), config);
  }
});

Deno.test("classifierConfigJson says what a regression is", () => {
  const { config: text } = goldenEncoderFiles("roberta");
  const { model: { config } } = goldenEncoder("roberta");
  const score = { type: "regression", min: 1, max: 5 } as const;
  const written = JSON.parse(classifierConfigJson(text, config, score));
  assertEquals([written.num_labels, written.problem_type], [1, "regression"]);
  assertEquals(written.label2id, { LABEL_0: 0 });
});

Deno.test("checkClassifierHead refuses a pooling that transformers has not", async () => {
  const text = await Deno.readTextFile(new URL("config.json", embeddedModelFolder));
  const config = parseConfig(text, "embedded");
  assertThrows(
    () => checkClassifierHead(config, "write it"),
    RangeError,
    'Cannot write it: the encoder has pooling "mean" without a pooler',
  );
  // Beside an ONNX model the config says how that model pools.
  const written = JSON.parse(classifierConfigJson(text, config, labels));
  assertEquals([written.ranklab_pooling, written.architectures], ["mean", ["BertModel"]]);
  checkClassifierHead(goldenEncoder("roberta").model.config, "write it");
});
