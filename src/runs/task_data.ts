/**
 * Reading a task: the examples of its splits and the hashes of what they were read from.
 *
 * @module
 */
import { InputError } from "../base/input_error.ts";
import { hashBytes, hashJson } from "../base/hash.ts";
import { errorMessage } from "../base/error_message.ts";
import { mostFileBytes, readBounded } from "../record/read_bounded.ts";
import { below } from "../models/sources.ts";
import { drawDev } from "../tasks/draw_dev.ts";
import { readingHashes } from "../tasks/reading.ts";
import { readSplit, type SplitContent } from "../tasks/read_split.ts";
import type { Example, SplitFile, Task, TaskData } from "../tasks/types.ts";

/** A file's bytes, or null where it is missing and may be. */
async function readBytes(
  what: string,
  { optional = false }: SplitFile,
  path: string,
): Promise<Uint8Array | null> {
  try {
    return await readBounded(path, mostFileBytes.text);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound && optional) return null;
    if (cause instanceof InputError) throw cause;
    const said = errorMessage(cause);
    throw new InputError({
      file: path,
      found: said,
      wanted: "a file that can be read",
      message: `Cannot read ${what}: ${said} ("${path}")`,
      cause,
    });
  }
}

/** A task's data with its development split drawn; what was drawn is hashed, since runs depend on it. */
function withDrawnDev(
  task: Task & { readonly devShare: number },
  splits: ReadonlyMap<string, readonly Example[]>,
  hashes: TaskData["hashes"],
): TaskData {
  const { train, dev } = drawDev(task, splits.get("train")!);
  const others = [...splits].filter(([split]) => split !== "train");
  return {
    task,
    // The first one that is evaluated decides which evaluation is best.
    splits: new Map([["train", train], ["dev", dev], ...others]),
    hashes: {
      ...hashes,
      [`${task.name}: dev drawn from train`]: hashJson(dev.map(({ id }) => id)),
    },
  };
}

/**
 * Reads the files of a single task.
 *
 * @param location The folder that the files' paths start from.
 * @throws {Error} If a file is missing or wrong; the message names file and line.
 */
export async function readTaskData(task: Task, location: string): Promise<TaskData> {
  const splits = new Map<string, readonly Example[]>();
  const hashes: Record<string, string> = { ...readingHashes(task) };
  for (const [split, files] of Object.entries(task.splits)) {
    const contents: Required<SplitContent>[] = [];
    for (const file of files) {
      const fileName = below(location, file.path);
      const bytes = await readBytes(`the ${split} split of "${task.name}"`, file, fileName);
      if (bytes === null) continue;
      contents.push({ bytes, fileName });
      hashes[file.path] = hashBytes(bytes);
    }
    // Files that may be missing are missing together.
    if (contents.length > 0) splits.set(split, readSplit(task, split, contents));
  }
  const { devShare } = task;
  return devShare === undefined
    ? { task, splits, hashes }
    : withDrawnDev({ ...task, devShare }, splits, hashes);
}
