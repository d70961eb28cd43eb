/**
 * Reading zip archives.
 *
 * @module
 */
import { unzipSync } from "fflate";

function reading<T>(fileName: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read "${fileName}": found ${
        (cause as Error).message
      }, want a whole zip archive; fetch it again`,
      { cause },
    );
  }
}

/**
 * The names of the files in an archive.
 *
 * @throws {SyntaxError} If it is no zip archive, or half of one.
 */
export function zipNames(archive: Uint8Array, fileName: string): readonly string[] {
  const names: string[] = [];
  reading(fileName, () =>
    unzipSync(archive, {
      filter: ({ name }) => {
        if (!name.endsWith("/")) names.push(name);
        return false;
      },
    }));
  return names;
}

/**
 * Some files of an archive, by name; names that it lacks are left out.
 *
 * @throws {SyntaxError} If it is no zip archive, or a file in it is broken.
 */
export function zipFiles(
  archive: Uint8Array,
  names: readonly string[],
  fileName: string,
): ReadonlyMap<string, Uint8Array> {
  const wanted = new Set(names);
  const sizes = new Map<string, number>();
  const files = reading(fileName, () =>
    unzipSync(archive, {
      filter: ({ name, originalSize }) => {
        if (wanted.has(name)) sizes.set(name, originalSize);
        return wanted.has(name);
      },
    }));
  for (const [name, bytes] of Object.entries(files)) {
    if (bytes.length === sizes.get(name)) continue;
    throw new SyntaxError(
      `Cannot read "${name}" of "${fileName}": found ${bytes.length} bytes, want ${
        sizes.get(name)
      }; fetch it again`,
    );
  }
  return new Map(Object.entries(files));
}
