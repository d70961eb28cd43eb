/** Rewritings of whole programs: static sizes, scatters, weights in half precision, weights as inputs. */
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { bindDims } from "../../src/graph/bind_dims.ts";
import { halveConstants } from "../../src/graph/frozen_half.ts";
import { liftConstants } from "../../src/graph/lift_constants.ts";
import { lowerScatters } from "../../src/graph/lower_scatter.ts";
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

Deno.test("bindDims gives the same numbers with nothing about sizes left to feed", () => {
  const original = program();
  const bound = bindDims(original, dims);
  assertEquals(g.interpret(bound, feeds), g.interpret(original, feeds, dims));
  assert(bound.nodes.every(({ outputs }) => outputs.every(({ shape }) => g.isStatic(shape))));
  assert(g.encodeProgram(original).boundLeaves.size > 0);
  assertEquals(g.encodeProgram(bound).boundLeaves.size, 0);
  assertThrows(() => bindDims(original, {}), RangeError, `"batch" is not bound`);
});

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

Deno.test("halveConstants rounds large weights to 11 bits and computes on in full precision", () => {
  const original = program();
  const halved = halveConstants(original, 12);
  assertEquals([countOf(original, "Cast"), countOf(halved, "Cast")], [0, 1]);
  const found = g.interpret(halved, feeds, dims);
  const wanted = g.interpret(original, feeds, dims);
  for (const name of ["loss", "gradient"]) {
    assert(found[name]!.data.some((value, i) => value !== wanted[name]!.data[i]), name);
    found[name]!.data.forEach((value, i) =>
      // Rounding to half precision changes a weight by at most 2⁻¹¹ of itself; the inputs sum to at most 4.25 a row.
      assert(Math.abs(value - wanted[name]!.data[i]!) < 2 ** -11 * 10, `${name}[${i}]: ${value}`)
    );
  }
  assertEquals(halveConstants(original, 13), original);
});

Deno.test("halveConstants casts the rows that are gathered from a table, not the table", () => {
  const ids = g.input("ids", ["n"], "i32");
  const original = g.makeProgram({ rows: g.gather(g.constant(weight, "embedding"), ids) });
  const halved = halveConstants(original, 12);
  const [cast] = halved.nodes.filter(({ op }) => op === "Cast");
  assertEquals([countOf(halved, "Cast"), cast!.inputs[0]!.node.op], [1, "Gather"]);
  const fed: HostTensor = { type: "i32", shape: [3], data: Int32Array.of(2, 0, 2) };
  const { rows } = g.interpret(halved, { ids: fed }, { n: 3 });
  const wanted = [2, 0, 2].flatMap((row) =>
    [...weight.data.subarray(4 * row, 4 * row + 4)].map((value) => Math.f16round(Number(value)))
  );
  assertEquals([rows!.shape, [...rows!.data]], [[3, 4], wanted]);
});

Deno.test("halveConstants refuses a weight that half precision cannot hold", () => {
  const large = g.constant({ type: "f32", shape: [2], data: Float32Array.of(1, 7e4) }, "embedding");
  const error = assertThrows(
    () => halveConstants(g.makeProgram({ y: g.add(g.input("x", [2]), large) }), 2),
    RangeError,
  );
  assertEquals(
    error.message,
    `Cannot keep "embedding" in half precision: found 70000 at position 1, ` +
      `want at most 65504 in size (keep the weights in single precision)`,
  );
});

Deno.test("liftConstants turns large weights into inputs that hold their numbers", () => {
  const original = program();
  for (const before of [original, halveConstants(original, 12)]) {
    const { program: after, lifted } = liftConstants(before, 12);
    assertEquals([...lifted.keys()], ["constant.0.weight"]);
    const whole = { ...feeds, ...Object.fromEntries(lifted) };
    assertEquals(g.interpret(after, whole, dims), g.interpret(before, feeds, dims));
  }
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
