/**
 * How texts and labels are read, as far as files do not say it: what runs depend on beside what they read.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { hashJson } from "../base/hash.ts";
import type { Task } from "./types.ts";

/** Version of the encoding: raised when {@linkcode encodeExample} gives other tokens for the same text. */
const encodingVersion = 1;

/**
 * Hashes of how a task is read. A task that is built in has none while the encoding has its first version: ids of runs are older
 * than this, and its columns and labels belong to ranklab.
 *
 * @param version Of the encoding.
 */
export function readingHashes(
  { name, source, output, splits, metrics, ownMetrics = [] }: Task,
  version: number = encodingVersion,
): Readonly<Record<string, string>> {
  // The first metric chooses the selected evaluation; any other one can be computed later, unless it is code that changes.
  const own = ownMetrics.map(({ name, origin }) => [name, origin?.hash ?? null]);
  const stated = {
    output,
    splits,
    metric: metrics[0],
    ...(own.length === 0 ? {} : { own }),
  } as unknown as Json;
  return {
    ...(source === "user" ? { [`${name}: columns and labels`]: hashJson(stated) } : {}),
    ...(version === 1 ? {} : { "encoding of texts": `version ${version}` }),
  };
}
