/**
 * A packed study: all files of a finished study in one zip archive, with a manifest that has the size and the SHA-256 of each.
 *
 * Equal files give equal bytes. Reading inflates one file at a time and holds it against the manifest.
 *
 * @module
 */
import { strToU8, zipSync } from "fflate";
import { canonicalJson } from "../base/canonical_json.ts";
import { hashBytes } from "../base/hash.ts";
import { errorMessage } from "../base/input_error.ts";
import {
  checkManifest,
  checkPaths,
  damagedEntry,
  manifestName,
  manifestSchema,
  PackError,
  type PackManifest,
} from "./pack_manifest.ts";
import { entriesByName, inflated, type ZipEntry } from "./zip_directory.ts";

/** How the name of a packed study ends. */
export const packSuffix = ".ranklab.zip";

/** A file of a study. */
export interface FileContent {
  /** From the study's folder on, with `/` between its parts. */
  readonly path: string;
  /** Its contents. */
  readonly bytes: Uint8Array;
}

/** A packed study that can be read. */
export interface Pack extends PackManifest {
  /**
   * The contents of a file, or null where the pack has none of that path.
   *
   * @throws {PackError} If they are not what the manifest says.
   */
  read(path: string): Uint8Array | null;
}

const most = { bytes: 2 ** 32 - 1, files: 65_534 };

/** The same date in all archives, the first that zip can write. It is read in local time, as it is made. */
const mtime = new Date(1980, 0, 1);

/**
 * Packs files. The order in which they are given makes no difference.
 *
 * @param thinned One step in so many that journals among them have which were thinned. Default: none was.
 *
 * @throws {PackError} If a path could not be unpacked everywhere, or there is more than an archive can hold.
 */
export function packFiles(
  files: readonly FileContent[],
  fileName: string,
  thinned: number | null = null,
): Uint8Array {
  const sorted = [...files].sort((a, b) => a.path < b.path ? -1 : 1);
  checkPaths(sorted.map(({ path }) => path), fileName, "pack");
  const total = sorted.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (total > most.bytes || sorted.length > most.files) {
    throw new PackError({
      doing: "Cannot pack",
      file: fileName,
      found: `${sorted.length} files of ${total} bytes`,
      wanted: `at most ${most.files} files of ${most.bytes} bytes`,
      fix: "leave the weights out",
    });
  }
  const manifest = canonicalJson({
    ...(thinned === null
      ? { schema: manifestSchema.whole }
      : { schema: manifestSchema.thinned, thinned }),
    files: sorted.map(({ path, bytes }) => ({
      path,
      bytes: bytes.length,
      sha256: hashBytes(bytes),
    })),
  });
  return zipSync(
    Object.fromEntries([
      [manifestName, strToU8(manifest)],
      ...sorted.map(({ path, bytes }): [string, Uint8Array] => [path, bytes]),
    ]),
    { level: 9, mtime },
  );
}

function contentsOf(archive: Uint8Array, entry: ZipEntry, fileName: string): Uint8Array {
  try {
    return inflated(archive, entry);
  } catch (cause) {
    throw damaged(fileName, entry.name, errorMessage(cause), "what was packed", cause);
  }
}

function damaged(fileName: string, entry: string, found: string, want: string, cause?: unknown) {
  return new PackError(damagedEntry(fileName, entry, found, want, cause));
}

/**
 * Opens a packed study. Its manifest and directory are checked here, each file when it is read.
 *
 * @param fileName How errors name the pack.
 *
 * @throws {PackError} If it is no packed study or a damaged one, or it would unpack beside its folder or to more than an
 * archive can hold.
 */
export function openPack(archive: Uint8Array, fileName: string): Pack {
  const entries = entriesByName(archive, (found, entry, cause) => {
    if (entry !== null) return damaged(fileName, entry, found, "one");
    const wanted = "a whole packed study";
    return new PackError({ file: fileName, found, wanted, fix: "get it again", cause });
  });
  const manifestEntry = entries.get(manifestName);
  if (manifestEntry === undefined) {
    throw new PackError({
      file: fileName,
      found: `no entry "${manifestName}"`,
      wanted: "a study that deno task pack has packed",
    });
  }
  const { files, thinned } = checkManifest(contentsOf(archive, manifestEntry, fileName), fileName);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > most.bytes) {
    throw damaged(fileName, manifestName, `${total} bytes in all`, `at most ${most.bytes}`);
  }
  const listed = new Map(files.map((file) => [file.path, file]));
  for (const { name, size } of entries.values()) {
    if (name === manifestName) continue;
    const file = listed.get(name);
    if (file === undefined) {
      throw damaged(fileName, name, "a file that the manifest lacks", "only those of the manifest");
    }
    if (size !== file.bytes) {
      throw damaged(fileName, name, `a size of ${size} bytes`, `${file.bytes} as in the manifest`);
    }
  }
  const missing = files.find(({ path }) => !entries.has(path));
  if (missing !== undefined) {
    throw damaged(fileName, missing.path, "no such entry", "each file of the manifest");
  }
  return {
    files,
    thinned,
    read: (path) => {
      const file = listed.get(path);
      if (file === undefined) return null;
      const bytes = contentsOf(archive, entries.get(path)!, fileName);
      const sha256 = hashBytes(bytes);
      if (sha256 === file.sha256) return bytes;
      throw damaged(fileName, path, `SHA-256 ${sha256}`, file.sha256);
    },
  };
}
