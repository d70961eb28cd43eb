/**
 * The plain reference interpreter: every operator in double precision, written to be read, not to be fast.
 *
 * Integers and truth values are held as doubles too; both are exact.
 *
 * @module
 */
import { type DimBindings, shapeSizes } from "./dims.ts";
import { boundLeaf, type Program } from "./program.ts";
import type { HostTensor, Node, OpName, Tensor } from "./tensor.ts";

/** Numbers in double precision, row-major. */
export interface Values {
  /** Sizes, outermost first; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** As many numbers as the product of `shape`; integers and truth values (0 or 1) too. */
  readonly data: Float64Array;
}

type Kernel = (node: Node, inputs: readonly Values[]) => readonly Values[];

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  }
  return strides;
}

/** For each element of `shape`, the offset in a tensor whose axes move by `strides`. */
function offsets(shape: readonly number[], strides: readonly number[]): Int32Array {
  const result = new Int32Array(count(shape));
  const position = new Array<number>(shape.length).fill(0);
  let offset = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis]!++;
      offset += strides[axis]!;
      if (position[axis]! < shape[axis]!) break;
      offset -= strides[axis]! * shape[axis]!;
      position[axis] = 0;
    }
  }
  return result;
}

function broadcastOffsets(from: readonly number[], to: readonly number[]): Int32Array {
  const strides = stridesOf(from);
  const lead = to.length - from.length;
  return offsets(
    to,
    to.map((_, axis) => axis < lead || from[axis - lead] === 1 ? 0 : strides[axis - lead]!),
  );
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[i - rank + a.length] ?? 1;
    const right = b[i - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new RangeError(`Cannot broadcast [${a}] with [${b}] at run time`);
    }
    return left === 1 ? right : left;
  });
}

function unary(f: (x: number) => number): Kernel {
  return (_node, [x]) => [{ shape: x!.shape, data: x!.data.map(f) }];
}

function binary(f: (a: number, b: number) => number): Kernel {
  return (_node, [a, b]) => {
    const shape = broadcast(a!.shape, b!.shape);
    const left = broadcastOffsets(a!.shape, shape);
    const right = broadcastOffsets(b!.shape, shape);
    const data = Float64Array.from(left, (at, i) => f(a!.data[at]!, b!.data[right[i]!]!));
    return [{ shape, data }];
  };
}

/** erf x to double precision: a power series near 0, a continued fraction for erfc beyond (Abramowitz and Stegun 7.1.6, 7.1.14). */
function erfOf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = size;
    let sum = size;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (2 * size * size) / (2 * n + 1);
      sum += term;
      if (n > 200) break;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-size * size) * sum;
  }
  let fraction = size;
  for (let k = 120; k >= 1; k--) fraction = size + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / fraction);
}

function matrixProduct(
  a: (row: number, k: number) => number,
  b: (k: number, column: number) => number,
  [rows, inner, columns]: readonly [number, number, number],
  out: Float64Array,
  at: number,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += a(i, k) * b(k, j);
      out[at + i * columns + j] = sum;
    }
  }
}

const matMul: Kernel = (_node, [a, b]) => {
  const [m, k] = a!.shape.slice(-2) as [number, number];
  const n = b!.shape[b!.shape.length - 1]!;
  const lead = broadcast(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
  const left = broadcastOffsets(a!.shape.slice(0, -2), lead);
  const right = broadcastOffsets(b!.shape.slice(0, -2), lead);
  const data = new Float64Array(count(lead) * m * n);
  for (let batch = 0; batch < count(lead); batch++) {
    const baseA = left[batch]! * m * k;
    const baseB = right[batch]! * k * n;
    matrixProduct(
      (i, x) => a!.data[baseA + i * k + x]!,
      (x, j) => b!.data[baseB + x * n + j]!,
      [m, k, n],
      data,
      batch * m * n,
    );
  }
  return [{ shape: [...lead, m, n], data }];
};

const gemm: Kernel = (node, [a, b, bias]) => {
  const transA = node.attributes["transA"] === 1;
  const transB = node.attributes["transB"] === 1;
  const [a0, a1] = a!.shape as [number, number];
  const [b0, b1] = b!.shape as [number, number];
  const [rows, inner, columns] = [transA ? a1 : a0, transA ? a0 : a1, transB ? b0 : b1];
  const data = new Float64Array(rows * columns);
  matrixProduct(
    transA ? (i, k) => a!.data[k * a1 + i]! : (i, k) => a!.data[i * a1 + k]!,
    transB ? (k, j) => b!.data[j * b1 + k]! : (k, j) => b!.data[k * b1 + j]!,
    [rows, inner, columns],
    data,
    0,
  );
  const alpha = Number(node.attributes["alpha"] ?? 1);
  data.forEach((value, i) =>
    data[i] = alpha * value + (bias ? bias.data[i % bias.data.length]! : 0)
  );
  return [{ shape: [rows, columns], data }];
};

function reduce(start: number, f: (a: number, b: number) => number): Kernel {
  return (node, [x]) => {
    const axes = node.attributes["axes"] as readonly number[];
    const kept = x!.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const to = broadcastOffsets(kept, x!.shape);
    const data = new Float64Array(count(kept)).fill(start);
    x!.data.forEach((value, i) => data[to[i]!] = f(data[to[i]!]!, value));
    const shape = node.attributes["keepdims"] === 1
      ? kept
      : x!.shape.filter((_, i) => !axes.includes(i));
    return [{ shape, data }];
  };
}

/** Applies `f` to each row along the last axis. */
function byRow(x: Values, f: (row: Float64Array) => Float64Array): Float64Array {
  const width = x.shape[x.shape.length - 1]!;
  const data = new Float64Array(x.data.length);
  for (let at = 0; at < data.length; at += width) data.set(f(x.data.subarray(at, at + width)), at);
  return data;
}

const softmax: Kernel = (_node, [x]) => [{
  shape: x!.shape,
  data: byRow(x!, (row) => {
    const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = row.map((value) => Math.exp(value - top));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((value) => value / sum);
  }),
}];

const layerNormalization: Kernel = (node, [x, scale, shift]) => {
  const epsilon = node.attributes["epsilon"] as number;
  const means: number[] = [];
  const inverses: number[] = [];
  const data = byRow(x!, (row) => {
    const mean = row.reduce((a, b) => a + b, 0) / row.length;
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
    const inverse = 1 / Math.sqrt(variance + epsilon);
    means.push(mean);
    inverses.push(inverse);
    return row.map((value, i) => (value - mean) * inverse * scale!.data[i]! + shift!.data[i]!);
  });
  const statistics = [...x!.shape.slice(0, -1), 1];
  return [
    { shape: x!.shape, data },
    { shape: statistics, data: Float64Array.from(means) },
    { shape: statistics, data: Float64Array.from(inverses) },
  ];
};

/** For each element of `indices`, the offset in a tensor of shape `into` with the index put in place on `axis`. */
function elementOffsets(indices: Values, into: readonly number[], axis: number): Int32Array {
  const strides = stridesOf(into);
  const base = offsets(indices.shape, strides.map((stride, i) => (i === axis ? 0 : stride)));
  return base.map((offset, i) => {
    const index = indices.data[i]!;
    if (index < 0 || index >= into[axis]!) {
      throw new RangeError(`Index ${index} lies outside axis ${axis} of [${into}]`);
    }
    return offset + index * strides[axis]!;
  });
}

const gather: Kernel = (_node, [table, indices]) => {
  const width = count(table!.shape.slice(1));
  const data = new Float64Array(indices!.data.length * width);
  indices!.data.forEach((index, i) => {
    if (index < 0 || index >= table!.shape[0]!) {
      throw new RangeError(
        `Gather: index ${index} lies outside a table of ${table!.shape[0]} rows`,
      );
    }
    data.set(table!.data.subarray(index * width, (index + 1) * width), i * width);
  });
  return [{ shape: [...indices!.shape, ...table!.shape.slice(1)], data }];
};

const concat: Kernel = (node, pieces) => {
  const axis = node.attributes["axis"] as number;
  const shape = pieces[0]!.shape.map((size, i) =>
    i === axis ? pieces.reduce((sum, piece) => sum + piece.shape[axis]!, 0) : size
  );
  const data = new Float64Array(count(shape));
  const inner = count(shape.slice(axis));
  let at = 0;
  for (const piece of pieces) {
    const width = count(piece.shape.slice(axis));
    for (let i = 0; width > 0 && i * width < piece.data.length; i++) {
      data.set(piece.data.subarray(i * width, (i + 1) * width), i * inner + at);
    }
    at += width;
  }
  return [{ shape, data }];
};

const split: Kernel = (node, [x]) => {
  const axis = node.attributes["axis"] as number;
  const tail = count(x!.shape.slice(axis + 1));
  const outer = count(x!.shape.slice(0, axis));
  let at = 0;
  return (node.attributes["sizes"] as readonly number[]).map((size) => {
    const width = size * tail;
    const data = new Float64Array(outer * width);
    for (let i = 0; i < outer; i++) {
      const start = i * x!.shape[axis]! * tail + at;
      data.set(x!.data.subarray(start, start + width), i * width);
    }
    at += width;
    return { shape: x!.shape.map((dim, i) => (i === axis ? size : dim)), data };
  });
};

const normalCumulative = (x: number) => 0.5 * (1 + erfOf(x * Math.SQRT1_2));

const kernels: Readonly<Partial<Record<OpName, Kernel>>> = {
  Neg: unary((x) => -x),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Erf: unary(erfOf),
  Tanh: unary(Math.tanh),
  Abs: unary(Math.abs),
  Floor: unary(Math.floor),
  Gelu: unary((x) => x * normalCumulative(x)),
  Relu: unary((x) => Math.max(x, 0)),
  Cast: (node, [x]) => [
    node.attributes["to"] === "i32" || node.attributes["to"] === "i64"
      ? { shape: x!.shape, data: x!.data.map(Math.trunc) }
      : x!,
  ],
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b) => a / b),
  Max: binary(Math.max),
  Min: binary(Math.min),
  Less: binary((a, b) => (a < b ? 1 : 0)),
  Greater: binary((a, b) => (a > b ? 1 : 0)),
  Equal: binary((a, b) => (a === b ? 1 : 0)),
  Where: (_node, [condition, a, b]) => {
    const shape = broadcast(condition!.shape, broadcast(a!.shape, b!.shape));
    const [at, left, right] = [condition!, a!, b!].map((x) => broadcastOffsets(x.shape, shape));
    const data = Float64Array.from(
      at!,
      (c, i) => condition!.data[c]! !== 0 ? a!.data[left![i]!]! : b!.data[right![i]!]!,
    );
    return [{ shape, data }];
  },
  MatMul: matMul,
  Gemm: gemm,
  Transpose: (node, [x]) => {
    const order = node.attributes["perm"] as readonly number[];
    const strides = stridesOf(x!.shape);
    const shape = order.map((axis) => x!.shape[axis]!);
    const from = offsets(shape, order.map((axis) => strides[axis]!));
    return [{ shape, data: Float64Array.from(from, (at) => x!.data[at]!) }];
  },
  Reshape: (_node, [x, shape]) => {
    const known = shape!.data.reduce((product, size) => size === -1 ? product : product * size, 1);
    const sizes = Array.from(shape!.data, (size) => size === -1 ? x!.data.length / known : size);
    return [{ shape: sizes, data: x!.data }];
  },
  Shape: (_node, [x]) => [{ shape: [x!.shape.length], data: Float64Array.from(x!.shape) }],
  Range: (_node, [start, limit, step]) => {
    const size = Math.max(0, Math.ceil((limit!.data[0]! - start!.data[0]!) / step!.data[0]!));
    const data = Float64Array.from(
      { length: size },
      (_, i) => start!.data[0]! + i * step!.data[0]!,
    );
    return [{ shape: [size], data }];
  },
  Expand: (_node, [x, wanted]) => {
    const shape = broadcast(x!.shape, Array.from(wanted!.data));
    return [{
      shape,
      data: Float64Array.from(broadcastOffsets(x!.shape, shape), (at) => x!.data[at]!),
    }];
  },
  Concat: concat,
  Split: split,
  ReduceSum: reduce(0, (a, b) => a + b),
  ReduceSumSquare: reduce(0, (a, b) => a + b * b),
  ReduceMax: reduce(-Infinity, Math.max),
  Gather: gather,
  GatherElements: (node, [x, indices]) => {
    const from = elementOffsets(indices!, x!.shape, node.attributes["axis"] as number);
    return [{ shape: indices!.shape, data: Float64Array.from(from, (at) => x!.data[at]!) }];
  },
  ScatterElements: (node, [x, indices, updates]) => {
    const data = x!.data.slice();
    const to = elementOffsets(indices!, x!.shape, node.attributes["axis"] as number);
    to.forEach((at, i) => data[at] = data[at]! + updates!.data[i]!);
    return [{ shape: x!.shape, data }];
  },
  Softmax: softmax,
  LayerNormalization: layerNormalization,
};

function inDouble(host: HostTensor): Values {
  const data = host.data instanceof Float64Array
    ? host.data
    : Float64Array.from(host.data as ArrayLike<number | bigint>, Number);
  return { shape: host.shape, data };
}

/**
 * Runs a program in double precision.
 *
 * @param feeds A value for every input of the program.
 * @param bindings The numbers of its symbolic dimensions.
 * @param fetches The outputs to return; default all.
 *
 * @throws {TypeError} If an input is not fed or is fed in another shape than declared.
 */
export function interpret(
  program: Program,
  feeds: Readonly<Record<string, HostTensor>>,
  bindings: DimBindings = {},
  fetches: readonly string[] = [...program.outputs.keys()],
): Readonly<Record<string, Values>> {
  const values = new Map<Tensor, Values>();
  for (const node of program.nodes) {
    const [output] = node.outputs;
    if (node.op === "Input") {
      const name = String(node.attributes["name"]);
      const fed = feeds[name];
      if (fed === undefined) throw new TypeError(`Input "${name}" of the program was not fed`);
      const wanted = shapeSizes(output!.shape, bindings);
      if (wanted.join() !== fed.shape.join()) {
        throw new TypeError(`Input "${name}" was fed shape [${fed.shape}], want [${wanted}]`);
      }
      values.set(output!, inDouble(fed));
    } else if (node.op === "Constant") {
      values.set(output!, inDouble(node.constant!));
    } else if (node.op === "Dims" || node.op === "Size") {
      values.set(output!, inDouble(boundLeaf(node, bindings)));
    } else {
      const kernel = kernels[node.op];
      if (kernel === undefined) throw new TypeError(`The interpreter has no kernel for ${node.op}`);
      const results = kernel(node, node.inputs.map((tensor) => values.get(tensor)!));
      node.outputs.forEach((tensor, i) => values.set(tensor, results[i]!));
    }
  }
  return Object.fromEntries(fetches.map((name) => {
    const tensor = program.outputs.get(name);
    if (tensor === undefined) throw new TypeError(`The program has no output "${name}"`);
    return [name, values.get(tensor)!];
  }));
}
