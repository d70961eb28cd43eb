/**
 * The folder of one run: journals that only grow, and files that appear whole or not at all.
 *
 * @module
 */
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type JournalSizes,
  type StoredCheckpoint,
} from "./checkpoint_file.ts";
import { parseRunState } from "./schema.ts";
import type { RunRecord, RunState } from "./types.ts";

/** The journals of a run. */
export const journalNames = ["steps", "evaluations", "ranks", "importance"] as const;

/** A journal's name. */
export type JournalName = (typeof journalNames)[number];

/** What helps against a failure to write. */
function remedyFor(cause: unknown): string {
  const other = "choose another folder with --results";
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

  constructor(path: string, cause: unknown) {
    const said = cause instanceof Error ? cause.message : String(cause);
    super(`Cannot write "${path}": ${said}; finished runs are safe, ${remedyFor(cause)}`, {
      cause,
    });
  }
}

/** Does something that writes; a failure becomes a {@linkcode StorageError}. */
async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    throw new StorageError(path, cause);
  }
}

/** Writes a file so that a reader sees either the old contents or the new, even if the machine stops in between. */
export function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  return writing(path, async () => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const part = `${path}.part`;
    const file = await Deno.open(part, { write: true, create: true, truncate: true });
    try {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.syncData();
    } finally {
      file.close();
    }
    await Deno.rename(part, path);
  });
}

/** Makes a folder and those above it. */
export function makeFolder(path: string): Promise<void> {
  return writing(path, () => Deno.mkdir(path, { recursive: true }));
}

/** The contents of a file, or null where there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    // A path below a file is not there either.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}

/** What the record in a run's folder says of its state, or null where there is none; the rest is not checked. */
export async function readRunState(folder: string): Promise<RunState | null> {
  const path = `${folder}/record.json`;
  const bytes = await readIfThere(path);
  return bytes === null ? null : parseRunState(JSON.parse(new TextDecoder().decode(bytes)), path);
}

/** Names of what is in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  try {
    for await (const { name } of Deno.readDir(folder)) names.add(name);
  } catch (error) {
    // A path below a file is not there either.
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) {
      throw error;
    }
  }
  return names;
}

/** What a run writes at its end, or is made from that later. */
const endFiles = [
  "record.json",
  "predictions.jsonl",
  "adapter.safetensors",
  "best.safetensors",
  "ablation.json",
];

/** A run's folder that is being written. */
export class RunFolder {
  readonly path: string;
  readonly #files: Readonly<Record<JournalName, Deno.FsFile>>;
  readonly #sizes: Record<JournalName, number>;
  readonly #pending: Record<JournalName, string[]>;

  private constructor(
    path: string,
    files: Readonly<Record<JournalName, Deno.FsFile>>,
    sizes: Record<JournalName, number>,
  ) {
    this.path = path;
    this.#files = files;
    this.#sizes = sizes;
    this.#pending = { steps: [], evaluations: [], ranks: [], importance: [] };
  }

  /**
   * Opens a folder for a run that starts, or that goes on from its checkpoint; journals are cut to where they were then.
   *
   * @throws {StorageError} If the folder cannot be written.
   */
  static async open(
    path: string,
  ): Promise<{ readonly folder: RunFolder; readonly stored: StoredCheckpoint | null }> {
    await makeFolder(path);
    const checkpointPath = `${path}/checkpoint.safetensors`;
    const bytes = await readIfThere(checkpointPath);
    const stored = bytes === null ? null : decodeCheckpoint(bytes, checkpointPath);
    // A run that starts anew leaves nothing of an earlier try to be taken for its own.
    for (const name of stored === null ? endFiles : []) await removeIfThere(`${path}/${name}`);
    const files: Partial<Record<JournalName, Deno.FsFile>> = {};
    const sizes: Record<JournalName, number> = {
      steps: 0,
      evaluations: 0,
      ranks: 0,
      importance: 0,
    };
    for (const name of journalNames) {
      const journal = `${path}/${name}.jsonl`;
      files[name] = await writing(journal, async () => {
        const file = await Deno.open(journal, { write: true, create: true });
        sizes[name] = stored?.journals[name] ?? 0;
        await file.truncate(sizes[name]);
        await file.seek(0, Deno.SeekMode.End);
        return file;
      });
    }
    return {
      folder: new RunFolder(path, files as Record<JournalName, Deno.FsFile>, sizes),
      stored,
    };
  }

  /** Adds a line to a journal; it reaches the disk with the next {@linkcode RunFolder.flush}. */
  append(name: JournalName, line: object): void {
    this.#pending[name].push(`${JSON.stringify(line)}\n`);
  }

  /** Writes the lines that were added. */
  async flush(): Promise<JournalSizes> {
    for (const name of journalNames) {
      if (this.#pending[name].length === 0) continue;
      const bytes = new TextEncoder().encode(this.#pending[name].join(""));
      await writing(`${this.path}/${name}.jsonl`, async () => {
        for (let at = 0; at < bytes.length;) {
          at += await this.#files[name].write(bytes.subarray(at));
        }
      });
      this.#sizes[name] += bytes.length;
      this.#pending[name] = [];
    }
    return { ...this.#sizes };
  }

  /** Stores a checkpoint after the journals that it counts on. */
  async saveCheckpoint(stored: Omit<StoredCheckpoint, "journals">): Promise<void> {
    const journals = await this.flush();
    await writeWhole(
      `${this.path}/checkpoint.safetensors`,
      encodeCheckpoint({ ...stored, journals }),
    );
  }

  /** Writes a whole file into the folder. */
  write(name: string, content: string | Uint8Array): Promise<void> {
    return writeWhole(`${this.path}/${name}`, content);
  }

  /** Writes the record, which makes the run a finished (or failed) one, and drops the checkpoint. */
  async finish(record: RunRecord): Promise<void> {
    await this.flush();
    await this.write("record.json", `${JSON.stringify(record, null, 2)}\n`);
    await removeIfThere(`${this.path}/checkpoint.safetensors`);
  }

  /** Closes the journals. */
  close(): void {
    for (const file of Object.values(this.#files)) file.close();
  }
}

/** Removes a file that may be missing. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes a folder with all that is in it; it may be missing. */
export function removeTree(path: string): Promise<void> {
  return writing(path, async () => {
    try {
      await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  });
}
