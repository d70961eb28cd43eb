/**
 * Texts that hold the token of padding, against what transformers computes (`tests/golden/padding.py`): which positions it
 * has, and which rows of the tables it leaves untrained.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { encodeProgram, type HostTensor } from "../../src/graph/mod.ts";
import { type EncoderConfig, parseConfig } from "../../src/models/architectures.ts";
import { plainModel } from "../../src/models/plain_model.ts";
import { tokenFeeds } from "../../src/models/token_rows.ts";
import { debertaModel, parametersFor } from "./deberta_fixture.ts";
import { goldenEncoder, goldenEncoderFiles, type GoldenFamily } from "./encoders.ts";
import { goldenFiles, goldenModel, storedClassifier } from "./fixture.ts";
import { type GoldenTokens, paddedTokens } from "./golden_tokens.ts";
import { runtimeLogits } from "./runtime_logits.ts";
import { computed, executors, targetsOf } from "./transformers.ts";
import { assertNear } from "../graph/numbers.ts";

interface Case extends GoldenTokens {
  readonly family: "bert" | "deberta" | GoldenFamily;
  readonly pad_token_id: number | null;
  /** Of an encoder whose parameters are drawn, beside DeBERTa's; else null. */
  readonly config: Readonly<Record<string, unknown>> | null;
  readonly labels: readonly number[];
  readonly logits: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

const cases: readonly Case[] = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/padding.json", import.meta.url)),
);

/** A case's encoder with its head. */
interface Classifier {
  readonly config: EncoderConfig;
  readonly parameters: ReadonlyMap<string, HostTensor>;
}

function classifierOf({ family, pad_token_id, config: drawn }: Case): Classifier {
  if (drawn !== null) {
    const config = parseConfig(JSON.stringify({ model_type: family, ...drawn }), family);
    return { config, parameters: parametersFor(config, 3) };
  }
  if (family === "deberta") {
    const { config, tensors } = debertaModel("c2p", 3);
    return { config, parameters: tensors };
  }
  const files = family === "bert" ? goldenFiles : goldenEncoderFiles(family);
  const text = JSON.stringify({ ...JSON.parse(files.config), pad_token_id });
  const parameters = family === "bert"
    ? new Map([...goldenModel().tensors, ...storedClassifier()])
    : goldenEncoder(family).parameters.classification;
  return { config: parseConfig(text, family), parameters };
}

/** The numbers of a row of a table. */
function rowOf(table: ArrayLike<number | bigint>, row: number, rows: number): readonly number[] {
  const width = table.length / rows;
  return Array.from({ length: width }, (_, i) => Number(table[row * width + i]));
}

for (const own of cases) {
  const title = `${own.family} with pad_token_id ${own.pad_token_id}` +
    (own.config === null ? "" : " and two token types");
  for (const [label, make, tolerances] of executors) {
    Deno.test(`a text with the token of padding is as in transformers, ${title}, in ${label}`, async () => {
      const subject = {
        ...classifierOf(own),
        batch: paddedTokens(own),
        targets: targetsOf("classification", own.labels),
      };
      const found = await computed(await make(), subject, Object.keys(own.gradients));
      assertNear(found["logits"]!, own.logits, tolerances.values, "logits", 1);
      for (const [name, wanted] of Object.entries(own.gradients)) {
        assertNear(found[`grad/${name}`]!, wanted, tolerances.gradients, `gradient of ${name}`);
      }
      // Exactly: an optimiser makes a whole step of the smallest gradient.
      const words = found["grad/embeddings.word_embeddings.weight"]!.data;
      const padding = own.pad_token_id === null ? 0 : own.ids[2]!;
      const row = rowOf(words, padding, subject.config.vocabulary);
      assertEquals(row.every((value) => value === 0), own.pad_token_id !== null);
    });
  }
}

Deno.test("the model that leaves counts RoBERTa's positions by ids too", async () => {
  const own = cases.find(({ family }) => family === "roberta")!;
  const { config, parameters } = classifierOf(own);
  const { bytes } = encodeProgram(plainModel(config, parameters));
  const [found] = await runtimeLogits(bytes, [paddedTokens(own)], ["attention_mask", "input_ids"]);
  assertNear({ data: found! }, own.logits, 1e-5, "logits", 1);
});

Deno.test("positions count a text's tokens from the one after padding's, or are places", () => {
  const positions = (ids: readonly number[], padding: number | null) => {
    const batch = {
      size: 2,
      length: 5,
      ids: Int32Array.from(ids),
      types: new Int32Array(10),
      mask: Float32Array.of(1, 1, 1, 1, 1, 1, 1, 0, 0, 0),
    };
    const layout = { heads: 1, pooling: "first", paddingPosition: padding } as const;
    const feeds = tokenFeeds(batch, layout, ["positions"]);
    return [...feeds["positions"]!.data];
  };
  const ids = [7, 1, 8, 9, 7, 7, 8, 1, 1, 1];
  assertEquals(positions(ids, null), [0, 1, 2, 3, 4, 0, 1, 2]);
  // The second token of the first text is padding's.
  assertEquals(positions(ids, 1), [2, 1, 3, 4, 5, 2, 3, 1]);
  const zeros = ids.map((id) => id === 1 ? 0 : id);
  assertEquals(positions(zeros, 0), [1, 0, 2, 3, 4, 1, 2, 0]);
});

Deno.test("a pad_token_id that is no row of the word embedding is refused", () => {
  const config = (change: Readonly<Record<string, unknown>>) =>
    JSON.stringify({ ...JSON.parse(goldenFiles.config), ...change });
  for (const id of [40, -41]) {
    assertThrows(
      () => parseConfig(config({ pad_token_id: id }), "d/config.json"),
      InputError,
      `Cannot build the encoder of "d/config.json": pad_token_id is ${id}, want null or a row of the word embedding, ` +
        "which has 40 (vocab_size)",
    );
  }
  assertEquals(parseConfig(config({ pad_token_id: -1 }), "d").paddingId, 39);
  assertEquals(parseConfig(config({ pad_token_id: null }), "d").paddingId, null);
});
