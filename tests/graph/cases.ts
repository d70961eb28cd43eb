/** Small graphs that cover every operator: the same cases serve the gradient and the executor tests. */
import { RandomStream } from "../../src/base/random.ts";
import * as g from "../../src/graph/mod.ts";
import type { HostTensor, Tensor } from "../../src/graph/mod.ts";

/** A function of at most three inputs. */
type Build = (x: Tensor, y: Tensor, z: Tensor) => Tensor;
type Range = readonly [number, number];

/** One graph: inputs with ranges, and a function that builds a tensor from them. */
export interface Case {
  readonly name: string;
  /** Static shapes of the float inputs. */
  readonly shapes: readonly (readonly number[])[];
  /** Where the inputs' numbers lie. */
  readonly range: Range;
  readonly build: Build;
}

const ints = (shape: readonly number[], values: readonly number[]): Tensor =>
  g.constant({ type: "i32", shape, data: Int32Array.from(values) });
const positive = [0.5, 2] as const;

function of(name: string, shapes: Case["shapes"], build: Build, range: Range = [-1, 1]): Case {
  return { name, shapes, build, range };
}

const unary = (name: string, f: (t: Tensor) => Tensor, range?: Range) =>
  of(name, [[3, 5]], (x) => f(x), range);

function binary(name: string, f: (a: Tensor, b: Tensor) => Tensor, range?: Range): Case[] {
  const shapes = [
    [[3, 5], [3, 5]],
    [[3, 5], [5]],
    [[1, 5], [3, 1]],
    [[2, 1, 3], [4, 1]],
    [[1], [2, 3]],
    [[], [2, 2]],
  ] as const;
  return shapes.map(([a, b]) => of(`${name} [${a}] with [${b}]`, [a, b], (x, y) => f(x, y), range));
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
  of("where with a broadcast condition", [[2, 3], [3]], (x, y) => g.where(g.greater(y, 0), x, 0.5)),
  of("matMul", [[3, 4], [4, 5]], (x, y) => g.matMul(x, y)),
  of("matMul batched", [[2, 3, 4], [2, 4, 5]], (x, y) => g.matMul(x, y)),
  of("matMul broadcast batch", [[2, 1, 3, 4], [3, 4, 1]], (x, y) => g.matMul(x, y)),
  of("matMul with a matrix", [[2, 3, 4], [4, 2]], (x, y) => g.matMul(x, y)),
  of("gemm", [[3, 4], [4, 5], [5]], (x, y, z) => g.gemm(x, y, { bias: z })),
  of(
    "gemm with a factor and a whole matrix added",
    [[3, 4], [4, 5], [3, 5]],
    (x, y, z) => g.gemm(x, y, { alpha: -1.5, bias: z }),
  ),
  of(
    "gemm transA with a factor",
    [[4, 3], [5, 4]],
    (x, y) => g.gemm(x, y, { transA: true, transB: true, alpha: 0.25 }),
  ),
  of("gemm transA", [[4, 3], [4, 5]], (x, y) => g.gemm(x, y, { transA: true })),
  of("gemm transB", [[1, 4], [5, 4], [5]], (x, y, z) => g.gemm(x, y, { transB: true, bias: z })),
  of(
    "gemm transA and transB",
    [[4, 3], [5, 4]],
    (x, y) => g.gemm(x, y, { transA: true, transB: true }),
  ),
  of("transpose", [[2, 3, 1, 4]], (x) => g.transpose(x, [2, 0, 3, 1])),
  of("reshape", [[2, 6]], (x) => g.reshape(x, [3, 1, 4])),
  of("expand", [[3, 1]], (x) => g.expand(x, [2, 3, 4])),
  of("concat", [[2, 3], [2, 1], [2, 2]], (x, y, z) => g.concat([x, y, z], 1)),
  of("concat on axis 0", [[1, 3], [2, 3]], (x, y) => g.concat([x, y], 0)),
  of("split, one piece unused", [[7, 2]], (x) => {
    const pieces = g.split(x, [2, 1, 4], 0);
    return g.add(g.reduceSum(pieces[0]!, { axes: [0] }), g.reduceSum(pieces[2]!, { axes: [0] }));
  }),
  of("split on axis 1", [[2, 5]], (x) =>
    g.mul(
      ...(g.split(g.concat([x, g.neg(x)], 1), [5, 5], 1) as [Tensor, Tensor]),
    )),
  of("reduceSum all", [[2, 3, 2]], (x) => g.reduceSum(x)),
  of("reduceSumSquare axes", [[2, 3, 2]], (x) => g.reduceSumSquare(x, { axes: [1, 2] })),
  of("reduceMax axes", [[2, 3, 2]], (x) => g.reduceMax(x, { axes: [0, 2], keepDims: true })),
  of("reduceSum axes", [[2, 3, 2]], (x) => g.reduceSum(x, { axes: [0, 2] })),
  of("reduceMean kept", [[2, 3, 2]], (x) => g.reduceMean(x, { axes: [1], keepDims: true })),
  of("gather", [[4, 3]], (x) => g.gather(x, ints([2, 3], [0, 3, 3, 1, 0, 0]))),
  of("gatherElements", [[3, 4]], (x) => g.gatherElements(x, ints([3, 2], [3, 3, 0, 1, 2, 2]), 1)),
  of("scatterAdd", [[4, 3], [5, 3]], (x, y) =>
    g.scatterAdd(
      x,
      ints([5, 3], [0, 1, 2, 0, 1, 2, 3, 3, 3, 0, 0, 0, 2, 2, 2]),
      y,
      0,
    )),
  of("softmax", [[2, 3, 4]], (x) => g.softmax(x), [-4, 4]),
  of("softmax of one", [[3, 1]], (x) => g.softmax(x)),
  of("layerNorm", [[4, 6], [6], [6]], (x, y, z) => g.layerNorm(x, y, z, 1e-5)),
  of("layerNorm 3-D", [[2, 3, 4], [4], [4]], (x, y, z) => g.layerNorm(x, y, z, 1e-5)),
  of("crossEntropy", [[3, 4]], (x) => g.crossEntropy(x, ints([3], [0, 3, 1])), [-9, 9]),
  of("meanSquaredError", [[5], [5]], (x, y) => g.meanSquaredError(x, y)),
  of("dropout", [[5, 6]], (x) => {
    const [rows] = g.dropoutRows(
      g.constant(g.dropoutRowKeys(5, [0, 1, 2, 3, 4])),
      g.constant(g.dropoutSiteKeys(6, 2)),
    );
    const data = g.dropoutPool(9, g.dropoutPoolRows * 6, 0.4);
    const pool = g.constant({ type: "f32", shape: [g.dropoutPoolRows, 6], data });
    return g.mul(x, g.dropoutMask(pool, rows!));
  }),
  of("a tangle that uses a tensor three times", [[3, 3], [3]], (x, y) => {
    const h = g.tanh(g.add(g.matMul(x, x), y));
    return g.div(
      g.mul(h, g.exp(x)),
      g.add(g.reduceSum(g.mul(h, h), { axes: [1], keepDims: true }), 1),
    );
  }),
];

/** What a case makes of inputs. */
export function built({ build }: Case, [x, y, z]: readonly Tensor[]): Tensor {
  return build(x!, y!, z!);
}

/** Seeded numbers for the inputs of a case. */
export function feedsOf(test: Case): Record<string, HostTensor> {
  const stream = RandomStream.fromSeed(11).fork(test.name);
  const [low, high] = test.range;
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
  const value = built(test, inputs);
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
