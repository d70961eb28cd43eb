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

/** The hash of content that grows: digests are those of {@linkcode hashBytes} of all that was added so far. */
export class GrowingHash {
  readonly #hash = sha256.create();

  /** Adds to the content. */
  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** SHA-256 of the content so far. */
  digest(): string {
    return bytesToHex(this.#hash.clone().digest());
  }
}

/** SHA-256 of bytes by the platform's own code: several times faster than {@linkcode hashBytes}, for files that may be large. */
export async function digestOf(bytes: Uint8Array): Promise<string> {
  return bytesToHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource)));
}

/** SHA-256 of a JSON value in canonical form: equal values have equal hashes, whatever their key order. */
export function hashJson(value: Json): string {
  return hashBytes(canonicalJson(value));
}

/** SHA-256 of several named pieces, independent of the order in which they are listed. */
export function hashParts(parts: Readonly<Record<string, string>>): string {
  return hashJson(parts);
}
