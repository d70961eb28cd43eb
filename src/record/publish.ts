/**
 * Putting a finished run in its place: its folder appears as a whole, and never over another finished run.
 *
 * @module
 */
import { isDamage } from "./damage.ts";
import type { Disk } from "./disk.ts";
import { moveFolder, newToken, removeTree, StorageError } from "./durable.ts";
import { diskReader, readRun, type StoredRun } from "./results_reader.ts";
import type { RunRecord, RunResults } from "./types.ts";

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
  return Object.entries(parts).filter(([, of]) => JSON.stringify(of(a)) !== JSON.stringify(of(b)))
    .map(([name]) => name);
}
