/** Rewritings of whole programs: scatters, weights as inputs. */
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { assertEquals } from "@std/assert";
import { liftConstants } from "../../src/graph/rewrite.ts";
import { lowerScatters } from "../../src/graph/lower.ts";
import * as g from "../../src/graph/mod.ts";
import type { HostTensor, OpName, Program } from "../../src/graph/mod.ts";

const weight: HostTensor = {
  type: "f32",
  shape: [3, 4],
  data: Float32Array.from({ length: 12 }, (_, i) => Math.sin(i + 1)),
};

/** A cross entropy over `batch` rows, with the gradient of its input. */
function program(): Program {
  const x = g.input("x", ["batch", 3]);
  const logits = g.gemm(x, g.withScope("layer", () => g.constant(weight, "weight")));
  const loss = g.reduceMean(g.crossEntropy(logits, g.input("labels", ["batch"], "i32")));
  const [gradient] = g.grad(loss, [x]);
  return g.makeProgram({ loss, gradient: gradient! });
}

const feeds: Readonly<Record<string, HostTensor>> = {
  x: { type: "f32", shape: [2, 3], data: Float64Array.of(1, -2, 0.5, 0.25, 3, -1) },
  labels: { type: "i32", shape: [2], data: Int32Array.of(3, 0) },
};
const dims = { batch: 2 };

function countOf({ nodes }: Program, op: OpName): number {
  return nodes.filter((node) => node.op === op).length;
}

Deno.test("lowerScatters makes the gradient of a cross entropy a selection, with the same numbers", () => {
  const original = program();
  const lowered = lowerScatters(original);
  assertEquals([countOf(original, "ScatterElements"), countOf(lowered, "ScatterElements")], [1, 0]);
  assertEquals(g.interpret(lowered, feeds, dims), g.interpret(original, feeds, dims));
});

Deno.test("lowerScatters leaves scatters of several numbers a row and along other axes", () => {
  const x = g.input("x", [3, 4]);
  const pair = g.constant({ type: "i32", shape: [3, 2], data: Int32Array.of(0, 1, 2, 2, 3, 0) });
  const row = g.constant({ type: "i32", shape: [1, 4], data: Int32Array.of(0, 1, 2, 2) });
  for (const [indices, axis] of [[pair, 1], [row, 0]] as const) {
    const updates = g.constant({
      type: "f32",
      shape: indices.shape as readonly number[],
      data: new Float32Array(indices.node.constant!.data.length).fill(1),
    });
    const original = g.makeProgram({ y: g.scatterAdd(x, indices, updates, axis) });
    assertEquals(countOf(lowerScatters(original), "ScatterElements"), 1, `axis ${axis}`);
  }
});

Deno.test("liftConstants turns large weights into inputs that hold their numbers", () => {
  const original = program();
  const { program: after, lifted } = liftConstants(original, 12);
  assertEquals([...lifted.keys()], ["constant.0.weight"]);
  const whole = { ...feeds, ...Object.fromEntries(lifted) };
  assertEquals(g.interpret(after, whole, dims), g.interpret(original, feeds, dims));
  assertEquals(liftConstants(original, 13).lifted.size, 0);
});

Deno.test("encodeProgram computes an output under its own name, and copies only what is one twice", () => {
  const x = g.input("x", [2]);
  const y = g.neg(x);
  const text = (outputs: Readonly<Record<string, g.Tensor>>) =>
    new TextDecoder("latin1").decode(g.encodeProgram(g.makeProgram(outputs)).bytes);
  const copies = (outputs: Readonly<Record<string, g.Tensor>>) =>
    text(outputs).split("Identity").length - 1;
  assertEquals(copies({ y }), 0);
  assertEquals(copies({ y, again: y }), 1);
  assertEquals(copies({ copy: x }), 1);
});

Deno.test("encodeProgram names an operator after its scope, and each name once", () => {
  const x = g.input("x", [2]);
  const inside = g.withScope("adamw", () => g.neg(g.neg(g.exp(x))));
  const program = g.makeProgram({ y: g.tanh(g.exp(inside)), z: g.tanh(inside) });
  const { graph } = fromBinary(ModelProtoSchema, g.encodeProgram(program).bytes);
  const names = graph!.node.map(({ name, opType }) => `${opType}: ${name}`);
  assertEquals(names.map((name) => name.split("#")[0]), [
    ...["Exp: adamw/Exp", "Neg: adamw/Neg", "Neg: adamw/Neg"],
    ...["Exp: Exp", "Tanh: Tanh", "Tanh: Tanh"],
  ]);
  assertEquals(new Set(names).size, names.length);
});
