/**
 * Pairs in corners, and what a folder says about token types and cutting, against transformers
 * (`tests/golden/token_corners.py`).
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { modelFrom, sharedModel } from "../../src/runs/shared_models.ts";
import { loadEncoder } from "../../src/models/load.ts";
import { loadTokenizer } from "../../src/tasks/tokenizer.ts";
import { hasTokenTypes } from "../../src/tasks/tokenizers/conventions.ts";
import { configSchema } from "../../src/tasks/tokenizers/layout.ts";
import { goldenEncoderFiles } from "../models/encoders.ts";
import { goldenFiles } from "../models/fixture.ts";
import golden from "../golden/token_corners.json" with { type: "json" };

type Json = Readonly<Record<string, unknown>>;
type Row = readonly [string, string, number, readonly number[], readonly number[]];

Deno.test("pairs with an empty text, and with room for one token, are as in transformers' batches", () => {
  const tokenizer = loadTokenizer(golden.tokenizer);
  const rows = golden.rows as unknown as readonly Row[];
  assert(rows.some(([, pair]) => pair === "") && rows.some(([, , length]) => length === 4));
  for (const [text, pair, length, ids, types] of rows) {
    const found = tokenizer.encode(text, pair, length);
    const where = JSON.stringify([text, pair, length]);
    assertEquals([where, ...found.ids], [where, ...ids]);
    assertEquals([where, ...found.types], [where, ...types]);
  }
});

/** The tiny BERT with a tokenizer of `golden`, as a folder says. */
function encoderOf({ settings, config, changes }: {
  readonly settings: Json;
  readonly config: Json;
  readonly changes: Json;
}) {
  const { model_type: family } = config;
  const files = family === "electra" ? goldenEncoderFiles("electra") : goldenFiles;
  return {
    ...files,
    vocab: null,
    config: JSON.stringify({ ...JSON.parse(files.config), ...config }),
    tokenizerJson: JSON.stringify({ ...golden.tokenizer, ...changes }),
    tokenizerConfig: JSON.stringify(settings),
  };
}

for (const { ids, types, ...folder } of golden.folders) {
  Deno.test(`token types and cutting are as in transformers, ${JSON.stringify(folder)}`, () => {
    const { config, weights, ...tokenizerFiles } = encoderOf(folder);
    const model = loadEncoder({ config, weights, ...tokenizerFiles }, "f");
    // Workers build the tokenizer again.
    for (const { tokenizer } of [model, modelFrom(sharedModel(model, tokenizerFiles))]) {
      const found = golden.pairs.map(([text, pair]) =>
        tokenizer.encode(text!, pair!, golden.length)
      );
      assertEquals(found.map((each) => [...each.ids]), ids);
      // Without types the model of transformers takes zeros.
      assertEquals(
        found.map((each) => [...each.types]),
        types ?? ids.map((row) => row.map(() => 0)),
      );
    }
  });
}

Deno.test("hasTokenTypes() knows every tokenizer class of transformers", () => {
  const classes = Object.entries(golden.classes);
  assert(classes.length > 50);
  for (const [name, isTyped] of classes) {
    const settings = configSchema.parse({ tokenizer_class: name });
    assertEquals([name, hasTokenTypes(settings, null)], [name, isTyped]);
    assertEquals([name, hasTokenTypes(configSchema.parse({}), name)], [name, isTyped]);
  }
  assert(hasTokenTypes(configSchema.parse({}), null));
});

Deno.test("a tokenizer that pads on the left is refused by the file that says so", () => {
  const cases: readonly (readonly [Json, Json, string])[] = [
    [{}, { padding_side: "left" }, 'padding_side of tokenizer_config.json is "left", known is'],
    [{ padding: { direction: "Left" } }, {}, 'its padding.direction is "left", known is "right"'],
  ];
  for (const [changes, settings, message] of cases) {
    assertThrows(
      () => loadTokenizer({ ...golden.tokenizer, ...changes }, settings, "f/tokenizer.json"),
      InputError,
      `Cannot use the tokenizer "f/tokenizer.json": ${message}`,
    );
  }
  loadTokenizer({ ...golden.tokenizer, padding: { direction: "Left" } }, { padding_side: "right" });
});
