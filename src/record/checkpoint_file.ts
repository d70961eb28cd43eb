/**
 * Checkpoints as bytes: vectors as safetensors, everything else as JSON in its header.
 *
 * @module
 */
import { InputError, shown } from "../base/input_error.ts";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../models/safetensors.ts";
import { parseCheckpointHeader } from "./checkpoint_header.ts";
import { type FilePrint, recordSchemaVersion } from "./types.ts";
import type { MergedBlock } from "../train/history.ts";
import type { Checkpoint, Snapshot } from "../train/run_types.ts";
import type { StateVectors } from "../train/vectors.ts";

/** What a checkpoint file holds. */
export interface StoredCheckpoint {
  /** The id of its run. */
  readonly run: string;
  readonly checkpoint: Checkpoint;
  /** The journals when the checkpoint was taken, by name. */
  readonly journals: Readonly<Record<string, FilePrint>>;
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
    run: stored.run,
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
 * @throws {InputError} If the bytes are not such a file.
 */
export function decodeCheckpoint(bytes: Uint8Array, fileName: string): StoredCheckpoint {
  const { tensors, metadata } = readSafetensors(bytes, fileName);
  const lacks = (what: string): never => {
    throw new InputError({ file: fileName, found: `no ${shown(what)}`, wanted: "one" });
  };
  const { checkpoint: text = lacks("checkpoint in its header") } = metadata;
  const stored = parseCheckpointHeader(text, fileName);
  const tensorOf = (name: string): StoredTensor => tensors.get(name) ?? lacks(`tensor "${name}"`);
  const snapshot = (name: "best" | "last"): Snapshot | null =>
    stored[name] === null ? null : { ...stored[name], theta: tensorOf(`${name}.theta`).data };
  const under = (prefix: string): StateVectors =>
    Object.fromEntries(
      [...tensors].filter(([name]) => name.startsWith(prefix))
        .map(([name, { data }]) => [name.slice(prefix.length), data]),
    );
  const vectors = under("state."), kept = under("cache.");
  const history = stored.history.map(({ step, names }, i): MergedBlock => ({
    step,
    tensors: names.map((name) => ({ name, ...tensorOf(`history.${i}/${name}`) })),
  }));
  return {
    run: stored.run,
    checkpoint: {
      ...stored.rest,
      vectors,
      cache: Object.keys(kept).length === 0 ? null : kept,
      history,
      best: snapshot("best"),
      last: snapshot("last"),
    },
    journals: stored.journals,
    timings: stored.timings,
  };
}
