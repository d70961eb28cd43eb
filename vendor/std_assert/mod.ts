/**
 * The assertions of `@std/assert` that this repository uses, with their published signatures.
 *
 * @module
 */
export * from "./almost_equals.ts";
export * from "./assert.ts";
export * from "./assertion_error.ts";
export * from "./contains.ts";
export * from "./equal.ts";
export * from "./equals.ts";
export * from "./kinds.ts";
export * from "./order.ts";
export * from "./throws.ts";
