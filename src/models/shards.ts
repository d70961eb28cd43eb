/**
 * Weights that lie in several files beside an index.
 *
 * @module
 */
import * as z from "zod";
import { InputError, shown } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";
import { weightsIndexFile } from "./sources.ts";

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * The files that an index names, in order of their names.
 *
 * @param text Contents of the index.
 * @param listing Names of the files in its folder.
 * @param folder How messages call the folder.
 *
 * @throws {InputError} If the index is not JSON, has no tensors, or names a file that is not in the folder.
 */
export function shardNames(
  text: string,
  listing: readonly string[],
  folder: string,
): readonly string[] {
  const fileName = `${folder}/${weightsIndexFile}`;
  const parsed = indexSchema.safeParse(parseJson(text, fileName));
  const names = [...new Set(Object.values(parsed.data?.weight_map ?? {}))].sort();
  if (names.length === 0) {
    throw new InputError({
      file: fileName,
      found: "no weight_map with tensors",
      wanted: "one that names the file of each tensor",
    });
  }
  const there = new Set(listing);
  const missing = names.filter((name) => !there.has(name));
  if (missing.length === 0) return names;
  const first = shown(missing[0]!);
  throw new InputError({
    file: fileName,
    place: `file "${first}"`,
    found: "no such file in its folder",
    wanted: "all of them",
    message: `Cannot load the model folder "${folder}": "${first}" is missing` +
      (missing.length === 1 ? "" : `, and so are ${missing.length - 1} more`) +
      `; "${fileName}" puts tensors into ${names.length} files; copy all of them`,
  });
}
