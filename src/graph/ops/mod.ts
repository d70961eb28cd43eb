/**
 * The operators as typed functions; each infers the shape of its result.
 *
 * @module
 */
export * from "./elementwise.ts";
export * from "./movement.ts";
export * from "./linalg.ts";
export * from "./reduction.ts";
