/**
 * Checkpoints as bytes: vectors as safetensors, everything else as JSON in its header.
 *
 * @module
 */
import { readSafetensors, type StoredTensor, writeSafetensors } from "../models/safetensors.ts";
import { recordSchemaVersion } from "./types.ts";
import type { MergedBlock } from "../train/history.ts";
import type { Checkpoint, Snapshot } from "../train/run_types.ts";
import type { StateVectors } from "../train/vectors.ts";

/** Sizes of the journals when the checkpoint was taken, in bytes by file name. */
export type JournalSizes = Readonly<Record<string, number>>;

/** What a checkpoint file holds. */
export interface StoredCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly journals: JournalSizes;
  /** Milliseconds of training, of evaluation, of rank events and in all, before the checkpoint; and the most runs side by side. */
  readonly timings: {
    readonly trainMillis: number;
    readonly evaluateMillis: number;
    readonly eventMillis?: number;
    readonly wallMillis: number;
    readonly startedAt: string;
    readonly jobs?: number;
  };
}

function flat(data: Float32Array): StoredTensor {
  return { shape: [data.length], data };
}

/** A snapshot without its parameters, which are stored as a tensor. */
function bare(snapshot: Snapshot | null) {
  if (snapshot === null) return null;
  const { theta: _theta, ...rest } = snapshot;
  return rest;
}

/** The bytes of a checkpoint. */
export function encodeCheckpoint(stored: StoredCheckpoint): Uint8Array<ArrayBuffer> {
  const { vectors, cache, history, best, last, ...rest } = stored.checkpoint;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, data] of Object.entries(vectors)) tensors.set(`state.${name}`, flat(data));
  for (const [name, data] of Object.entries(cache ?? {})) tensors.set(`cache.${name}`, flat(data));
  history.forEach((block, i) => {
    for (const { name, ...tensor } of block.tensors) tensors.set(`history.${i}/${name}`, tensor);
  });
  if (best !== null) tensors.set("best.theta", flat(best.theta));
  if (last !== null) tensors.set("last.theta", flat(last.theta));
  const json = {
    schema: recordSchemaVersion,
    rest,
    history: history.map(({ step, tensors }) => ({ step, names: tensors.map(({ name }) => name) })),
    best: bare(best),
    last: bare(last),
    journals: stored.journals,
    timings: stored.timings,
  };
  return writeSafetensors(tensors, "F32", { checkpoint: JSON.stringify(json) });
}

/**
 * The checkpoint that {@linkcode encodeCheckpoint} wrote.
 *
 * @throws {SyntaxError} If the bytes are not such a file.
 */
export function decodeCheckpoint(bytes: Uint8Array, fileName: string): StoredCheckpoint {
  const { tensors, metadata } = readSafetensors(bytes, fileName);
  const text = metadata["checkpoint"];
  if (text === undefined) {
    throw new SyntaxError(`Cannot read "${fileName}": found no checkpoint in its header, want one`);
  }
  const json = JSON.parse(text);
  if (json.schema !== recordSchemaVersion) {
    throw new SyntaxError(
      `Cannot read "${fileName}": found checkpoint schema ${json.schema}, want ${recordSchemaVersion}`,
    );
  }
  const snapshot = (name: "best" | "last"): Snapshot | null =>
    json[name] === null
      ? null
      : { merged: 0, ...json[name], theta: tensors.get(`${name}.theta`)!.data };
  const under = (prefix: string): StateVectors =>
    Object.fromEntries(
      [...tensors].filter(([name]) => name.startsWith(prefix))
        .map(([name, { data }]) => [name.slice(prefix.length), data]),
    );
  const vectors = under("state."), kept = under("cache.");
  const history = (json.history ?? []).map((
    { step, names }: { readonly step: number; readonly names: readonly string[] },
    i: number,
  ): MergedBlock => ({
    step,
    tensors: names.map((name) => ({ name, ...tensors.get(`history.${i}/${name}`)! })),
  }));
  const cache = Object.keys(kept).length === 0 ? null : kept;
  return {
    checkpoint: {
      openingRanks: {},
      trainedSum: 0,
      countedSteps: 0,
      ...json.rest,
      vectors,
      cache,
      history,
      best: snapshot("best"),
      last: snapshot("last"),
    },
    journals: json.journals,
    timings: json.timings,
  };
}
