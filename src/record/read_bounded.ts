/**
 * Reading files: their size is checked first, and many are read at a time.
 *
 * @module
 */
import { InputError } from "../base/input_error.ts";

/** Bytes of files at most, by what they hold. */
export const mostFileBytes = {
  /** Studies, configurations, the declarations of adapters. */
  json: 64_000_000,
  /** Tokenizers, and tables of texts. */
  text: 500_000_000,
  /** Weights, and archives that hold them: what one array of bytes can hold. */
  weights: 2 ** 32 - 1,
} as const;

/** Bytes at most of a file of results, by its name: JSON, journals and tables, or weights. */
export function mostBytesOf(path: string): number {
  if (path.endsWith(".json")) return mostFileBytes.json;
  return /\.(?:jsonl|txt|csv|tsv|md|html)$/.test(path) ? mostFileBytes.text : mostFileBytes.weights;
}

/**
 * The contents of a file.
 *
 * @param mostBytes Its size at most.
 *
 * @throws {InputError} If it is larger, or no file but a folder, a device or a pipe, whose end may never come.
 * @throws {Error} As `Deno.stat` and `Deno.readFile`, if it is not there or may not be read.
 */
export async function readBounded(path: string | URL, mostBytes: number): Promise<Uint8Array> {
  const { isFile, size } = await Deno.stat(path);
  if (!isFile) {
    throw new InputError({ file: String(path), found: "a folder or a device", wanted: "a file" });
  }
  if (size > mostBytes) {
    throw new InputError({
      file: String(path),
      found: `${size} bytes`,
      wanted: `at most ${mostBytes}`,
    });
  }
  return await Deno.readFile(path);
}

/** Whether an error says that nothing is at a path: what is below a file is not there either. */
export function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** The contents of a file as {@linkcode readBounded} gives them, or null where there is none. */
export async function readBoundedIfThere(
  path: string,
  mostBytes: number,
): Promise<Uint8Array | null> {
  try {
    return await readBounded(path, mostBytes);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Files that are read at a time: a disk answers many at once sooner than one after the other. */
const filesAtOnce = 32;

/**
 * What `read` gives for each item, in the order of the items, with at most 32 at a time.
 *
 * The first error is thrown when what was begun has ended; no further item is begun after it.
 */
export async function readEach<T, R>(
  items: readonly T[],
  read: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(items.length);
  const indices = items.keys();
  const errors: unknown[] = [];
  await Promise.all(Array.from({ length: Math.min(filesAtOnce, items.length) }, async () => {
    for (const i of indices) {
      if (errors.length > 0) return;
      try {
        results[i] = await read(items[i]!);
      } catch (error) {
        errors.push(error);
      }
    }
  }));
  if (errors.length > 0) throw errors[0];
  return results;
}
