/**
 * Writing so that a power cut loses at most what is not finished: what a file counts on is on the disk before that file appears.
 *
 * Everything that writes results goes through a {@linkcode Disk}, so that tests can stop it between any two effects.
 *
 * @module
 */
import { errorMessage } from "../base/input_error.ts";
import { denoDisk, type Disk, type DiskFile, isOccupied } from "./disk.ts";

interface StorageAdvice {
  readonly safe: string;
  /** The option that names another folder. */
  readonly option: string;
}

const resultsAdvice: StorageAdvice = { safe: "finished runs are safe", option: "--results" };

function remedyFor(cause: unknown, option: string): string {
  const other = `choose another folder with ${option}`;
  if (cause instanceof Deno.errors.NotCapable) {
    return "start the command with --allow-write=DIR for that folder, as its --help shows";
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return `let this user write there, or ${other}`;
  }
  const code = cause instanceof Error ? Reflect.get(cause, "code") : undefined;
  return code === "ENOSPC" || code === "EDQUOT" ? `free some space or ${other}` : other;
}

/** A file could not be written: the disk is full, read-only, not ours, or Deno was not allowed to. */
export class StorageError extends Error {
  override readonly name = "StorageError";

  /**
   * Says what could not be written, and what helps.
   *
   * @param cause The error behind it.
   * @param advice Default: that of results.
   */
  constructor(path: string, cause: unknown, { safe, option } = resultsAdvice) {
    const said = errorMessage(cause);
    super(`Cannot write "${path}": ${said}; ${safe}, ${remedyFor(cause, option)}`, { cause });
  }
}

/** Whether a failure to write is one of a place that nobody may write to, and not of a full or broken disk. */
export function isReadOnly(error: unknown): error is StorageError {
  if (!(error instanceof StorageError)) return false;
  const { cause } = error;
  return cause instanceof Deno.errors.PermissionDenied ||
    cause instanceof Deno.errors.NotCapable ||
    cause instanceof Error && Reflect.get(cause, "code") === "EROFS";
}

/** Does something that writes; a failure becomes a {@linkcode StorageError}. */
export async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    throw cause instanceof StorageError
      ? new StorageError(path, cause.cause)
      : new StorageError(path, cause);
  }
}

/** A name that nobody else has: 16 hexadecimal digits. */
export function newToken(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}

/** The folder that a path lies in. A tab loads this file too, so that no module of Node's may do it. */
function folderOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "." : path.slice(0, Math.max(1, at));
}

/** Writes all of a new file; its bytes are on the disk when this returns, its name may not be. */
export function writeSynced(path: string, bytes: Uint8Array, disk: Disk): Promise<void> {
  return writing(path, async () => {
    const file = await disk.create(path);
    try {
      await file.write(bytes);
      await file.sync();
    } finally {
      file.close();
    }
  });
}

/** Whether a name is that of a part of `name` that is being written, or that a killed process left. */
function isPartOf(name: string, part: string): boolean {
  return part === `${name}.part` ||
    part.startsWith(`${name}.`) && /^\.[0-9a-f]{16}\.part$/.test(part.slice(name.length));
}

/** Whether a name is that of a folder in which something is written that gets its place when it is whole. */
export function isUnderWay(name: string): boolean {
  return /^\.[0-9a-f]{16}\.part$/.test(name);
}

/** How often a file is written again because another writer of it removed its part. */
const mostTries = 20;

/**
 * Writes a file so that a reader sees either the old contents or the new, whatever stops in between, and however many write it.
 *
 * The bytes are on the disk before they get the file's name, and the name is on the disk when this returns.
 *
 * @throws {StorageError} If that cannot be done; the old contents are there then.
 */
export function writeWhole(
  path: string,
  content: string | Uint8Array,
  disk: Disk = denoDisk,
): Promise<void> {
  const folder = folderOf(path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return writing(path, async () => {
    // Each writer has a part of its own. One that is there before was left by a killed process, or belongs to another writer,
    // which then writes again.
    for (const other of await disk.names(folder)) {
      if (isPartOf(name, other)) await disk.remove(`${folder}/${other}`);
    }
    for (let tries = 1;; tries++) {
      const part = `${path}.${newToken()}.part`;
      try {
        await writeSynced(part, bytes, disk);
        await disk.rename(part, path);
        break;
      } catch (error) {
        await disk.remove(part);
        if (!(error instanceof Deno.errors.NotFound) || tries === mostTries) throw error;
      }
    }
    await disk.syncFolder(folder);
  });
}

/** Makes a folder and those above it; they are on the disk when this returns. */
export function makeFolder(path: string, disk: Disk = denoDisk): Promise<void> {
  return writing(path, async () => {
    for (const made of (await disk.makeFolders(path)).toReversed()) {
      await disk.syncFolder(folderOf(made));
    }
  });
}

/**
 * Gives a folder another name, on the disk when this returns; it never takes the place of a folder that holds something.
 *
 * @returns False if something is at `to`.
 */
export function moveFolder(from: string, to: string, disk: Disk = denoDisk): Promise<boolean> {
  return writing(to, async () => {
    try {
      await disk.rename(from, to);
    } catch (error) {
      if (isOccupied(error)) return false;
      throw error;
    }
    await disk.syncFolder(folderOf(to));
    return true;
  });
}

/** Opens a journal that starts with `bytes`: a file of its own, which nobody has open who wrote it before. */
export async function startJournal(
  path: string,
  bytes: Uint8Array,
  disk: Disk = denoDisk,
): Promise<DiskFile> {
  return await writing(path, async () => {
    const part = `${path}.${newToken()}.part`;
    const file = await disk.create(part);
    try {
      if (bytes.length > 0) {
        await file.write(bytes);
        await file.sync();
      }
      await disk.rename(part, path);
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  });
}

/** The contents of a file, or null where there is none. */
export function readIfThere(path: string, disk: Disk = denoDisk): Promise<Uint8Array | null> {
  return disk.read(path);
}

/** Names of what is in a folder; none where there is no such folder. */
export function namesIn(folder: string, disk: Disk = denoDisk): Promise<ReadonlySet<string>> {
  return disk.names(folder);
}

/** Removes a file that may be missing. */
export function removeIfThere(path: string, disk: Disk = denoDisk): Promise<void> {
  return writing(path, () => disk.remove(path));
}

/** Removes a folder with all that is in it; it may be missing. */
export function removeTree(path: string, disk: Disk = denoDisk): Promise<void> {
  return writing(path, () => disk.removeTree(path));
}
