/**
 * What earlier attempts at a run left: taken over, read, and found whole or not; and how one of them takes its place.
 *
 * @module
 */
import { hashBytes } from "../base/hash.ts";
import { checkSeal, decodeCheckpoint, type StoredCheckpoint } from "./checkpoint_file.ts";
import { checkPrint, DamagedFileError, isDamage } from "./damage.ts";
import { denoDisk, type Disk } from "./disk.ts";
import { moveFolder, newToken, removeTree, StorageError } from "./durable.ts";
import { diskReader, readRun, readRunState, type StoredRun } from "./results_reader.ts";
import type { FilePrint, RunRecord, RunResults } from "./types.ts";
import { attemptPath, attemptsAt, underWay } from "./lease.ts";
import { asThinnedAs } from "./thinned.ts";

/** The journals of a run. */
export const journalNames = ["steps", "evaluations", "ranks", "importance"] as const;

/** A journal's name. */
export type JournalName = (typeof journalNames)[number];

/** Where a run is made. */
export interface RunPlace {
  readonly results: string;
  /** The run's folder there, which appears with its record. */
  readonly folder: string;
  readonly id: string;
  /** The token of the lease that it is made under. */
  readonly attempt: string;
  /** Default: that of this machine. */
  readonly disk?: Disk;
}

/** Takes over what earlier attempts left, under the name of this one; whether there was any. */
export async function adopt({ results, folder, attempt }: RunPlace, disk: Disk): Promise<boolean> {
  const own = attemptPath(results, folder, attempt);
  const left = attemptsAt(folder, await disk.names(`${results}/${underWay}`))
    .filter((token) => token !== attempt);
  for (const token of left) {
    // More than one attempt is left only where two were made at once; the second is not needed.
    const from = attemptPath(results, folder, token);
    if (!await moveFolder(from, own, disk)) await removeTree(from, disk);
  }
  return left.length > 0;
}

/** Removes all that was made of a run without a record. */
export async function removeAttempts(results: string, run: string): Promise<void> {
  for (const token of attemptsAt(run, await denoDisk.names(`${results}/${underWay}`))) {
    await removeTree(attemptPath(results, run, token));
  }
}

/** The beginning of a journal that a checkpoint counts on. */
function checkedStart(path: string, bytes: Uint8Array | null, wanted: FilePrint): Uint8Array {
  const start = (bytes ?? new Uint8Array()).subarray(0, wanted.bytes);
  const was = `the ${wanted.bytes} bytes that the checkpoint counts on`;
  if (start.length < wanted.bytes) throw new DamagedFileError(path, `${start.length} bytes`, was);
  if (hashBytes(start) === wanted.sha256) return start;
  throw new DamagedFileError(path, "other content", was);
}

interface Found {
  readonly stored: StoredCheckpoint | null;
  readonly starts: Readonly<Record<JournalName, Uint8Array>> | null;
  readonly complete: RunRecord | null;
  /** What is wrong with the folder, or null. */
  readonly reason: string | null;
}

const nothing: Found = { stored: null, starts: null, complete: null, reason: null };

/** Reads what an earlier attempt left; whatever cannot be right is a reason to start anew. */
export async function whatIsThere(path: string, id: string, disk: Disk): Promise<Found> {
  try {
    const checkpointPath = `${path}/checkpoint.safetensors`;
    const bytes = await disk.read(checkpointPath);
    if (bytes === null) {
      return { ...nothing, complete: await completeIn(path, id, disk) };
    }
    await checkSeal(bytes, checkpointPath);
    const stored = decodeCheckpoint(bytes, checkpointPath);
    if (stored.run !== id) {
      throw new DamagedFileError(
        checkpointPath,
        `a checkpoint of run ${stored.run}`,
        `one of ${id}`,
      );
    }
    const starts: Partial<Record<JournalName, Uint8Array>> = {};
    for (const name of journalNames) {
      const journal = `${path}/${name}.jsonl`;
      const wanted = stored.journals[name] ?? { bytes: 0, sha256: hashBytes("") };
      starts[name] = checkedStart(journal, await disk.read(journal), wanted);
    }
    return { ...nothing, stored, starts: starts as Record<JournalName, Uint8Array> };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { ...nothing, reason: error.message };
  }
}

/** The record of a run that was made but not put in its place, or null where there is none. */
async function completeIn(path: string, id: string, disk: Disk): Promise<RunRecord | null> {
  const run = await readRun(diskReader(path, disk));
  if (run?.record.id !== id) return null;
  for (const [name, print] of Object.entries(run.record.files ?? {})) {
    const file = `${path}/${name}`;
    await checkPrint(file, await disk.read(file), print);
  }
  return run.record;
}

/** Why a run cannot go on from what an older ranklab left in its own folder, or null where it left nothing. */
export async function oldCheckpoint(
  { results, folder }: RunPlace,
  disk: Disk,
): Promise<string | null> {
  const path = `${results}/${folder}`;
  const names = await disk.names(path);
  if (names.has("record.json")) {
    try {
      await readRunState(diskReader(path, disk));
      return null;
    } catch (error) {
      if (!isDamage(error)) throw error;
      return error.message;
    }
  }
  return names.has("checkpoint.safetensors")
    ? `"${path}/checkpoint.safetensors" is of an older ranklab and does not say which journals it counts on`
    : null;
}

/** The finished run in a folder, or null where there is none, or a damaged, a failed or another one. */
async function finishedIn(folder: string, id: string, disk: Disk): Promise<StoredRun | null> {
  try {
    const run = await readRun(diskReader(folder, disk));
    return run?.record.id === id && run.record.happened.outcome.state === "finished" ? run : null;
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

/**
 * Gives a run's folder its final name.
 *
 * What is there already gives way if it is no finished run of that id. A finished one is kept, and this one compared with it
 * and removed.
 *
 * @param from The folder, in `under-way/`.
 *
 * @returns Null, or what differs from the run that was there, times apart.
 */
export async function publish(
  from: string,
  to: string,
  id: string,
  disk: Disk,
): Promise<readonly string[] | null> {
  while (!await moveFolder(from, to, disk)) {
    const theirs = await finishedIn(to, id, disk);
    if (theirs !== null) {
      const ours = await readRun(diskReader(from, disk));
      await removeTree(from, disk);
      return ours === null ? null : resultDifferences(ours, theirs);
    }
    await giveWay(to, `${from.slice(0, from.lastIndexOf("/"))}/${newToken()}.old`, disk);
  }
  return null;
}

/** Removes a folder in one step for all who look at it. */
async function giveWay(folder: string, aside: string, disk: Disk): Promise<void> {
  try {
    await moveFolder(folder, aside, disk);
  } catch (error) {
    // Somebody else has moved it.
    if (error instanceof StorageError && error.cause instanceof Deno.errors.NotFound) return;
    throw error;
  }
  await removeTree(aside, disk);
}

/** A record without what differs from one execution to the next: times, the prints of files with times, and the machine. */
function timeless({ id, asked, happened }: RunRecord): unknown {
  const { time: _time, estimate, ...rest } = happened;
  return { id, asked, happened: { ...rest, dimensions: estimate?.dimensions ?? null } };
}

function timelessFiles({ files = {} }: RunRecord): unknown {
  return Object.fromEntries(Object.entries(files).filter(([name]) => name !== "steps.jsonl"));
}

/**
 * The parts of their results in which two executions of a run differ; none where they computed the same numbers.
 */
export function resultDifferences(a: RunResults, b: RunResults): readonly string[] {
  const parts: Readonly<Record<string, (run: RunResults) => unknown>> = {
    record: ({ record }) => timeless(record),
    steps: ({ steps }) => steps.map(({ stepMillis: _millis, ...line }) => line),
    evaluations: ({ evaluations }) => evaluations,
    ranks: ({ ranks }) => ranks,
    importance: ({ importance }) => importance,
    predictions: ({ predictions }) => predictions,
    files: ({ record }) => timelessFiles(record),
  };
  const [one, other] = [asThinnedAs(a, b), asThinnedAs(b, a)];
  return Object.entries(parts)
    .filter(([, of]) => JSON.stringify(of(one)) !== JSON.stringify(of(other)))
    .map(([name]) => name);
}
