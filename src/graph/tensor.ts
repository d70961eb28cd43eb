/**
 * The graph: immutable nodes that name an ONNX operator, and the tensors that they yield.
 *
 * @module
 */
import { type Shape, showShape } from "./dims.ts";

/** Element types that the graph uses. */
export type ElementType = "f32" | "i32" | "i64" | "bool";

/** Numbers on the host, row-major; float constants may be kept in double precision for the reference interpreter. */
export interface HostTensor {
  /** Element type in the graph, which `data` may exceed in precision. */
  readonly type: ElementType;
  /** Sizes, outermost first; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** As many numbers as the product of `shape`, in its order. */
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array;
}

/** Attributes of a node: those of the ONNX operator, or what a leaf holds. */
export type Attributes = Readonly<Record<string, number | string | Shape | readonly number[]>>;

/** The operators of the graph. The leaves have no inputs; all others are ONNX operators of the same name. */
export type OpName =
  | LeafName
  | "Neg"
  | "Exp"
  | "Log"
  | "Sqrt"
  | "Reciprocal"
  | "Erf"
  | "Tanh"
  | "Abs"
  | "Floor"
  | "Gelu"
  | "Relu"
  | "Cast"
  | "Add"
  | "Sub"
  | "Mul"
  | "Div"
  | "Max"
  | "Min"
  | "Less"
  | "Greater"
  | "Equal"
  | "Where"
  | "MatMul"
  | "Gemm"
  | "Transpose"
  | "Reshape"
  | "Expand"
  | "Concat"
  | "Split"
  | "ReduceSum"
  | "ReduceSumSquare"
  | "ReduceMax"
  | "Gather"
  | "GatherElements"
  | "ScatterElements"
  | "Softmax"
  | "LayerNormalization"
  | "Shape"
  | "Range";

/**
 * Leaves. `Input` is fed by name; `Constant` holds numbers; `Dims` is the i64 vector of a shape, `Size` the f32
 * scalar value of a dimension: these two follow from the dimension bindings of a run.
 */
export type LeafName = "Input" | "Constant" | "Dims" | "Size";

/**
 * How a node is differentiated in place of its operator's row in the gradient table.
 *
 * It lets a value be computed in one way and its gradient in a cheaper one than the chain rule over the operators in
 * between would give.
 */
export interface CustomGradient {
  /** The tensors that the value depends on; they stand before the node in the graph. */
  readonly inputs: readonly Tensor[];
  /**
   * The gradients of `inputs`.
   *
   * @param g The gradient of the value.
   * @param needs Whether each input needs a gradient; the others may be null.
   */
  readonly rule: (g: Tensor, needs: readonly boolean[]) => readonly (Tensor | null)[];
}

/** An operator applied to tensors. */
export interface Node {
  /** ONNX operator (opset 20), or a leaf. */
  readonly op: OpName;
  /** Operands in the order of the ONNX operator; empty for leaves. */
  readonly inputs: readonly Tensor[];
  /** Empty for operators that take none. */
  readonly attributes: Attributes;
  /** One tensor for most operators, one a piece for `Split`. */
  readonly outputs: readonly Tensor[];
  /** Role and place, for instance `layer.0/query`; part of the names in the encoded model. */
  readonly label: string;
  /** The numbers of a `Constant`. */
  readonly constant: HostTensor | null;
  /**
   * Null where the operator's own gradient holds; `"lost"` in an optimised program where some value brought a gradient of its own,
   * so that nothing of it can be differentiated any more.
   */
  readonly gradient: CustomGradient | "lost" | null;
}

/** One output of a node. */
export interface Tensor {
  /** What computes it. */
  readonly node: Node;
  /** Place among the node's outputs, from 0. */
  readonly index: number;
  /** Sizes, outermost first; a dimension may be a symbol that a run binds. */
  readonly shape: Shape;
  /** `f16` for constants alone. */
  readonly type: ElementType;
}

/** What a node yields: shape and element type of each output. */
export interface OutputSpec {
  /** Sizes, outermost first; a dimension may be a symbol that a run binds. */
  readonly shape: Shape;
  /** `f16` for constants alone. */
  readonly type: ElementType;
}

let scopes: readonly string[] = [];

/** Builds part of a graph under a name that goes before the labels of its nodes. */
export function withScope<T>(name: string, build: () => T): T {
  const outer = scopes;
  scopes = [...outer, name];
  try {
    return build();
  } finally {
    scopes = outer;
  }
}

/** Makes a node and its output tensors. Operator functions call this; others call operator functions. */
export function makeNode(
  op: OpName,
  inputs: readonly Tensor[],
  attributes: Attributes,
  outputs: readonly OutputSpec[],
  constant: HostTensor | null = null,
  gradient: Node["gradient"] = null,
): Node {
  const tensors: Tensor[] = [];
  const node: Node = {
    op,
    inputs,
    attributes,
    outputs: tensors,
    label: scopes.join("/"),
    constant,
    gradient,
  };
  outputs.forEach(({ shape, type }, index) => tensors.push({ node, index, shape, type }));
  return node;
}

/** Makes a node with one output and returns that. */
export function makeTensor(
  op: OpName,
  inputs: readonly Tensor[],
  attributes: Attributes,
  shape: Shape,
  type: ElementType,
): Tensor {
  return makeNode(op, inputs, attributes, [{ shape, type }]).outputs[0]!;
}

/**
 * The same value as `y`, differentiated by a rule of its own.
 *
 * @param y The only output of its node.
 * @param gradient The tensors that `y` depends on, each computed on the way to it, and the rule.
 *
 * @throws {TypeError} If the node of `y` has several outputs.
 *
 * @example The square of x, whose gradient is given by hand
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { grad, input, mul, reduceSum, withGradient } from "./mod.ts";
 * const x = input("x", [3]);
 * const square = withGradient(mul(x, x), { inputs: [x], rule: (g) => [mul(g, mul(x, 2))] });
 * assertEquals(grad(reduceSum(square), [x])[0]!.shape, [3]);
 * ```
 */
export function withGradient(y: Tensor, gradient: CustomGradient): Tensor {
  const { op, inputs, attributes, outputs, constant } = y.node;
  if (outputs.length !== 1) {
    throw new TypeError(`${op}: a value with a gradient of its own is the only one of its node`);
  }
  return makeNode(op, inputs, attributes, outputs, constant, gradient).outputs[0]!;
}

/**
 * A tensor that a run is fed by name.
 *
 * @param shape Its dimensions, which may be symbolic.
 * @param type Default `f32`.
 */
export function input(name: string, shape: Shape, type: ElementType = "f32"): Tensor {
  return makeTensor("Input", [], { name }, shape, type);
}

/** Numbers fixed in the graph. */
export function constant(host: HostTensor, name = ""): Tensor {
  const count = host.shape.reduce((product, size) => product * size, 1);
  if (count !== host.data.length) {
    throw new RangeError(
      `Constant "${name}": ${host.data.length} numbers do not fill shape ${showShape(host.shape)}`,
    );
  }
  return makeNode("Constant", [], { name }, [{ shape: host.shape, type: host.type }], host)
    .outputs[0]!;
}

/** A float32 scalar fixed in the graph. */
export function scalar(value: number): Tensor {
  return constant({ type: "f32", shape: [], data: Float64Array.of(value) });
}

/** Numbers in single precision as a tensor of one dimension. */
export function hostVector(data: Float32Array): HostTensor {
  return { type: "f32", shape: [data.length], data };
}

/** Zeros of a static shape. */
export function zeros(shape: readonly number[]): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return constant({ type: "f32", shape, data: new Float32Array(count) });
}

/** The i64 vector of a shape's sizes: what Reshape and Expand take. */
export function dimsVector(shape: Shape): Tensor {
  return makeTensor("Dims", [], { dims: shape }, [shape.length], "i64");
}

/** The value of a dimension as an f32 scalar, for instance the batch size that a mean divides by. */
export function sizeOf(dims: Shape): Tensor {
  return makeTensor("Size", [], { dims }, [], "f32");
}

/** Whether every dimension is a number. */
export function isStatic(shape: Shape): shape is readonly number[] {
  return shape.every((dim) => typeof dim === "number");
}

/** The nodes that `outputs` depend on, each after its inputs. */
export function topologicalOrder(outputs: readonly Tensor[]): readonly Node[] {
  const order: Node[] = [];
  const done = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  const visit = (root: Node) => {
    if (done.has(root)) return;
    done.add(root);
    stack.push({ node: root, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const source = top.node.inputs[top.next++];
      if (source === undefined) {
        order.push(top.node);
        stack.pop();
      } else if (!done.has(source.node)) {
        done.add(source.node);
        stack.push({ node: source.node, next: 0 });
      }
    }
  };
  for (const tensor of outputs) visit(tensor.node);
  return order;
}
