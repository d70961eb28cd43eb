/**
 * The effects on files that keeping results takes, as one interface: Deno's, or in tests one that loses what was not synced.
 *
 * @module
 */
import { isMissing, mostBytesOf, readBoundedIfThere } from "./read_bounded.ts";

/** A file that grows. */
export interface DiskFile {
  /** Adds all of `bytes` at the end. */
  write(bytes: Uint8Array): Promise<void>;
  /** Returns when all that was written is on the disk. */
  sync(): Promise<void>;
  close(): void;
}

/** What results are kept on. What was not synced may be lost in a power cut, each effect for itself. */
export interface Disk {
  /** Makes a file that was not there. */
  create(path: string): Promise<DiskFile>;
  /** The contents of a file, or null where there is none; too large a one, or a folder, is an `InputError`. */
  read(path: string): Promise<Uint8Array | null>;
  /** Names of what is in a folder; none where there is no such folder. */
  names(folder: string): Promise<ReadonlySet<string>>;
  /** Renames a file, over another one, or a folder, over none but an empty one. */
  rename(from: string, to: string): Promise<void>;
  /** Makes a folder and those above it; gives those that were not there, the highest first. */
  makeFolders(path: string): Promise<readonly string[]>;
  /** Removes a file that may be missing. */
  remove(path: string): Promise<void>;
  /** Removes a folder if nothing is in it; it may be missing. */
  removeEmpty(path: string): Promise<void>;
  /** Removes a folder with all that is in it; it may be missing. */
  removeTree(path: string): Promise<void>;
  /** Returns when the names in a folder are on the disk. */
  syncFolder(folder: string): Promise<void>;
}

/** Whether a folder could not be removed or replaced because something is in it, or because it is a file. */
export function isOccupied(error: unknown): boolean {
  const code = error instanceof Error ? Reflect.get(error, "code") : undefined;
  return error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotADirectory ||
    code === "ENOTEMPTY" || code === "EEXIST";
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    // A folder above those that this process may read is not its own to make.
    if (error instanceof Deno.errors.NotCapable) return true;
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function missingFolders(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = path.replace(/\/+$/, ""); at !== "" && !await isThere(at);) {
    missing.unshift(at);
    const slash = at.lastIndexOf("/");
    at = slash < 0 ? "" : at.slice(0, slash);
  }
  return missing;
}

/**
 * Whether a folder could not be synced because nobody can: some file systems over a network keep names by themselves, and the
 * folder above one's results may be none that this process may read.
 */
function canNotSync(error: unknown): boolean {
  const code = error instanceof Error ? Reflect.get(error, "code") : undefined;
  return error instanceof Deno.errors.NotCapable || code === "EINVAL" || code === "ENOTSUP";
}

async function unlessMissing(effect: Promise<void>): Promise<void> {
  try {
    await effect;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** The disk of this machine. */
export const denoDisk: Disk = {
  create: async (path) => {
    const file = await Deno.open(path, { write: true, createNew: true });
    return {
      write: async (bytes) => {
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      },
      sync: () => file.syncData(),
      close: () => file.close(),
    };
  },
  read: (path) => readBoundedIfThere(path, mostBytesOf(path)),
  names: async (folder) => {
    const names = new Set<string>();
    try {
      for await (const { name } of Deno.readDir(folder)) names.add(name);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    return names;
  },
  rename: (from, to) => Deno.rename(from, to),
  makeFolders: async (path) => {
    const missing = await missingFolders(path);
    await Deno.mkdir(path, { recursive: true });
    return missing;
  },
  remove: (path) => unlessMissing(Deno.remove(path)),
  removeEmpty: async (path) => {
    try {
      await unlessMissing(Deno.remove(path));
    } catch (error) {
      if (!isOccupied(error)) throw error;
    }
  },
  removeTree: (path) => unlessMissing(Deno.remove(path, { recursive: true })),
  syncFolder: async (folder) => {
    // Windows opens no folders, and keeps names by itself.
    if (Deno.build.os === "windows") return;
    let opened: Deno.FsFile | null = null;
    try {
      opened = await Deno.open(folder);
      await opened.sync();
    } catch (error) {
      if (!canNotSync(error)) throw error;
    } finally {
      opened?.close();
    }
  },
};
