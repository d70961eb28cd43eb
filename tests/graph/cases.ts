/** Small graphs that cover every operator: the same cases serve the gradient and the executor tests. */
import { RandomStream } from "../../src/base/random.ts";
import * as g from "../../src/graph/mod.ts";
import type { HostTensor, Tensor } from "../../src/graph/mod.ts";

/** One graph: inputs with ranges, and a function that builds a tensor from them. */
export interface Case {
  readonly name: string;
  /** Static shapes of the float inputs. */
  readonly shapes: readonly (readonly number[])[];
  /** Where the inputs' numbers lie. Default −1 … 1. */
  readonly range?: readonly [number, number];
  readonly build: (inputs: readonly Tensor[]) => Tensor;
}

const ints = (shape: readonly number[], values: readonly number[]): Tensor =>
  g.constant({ type: "i32", shape, data: Int32Array.from(values) });
const positive = [0.5, 2] as const;
const [x, y, z] = [0, 1, 2];
const pick = (inputs: readonly Tensor[], i: number) => inputs[i]!;

function unary(name: string, f: (t: Tensor) => Tensor, range?: readonly [number, number]): Case {
  return { name, shapes: [[3, 5]], build: (t) => f(pick(t, x)), ...(range ? { range } : {}) };
}

function binary(
  name: string,
  f: (a: Tensor, b: Tensor) => Tensor,
  range?: readonly [number, number],
): Case[] {
  const shapes = [
    [[3, 5], [3, 5]],
    [[3, 5], [5]],
    [[1, 5], [3, 1]],
    [[2, 1, 3], [4, 1]],
    [[1], [2, 3]],
    [[], [2, 2]],
  ];
  return shapes.map(([a, b]) => ({
    name: `${name} [${a}] with [${b}]`,
    shapes: [a!, b!],
    build: (t) => f(pick(t, x), pick(t, y)),
    ...(range ? { range } : {}),
  }));
}

/** Every differentiable operator with odd shapes, size-1 axes and broadcasting. */
export const cases: readonly Case[] = [
  unary("neg", g.neg),
  unary("exp", g.exp),
  unary("log", g.log, positive),
  unary("sqrt", g.sqrt, positive),
  unary("reciprocal", g.reciprocal, positive),
  unary("erf", g.erf, [-3, 3]),
  unary("tanh", g.tanh),
  unary("abs", g.abs),
  unary("gelu", g.gelu, [-3, 3]),
  unary("relu", g.relu),
  unary("cast to f32", (t) => g.cast(t, "f32")),
  ...binary("add", g.add),
  ...binary("sub", g.sub),
  ...binary("mul", g.mul),
  ...binary("div", g.div, positive),
  ...binary("max", g.max),
  ...binary("min", g.min),
  ...binary("where", (a, b) => g.where(g.less(a, b), g.mul(a, 2), g.mul(b, b))),
  {
    name: "where with a broadcast condition",
    shapes: [[2, 3], [3]],
    build: (t) => g.where(g.greater(pick(t, y), 0), pick(t, x), 0.5),
  },
  { name: "matMul", shapes: [[3, 4], [4, 5]], build: (t) => g.matMul(pick(t, x), pick(t, y)) },
  {
    name: "matMul batched",
    shapes: [[2, 3, 4], [2, 4, 5]],
    build: (t) => g.matMul(pick(t, x), pick(t, y)),
  },
  {
    name: "matMul broadcast batch",
    shapes: [[2, 1, 3, 4], [3, 4, 1]],
    build: (t) => g.matMul(pick(t, x), pick(t, y)),
  },
  {
    name: "matMul with a matrix",
    shapes: [[2, 3, 4], [4, 2]],
    build: (t) => g.matMul(pick(t, x), pick(t, y)),
  },
  {
    name: "gemm",
    shapes: [[3, 4], [4, 5], [5]],
    build: (t) => g.gemm(pick(t, x), pick(t, y), { bias: pick(t, z) }),
  },
  {
    name: "gemm with a factor and a whole matrix added",
    shapes: [[3, 4], [4, 5], [3, 5]],
    build: (t) => g.gemm(pick(t, x), pick(t, y), { alpha: -1.5, bias: pick(t, z) }),
  },
  {
    name: "gemm transA with a factor",
    shapes: [[4, 3], [5, 4]],
    build: (t) => g.gemm(pick(t, x), pick(t, y), { transA: true, transB: true, alpha: 0.25 }),
  },
  {
    name: "gemm transA",
    shapes: [[4, 3], [4, 5]],
    build: (t) => g.gemm(pick(t, x), pick(t, y), { transA: true }),
  },
  {
    name: "gemm transB",
    shapes: [[1, 4], [5, 4], [5]],
    build: (t) => g.gemm(pick(t, x), pick(t, y), { transB: true, bias: pick(t, z) }),
  },
  {
    name: "gemm transA and transB",
    shapes: [[4, 3], [5, 4]],
    build: (t) => g.gemm(pick(t, x), pick(t, y), { transA: true, transB: true }),
  },
  {
    name: "transpose",
    shapes: [[2, 3, 1, 4]],
    build: (t) => g.transpose(pick(t, x), [2, 0, 3, 1]),
  },
  { name: "reshape", shapes: [[2, 6]], build: (t) => g.reshape(pick(t, x), [3, 1, 4]) },
  { name: "expand", shapes: [[3, 1]], build: (t) => g.expand(pick(t, x), [2, 3, 4]) },
  {
    name: "concat",
    shapes: [[2, 3], [2, 1], [2, 2]],
    build: (t) => g.concat([pick(t, x), pick(t, y), pick(t, z)], 1),
  },
  {
    name: "concat on axis 0",
    shapes: [[1, 3], [2, 3]],
    build: (t) => g.concat([pick(t, x), pick(t, y)], 0),
  },
  {
    name: "split, one piece unused",
    shapes: [[7, 2]],
    build: (t) => {
      const pieces = g.split(pick(t, x), [2, 1, 4], 0);
      return g.add(g.reduceSum(pieces[0]!, { axes: [0] }), g.reduceSum(pieces[2]!, { axes: [0] }));
    },
  },
  {
    name: "split on axis 1",
    shapes: [[2, 5]],
    build: (t) =>
      g.mul(
        ...(g.split(g.concat([pick(t, x), g.neg(pick(t, x))], 1), [5, 5], 1) as [Tensor, Tensor]),
      ),
  },
  { name: "reduceSum all", shapes: [[2, 3, 2]], build: (t) => g.reduceSum(pick(t, x)) },
  {
    name: "reduceSumSquare axes",
    shapes: [[2, 3, 2]],
    build: (t) => g.reduceSumSquare(pick(t, x), { axes: [1, 2] }),
  },
  {
    name: "reduceMax axes",
    shapes: [[2, 3, 2]],
    build: (t) => g.reduceMax(pick(t, x), { axes: [0, 2], keepDims: true }),
  },
  {
    name: "reduceSum axes",
    shapes: [[2, 3, 2]],
    build: (t) => g.reduceSum(pick(t, x), { axes: [0, 2] }),
  },
  {
    name: "reduceMean kept",
    shapes: [[2, 3, 2]],
    build: (t) => g.reduceMean(pick(t, x), { axes: [1], keepDims: true }),
  },
  {
    name: "gather",
    shapes: [[4, 3]],
    build: (t) => g.gather(pick(t, x), ints([2, 3], [0, 3, 3, 1, 0, 0])),
  },
  {
    name: "gatherElements",
    shapes: [[3, 4]],
    build: (t) => g.gatherElements(pick(t, x), ints([3, 2], [3, 3, 0, 1, 2, 2]), 1),
  },
  {
    name: "scatterAdd",
    shapes: [[4, 3], [5, 3]],
    build: (t) =>
      g.scatterAdd(
        pick(t, x),
        ints([5, 3], [0, 1, 2, 0, 1, 2, 3, 3, 3, 0, 0, 0, 2, 2, 2]),
        pick(t, y),
        0,
      ),
  },
  { name: "softmax", shapes: [[2, 3, 4]], range: [-4, 4], build: (t) => g.softmax(pick(t, x)) },
  { name: "softmax of one", shapes: [[3, 1]], build: (t) => g.softmax(pick(t, x)) },
  {
    name: "layerNorm",
    shapes: [[4, 6], [6], [6]],
    build: (t) => g.layerNorm(pick(t, x), pick(t, y), pick(t, z), 1e-5),
  },
  {
    name: "layerNorm 3-D",
    shapes: [[2, 3, 4], [4], [4]],
    build: (t) => g.layerNorm(pick(t, x), pick(t, y), pick(t, z), 1e-5),
  },
  {
    name: "crossEntropy",
    shapes: [[3, 4]],
    range: [-9, 9],
    build: (t) => g.crossEntropy(pick(t, x), ints([3], [0, 3, 1])),
  },
  {
    name: "meanSquaredError",
    shapes: [[5], [5]],
    build: (t) => g.meanSquaredError(pick(t, x), pick(t, y)),
  },
  {
    name: "dropout",
    shapes: [[5, 6]],
    build: (t) => {
      const [rows] = g.dropoutRows(
        g.constant(g.dropoutRowKeys(5, [0, 1, 2, 3, 4])),
        g.constant(g.dropoutSiteKeys(6, 2)),
      );
      const data = g.dropoutPool(9, g.dropoutPoolRows * 6, 0.4);
      const pool = g.constant({ type: "f32", shape: [g.dropoutPoolRows, 6], data });
      return g.mul(pick(t, x), g.dropoutMask(pool, rows!));
    },
  },
  {
    name: "a tangle that uses a tensor three times",
    shapes: [[3, 3], [3]],
    build: (t) => {
      const h = g.tanh(g.add(g.matMul(pick(t, x), pick(t, x)), pick(t, y)));
      return g.div(
        g.mul(h, g.exp(pick(t, x))),
        g.add(g.reduceSum(g.mul(h, h), { axes: [1], keepDims: true }), 1),
      );
    },
  },
];

/** Seeded numbers for the inputs of a case. */
export function feedsOf(test: Case): Record<string, HostTensor> {
  const stream = RandomStream.fromSeed(11).fork(test.name);
  const [low, high] = test.range ?? [-1, 1];
  return Object.fromEntries(test.shapes.map((shape, i) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = Float64Array.from(
      { length: count },
      () => Math.fround(low + (high - low) * stream.next()),
    );
    return [`in${i}`, { type: "f32", shape, data }];
  }));
}

/** The case as a scalar program: a fixed random weighting of its output, and the gradient of each input. */
export function programOf(test: Case): g.Program {
  const inputs = test.shapes.map((shape, i) => g.input(`in${i}`, shape));
  const value = test.build(inputs);
  const weights = RandomStream.fromSeed(5).normals(
    g.isStatic(value.shape) ? value.shape.reduce((a, b) => a * b, 1) : 0,
  );
  const weighted = g.mul(
    value,
    g.constant({ type: "f32", shape: value.shape as number[], data: weights }),
  );
  const loss = g.reduceSum(weighted);
  const outputs: Record<string, Tensor> = { value, loss };
  g.grad(loss, inputs).forEach((gradient, i) => outputs[`grad${i}`] = gradient);
  return g.makeProgram(outputs);
}
