/**
 * JSON values and their one canonical spelling (RFC 8785).
 *
 * @module
 */
import canonicalize from "canonicalize";

/** Any value that JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/**
 * The canonical text of a JSON value: keys sorted, no spaces, numbers in their shortest form (RFC 8785).
 *
 * @throws {TypeError} If the value holds something that JSON cannot hold, such as NaN.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { canonicalJson } from "./canonical_json.ts";
 * assertEquals(canonicalJson({ b: 1, a: [1.0, "x"] }), '{"a":[1,"x"],"b":1}');
 * ```
 */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value);
  if (text === undefined) {
    throw new TypeError("Cannot write the canonical JSON of undefined: a JSON value is wanted");
  }
  return text;
}
