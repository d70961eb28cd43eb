import { assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { shardNames } from "../../src/models/sources.ts";

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
