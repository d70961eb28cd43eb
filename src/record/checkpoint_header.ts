/**
 * The header of a checkpoint file: everything but vectors and weights, as JSON.
 *
 * @module
 */
import * as z from "zod";
import type { Json } from "../base/canonical_json.ts";
import { parseJson } from "../base/read_json.ts";
import type { Checkpoint, Snapshot } from "../train/run_types.ts";
import { figure, parserOf } from "./parser.ts";
import { recordSchemaVersion } from "./types.ts";

const text = z.string();
const count = z.int().min(0);
const number = z.number();
const json: z.ZodType<Json> = z.json();

/** Rows that are on, by module. */
const order = z.record(text, z.array(count));

/** Slots that are masked, or were. */
export const slotRefs = z.array(z.object({ module: text, slot: count }));

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

/** The header of a checkpoint file. */
export type CheckpointHeader = z.infer<typeof header>;

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
export function parseCheckpointHeader(written: string, fileName: string): CheckpointHeader {
  return parse(parseJson(written, fileName, { place: "its checkpoint" }), fileName);
}
