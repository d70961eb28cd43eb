/**
 * Elementwise operators, with NumPy's broadcasting where they take two operands.
 *
 * @module
 */
import { broadcastShapes } from "../dims.ts";
import { type ElementType, makeTensor, type OpName, scalar, type Tensor } from "../tensor.ts";

function unary(op: OpName): (x: Tensor) => Tensor {
  return (x) => makeTensor(op, [x], {}, x.shape, x.type);
}

function binary(op: OpName, result?: ElementType): (a: Tensor, b: Tensor | number) => Tensor {
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
export const neg = unary("Neg");
/** eˣ. */
export const exp = unary("Exp");
/** ln x. */
export const log = unary("Log");
/** √x. */
export const sqrt = unary("Sqrt");
/** 1/x. */
export const reciprocal = unary("Reciprocal");
/** The error function. */
export const erf = unary("Erf");
/** tanh x. */
export const tanh = unary("Tanh");
/** |x|; its gradient at 0 is 0. */
export const abs = unary("Abs");
/** The largest integer not above x; it has no gradient. */
export const floor = unary("Floor");
/** Exact GELU, x·Φ(x) (Hendrycks and Gimpel, arXiv 1606.08415, the erf form). */
export const gelu = unary("Gelu");
/** max(x, 0); its gradient at 0 is 0. */
export const relu = unary("Relu");

/** a + b. */
export const add = binary("Add");
/** a − b. */
export const sub = binary("Sub");
/** a · b. */
export const mul = binary("Mul");
/** a / b. */
export const div = binary("Div");
/** The larger of a and b; at equality the gradient goes to a. */
export const max = binary("Max");
/** The smaller of a and b; at equality the gradient goes to a. */
export const min = binary("Min");
/** Whether a < b. */
export const less = binary("Less", "bool");
/** Whether a > b. */
export const greater = binary("Greater", "bool");
/** Whether a = b. */
export const equal = binary("Equal", "bool");

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
