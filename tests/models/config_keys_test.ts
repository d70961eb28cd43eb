/**
 * The verdicts on keys of a `config.json`, against what the keys change in transformers (`tests/golden/config_keys.py`).
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import type { Json } from "../../src/base/canonical_json.ts";
import { modelTypes, parseConfig } from "../../src/models/architectures.ts";
import { keyVerdicts } from "../../src/models/config_keys.ts";
import golden from "../golden/config_keys.json" with { type: "json" };

/** What a changed key makes of the logits without dropout, or of loss and gradients in training. */
type Effect = "same" | "differs" | "weights" | "error";
/** Default, the other value, and what that changes. */
type Row = readonly [Json, Json, Effect, Effect];

interface Family {
  readonly base: Readonly<Record<string, Json>> & { readonly model_type: string };
  readonly keys: Readonly<Record<string, Row>>;
}

const versions = golden as unknown as Readonly<Record<string, Readonly<Record<string, Family>>>>;
const families = Object.entries(versions).flatMap(([version, own]) =>
  Object.entries(own).map(([modelType, family]) => ({ version, modelType, ...family }))
);

/** Where transformers 4 and 5 differ in what a key changes, 5 is followed. */
const onlyInFour: readonly string[] = [
  // 4 does not train a table of sinusoids.
  "distilbert sinusoidal_pos_embds",
  // 4 cannot recompute DeBERTa's layers.
  "deberta-v2 gradient_checkpointing",
];

const read = (config: Readonly<Record<string, Json>>) =>
  parseConfig(JSON.stringify(config), "d/config.json");

Deno.test("every key of transformers' config classes has a verdict, in all families", () => {
  assertEquals(Object.keys(versions), ["4.57.6", "5.24.0"]);
  for (const own of Object.values(versions)) {
    assertEquals(Object.keys(own).sort(), [...modelTypes].sort());
  }
  for (const { version, modelType, base, keys } of families) {
    const known = keyVerdicts(modelType, base);
    const names = Object.keys(keys);
    assert(names.includes("pad_token_id") && names.length > 40, `${version}, ${modelType}`);
    assertEquals(names.filter((key) => !Object.hasOwn(known, key)), [], `${version}, ${modelType}`);
  }
});

Deno.test("no verdict is on a key that no version of transformers has", () => {
  for (const modelType of modelTypes) {
    const own = families.filter((family) => family.modelType === modelType);
    const keys = new Set(own.flatMap(({ keys }) => Object.keys(keys)));
    const extra = Object.keys(keyVerdicts(modelType, own[0]!.base))
      .filter((key) => !keys.has(key) && key !== "model_type");
    assertEquals(extra, [], modelType);
  }
});

for (const { version, modelType, base, keys } of families) {
  Deno.test(`keys that change numbers are read or refused, ${modelType} of transformers ${version}`, () => {
    const verdicts = keyVerdicts(modelType, base);
    const plain = read(base);
    const seen = new Map<string, number>();
    for (const [key, [, other, evaluated, trained]] of Object.entries(keys)) {
      const { kind } = verdicts[key]!;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      const where = `${modelType} ${key}`;
      const changed = { ...base, [key]: other };
      const isSame = evaluated === "same" && trained === "same";
      if (kind === "nothing") {
        if (version.startsWith("5") || !onlyInFour.includes(where)) assert(isSame, where);
        assertEquals(read(changed), plain, where);
      } else if (kind === "replaced") {
        assertEquals(read(changed), plain, where);
      } else if (kind === "refused") {
        assertThrows(() => read(changed), InputError, `"d/config.json": ${key} is `, where);
      } else {
        // It is read: another value gives another encoder, or is refused by its name.
        let found: unknown = plain;
        try {
          found = read(changed);
        } catch (error) {
          assert(error instanceof InputError && error.message.includes(key), `${where}: ${error}`);
          continue;
        }
        assert(JSON.stringify(found) !== JSON.stringify(plain), `${where} changes nothing`);
      }
    }
    assertEquals([...seen.keys()].sort(), ["nothing", "read", "refused", "replaced"]);
  });
}

Deno.test("a key is refused for a reason: transformers computes something else, or nothing, with it", () => {
  const changing = new Set<string>();
  const refused = new Set<string>();
  for (const { modelType, base, keys } of families) {
    const verdicts = keyVerdicts(modelType, base);
    for (const [key, [, , evaluated, trained]] of Object.entries(keys)) {
      if (verdicts[key]!.kind !== "refused") continue;
      refused.add(`${modelType} ${key}`);
      if (evaluated !== "same" || trained !== "same") changing.add(`${modelType} ${key}`);
    }
  }
  assertEquals([...changing].sort(), [...refused].sort());
  assert(changing.has("bert is_decoder") && changing.has("camembert position_embedding_type"));
});

Deno.test("parseConfig() takes refused keys at the values at which they change nothing", () => {
  const [bert, distilbert] = ["bert", "distilbert"]
    .map((type) => families.find(({ modelType }) => modelType === type)!.base);
  const same = {
    is_decoder: false,
    add_cross_attention: null,
    position_embedding_type: "absolute",
    pruned_heads: {},
    per_layer_config: null,
    quantization_config: null,
    unheard_of: { is_decoder: true },
  };
  assertEquals(read({ ...bert!, ...same }), read(bert!));
  assertEquals(read({ ...distilbert!, hidden_size: 16, is_decoder: true }), read(distilbert!));
});

Deno.test("parseConfig() says which key it refuses, what it is, what is known and why", () => {
  const base = families.find(({ modelType }) => modelType === "bert")!.base;
  const cases: readonly (readonly [string, Json, string])[] = [
    [
      "is_decoder",
      true,
      "is_decoder is true, known is false: it makes a token attend to itself and those before it alone",
    ],
    ["add_cross_attention", true, "add_cross_attention is true, known is false: it gives each"],
    [
      "position_embedding_type",
      "relative_key",
      'position_embedding_type is "relative_key", known is "absolute": it adds tables',
    ],
    [
      "quantization_config",
      { bits: 4 },
      'quantization_config is {"bits":4}, known is a file without it: the weights are stored as codes',
    ],
  ];
  for (const [key, value, message] of cases) {
    assertThrows(
      () => read({ ...base, [key]: value }),
      InputError,
      `Cannot build the encoder of "d/config.json": ${message}`,
    );
  }
});
