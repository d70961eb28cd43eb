/**
 * Parsers of the files of a run's folder, by the types of `types.ts`.
 *
 * JSON has no NaN, so a diverged run's loss is stored as null; where `types.ts` says number, the
 * figures that may diverge (losses, gradient norms, metrics) are read back as NaN.
 *
 * @module
 */
import * as z from "zod";
import type { Json } from "../base/canonical_json.ts";
import { figure, holds, isCount, type Parser, parserOf, quickParserOf } from "./parser.ts";
import type {
  EvaluationLine,
  ImportanceLine,
  PredictionLine,
  RankLine,
  RunAblation,
  RunRecord,
  RunState,
  SlotScoresFile,
  StepLine,
} from "./types.ts";

const text = z.string();
const count = z.int().min(0);
const json: z.ZodType<Json> = z.json();
const numbers = z.record(text, z.number());

export const evaluationLine = z.object({
  step: count,
  epoch: z.number(),
  split: text,
  loss: figure,
  metrics: z.record(text, figure),
});

const as = z.enum(["same", "reversed", "permuted", "uniform"]);

const delta = z.union([
  z.object({ layer: count, by: z.int() }),
  z.object({ module: text, by: z.int() }),
  z.object({ part: text, by: z.int() }),
]);

const ranksOrigin = z.discriminatedUnion("type", [
  z.object({ type: z.literal("file"), file: text, as }),
  z.object({ type: z.literal("run"), run: text, title: text, as }),
  z.object({ type: z.literal("dose"), add: z.array(delta) }),
]);

const asked = z.object({
  study: text,
  task: text,
  method: text,
  label: text,
  arm: z.exactOptional(text),
  varied: z.exactOptional(z.record(text, json)),
  methodVersion: z.number(),
  options: json,
  budget: z.object({
    type: z.enum(["rank", "parameters", "peak", "stored", "meanTrained"]),
    value: z.number(),
    isCap: z.literal(true).exactOptional(),
  }).nullable(),
  ranksFrom: z.exactOptional(ranksOrigin),
  seed: z.int(),
  run: json,
});

const outcome = z.discriminatedUnion("state", [
  z.object({ state: z.literal("finished") }),
  z.object({
    state: z.literal("failed"),
    cause: z.enum(["diverged", "out-of-memory", "executor", "ranks", "unknown"]),
    message: text,
    step: count.nullable(),
  }),
]);

const accuracies = z.array(z.array(z.number()));

const sequenceOutcome = z.object({
  stages: z.array(z.object({ task: text, classes: count, firstStep: count, steps: count })),
  classIncremental: accuracies,
  taskAware: accuracies,
  averageAccuracy: z.number(),
  accuracyOverTime: z.number(),
  forgetting: z.number(),
});

const runFlag = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("one-class"), prediction: z.number() }),
  z.object({ kind: z.literal("loss-above-chance"), loss: figure, chance: z.number() }),
  z.object({ kind: z.literal("at-majority"), metric: text, score: figure, majority: z.number() }),
]);

const happened = z.object({
  outcome,
  steps: count,
  ended: z.exactOptional(z.enum(["plateau", "cap"])),
  epochs: z.number(),
  primaryMetric: text,
  keep: z.enum(["best", "last"]),
  best: evaluationLine.nullable(),
  last: evaluationLine.nullable(),
  others: z.array(evaluationLine),
  examples: z.exactOptional(z.object({ train: count, splits: z.record(text, count) })),
  finalTrainLoss: z.number().nullable(),
  majority: z.exactOptional(z.record(text, figure)),
  flags: z.exactOptional(z.array(runFlag)),
  sequence: z.exactOptional(sequenceOutcome),
  parameters: z.object({
    total: count,
    trainable: count,
    frozen: z.exactOptional(count),
    head: count,
  }),
  budget: z.object({
    requested: z.number(),
    initial: z.number(),
    peak: z.number(),
    final: z.number(),
    stored: z.exactOptional(z.number().min(0)),
    meanTrained: z.exactOptional(z.number()),
  }).nullable(),
  initialRanks: numbers.nullable(),
  finalRanks: numbers.nullable(),
  storedRanks: z.exactOptional(numbers),
  atFloor: z.exactOptional(count),
  rankEvents: count,
  ranksMoved: count,
  estimate: z.exactOptional(
    z.object({
      dimensions: z.array(z.number()),
      explained: z.exactOptional(z.record(text, z.array(z.number()))),
      importance: z.exactOptional(z.record(text, z.number().min(0))),
      millis: z.number().min(0),
    }),
  ),
  time: z.object({
    startedAt: text,
    wallMillis: z.number(),
    trainMillis: z.number(),
    evaluateMillis: z.number(),
    eventMillis: z.exactOptional(z.number().min(0)),
    medianStepMillis: figure,
    tokensPerSecond: figure,
    jobs: z.exactOptional(z.int().min(1)),
  }),
});

const modelOrigin = z.discriminatedUnion("source", [
  z.object({ source: z.literal("hub"), repository: text, revision: text, commit: text }),
  z.object({ source: z.literal("wheel"), file: text, sha256: text }),
  z.object({ source: z.literal("folder"), name: text }),
]);

const where = z.object({
  ranklab: text,
  gitCommit: text.nullable(),
  deno: text,
  v8: z.exactOptional(text),
  packages: z.record(text, text),
  device: z.object({ executor: text, name: text, threads: count }),
  platform: text,
  model: z.exactOptional(modelOrigin),
  method: z.exactOptional(z.object({ study: text, module: text, hash: text })),
  metrics: z.exactOptional(
    z.array(z.object({ name: text, study: text, module: text, hash: text })),
  ),
  hashes: z.object({
    data: z.record(text, text),
    weights: text,
    tokenizer: text,
    lock: text.nullable(),
    source: z.exactOptional(text),
    libraries: z.exactOptional(z.record(text, text)),
  }),
});

const filePrint = z.object({ bytes: count, sha256: text });

const thinned = z.object({
  every: z.int().min(2),
  steps: count,
  whole: filePrint,
  millis: numbers,
});

export const runRecord = z.object({
  schema: z.int().min(1),
  id: text,
  asked,
  happened,
  where,
  files: z.exactOptional(z.record(text, filePrint)),
  thinned: z.exactOptional(thinned),
});

export const runState = z.object({
  schema: z.int().min(1),
  id: text,
  happened: z.object({ outcome: z.object({ state: z.enum(["finished", "failed"]) }) }),
});

export const stepLine = z.object({
  step: count,
  epoch: z.number(),
  loss: figure,
  regulariser: figure,
  gradientNorm: figure,
  learningRate: z.number(),
  stepMillis: z.number(),
  tokens: count,
});

export const rankLine = z.object({
  step: count,
  budget: z.number(),
  moved: count,
  threshold: z.number().nullable(),
  changes: z.array(z.object({ module: text, from: z.number(), to: z.number(), score: figure })),
});

export const importanceLine = z.object({
  step: count,
  scores: z.record(text, figure),
});

export const predictionLine = z.object({
  split: text,
  id: count,
  target: z.number(),
  prediction: figure,
  logits: z.exactOptional(z.array(figure)),
});

export const slotScores = z.object({
  schema: z.int().min(1),
  step: count,
  threshold: z.number().nullable(),
  scores: z.record(text, z.array(z.number())),
});

export const runAblation = z.object({
  schema: z.int().min(1),
  metric: text,
  baseline: figure,
  removals: z.array(z.object({
    kind: z.enum(["layer", "module", "part"]),
    name: text,
    rank: z.number(),
    metric: figure,
    loss: figure,
  })),
  truncations: z.exactOptional(z.array(z.object({ rank: count, metric: figure }))),
});

/**
 * Parses `record.json`.
 *
 * @throws {NewerSchemaError} If a newer ranklab wrote it.
 * @throws {RecordFormatError} If a key is missing or holds something else.
 */
export const parseRunRecord: Parser<RunRecord> = parserOf(runRecord, true);
/** Parses only what tells whether a run is done from `record.json`; throws like {@linkcode parseRunRecord}. */
export const parseRunState: Parser<RunState> = parserOf(runState, true);
/** Parses `slots.json`; throws like {@linkcode parseRunRecord}. */
export const parseSlotScores: Parser<SlotScoresFile> = parserOf(slotScores, true);
/** Parses `ablation.json`; throws like {@linkcode parseRunRecord}. */
export const parseRunAblation: Parser<RunAblation> = parserOf(runAblation, true);
const stepFigures: readonly (keyof StepLine)[] = [
  "epoch",
  "loss",
  "regulariser",
  "gradientNorm",
  "learningRate",
  "stepMillis",
];

/** Parses a line of `steps.jsonl`; throws {@linkcode RecordFormatError}. */
export const parseStepLine: Parser<StepLine> = quickParserOf(
  stepLine,
  (value) =>
    holds(value, ["step", "tokens"], isCount) && holds(value, stepFigures, Number.isFinite),
);
/** Parses a line of `evaluations.jsonl`; throws {@linkcode RecordFormatError}. */
export const parseEvaluationLine: Parser<EvaluationLine> = parserOf(evaluationLine, false);
/** Parses a line of `ranks.jsonl`; throws {@linkcode RecordFormatError}. */
export const parseRankLine: Parser<RankLine> = parserOf(rankLine, false);
/** Parses a line of `importance.jsonl`; throws {@linkcode RecordFormatError}. */
export const parseImportanceLine: Parser<ImportanceLine> = parserOf(importanceLine, false);
/** Whether they are numbers, or absent as in older results. */
function isLogits(found: unknown): boolean {
  return found === undefined || Array.isArray(found) && found.every(Number.isFinite);
}

/** Parses a line of `predictions.jsonl`; throws {@linkcode RecordFormatError}. */
export const parsePredictionLine: Parser<PredictionLine> = quickParserOf(
  predictionLine,
  (value) =>
    holds(value, ["id"], isCount) && holds(value, ["target", "prediction"], Number.isFinite) &&
    holds(value, ["split"], (found) => typeof found === "string") &&
    holds(value, ["logits"], isLogits),
);
