/**
 * Content hashes: the identity of a run, of data and of weights is the hash of what they contain.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { canonicalJson, type Json } from "./canonical_json.ts";

/** SHA-256 of `content` (text is hashed as UTF-8), as 64 lower-case hexadecimal digits. */
export function hashBytes(content: Uint8Array | string): string {
  return bytesToHex(sha256(typeof content === "string" ? utf8ToBytes(content) : content));
}

/** SHA-256 of a JSON value in canonical form: equal values have equal hashes, whatever their key order. */
export function hashJson(value: Json): string {
  return hashBytes(canonicalJson(value));
}

/** SHA-256 of several named pieces, independent of the order in which they are listed. */
export function hashParts(parts: Readonly<Record<string, string>>): string {
  return hashJson(parts);
}
