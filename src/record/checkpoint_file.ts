/**
 * Checkpoints and trained weights as bytes: vectors as safetensors, everything else as JSON in its header.
 *
 * @module
 */
import { digestOf } from "../base/hash.ts";
import { InputError, shown } from "../base/input_error.ts";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../models/safetensors.ts";
import { checkPrint, DamagedFileError } from "./damage.ts";
import { type FilePrint, recordSchemaVersion, type RunRecord } from "./types.ts";
import type { MergedBlock } from "../train/stored_tensors.ts";
import type { Checkpoint, Snapshot } from "../train/run_types.ts";
import type { StateVectors } from "../train/vectors.ts";
import type { Json } from "../base/canonical_json.ts";
import { parseJson } from "../base/read_json.ts";
import { figure, parserOf } from "./parser.ts";
import type { SlotRef } from "../methods/rank_actions.ts";
import type { ResultsReader } from "./results_reader.ts";
import * as z from "zod";

/**
 * What the state of policies and of the loop means in a checkpoint. Raise it when that changes: a run starts anew where its
 * checkpoint has another one, since a state that is read wrongly would train on.
 */
const checkpointLayout = 2;

/** What a checkpoint file holds. */
export interface StoredCheckpoint {
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
    layout: checkpointLayout,
    run: stored.run,
    rest,
    history: history.map(({ step, tensors }) => ({ step, names: tensors.map(({ name }) => name) })),
    best: bare(best),
    last: bare(last),
    journals: stored.journals,
    timings: stored.timings,
  };
  return writeSafetensors(tensors, "F32", { sha256: noHash, checkpoint: JSON.stringify(json) });
}

/** Stands where the hash of a checkpoint does as it is found. */
const noHash = "0".repeat(64);

/** The bytes before the hash: 8 of the header's length, and its first key. */
const beforeHash = '{"__metadata__":{"sha256":"';
const hashStart = 8 + beforeHash.length;

async function hashOf(bytes: Uint8Array): Promise<string> {
  const place = bytes.subarray(hashStart, hashStart + noHash.length);
  const held = place.slice();
  place.set(new TextEncoder().encode(noHash).subarray(0, place.length));
  const hash = await digestOf(bytes);
  place.set(held);
  return hash;
}

/** Writes the hash of a checkpoint into its bytes, which are those of {@linkcode encodeCheckpoint}. */
export async function sealCheckpoint(bytes: Uint8Array<ArrayBuffer>): Promise<typeof bytes> {
  bytes.set(new TextEncoder().encode(await hashOf(bytes)), hashStart);
  return bytes;
}

/**
 * Checks that a checkpoint is what was written.
 *
 * @throws {DamagedFileError} If it is something else.
 */
export async function checkSeal(bytes: Uint8Array, fileName: string): Promise<void> {
  const start = new TextDecoder().decode(bytes.subarray(8, hashStart + noHash.length));
  const sha256 = await hashOf(bytes);
  if (start === beforeHash + sha256) return;
  throw new DamagedFileError(fileName, `SHA-256 ${sha256}`, "that of its own header");
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

const text = z.string();
const count = z.int().min(0);
const number = z.number();
const json: z.ZodType<Json> = z.json();

const order = z.record(text, z.array(count));

/** Slots that are masked, or were. */
const slotRefs = z.array(z.object({ module: text, slot: count }));

const snapshot: z.ZodType<Omit<Snapshot, "theta">> = z.looseObject({
  step: count,
  epoch: number,
  evaluations: z.array(z.object({
    split: text,
    loss: figure,
    metrics: z.record(text, figure),
    predictions: z.array(figure),
    logits: z.exactOptional(z.array(z.array(figure))),
  })).min(1),
  order,
  off: slotRefs,
  merged: count,
});

/** What of a checkpoint is neither a vector nor made of such. */
type Rest = Omit<Checkpoint, "vectors" | "cache" | "history" | "best" | "last">;

// Loose, so that a key which a checkpoint gets later is not dropped on the way.
const rest: z.ZodType<Rest> = z.looseObject({
  step: count,
  cursor: z.object({ epoch: count, batch: count }),
  order,
  openingRanks: z.record(text, number),
  capacities: z.record(text, count),
  policyState: json,
  off: slotRefs,
  isMaskPermanent: z.boolean(),
  isRatePinned: z.boolean(),
  rankEvents: count,
  ranksMoved: number,
  peakParameters: number,
  trainedSum: number,
  countedSteps: count,
  plateau: z.exactOptional(z.object({ best: number.nullable(), waited: count })),
  lastScores: z.object({
    step: count,
    threshold: number.nullable(),
    modules: z.array(z.object({ module: text, scores: z.array(figure) })),
  }).nullable(),
});

const header = z.object({
  schema: z.literal(recordSchemaVersion),
  layout: z.literal(checkpointLayout),
  run: text,
  rest,
  history: z.array(z.object({ step: count, names: z.array(text) })),
  best: snapshot.nullable(),
  last: snapshot.nullable(),
  journals: z.record(text, z.object({ bytes: count, sha256: text })),
  timings: z.object({
    trainMillis: number,
    evaluateMillis: number,
    eventMillis: z.exactOptional(number),
    wallMillis: number,
    startedAt: text,
    jobs: z.exactOptional(z.int()),
  }),
});

type CheckpointHeader = z.infer<typeof header>;

const parse = parserOf(header, true);

/**
 * Reads the header of a checkpoint file.
 *
 * @param written Its text.
 * @param fileName How errors name the file.
 *
 * @throws {InputError} If it is no JSON.
 * @throws {RecordFormatError} If a key is missing or holds something else.
 */
function parseCheckpointHeader(written: string, fileName: string): CheckpointHeader {
  return parse(parseJson(written, fileName, { place: "its checkpoint" }), fileName);
}

/** What a file of a run's weights holds. */
export interface WeightsFile {
  /** Parts of adapters by `<module>.<part>`, and parameters that were trained whole. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Id of the run; undefined where the file does not say. */
  readonly run: string | undefined;
  /** Steps done when the weights were these; undefined where the file does not say. */
  readonly step: string | undefined;
  /** Slots that were masked then. */
  readonly off: readonly SlotRef[];
}

const parseOff = parserOf(slotRefs, false);

/**
 * Reads a run's weights.
 *
 * @param path How errors name the file.
 *
 * @throws {InputError} If the file is damaged, or none of weights.
 */
export function readWeightsFile(bytes: Uint8Array, path: string): WeightsFile {
  const { tensors, metadata: { run, step, off = "[]" } } = readSafetensors(bytes, path);
  const place = 'the key "off" of its header';
  return { tensors, run, step, off: parseOff(parseJson(off, path, { place }), path) };
}

const weightsSuffix = ".safetensors";

/** Whether a file is one of weights, by its name. */
export function isWeights(path: string): boolean {
  return path.endsWith(weightsSuffix);
}

/**
 * Checks that a run's weights are those that its record has the hashes of. They may be missing, as in published studies.
 *
 * @throws {DamagedFileError} If they are others.
 */
export async function checkWeights(
  run: ResultsReader,
  { files = {} }: Pick<RunRecord, "files">,
): Promise<void> {
  for (const [name, print] of Object.entries(files)) {
    const bytes = isWeights(name) ? await run.read(name) : null;
    if (bytes !== null) await checkPrint(`${run.path}/${name}`, bytes, print);
  }
}
