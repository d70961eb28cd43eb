/**
 * Elementwise operators, with NumPy's broadcasting where they take two operands.
 *
 * @module
 */
import { broadcastShapes } from "../dims.ts";
import { type ElementType, makeTensor, type OpName, scalar, type Tensor } from "../tensor.ts";

/** An operator on each element of a tensor. */
export type Unary = (x: Tensor) => Tensor;

/** An operator on the elements of two tensors, or of a tensor and a number. */
export type Binary = (a: Tensor, b: Tensor | number) => Tensor;

function unary(op: OpName): Unary {
  return (x) => makeTensor(op, [x], {}, x.shape, x.type);
}

function binary(op: OpName, result?: ElementType): Binary {
  return (a, b) => {
    const right = typeof b === "number" ? scalar(b) : b;
    if (a.type !== right.type) {
      throw new TypeError(
        `${op}: operands have types ${a.type} and ${right.type}, want equal ones`,
      );
    }
    return makeTensor(
      op,
      [a, right],
      {},
      broadcastShapes(op, a.shape, right.shape),
      result ?? a.type,
    );
  };
}

/** −x. */
export const neg: Unary = unary("Neg");
/** eˣ. */
export const exp: Unary = unary("Exp");
/** ln x. */
export const log: Unary = unary("Log");
/** √x. */
export const sqrt: Unary = unary("Sqrt");
/** 1/x. */
export const reciprocal: Unary = unary("Reciprocal");
/** The error function. */
export const erf: Unary = unary("Erf");
/** tanh x. */
export const tanh: Unary = unary("Tanh");
/** |x|; its gradient at 0 is 0. */
export const abs: Unary = unary("Abs");
/** The largest integer not above x; it has no gradient. */
export const floor: Unary = unary("Floor");
/** Exact GELU, x·Φ(x) (Hendrycks and Gimpel, arXiv 1606.08415, the erf form). */
export const gelu: Unary = unary("Gelu");
/** max(x, 0); its gradient at 0 is 0. */
export const relu: Unary = unary("Relu");

/** a + b. */
export const add: Binary = binary("Add");
/** a − b. */
export const sub: Binary = binary("Sub");
/** a · b. */
export const mul: Binary = binary("Mul");
/** a / b. */
export const div: Binary = binary("Div");
/** The larger of a and b; at equality the gradient goes to a. */
export const max: Binary = binary("Max");
/** The smaller of a and b; at equality the gradient goes to a. */
export const min: Binary = binary("Min");
/** Whether a < b. */
export const less: Binary = binary("Less", "bool");
/** Whether a > b. */
export const greater: Binary = binary("Greater", "bool");
/** Whether a = b. */
export const equal: Binary = binary("Equal", "bool");

/** `a` where `condition` holds, else `b`. */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  const left = typeof a === "number" ? scalar(a) : a;
  const right = typeof b === "number" ? scalar(b) : b;
  if (condition.type !== "bool") {
    throw new TypeError(`Where: the condition has type ${condition.type}, want bool`);
  }
  const shape = broadcastShapes(
    "Where",
    condition.shape,
    broadcastShapes("Where", left.shape, right.shape),
  );
  return makeTensor("Where", [condition, left, right], {}, shape, left.type);
}

/** The same numbers in another element type. */
export function cast(x: Tensor, type: ElementType): Tensor {
  return makeTensor("Cast", [x], { to: type }, x.shape, type);
}
