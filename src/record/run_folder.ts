/**
 * The folder of a run under way: journals that only grow, checkpoints that count on them, and the record that ends it.
 *
 * @module
 */
import { GrowingHash } from "../base/hash.ts";
import { decodeText } from "../base/read_text.ts";
import { encodeCheckpoint, sealCheckpoint, type StoredCheckpoint } from "./checkpoint_file.ts";
import { printOf } from "./damage.ts";
import { denoDisk, type Disk, type DiskFile } from "./disk.ts";
import {
  makeFolder,
  removeIfThere,
  removeTree,
  startJournal,
  StorageError,
  writeSynced,
  writeWhole,
  writing,
} from "./durable.ts";
import {
  adopt,
  type JournalName,
  journalNames,
  oldCheckpoint,
  publish,
  type RunPlace,
  whatIsThere,
} from "./earlier_attempts.ts";
import { wantWithin } from "./results_reader.ts";
import type { FilePrint, RunRecord } from "./types.ts";
import { attemptPath, underWay } from "./lease.ts";

/** The lease of a run was taken over while it was made: another process goes on from its last checkpoint. */
export class LostAttemptError extends Error {
  override readonly name = "LostAttemptError";

  constructor(path: string, cause: unknown) {
    super(`Cannot write to "${path}": its run was taken over by another process`, { cause });
  }
}

/** A run's folder, and what is there to go on from. */
interface OpenedRun {
  readonly folder: RunFolder;
  readonly stored: StoredCheckpoint | null;
  /** Why a run that had been begun starts anew, or null. */
  readonly anew: string | null;
  /** The record of a run that was made but not put in its place. */
  readonly complete: RunRecord | null;
}

/** How a run that came to its end was kept. */
interface FinishedRun {
  readonly record: RunRecord;
  /**
   * Null, or where the run had been finished by somebody else meanwhile, and theirs was kept: what differs, times apart.
   */
  readonly twice: readonly string[] | null;
}

interface Journal {
  readonly file: DiskFile;
  readonly hash: GrowingHash;
  bytes: number;
  pending: string[];
}

type Journals = Readonly<Record<JournalName, Journal>>;

/** A run's folder that is being written. */
export class RunFolder {
  readonly path: string;
  readonly #place: RunPlace;
  readonly #disk: Disk;
  readonly #journals: Journals;
  readonly #written = new Map<string, FilePrint>();

  private constructor(place: RunPlace, journals: Journals) {
    this.path = attemptPath(place.results, place.folder, place.attempt);
    this.#place = place;
    this.#disk = place.disk ?? denoDisk;
    this.#journals = journals;
  }

  /**
   * Opens a folder for a run that starts, or that goes on from the checkpoint of an earlier attempt.
   *
   * Journals are cut to where they were then, in files that no earlier attempt has open. What is shorter or other than the
   * checkpoint says makes the run start anew.
   *
   * @throws {StorageError} If the folder cannot be written.
   * @throws {UsageError} If a link leads out of the results folder.
   */
  static async open(place: RunPlace): Promise<OpenedRun> {
    const { results, folder, id, attempt, disk = denoDisk } = place;
    const path = attemptPath(results, folder, attempt);
    await makeFolder(`${results}/${underWay}`, disk);
    const hasBegun = await adopt(place, disk);
    // An earlier attempt of others may be a link, which renaming does not show.
    await wantWithin(results, path);
    const found = await whatIsThere(path, id, disk);
    const reason = found.reason ?? (hasBegun ? null : await oldCheckpoint(place, disk));
    const { stored, starts, complete } = found;
    // Also a file in the place of the folder.
    if (stored === null && complete === null) await removeTree(path, disk);
    await makeFolder(path, disk);
    const keeps = new Set([
      "checkpoint.safetensors",
      ...journalNames.map((name) => `${name}.jsonl`),
    ]);
    for (const name of stored === null ? [] : await disk.names(path)) {
      if (!keeps.has(name)) await removeTree(`${path}/${name}`, disk);
    }
    const journals: Partial<Record<JournalName, Journal>> = {};
    for (const name of complete === null ? journalNames : []) {
      const start = starts?.[name] ?? new Uint8Array();
      const hash = new GrowingHash();
      hash.update(start);
      const file = await startJournal(`${path}/${name}.jsonl`, start, disk);
      journals[name] = { file, hash, bytes: start.length, pending: [] };
    }
    return {
      folder: new RunFolder(place, journals as Journals),
      stored,
      anew: reason,
      complete,
    };
  }

  /** Adds a line to a journal; it is written with the next checkpoint, {@linkcode RunFolder.flush} or the end. */
  append(name: JournalName, line: object): void {
    this.#journals[name].pending.push(`${JSON.stringify(line)}\n`);
  }
  async flush(): Promise<void> {
    for (const name of journalNames) {
      const journal = this.#journals[name];
      if (journal.pending.length === 0) continue;
      const bytes = new TextEncoder().encode(journal.pending.join(""));
      await writing(`${this.path}/${name}.jsonl`, () => journal.file.write(bytes));
      journal.hash.update(bytes);
      journal.bytes += bytes.length;
      journal.pending = [];
    }
  }

  /** Has all lines on the disk, and gives what tells the journals' contents then, by name. */
  async #sync(): Promise<Readonly<Record<JournalName, FilePrint>>> {
    await this.flush();
    const prints = await Promise.all(journalNames.map(async (name) => {
      const { file, hash, bytes } = this.#journals[name];
      await writing(`${this.path}/${name}.jsonl`, () => file.sync());
      return [name, { bytes, sha256: hash.digest() }] as const;
    }));
    return Object.fromEntries(prints) as Record<JournalName, FilePrint>;
  }

  /** The lines of a journal so far, as text. */
  async read(name: JournalName): Promise<string> {
    await this.flush();
    const path = `${this.path}/${name}.jsonl`;
    const bytes = await this.#disk.read(path);
    if (bytes === null) throw new LostAttemptError(this.path, `no "${path}"`);
    return decodeText(bytes, path);
  }

  /** Stores a checkpoint; the journals that it counts on are on the disk before. */
  async saveCheckpoint(stored: Omit<StoredCheckpoint, "journals" | "run">): Promise<void> {
    const journals = await this.#sync();
    const bytes = await sealCheckpoint(
      encodeCheckpoint({ ...stored, run: this.#place.id, journals }),
    );
    await this.#unlessLost(() =>
      writeWhole(`${this.path}/checkpoint.safetensors`, bytes, this.#disk)
    );
  }

  /** Writes a file that belongs to the end of the run; the record will say what it holds. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    // Nobody reads it before the record is there, so that it needs no other name until it is whole.
    await this.#unlessLost(() => writeSynced(`${this.path}/${name}`, bytes, this.#disk));
    this.#written.set(name, await printOf(bytes));
  }

  async #unlessLost<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      throw lostOr(this.path, error);
    }
  }

  /**
   * Writes the record, with what tells the contents of all files, drops the checkpoint, and puts the folder in its place.
   *
   * @throws {LostAttemptError} If another process took the run over before it was in its place.
   */
  async finish(record: RunRecord): Promise<FinishedRun> {
    const journals = Object.entries(await this.#sync())
      .map(([name, print]) => [`${name}.jsonl`, print] as const);
    const files = Object.fromEntries([...journals, ...this.#written]);
    const whole = { ...record, files };
    await this.#unlessLost(async () => {
      await this.#disk.syncFolder(this.path);
      await writeWhole(
        `${this.path}/record.json`,
        `${JSON.stringify(whole, null, 2)}\n`,
        this.#disk,
      );
      await removeIfThere(`${this.path}/checkpoint.safetensors`, this.#disk);
    });
    return await this.putInPlace(whole);
  }

  /** Puts the folder of a run that has its record in its place. */
  async putInPlace(record: RunRecord): Promise<FinishedRun> {
    const to = `${this.#place.results}/${this.#place.folder}`;
    const twice = await this.#unlessLost(async () => {
      // The checkpoint must be gone before the folder has its place.
      await this.#disk.syncFolder(this.path);
      return await publish(this.path, to, record.id, this.#disk);
    });
    await this.#disk.removeEmpty(`${this.#place.results}/${underWay}`);
    return { record, twice };
  }
  close(): void {
    for (const { file } of Object.values(this.#journals)) file.close();
  }
}

/** What an error means where a file was written to or moved from a folder that only a takeover renames. */
function lostOr(path: string, error: unknown): unknown {
  const cause = error instanceof StorageError ? error.cause : error;
  return cause instanceof Deno.errors.NotFound ? new LostAttemptError(path, error) : error;
}
