/** Error thrown when an assertion fails. */
export class AssertionError extends Error {
  override name = "AssertionError";
}
/** Fails unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}
