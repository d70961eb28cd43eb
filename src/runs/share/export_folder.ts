/**
 * Folders that leave ranklab: each appears whole, or nothing of it is kept.
 *
 * @module
 */
import { denoDisk } from "../../record/disk.ts";
import {
  isUnderWay,
  namesIn,
  newToken,
  removeTree,
  StorageError,
  writing,
} from "../../record/durable.ts";

/** What is said where an export cannot be written. */
const advice = { safe: "nothing is kept of this export", option: "--out" } as const;

/** Names without which no program loads a folder: they come last. */
const lastNames: readonly string[] = ["adapter_config.json", "config.json", "README.md"];

/** What is in a folder, in the order in which it gets its place. */
async function inOrder(folder: string): Promise<readonly string[]> {
  const rank = (name: string) => lastNames.indexOf(name);
  return [...await namesIn(folder)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Refuses a folder with something in it, and removes what a killed export left there. */
async function checkEmpty(out: string): Promise<void> {
  for (const name of await namesIn(out)) {
    if (isUnderWay(name)) {
      await removeTree(`${out}/${name}`);
      continue;
    }
    throw new RangeError(
      `Cannot write into "${out}": found "${name}" there, want a new or empty folder; choose another by --out`,
    );
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Writes a folder that is new or empty: in a folder within it, out of which all is moved when it is whole.
 *
 * @param write Makes the folder whose path it gets, and writes into it.
 *
 * @throws {RangeError} If something is in the folder.
 * @throws {StorageError} If it cannot be written; it is as it was then.
 */
export async function writeExport(
  out: string,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const wasThere = await isThere(out);
  if (wasThere) await checkEmpty(out);
  // Within it, since a process may have been allowed to write there and nowhere else.
  const folder = `${out}/.${newToken()}.part`;
  const moved: string[] = [];
  try {
    await write(folder);
    await writing(out, async () => {
      await denoDisk.syncFolder(folder);
      for (const name of await inOrder(folder)) {
        await denoDisk.rename(`${folder}/${name}`, `${out}/${name}`);
        moved.push(name);
      }
      await denoDisk.removeEmpty(folder);
      await denoDisk.syncFolder(out);
    });
  } catch (error) {
    for (const name of moved.toReversed()) await denoDisk.removeTree(`${out}/${name}`);
    await removeRest(folder);
    if (!wasThere) await denoDisk.removeEmpty(out);
    throw error instanceof StorageError ? new StorageError(out, error.cause, advice) : error;
  }
}

/** Removes what was written of an export that failed; on a disk that is read-only there is none. */
async function removeRest(folder: string): Promise<void> {
  if (await isThere(folder)) await denoDisk.removeTree(folder);
}
