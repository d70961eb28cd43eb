/**
 * Files of results that cannot be what was written: how they are named, and how they are told from other errors.
 *
 * @module
 */
import { digestOf } from "../base/hash.ts";
import { InputError } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";
import { decodeText } from "../base/read_text.ts";
import { mostFileBytes } from "./read_bounded.ts";
import { NewerSchemaError } from "./parser.ts";
import type { FilePrint } from "./types.ts";

/** A file that is not what was written: cut short, overwritten, or not there. */
export class DamagedFileError extends InputError {
  /** Tells it from other errors. */
  override readonly name = "DamagedFileError";

  /**
   * Says what is wrong with a file.
   *
   * @param file The file.
   * @param found What is there.
   * @param wanted What was written.
   */
  constructor(file: string, found: string, wanted: string) {
    super({
      file,
      found,
      wanted,
      message: `Cannot read "${file}": found ${found}, want ${wanted}`,
    });
  }
}

/** Whether an error says that a file of results is damaged; one that a newer ranklab wrote is not. */
export function isDamage(error: unknown): error is InputError {
  return error instanceof InputError && !(error instanceof NewerSchemaError);
}

/**
 * What is read, or null where it is damaged.
 *
 * @param onDamage Receives what is wrong. Default: nobody does.
 */
export async function unlessDamaged<T>(
  read: () => T | Promise<T>,
  onDamage: (problem: string) => unknown = () => {},
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    await onDamage(error.message);
    return null;
  }
}

/**
 * The value of a JSON file.
 *
 * @throws {DamagedFileError} If it is empty, or has more bytes than such files may have.
 * @throws {InputError} If it is no JSON that can be kept; the message names file and line.
 */
export function parseJsonFile(bytes: Uint8Array, path: string): unknown {
  if (bytes.length === 0) throw new DamagedFileError(path, "an empty file", "JSON");
  if (bytes.length > mostFileBytes.json) {
    throw new DamagedFileError(path, `${bytes.length} bytes`, `at most ${mostFileBytes.json}`);
  }
  return parseJson(decodeText(bytes, path), path);
}

/** What tells the contents of a file. */
export async function printOf(bytes: Uint8Array): Promise<FilePrint> {
  return { bytes: bytes.length, sha256: await digestOf(bytes) };
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
