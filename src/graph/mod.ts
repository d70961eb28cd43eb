/**
 * Graphs of ONNX operators: building, differentiating, interpreting and encoding them.
 *
 * @module
 */
export * from "./backward.ts";
export { computeDims } from "./rewrite.ts";
export * from "./dims.ts";
export * from "./dropout.ts";
export * from "./encode.ts";
export * from "./interpret.ts";
export * from "./losses.ts";
export * from "./ops/mod.ts";
export * from "./optimise.ts";
export * from "./program.ts";
export * from "./tensor.ts";
