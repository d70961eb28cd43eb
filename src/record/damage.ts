/**
 * Files of results that cannot be what was written: how they are named, and how they are told from other errors.
 *
 * @module
 */
import { digestOf } from "../base/hash.ts";
import { InputError } from "../base/input_error.ts";
import { RecordFormatError } from "./schema.ts";
import type { FilePrint } from "./types.ts";

/** A file that is not what was written: cut short, overwritten, or not there. */
export class DamagedFileError extends Error {
  /** Tells it from other errors. */
  override readonly name = "DamagedFileError";
  /** The file. */
  readonly path: string;

  /**
   * Says what is wrong with a file.
   *
   * @param path The file.
   * @param found What is there.
   * @param wanted What was written.
   * @param cause The error that showed it, where there was one.
   */
  constructor(path: string, found: string, wanted: string, cause?: unknown) {
    super(`Cannot read "${path}": found ${found}, want ${wanted}`, { cause });
    this.path = path;
  }
}

/** Whether an error says that a file of results is damaged. */
export function isDamage(error: unknown): error is Error {
  return error instanceof DamagedFileError || error instanceof RecordFormatError ||
    error instanceof InputError || error instanceof SyntaxError;
}

/**
 * The value of a JSON file.
 *
 * @throws {DamagedFileError} If it is none; the message names the file.
 */
export function parseJsonFile(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const found = bytes.length === 0 ? "an empty file" : (cause as Error).message;
    throw new DamagedFileError(path, found, "JSON", cause);
  }
}

/** What tells the contents of a file. */
export async function printOf(bytes: Uint8Array): Promise<FilePrint> {
  return { bytes: bytes.length, sha256: await digestOf(bytes) };
}

/** Whether a file is what was written, as far as somebody noted that. */
export async function isPrint(bytes: Uint8Array, wanted: FilePrint | undefined): Promise<boolean> {
  return wanted === undefined ||
    bytes.length === wanted.bytes && await digestOf(bytes) === wanted.sha256;
}

/**
 * Checks that a file is what was written.
 *
 * @param bytes Its contents, or null where it is missing.
 * @param wanted What it was, or undefined where nobody noted that.
 *
 * @throws {DamagedFileError} If it is something else.
 */
export async function checkPrint(
  path: string,
  bytes: Uint8Array | null,
  wanted: FilePrint | undefined,
): Promise<void> {
  if (wanted === undefined) return;
  if (bytes === null) {
    throw new DamagedFileError(path, "no such file", `the ${wanted.bytes} bytes of its record`);
  }
  if (bytes.length !== wanted.bytes) {
    throw new DamagedFileError(
      path,
      `${bytes.length} bytes`,
      `the ${wanted.bytes} of its record`,
    );
  }
  const sha256 = await digestOf(bytes);
  if (sha256 === wanted.sha256) return;
  throw new DamagedFileError(path, `SHA-256 ${sha256}`, `${wanted.sha256} as in its record`);
}
