/**
 * Weights that lie in several files beside an index.
 *
 * @module
 */
import * as z from "zod";
import { weightsIndexFile } from "./sources.ts";

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * The files that an index names, in order of their names.
 *
 * @param text Contents of the index.
 * @param listing Names of the files in its folder.
 * @param folder How messages call the folder.
 *
 * @throws {SyntaxError} If the index is not JSON.
 * @throws {TypeError} If it has no tensors, or names a file that is not in the folder.
 */
export function shardNames(
  text: string,
  listing: readonly string[],
  folder: string,
): readonly string[] {
  const fileName = `${folder}/${weightsIndexFile}`;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`Cannot read "${fileName}": it is not JSON`, { cause });
  }
  const parsed = indexSchema.safeParse(json);
  const names = [...new Set(Object.values(parsed.data?.weight_map ?? {}))].sort();
  if (names.length === 0) {
    throw new TypeError(
      `Cannot read "${fileName}": found no weight_map with tensors, want one that names the file of each tensor`,
    );
  }
  const missing = names.filter((name) => !listing.includes(name));
  if (missing.length === 0) return names;
  throw new TypeError(
    `Cannot load the model folder "${folder}": "${missing[0]}" is missing` +
      (missing.length === 1 ? "" : `, and so are ${missing.length - 1} more`) +
      `; "${fileName}" puts tensors into ${names.length} files; copy all of them`,
  );
}
