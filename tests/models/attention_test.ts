/** Attention with its gradient by hand against the same formula in plain operators, in double precision. */
import { assert, assertAlmostEquals } from "@std/assert";
import * as g from "../../src/graph/mod.ts";
import type { Tensor } from "../../src/graph/mod.ts";
import { attention, type Projection } from "../../src/models/attention.ts";
import { dims, encoderInputs, tokenFeeds, tokenRows } from "../../src/models/token_rows.ts";
import { numbers } from "../graph/numbers.ts";

const [heads, width, size, length] = [2, 3, 3, 4];
const hidden = heads * width;
const lengths = [4, 2, 3];
const batch = {
  size,
  length,
  ids: new Int32Array(size * length),
  types: new Int32Array(size * length),
  mask: Float32Array.from(
    { length: size * length },
    (_, i) => i % length < lengths[Math.floor(i / length)]! ? 1 : 0,
  ),
};

/** softmax(q kᵀ/√width + bias) ∘ mask · v for one padded projection each, `[batch, heads, places, width]`. */
function plain(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, mask: Tensor | null): Tensor {
  const scores = g.mul(g.matMul(q, g.transpose(k, [0, 1, 3, 2])), 1 / Math.sqrt(width));
  const weights = g.softmax(g.add(scores, bias));
  return g.matMul(mask === null ? weights : g.mul(weights, mask), v);
}

/** The gradients of Σ w·y by both ways, y being rows of tokens (or of texts). */
function compare(queries: "all" | "first", withMask: boolean): void {
  const rows = tokenRows(batch);
  const bindings = { batch: size, seq: length, tokens: rows.count };
  const inputs = encoderInputs(heads);
  const tokenIndex = g.input("row", [dims.batch, dims.seq], "i32");
  const placeIndex = g.input("place", [dims.tokens], "i32");
  const bias = g.reshape(g.mul(g.sub(inputs.mask, 1), 1e9), [dims.batch, 1, 1, dims.seq]);
  const places = queries === "first" ? 1 : dims.seq;
  const mask = withMask ? g.input("dropout", [dims.batch, heads, places, dims.seq]) : null;
  const joined = g.input("joined", [dims.tokens, (queries === "first" ? 2 : 3) * hidden]);
  const first = g.input("first", [dims.batch, hidden]);
  const parts = queries === "first" ? 2 : 3;
  const projection = (part: number): Projection => ({ tensor: joined, part, parts });
  const y = attention({
    heads,
    width,
    queries,
    query: queries === "first" ? { tensor: first, part: 0, parts: 1 } : projection(0),
    key: projection(parts - 2),
    value: projection(parts - 1),
    bias,
    mask,
    inputs,
  });
  const pieces = g.split(joined, Array.from({ length: parts }, () => hidden), 1);
  const padded = (x: Tensor) =>
    g.transpose(
      g.reshape(g.gather(x, tokenIndex), [dims.batch, dims.seq, heads, width]),
      [0, 2, 1, 3],
    );
  const q = queries === "first"
    ? g.reshape(first, [dims.batch, heads, 1, width])
    : padded(pieces[0]!);
  const mixed = plain(q, padded(pieces[parts - 2]!), padded(pieces[parts - 1]!), bias, mask);
  const flat = g.reshape(
    g.transpose(mixed, [0, 2, 1, 3]),
    [g.productOf([dims.batch, places]), hidden],
  );
  const wantedY = queries === "first"
    ? g.reshape(flat, [dims.batch, hidden])
    : g.gather(flat, placeIndex);
  const weights = g.input("weights", y.shape);
  const loss = (value: Tensor) => g.reduceSum(g.mul(value, weights));
  const sources = queries === "first" ? [joined, first] : [joined];
  const program = g.makeProgram({
    y,
    wantedY,
    ...Object.fromEntries(g.grad(loss(y), sources).map((x, i) => [`own${i}`, x])),
    ...Object.fromEntries(g.grad(loss(wantedY), sources).map((x, i) => [`plain${i}`, x])),
  });
  const count = queries === "first" ? size : rows.count;
  const ofLoss = numbers([count, hidden], 4);
  if (queries === "all") {
    // The loss does not depend on padding.
    rows.placeOf.forEach((place, row) => {
      if (batch.mask[place] === 0) ofLoss.data.fill(0 as never, row * hidden, (row + 1) * hidden);
    });
  }
  const found = g.interpret(program, {
    ...tokenFeeds(
      batch,
      { heads, pooling: "first", paddingPosition: null },
      program.inputs.keys(),
    ),
    row: { type: "i32", shape: [size, length], data: rows.rowOf },
    place: { type: "i32", shape: [rows.count], data: rows.placeOf },
    joined: numbers([rows.count, parts * hidden], 1),
    first: numbers([size, hidden], 2),
    dropout: numbers([size, heads, queries === "first" ? 1 : length, length], 3),
    weights: ofLoss,
  }, bindings);
  const assertEqual = (name: string, wanted: string) => {
    const top = found[wanted]!.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert(top > 0.01, `${wanted} is zero`);
    found[wanted]!.data.forEach((value, i) =>
      assertAlmostEquals(found[name]!.data[i]!, value, 1e-12, `${name}[${i}]`)
    );
  };
  assertEqual("y", "wantedY");
  sources.forEach((_, i) => assertEqual(`own${i}`, `plain${i}`));
}

for (const queries of ["all", "first"] as const) {
  for (const withMask of [false, true]) {
    const with_ = withMask ? "with" : "without";
    Deno.test(`attention of ${queries} queries, ${with_} dropout: values and gradients`, () => {
      compare(queries, withMask);
    });
  }
}
