/**
 * Leases of runs, so that any number of processes work on one study: on one machine or on a file system that they share.
 *
 * A lease is the folder `under-way/<run>.claim/` with one file, `<token>.json`, which is the owner's. The folder is made under
 * another name and renamed, which fails where a folder with something in it has the name. A lease is taken over by renaming the
 * owner's file: only one process can, since the file is gone for all others, and the owner notices at its next beat. Other files
 * in a lease's folder say nothing; they are removed with the lease.
 *
 * @module
 */
import { errorMessage, InputError } from "../base/input_error.ts";
import {
  leasedRuns,
  leasePath,
  type LeaseTimes,
  leaseTimes,
  type Look,
  mayTakeOver,
  type Owner,
  ownerHost,
  ownerName,
  ownerText,
  runsUnderWay,
  type Sighting,
  sightingAfter,
  underWay,
} from "./lease.ts";
import { denoDisk, isOccupied } from "./disk.ts";
import { makeFolder, newToken, writing } from "./durable.ts";
import { wantWithin } from "./results_reader.ts";
import { Heartbeat } from "./heartbeat.ts";

/** A lease that this process holds. */
export interface Lease {
  readonly run: string;
  /** Names the attempt that is made under it. */
  readonly token: string;
  /** Who was thought dead when it was taken over, or null. */
  readonly from: string | null;
}

type Taking =
  | { readonly kind: "taken"; readonly lease: Lease }
  /** `by` names the process that holds it. */
  | { readonly kind: "held"; readonly by: string };

/** How leases are made and judged. */
export interface LeaseSettings {
  readonly times?: Partial<LeaseTimes>;
  /** Milliseconds of a clock that never goes back. Default: that of this process. */
  readonly now?: () => number;
  readonly owner?: Owner;
  /** Whether the heart beats, in a thread of its own. Default true. */
  readonly isBeating?: boolean;
}

interface Held {
  readonly lease: Lease;
  readonly path: string;
  /** Locked as long as this process lives. */
  readonly file: Deno.FsFile;
}

/** This process, as others see it. */
async function thisProcess(): Promise<Owner> {
  const { state } = await Deno.permissions.query({ name: "sys", kind: "hostname" });
  const main = Deno.mainModule;
  return {
    host: state === "granted" ? Deno.hostname() : null,
    pid: Deno.pid,
    command: shortened([main.replace(/^.*\//, "").replace(/\.ts$/, ""), ...Deno.args].join(" ")),
  };
}

/** Characters of a command line that others see. */
const mostCommand = 80;

function shortened(command: string): string {
  return command.length <= mostCommand ? command : `${command.slice(0, mostCommand - 1)}…`;
}

/** Locks a file unless somebody else has; false also where the file system has no locks. */
async function tryLock(file: Deno.FsFile): Promise<boolean> {
  try {
    return await file.tryLock(true);
  } catch {
    // Locks only shorten the wait for a process that has ended; where there are none, the timeout alone counts.
    return false;
  }
}

/** How often a lease is made again whose folder was swept away as it was made. */
const mostTries = 20;

const ownerFile = /^([0-9a-f]{16})\.json$/;

/** Bytes that are read of an owner's file, which has fewer. */
const mostOwnerBytes = 4096;

/** What an owner's file holds; of one that somebody else wrote, the beginning. */
async function ownerContent(path: string): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(mostOwnerBytes);
  const count = await file.read(bytes) ?? 0;
  return new TextDecoder().decode(bytes.subarray(0, count));
}

type Kind = "file" | "folder" | "link";

async function kindAt(path: string): Promise<Kind | null> {
  try {
    const { isDirectory, isSymlink } = await Deno.lstat(path);
    return isSymlink ? "link" : isDirectory ? "folder" : "file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The error of a lease that no ranklab leaves so. */
function brokenLease(path: string, found: string, wanted: string, cause?: unknown): InputError {
  return new InputError({
    doing: "Cannot tell who has the lease",
    file: path,
    found,
    wanted,
    fix: "stop what works on this study, delete that and start again; finished runs are safe",
    cause,
  });
}

/** The leases that one process makes in a study. */
export class Leases {
  readonly #results: string;
  readonly #folder: string;
  readonly #owner: Owner;
  readonly #now: () => number;
  readonly #times: LeaseTimes;
  readonly #seen = new Map<string, Sighting>();
  readonly #held = new Map<string, Held>();
  readonly #heartbeat: Heartbeat | null;

  private constructor(results: string, owner: Owner, settings: LeaseSettings) {
    this.#results = results;
    this.#folder = `${results}/${underWay}`;
    this.#owner = owner;
    this.#now = settings.now ?? (() => performance.now());
    this.#times = { ...leaseTimes, ...settings.times };
    this.#heartbeat = settings.isBeating === false ? null : new Heartbeat(this.#times.beatMillis);
  }

  /**
   * @param results The study's results folder.
   *
   * @throws {UsageError} If a link leads out of it.
   */
  static async in(results: string, settings: LeaseSettings = {}): Promise<Leases> {
    await wantWithin(results, `${results}/${underWay}`);
    return new Leases(results, settings.owner ?? await thisProcess(), settings);
  }

  /**
   * Asks for the lease of a run; a lease whose heartbeat stood still for too long is taken over.
   *
   * Its file shows whose it is. Ask again to see whether it has been released.
   *
   * @throws {StorageError} If nothing can be written there.
   * @throws {InputError} If what is there is no lease, or one of two owners.
   */
  async take(run: string): Promise<Taking> {
    const path = leasePath(this.#results, run);
    const token = newToken();
    const file = await writing(path, () => this.#make(path, token));
    if (file !== null) return this.#hold(run, path, token, file, null);
    const look = await this.#look(path);
    const now = this.#now();
    const sighting = sightingAfter(this.#seen.get(run) ?? null, look, now);
    this.#seen.set(run, sighting);
    const by = ownerName(look.content, look.token === null ? path : `${path}/${look.token}.json`);
    if (!mayTakeOver(sighting, look, now, this.#times)) return { kind: "held", by };
    this.#seen.delete(run);
    return await writing(path, async () => {
      if (look.token === null) {
        // Its owner removed its file and was killed before it removed the folder.
        await this.#removeUnowned(path);
        return { kind: "held", by };
      }
      try {
        await Deno.rename(`${path}/${look.token}.json`, `${path}/${token}.json`);
        const taken = await this.#write(`${path}/${token}.json`, { write: true, truncate: true });
        return this.#hold(run, path, token, taken, by);
      } catch (error) {
        // Released, or taken over by somebody else.
        if (error instanceof Deno.errors.NotFound) return { kind: "held", by };
        throw error;
      }
    });
  }

  /** Makes a lease where there is none, and gives its file; null where there is one. */
  async #make(path: string, token: string): Promise<Deno.FsFile | null> {
    const made = `${this.#folder}/${token}.new`;
    for (let tries = 1;; tries++) {
      await makeFolder(this.#folder);
      let file: Deno.FsFile | null = null;
      try {
        await Deno.mkdir(made);
        file = await this.#write(`${made}/${token}.json`, { write: true, createNew: true });
        await Deno.rename(made, path);
        return file;
      } catch (error) {
        file?.close();
        await denoDisk.removeTree(made);
        if (isOccupied(error)) return null;
        // Whoever ended last has swept `under-way/` away.
        if (!(error instanceof Deno.errors.NotFound) || tries === mostTries) throw error;
      }
    }
  }

  /** Writes the owner's file, and keeps it open and locked: the lock is free when this process has ended, however it ends. */
  async #write(path: string, options: Deno.OpenOptions): Promise<Deno.FsFile> {
    const file = await Deno.open(path, options);
    await file.write(new TextEncoder().encode(ownerText(this.#owner, 0)));
    await tryLock(file);
    return file;
  }

  #hold(
    run: string,
    path: string,
    token: string,
    file: Deno.FsFile,
    from: string | null,
  ): Taking {
    const own = `${path}/${token}.json`;
    const lease: Lease = { run, token, from };
    this.#held.set(token, { lease, path, file });
    this.#heartbeat?.add(own, this.#owner);
    return { kind: "taken", lease };
  }

  /** @throws {InputError} If what is there is no lease, or one of two owners. */
  async #look(path: string): Promise<Look> {
    const nobody: Look = { token: null, content: "", hasEnded: false };
    const kind = await kindAt(path);
    if (kind === null) return nobody;
    if (kind !== "folder") throw brokenLease(path, `a ${kind}`, "a folder");
    const owners: string[] = [];
    for (const name of await denoDisk.names(path)) {
      const token = ownerFile.exec(name)?.[1];
      if (token === undefined) continue;
      const kind = await kindAt(`${path}/${name}`);
      if (kind === "file") owners.push(token);
      else if (kind !== null) throw brokenLease(`${path}/${name}`, `a ${kind}`, "an owner's file");
    }
    const [token, ...others] = owners.toSorted();
    if (token === undefined) return nobody;
    if (others.length > 0) {
      throw brokenLease(path, [token, ...others].map((of) => `"${of}.json"`).join(" and "), "one");
    }
    try {
      const content = await ownerContent(`${path}/${token}.json`);
      return { token, content, hasEnded: await this.#hasEnded(path, token, content) };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return nobody;
      throw brokenLease(`${path}/${token}.json`, errorMessage(error), "its owner", error);
    }
  }

  /** Removes all of a lease but owners' files, which stay with their folder. */
  async #removeUnowned(path: string): Promise<void> {
    if (await kindAt(path) !== "folder") return await denoDisk.remove(path);
    for (const name of await denoDisk.names(path)) {
      const inner = `${path}/${name}`;
      if (!ownerFile.test(name) || await kindAt(inner) !== "file") await denoDisk.removeTree(inner);
    }
    await denoDisk.removeEmpty(path);
  }

  /** Whether nobody on this machine has the owner's file locked, where the owner is one of this machine. */
  async #hasEnded(path: string, token: string, content: string): Promise<boolean> {
    const { host } = this.#owner;
    if (host === null || ownerHost(content) !== host) return false;
    const file = await Deno.open(`${path}/${token}.json`, { write: true });
    try {
      return await tryLock(file);
    } finally {
      file.close();
    }
  }

  /** Gives a lease back; one that was taken over meanwhile is left alone. */
  async release({ token }: Pick<Lease, "token">): Promise<void> {
    const held = this.#held.get(token);
    if (held === undefined) return;
    this.#held.delete(token);
    const own = `${held.path}/${token}.json`;
    this.#heartbeat?.remove(own);
    // Closed first: NFS keeps a file that is removed while it is open, and the folder would not be empty.
    held.file.close();
    await denoDisk.remove(own);
    await this.#removeUnowned(held.path);
  }

  /** Gives all leases back, and removes what nobody needs. */
  async close(): Promise<void> {
    this.#heartbeat?.close();
    for (const { lease } of [...this.#held.values()]) await this.release(lease);
    await this.#tidy();
  }

  /**
   * Removes the lease of a finished run whose owner ended before it released it: nobody asks for the lease of what is done, so
   * nobody would take it over. Owners that cannot be seen to have ended are left alone.
   */
  async #bury(run: string): Promise<void> {
    const path = leasePath(this.#results, run);
    if (await denoDisk.read(`${this.#results}/${run}/record.json`) === null) return;
    await this.#removeUnowned(path);
    const look = await this.#look(path).catch((error) => {
      // Of two owners, or one that cannot be read, somebody may be at work.
      if (error instanceof InputError) return null;
      throw error;
    });
    if (look === null || look.token !== null && !look.hasEnded) return;
    if (look.token !== null) await denoDisk.remove(`${path}/${look.token}.json`);
    await this.#removeUnowned(path);
  }

  /** Removes what killed processes left beside finished runs, where nobody has a lease any more. */
  async #tidy(): Promise<void> {
    for (const run of leasedRuns(await denoDisk.names(this.#folder))) await this.#bury(run);
    const names = await denoDisk.names(this.#folder);
    if (leasedRuns(names).length > 0) return;
    for (const name of names) {
      if (/^[0-9a-f]{16}\.(new|old)$/.test(name)) {
        await denoDisk.removeTree(`${this.#folder}/${name}`);
      }
    }
    let isDone = true;
    for (const run of runsUnderWay(names)) {
      if (await denoDisk.read(`${this.#results}/${run}/record.json`) === null) {
        isDone = false;
        continue;
      }
      for (const name of names) {
        if (name.startsWith(`${run}.`)) await denoDisk.removeTree(`${this.#folder}/${name}`);
      }
    }
    // Where all is done nobody needs what is left, whoever put it there.
    for (const name of isDone ? names : []) {
      await denoDisk.removeTree(`${this.#folder}/${name}`);
    }
    await denoDisk.removeEmpty(this.#folder);
  }
}
