import { assertEquals } from "@std/assert";
import { piecesOf, storedRanks } from "../../src/train/ablation.ts";
import type { AdapterPart } from "../../src/methods/adapter.ts";
import type { ModuleShape } from "../../src/study/types.ts";

const module = (layer: number, part: ModuleShape["part"]): ModuleShape => ({
  name: `layer.${layer}.${part}`,
  layer,
  part,
  inSize: 2,
  outSize: 3,
});
const modules = [module(1, "query"), module(1, "output"), module(10, "query")];

const part = (name: string): AdapterPart => ({
  name,
  rowLength: () => 2,
  initial: () => ({ type: "constant", value: 0 }),
});

const tensor = (...rows: readonly (readonly number[])[]) => ({
  shape: [rows.length, rows[0]?.length ?? 2],
  data: Float32Array.from(rows.flat()),
});

Deno.test("piecesOf lists layers with their ranks summed, then modules, then parts if there are several", () => {
  const ranks = { "layer.1.query": 2, "layer.1.output": 3, "layer.10.query": 0 };
  assertEquals(piecesOf(modules, ranks), [
    { kind: "layer", name: "layer.1", modules: ["layer.1.query", "layer.1.output"], rank: 5 },
    { kind: "layer", name: "layer.10", modules: ["layer.10.query"], rank: 0 },
    { kind: "module", name: "layer.1.query", modules: ["layer.1.query"], rank: 2 },
    { kind: "module", name: "layer.1.output", modules: ["layer.1.output"], rank: 3 },
    { kind: "module", name: "layer.10.query", modules: ["layer.10.query"], rank: 0 },
    { kind: "part", name: "query", modules: ["layer.1.query", "layer.10.query"], rank: 2 },
    { kind: "part", name: "output", modules: ["layer.1.output"], rank: 3 },
  ]);
  assertEquals(piecesOf(modules, {}).map(({ rank }) => rank), [0, 0, 0, 0, 0, 0, 0]);
  const queries = modules.filter(({ part }) => part === "query");
  assertEquals(piecesOf(queries, ranks).filter(({ kind }) => kind === "part"), []);
});

Deno.test("storedRanks reads the slots of each module's parts, and 0 where there are none", () => {
  const tensors = new Map([
    ["layer.1.query.A", tensor([1, 2], [3, 4])],
    ["layer.1.query.B", tensor([1, 2, 3], [4, 5, 6])],
    ["layer.10.query.A", tensor([1, 2])],
    ["layer.10.query.B", tensor([1, 2, 3])],
    ["layer.1.output.A", { shape: [0, 2], data: new Float32Array(0) }],
    ["classifier.weight", tensor([1, 2], [3, 4], [5, 6])],
  ]);
  assertEquals(storedRanks(modules, { parts: [part("A"), part("B")] }, tensors), {
    "layer.1.query": 2,
    "layer.1.output": 0,
    "layer.10.query": 1,
  });
});
