/**
 * Executing one run: training with journals and checkpoints, and the record at its end.
 *
 * @module
 */
import { hashJson } from "../base/hash.ts";
import type { Json } from "../base/canonical_json.ts";
import { type Executor, ExecutorError } from "../exec/executor.ts";
import { architectureOf } from "../models/architectures.ts";
import { countOf } from "../models/parameters.ts";
import { writeSafetensors } from "../models/safetensors.ts";
import { RunFolder, StorageError } from "../record/run_folder.ts";
import { readJsonl } from "../record/read_jsonl.ts";
import { parseEvaluationLine, parseStepLine } from "../record/schema.ts";
import { sequenceOutcome } from "../record/sequence.ts";
import type { Surroundings } from "../record/provenance.ts";
import {
  type EvaluationLine,
  type FailureCause,
  type Outcome,
  recordSchemaVersion,
  type RunRecord,
  type SequenceOutcome,
} from "../record/types.ts";
import { countParameters } from "../spec/ranks.ts";
import { foldedCosts } from "../methods/adapter.ts";
import { primaryMetric } from "../tasks/metrics.ts";
import type { SequenceStage } from "../tasks/types.ts";
import { type Assembly, outputCount } from "../train/assemble.ts";
import type { ProgramCache } from "../train/programs.ts";
import { activeRanks, countActive } from "../train/slots.ts";
import type { RunStage } from "../train/stages.ts";
import {
  DivergenceError,
  type Snapshot,
  type TrainingEvent,
  type TrainingRequest,
} from "../train/run_types.ts";
import { Trainer } from "../train/trainer.ts";
import { mergedRanks } from "../train/history.ts";
import { exportTensors, nonzeroAdapterNumbers } from "../train/vectors.ts";
import { type EstimatedRun, withEstimatedRanks } from "./estimated_ranks.ts";
import type { Inputs } from "./inputs.ts";
import type { PlannedRun } from "./planning.ts";

/** What all runs of a sweep share. */
export interface ExecutionContext {
  readonly executor: Executor;
  readonly programs: ProgramCache;
  readonly inputs: Inputs;
  readonly surroundings: Surroundings;
  /** The study's results folder. */
  readonly results: string;
  /** Called after each block of steps that was read; on executors that do not queue, after every step. */
  readonly onStep: (progress: RunProgress) => Promise<void>;
  /** Asked as often; true stops the run at a checkpoint. */
  readonly isStopping: () => boolean;
  /** Milliseconds between checkpoints. Default 20,000. */
  readonly checkpointMillis?: number;
}

/** Where a run stands. */
export interface RunProgress {
  readonly step: number;
  readonly totalSteps: number;
  readonly loss: number;
  /** Milliseconds of this run so far, and the part spent in the executor. */
  readonly millis: number;
}

/** How an execution ended: with a record, or at a checkpoint because it was asked to stop. */
export type ExecutionResult =
  | { readonly kind: "recorded"; readonly record: RunRecord }
  | { readonly kind: "stopped"; readonly step: number };

/** What a run asks the train room for. */
export async function trainingRequest(
  planned: PlannedRun,
  context: Pick<ExecutionContext, "executor" | "programs" | "inputs">,
): Promise<TrainingRequest> {
  const { run, method, plan, modules } = planned;
  const model = await context.inputs.model(run.settings.model);
  const { task } = await context.inputs.task(run.task);
  const bound = method.bind(run.options);
  const scores = bound.adapter?.dynamics?.scores;
  const data = await context.inputs.runData(
    run,
    scores?.type === "ablation" ? scores.examples : 0,
  );
  const { dropout, beta1, beta2, epsilon, weightDecay, clipNorm } = run.settings.train;
  const train = { dropout, beta1, beta2, epsilon, weightDecay, clipNorm };
  const ranks = plan === null
    ? []
    : modules.map((module, i) => ({ module, rank: plan.initial[i]! }));
  return {
    executor: context.executor,
    programs: context.programs,
    programKey: hashJson({
      weights: model.weightsHash,
      method: run.method,
      options: run.options,
      ranks: ranks.map(({ module, rank }) => [module.name, rank]),
      output: task.output as unknown as Json,
      stages: data.stages.length,
      train: train as unknown as Json,
    }),
    assembly: {
      encoder: model,
      output: task.output,
      stages: data.stages.length,
      method: bound,
      ranks,
      train,
    },
    task,
    settings: run.settings,
    seed: run.seed,
    finalTotal: plan?.finalTotal ?? 0,
    costs: method.costs(run.options),
    stages: data.stages,
    splits: data.splits,
  };
}

function evaluationLines(snapshot: Snapshot): readonly EvaluationLine[] {
  return snapshot.evaluations.map(({ split, loss, metrics }) => ({
    step: snapshot.step,
    epoch: snapshot.epoch,
    split,
    loss,
    metrics,
  }));
}

/** Writes an event as a line of its journal. */
function journalEvent(folder: RunFolder, event: TrainingEvent): void {
  if (event.kind === "evaluation") {
    for (const line of evaluationLines(event.snapshot)) folder.append("evaluations", line);
    return;
  }
  const { kind, ...line } = event;
  folder.append(kind === "step" ? "steps" : kind, line);
}

function causeOf(error: unknown): FailureCause {
  if (error instanceof DivergenceError) return "diverged";
  if (error instanceof ExecutorError) return error.outOfMemory ? "out-of-memory" : "executor";
  return "unknown";
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

interface Spent {
  trainMillis: number;
  evaluateMillis: number;
  eventMillis: number;
  wallMillis: number;
  peakMemoryBytes: number;
  startedAt: string;
}

function freshSpent(): Spent {
  return {
    trainMillis: 0,
    evaluateMillis: 0,
    eventMillis: 0,
    wallMillis: 0,
    peakMemoryBytes: 0,
    startedAt: new Date().toISOString(),
  };
}

/**
 * Runs one run to its end, or from its checkpoint on; a run that fails leaves a record with its cause.
 *
 * @throws {StorageError} If the results cannot be written: nothing can be recorded then.
 */
export async function execute(
  asked: PlannedRun,
  context: ExecutionContext,
): Promise<ExecutionResult> {
  const { folder, stored } = await RunFolder.open(`${context.results}/${asked.folder}`);
  const spent: Spent = { ...freshSpent(), ...stored?.spent };
  const started: Started = { trainer: null, run: { planned: asked, estimate: null } };
  try {
    let outcome: Outcome = { state: "finished" };
    try {
      const order = stored?.checkpoint.order ?? null;
      started.run = await withEstimatedRanks(asked, context, order);
      const request = await trainingRequest(started.run.planned, context);
      started.trainer = await Trainer.create(request, stored?.checkpoint ?? null);
      const isDone = await runToEnd(started.trainer, { folder, context, spent });
      if (!isDone) return { kind: "stopped", step: started.trainer.step };
    } catch (error) {
      if (error instanceof StorageError || !(error instanceof Error)) throw error;
      // A process that ends at once takes the runtime away from runs in workers, which is no outcome of theirs.
      if (error instanceof ExecutorError && context.isStopping()) {
        return { kind: "stopped", step: started.trainer?.step ?? 0 };
      }
      const step = error instanceof DivergenceError ? error.step : started.trainer?.step ?? null;
      outcome = { state: "failed", cause: causeOf(error), message: error.message, step };
    }
    const { trainer, run } = started;
    const record = await recordOf({ ...run, context, folder, trainer, outcome, spent });
    await folder.finish(record);
    return { kind: "recorded", record };
  } finally {
    started.trainer?.dispose();
    folder.close();
  }
}

/** A run and its trainer, once they have been made. */
interface Started {
  trainer: Trainer | null;
  run: EstimatedRun;
}

interface Loop {
  readonly folder: RunFolder;
  readonly context: ExecutionContext;
  readonly spent: Spent;
}

/** Steps until the end, with journals and checkpoints; false if it was asked to stop before. */
async function runToEnd(trainer: Trainer, { folder, context, spent }: Loop): Promise<boolean> {
  const began = performance.now() - spent.wallMillis;
  let lastCheckpoint = performance.now();
  while (!trainer.isDone) {
    const started = performance.now();
    const eventsBefore = trainer.eventMillis ?? 0;
    const events = await trainer.advance();
    const took = performance.now() - started;
    const eventMillis = (trainer.eventMillis ?? 0) - eventsBefore;
    const steps = events.filter((event) => event.kind === "step");
    const stepMillis = steps.reduce((sum, step) => sum + step.stepMillis, 0);
    spent.trainMillis += stepMillis;
    spent.eventMillis += eventMillis;
    if (events.some(({ kind }) => kind === "evaluation")) {
      spent.evaluateMillis += took - stepMillis - eventMillis;
    }
    spent.wallMillis = performance.now() - began;
    for (const event of events) journalEvent(folder, event);
    if (trainer.step % 8 < steps.length || trainer.isDone) {
      spent.peakMemoryBytes = Math.max(spent.peakMemoryBytes, Deno.memoryUsage().rss);
    }
    await context.onStep({
      step: trainer.step,
      totalSteps: trainer.totalSteps,
      loss: steps[steps.length - 1]?.loss ?? NaN,
      millis: spent.wallMillis,
    });
    if (trainer.isDone) break;
    const isStopping = context.isStopping();
    if (isStopping || performance.now() - lastCheckpoint > (context.checkpointMillis ?? 20_000)) {
      await folder.saveCheckpoint({ checkpoint: await trainer.checkpoint(), spent });
      lastCheckpoint = performance.now();
    }
    if (isStopping) return false;
  }
  return true;
}

/** What a finished run through a sequence came to, by its journal. */
async function sequenceOf(
  { path }: RunFolder,
  tasks: readonly SequenceStage[],
  stages: readonly RunStage[],
): Promise<SequenceOutcome> {
  const file = `${path}/evaluations.jsonl`;
  const { lines } = readJsonl(await Deno.readTextFile(file), file, parseEvaluationLine);
  const done = stages.map(({ firstStep, steps }, i) => {
    const { task, classes } = tasks[i]!;
    return { task, classes: classes.count, firstStep, steps };
  });
  return sequenceOutcome(done, lines);
}

interface Ending extends EstimatedRun {
  readonly context: ExecutionContext;
  readonly folder: RunFolder;
  readonly trainer: Trainer | null;
  readonly outcome: Outcome;
  readonly spent: Spent;
}

/** Writes weights and predictions, and makes the record. */
async function recordOf(ending: Ending): Promise<RunRecord> {
  const { planned, estimate, context, folder, trainer, outcome, spent } = ending;
  const { run, plan, method } = planned;
  const { keep } = run.settings.train;
  const { task } = await context.inputs.task(run.task);
  const model = await context.inputs.model(run.settings.model);
  const progress = trainer?.progress ?? null;
  const best = progress?.best ?? null;
  const last = progress?.last ?? null;
  const kept = keep === "best" ? best : last;
  const historyOf = ({ merged }: Snapshot) => (progress?.history ?? []).slice(0, merged);
  if (trainer !== null) {
    const weightsOf = (snapshot: Snapshot) =>
      writeSafetensors(
        new Map(
          exportTensors(trainer.assembly, snapshot.theta, snapshot.order, historyOf(snapshot))
            .map(({ name, shape, data }) => [name, { shape, data }]),
        ),
        "F32",
        { run: planned.id, step: String(snapshot.step), off: JSON.stringify(snapshot.off) },
      );
    if (last !== null) await folder.write("adapter.safetensors", weightsOf(last));
    if (best !== null && best.step !== last?.step) {
      await folder.write("best.safetensors", weightsOf(best));
    }
  }
  if (kept !== null) {
    const { splits } = await context.inputs.runData(run);
    const lines = splits.flatMap((split) => {
      // A run through a sequence that failed has not seen all of its tasks.
      const own = kept.evaluations.find((evaluation) => evaluation.split === split.name);
      if (own === undefined) return [];
      return split.targets.map((target, row) =>
        JSON.stringify({
          split: split.name,
          id: split.ids[row],
          target,
          prediction: own.predictions[row],
        })
      );
    });
    await folder.write("predictions.jsonl", `${lines.join("\n")}\n`);
  }
  await folder.flush();
  const stepsPath = `${folder.path}/steps.jsonl`;
  const { lines: steps } = readJsonl(await Deno.readTextFile(stepsPath), stepsPath, parseStepLine);
  const recent = steps.slice(-50);
  const sequence = outcome.state === "finished" && task.stages !== undefined && trainer !== null
    ? await sequenceOf(folder, task.stages, trainer.stages)
    : null;
  const ranksAt = (snapshot: Snapshot | null) =>
    plan === null || snapshot === null ? null : {
      ...Object.fromEntries(planned.modules.map(({ name }) => [name, 0])),
      ...activeRanks(snapshot.order, snapshot.off),
    };
  const initialRanks = plan === null ? null : {
    ...Object.fromEntries(planned.modules.map(({ name }, i) => [name, plan.initial[i]!])),
    ...trainer?.openingRanks,
  };
  const finalRanks = ranksAt(kept);
  const merged = kept === null || finalRanks === null ? {} : mergedRanks(historyOf(kept));
  const storedRanks = Object.fromEntries(
    Object.entries(finalRanks ?? {}).map(([name, rank]) => [name, rank + (merged[name] ?? 0)]),
  );
  const costs = method.costs(run.options);
  const stepMillis = steps.map((line) => line.stepMillis);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const architecture = architectureOf(model.config);
  const headSize = architecture.headParameters(model.config, outputCount(task.output))
    .reduce((total, { shape }) => total + countOf(shape), 0);
  const encoderSize = architecture.encoderParameters(model.config)
    .reduce((total, { shape }) => total + countOf(shape), 0);
  return {
    schema: recordSchemaVersion,
    id: planned.id,
    asked: {
      study: run.study,
      task: run.task,
      method: run.method,
      label: run.label,
      methodVersion: run.methodVersion,
      options: run.options,
      budget: run.budget,
      seed: run.seed,
      run: run as unknown as Json,
    },
    happened: {
      outcome,
      steps: trainer?.step ?? 0,
      epochs: steps[steps.length - 1]?.epoch ?? 0,
      primaryMetric: primaryMetric(task),
      keep,
      best: best === null ? null : evaluationLines(best)[0]!,
      last: last === null ? null : evaluationLines(last)[0]!,
      others: kept === null ? [] : evaluationLines(kept).slice(1),
      finalTrainLoss: recent.length === 0
        ? null
        : sum(recent.map(({ loss }) => loss)) / recent.length,
      ...(sequence === null ? {} : { sequence }),
      parameters: {
        total: encoderSize + headSize + (trainer?.assembly.adapterSize ?? 0),
        trainable: trainer?.assembly.layout.size ?? 0,
        head: headSize,
      },
      budget: plan === null || trainer === null || finalRanks === null ? null : {
        requested: plan.requested,
        initial: countParameters(
          planned.modules.map(({ name }) => initialRanks![name]!),
          planned.modules,
          costs,
        ),
        peak: progress?.peakParameters ?? 0,
        final: trainer.parametersAt(finalRanks),
        stored: storedNumbers(trainer.assembly, kept!, storedRanks),
      },
      initialRanks,
      finalRanks,
      ...(Object.keys(merged).length === 0 ? {} : { storedRanks }),
      rankEvents: progress?.rankEvents ?? 0,
      ranksMoved: progress?.ranksMoved ?? 0,
      ...(estimate === null ? {} : { estimate }),
      time: {
        startedAt: spent.startedAt,
        wallMillis: spent.wallMillis,
        trainMillis: spent.trainMillis,
        evaluateMillis: spent.evaluateMillis,
        ...(trainer === null || trainer.eventMillis === null
          ? {}
          : { eventMillis: spent.eventMillis }),
        medianStepMillis: median(stepMillis),
        tokensPerSecond: stepMillis.length === 0
          ? 0
          : sum(steps.map(({ tokens }) => tokens)) / sum(stepMillis) * 1000,
      },
      peakMemoryBytes: spent.peakMemoryBytes === 0 ? null : spent.peakMemoryBytes,
    },
    where: whereOf(context, planned),
  };
}

/** Numbers to be kept of what was trained, as the adapter counts them. */
function storedNumbers(
  assembly: Assembly,
  { theta, order }: Snapshot,
  ranks: Readonly<Record<string, number>>,
): number {
  return assembly.adapter?.isStoredSparse === true
    ? nonzeroAdapterNumbers(assembly, theta, order)
    : countActive(assembly.modules, ranks, assembly.adapter?.stored ?? foldedCosts);
}

/** Where and with what a run is made. */
export function whereOf(
  context: Pick<ExecutionContext, "surroundings" | "executor">,
  { hashes, origin, method }: Pick<PlannedRun, "hashes" | "origin" | "method">,
): RunRecord["where"] {
  const { lock, ...surroundings } = context.surroundings;
  const { executor } = context;
  return {
    ...surroundings,
    device: { executor: executor.kind, name: executor.name, threads: executor.threads },
    ...(origin === null ? {} : { model: origin }),
    ...(method.origin === undefined ? {} : { method: method.origin }),
    hashes: { ...hashes, lock },
  };
}
