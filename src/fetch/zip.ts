/**
 * Reading zip archives.
 *
 * @module
 */
import { errorMessage, InputError, shown } from "../base/input_error.ts";
import { entriesByName, inflated, type ZipEntry } from "../record/zip_directory.ts";

function entriesOf(archive: Uint8Array, file: string): ReadonlyMap<string, ZipEntry> {
  return entriesByName(archive, (found, entry, cause) =>
    entry === null
      ? new InputError({
        file,
        found,
        wanted: "a whole zip archive",
        fix: "fetch it again",
        cause,
      })
      : new InputError({ file, place: `entry "${shown(entry)}"`, found, wanted: "one" }));
}

/**
 * The names of the files in an archive.
 *
 * @throws {InputError} If it is no zip archive, or half of one.
 */
export function zipNames(archive: Uint8Array, fileName: string): readonly string[] {
  return [...entriesOf(archive, fileName).keys()].filter((name) => !name.endsWith("/"));
}

/**
 * Some files of an archive, by name; names that it lacks are left out.
 *
 * @throws {InputError} If it is no zip archive, or a file in it is broken.
 */
export function zipFiles(
  archive: Uint8Array,
  names: readonly string[],
  fileName: string,
): ReadonlyMap<string, Uint8Array> {
  const entries = entriesOf(archive, fileName);
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    const entry = entries.get(name);
    if (entry !== undefined) files.set(name, contentsOf(archive, entry, fileName));
  }
  return files;
}

function contentsOf(archive: Uint8Array, entry: ZipEntry, fileName: string): Uint8Array {
  try {
    return inflated(archive, entry);
  } catch (cause) {
    const { name, size } = entry;
    const found = errorMessage(cause);
    throw new InputError({
      file: fileName,
      place: `entry "${name}"`,
      found,
      wanted: `${size} bytes`,
      message:
        `Cannot read "${name}" of "${fileName}": found ${found}, want ${size} bytes; fetch it again`,
      cause,
    });
  }
}
