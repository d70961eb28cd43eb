/** Exports of bottleneck adapters against what the library `adapters` saves (`tests/golden/bottleneck.py`). */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { bottleneckExport, changedTensors } from "../../src/peft/bottleneck_export.ts";
import { summedParts } from "../../src/methods/bottleneck.ts";
import { findMethod } from "../../src/methods/table.ts";
import { parseConfig } from "../../src/models/architectures.ts";
import { classifierClass, classifierName } from "../../src/models/classifier_folder.ts";
import { targetModules } from "../../src/models/config.ts";
import type { StoredTensor } from "../../src/models/safetensors.ts";
import { drawn } from "../models/deberta_fixture.ts";

interface Saved {
  readonly file: { readonly config: Readonly<Record<string, unknown>> };
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

const families = ["bert", "deberta", "distilbert"] as const;
const golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/bottleneck.json", import.meta.url)),
) as {
  readonly width: number;
  readonly configs: Readonly<Record<string, { readonly model_type: string }>>;
  readonly saved: Readonly<
    Record<(typeof families)[number], Readonly<Record<"houlsby" | "pfeiffer", Saved>>>
  >;
};

/** An adapter with the script's numbers; of some widths, where the others have the golden one. */
function exported(
  family: (typeof families)[number],
  method: "houlsby" | "pfeiffer",
  options: Readonly<Record<string, string>>,
  widths: Readonly<Record<string, number>> = {},
  isAdapted: (module: string) => boolean = () => true,
) {
  const file = golden.configs[family]!;
  const config = parseConfig(JSON.stringify(file), family);
  const entry = findMethod(method);
  const { adapter } = entry.bind(entry.parseOptions(options));
  assert(adapter !== null && (adapter.place === "output" || adapter.place === "norm"));
  const modules = targetModules(config, summedParts);
  const own = modules.filter(({ part }) => entry.moduleParts({})!.includes(part));
  const tensors = new Map(
    own.filter(({ name }) => isAdapted(name)).flatMap((module) =>
      adapter.parts.map(({ name, per, rowLength }): [string, StoredTensor] => {
        const rows = per === "module" ? 1 : widths[module.name] ?? golden.width;
        const { shape, data } = drawn(`${module.name}.${name}`, [rows, rowLength(module)]);
        return [`${module.name}.${name}`, { shape, data: data as Float32Array }];
      })
    ),
  );
  const result = bottleneckExport({
    config,
    adapter,
    modules,
    tensors,
    nameOf: (name) => classifierName(config, name),
    modelType: file.model_type,
    modelClass: classifierClass(config, file.model_type),
  });
  return { ...result, parts: tensors };
}

for (const family of families) {
  for (const method of ["houlsby", "pfeiffer"] as const) {
    Deno.test(`${method} on ${family} has the names, shapes and settings that the library saves`, () => {
      const frozen = method === "houlsby" ? { layerNorms: "frozen", nonlinearity: "swish" } : {};
      const { configJson, tensors, changes } = exported(family, method, frozen);
      const { file, shapes } = golden.saved[family][method];
      const found = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
      assertEquals(found, shapes);
      assertEquals(changes.size, 0);
      const { config, ...rest } = JSON.parse(configJson);
      const { config: wanted, ...restWanted } = file;
      assertEquals(rest, restWanted);
      for (const [key, value] of Object.entries(config)) assertEquals(value, wanted[key], key);
    });
  }
}

Deno.test("trained norms change the base, and narrower adapters get units of zeros", () => {
  const narrow = { "layer.1.attention_output": 2, "layer.1.output": 3 };
  const { tensors, changes, parts } = exported("bert", "houlsby", {}, narrow);
  const at = "bert.encoder.layer.1.attention.output.adapters.ranklab.";
  const down = tensors.get(`${at}adapter_down.0.weight`)!;
  assertEquals(down.shape, [4, 16]);
  assertEquals(down.data.slice(0, 32), parts.get("layer.1.attention_output.down")!.data);
  assert(down.data.slice(32).every((value) => value === 0));
  const up = tensors.get(`${at}adapter_up.weight`)!;
  assertEquals(up.shape, [16, 4]);
  // Row 5 of torch's weight holds the fifth number of each unit.
  const own = parts.get("layer.1.attention_output.up")!.data;
  assertEquals([...up.data.slice(20, 24)], [own[5], own[16 + 5], 0, 0]);
  const name = "encoder.layer.1.attention.output.LayerNorm.weight";
  const base = new Map([[name, drawn(name, [16])]]);
  const gain = changes.get(name)!;
  const changed = changedTensors(base, new Map([[name, gain]])).get(name)!;
  assertEquals(changed.data[3], Math.fround(Number(base.get(name)!.data[3]) + gain.data[3]!));
  assertThrows(() => changedTensors(new Map(), changes), RangeError, "no such parameter");
});

Deno.test("a module without a rank has an adapter of zeros, and an adapter of no module is none", () => {
  const at = "layer.0.attention_output";
  const { tensors, configJson } = exported("bert", "houlsby", {}, {}, (name) => name !== at);
  const start = "bert.encoder.layer.0.attention.output.adapters.ranklab.";
  const shapes = {
    "adapter_down.0.weight": [4, 16],
    "adapter_down.0.bias": [4],
    "adapter_up.weight": [16, 4],
    "adapter_up.bias": [16],
  };
  for (const [name, shape] of Object.entries(shapes)) {
    const { shape: found, data } = tensors.get(start + name)!;
    assertEquals([found, data], [shape, new Float32Array(shape.reduce((a, b) => a * b))], name);
  }
  assertEquals(configJson, `${JSON.stringify(JSON.parse(configJson), null, 2)}\n`);
  assertThrows(
    () => exported("bert", "houlsby", {}, {}, () => false),
    RangeError,
    "found no module with a rank of at least 1",
  );
});

Deno.test("the library's width is the adapter's, whatever the hidden size is divided by", () => {
  const shape = { hidden_size: 384, num_attention_heads: 12 };
  const config = parseConfig(JSON.stringify({ ...golden.configs["bert"]!, ...shape }), "bert");
  const modules = targetModules(config, ["output"]).slice(0, 1);
  const { adapter } = findMethod("pfeiffer").bind(findMethod("pfeiffer").parseOptions({}));
  assert(adapter?.place === "output" || adapter?.place === "norm");
  const wrong = Array.from({ length: 192 }, (_, i) => i + 1).filter((width) => {
    const tensors = adapter.parts.map(({ name, per, rowLength }) => {
      const shape = [per === "module" ? 1 : width, rowLength(modules[0]!)];
      const data = new Float32Array(shape[0]! * shape[1]!);
      return [`${modules[0]!.name}.${name}`, { shape, data }] as const;
    });
    const { configJson } = bottleneckExport({
      config,
      adapter,
      modules,
      tensors: new Map(tensors),
      nameOf: (name) => name,
      modelType: "bert",
      modelClass: "BertModel",
    });
    // `int(hidden_size // reduction_factor)` in adapters/methods/bottleneck.py.
    return Math.floor(384 / JSON.parse(configJson).config.reduction_factor) !== width;
  });
  assertEquals(wrong, []);
});
