/**
 * The record of a run at its end: what was asked, what happened, and where it was made.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import type { Executor } from "../exec/executor.ts";
import { foldedCosts } from "../methods/adapter.ts";
import { architectureOf } from "../models/architectures.ts";
import { countOf } from "../models/parameters.ts";
import type { Environment } from "../record/provenance.ts";
import type { RunFolder } from "../record/run_folder.ts";
import { sequenceOutcome } from "../record/sequence.ts";
import { stepFigures } from "../record/step_figures.ts";
import {
  type EvaluationLine,
  type Outcome,
  recordSchemaVersion,
  type RunRecord,
  type SequenceOutcome,
} from "../record/types.ts";
import { keptOf } from "../study/kept.ts";
import { countParameters } from "../study/rank_costs.ts";
import { primaryMetric } from "../tasks/metrics.ts";
import type { SequenceStage } from "../tasks/types.ts";
import type { Assembly } from "../train/assemble.ts";
import { outputCount } from "../train/task_head.ts";
import type { EvaluationSplit } from "../train/evaluate.ts";
import { mergedRanks } from "../train/history.ts";
import type { Snapshot } from "../train/run_types.ts";
import { activeRanks, countActive } from "../train/slots.ts";
import type { RunStage } from "../train/stages.ts";
import { nonzeroAdapterNumbers } from "../train/stored_tensors.ts";
import type { Trainer } from "../train/trainer.ts";
import type { EstimatedRun } from "./estimated_ranks.ts";
import type { ReadRun } from "./inputs.ts";
import type { PlannedRun } from "./planning.ts";
import { evaluationLines, type JournalLines } from "./run_journal.ts";
import { writePredictions, writeSlotScores, writeWeights } from "./run_files.ts";
import { signsOf } from "./run_signs.ts";

/** Where the time of a run went, its earlier sittings included; it grows while the run is under way. */
export interface Timings {
  trainMillis: number;
  evaluateMillis: number;
  eventMillis: number;
  wallMillis: number;
  startedAt: string;
  /** The most runs that were made side by side in a sitting; absent where that is not known of one of them. */
  jobs?: number;
}

/**
 * The timings that a sitting of a run starts from.
 *
 * @param before Those of its earlier sittings, or null for a run that begins.
 * @param jobs Runs that are made side by side now, this one included.
 */
export function timingsBefore(before: Timings | null, jobs: number): Timings {
  if (before !== null) {
    const { jobs: most, ...timings } = before;
    return most === undefined ? timings : { ...timings, jobs: Math.max(most, jobs) };
  }
  return {
    trainMillis: 0,
    evaluateMillis: 0,
    eventMillis: 0,
    wallMillis: 0,
    startedAt: new Date().toISOString(),
    jobs,
  };
}

/** What a finished run through a sequence came to, by its evaluations. */
function sequenceOf(
  lines: readonly EvaluationLine[],
  tasks: readonly SequenceStage[],
  stages: readonly RunStage[],
): SequenceOutcome {
  const done = stages.map(({ firstStep, steps }, i) => {
    const { task, classes } = tasks[i]!;
    return { task, classes: classes.count, firstStep, steps };
  });
  return sequenceOutcome(done, lines);
}

/** What a record is made in: the executor and the machine around it. */
export interface RecordContext {
  readonly executor: Executor;
  readonly environment: Environment;
}

/** A run that came to its end, one way or another. */
export interface Ending extends EstimatedRun {
  readonly read: ReadRun;
  readonly context: RecordContext;
  readonly folder: RunFolder;
  readonly journal: JournalLines;
  /** Null where the run failed before it had one. */
  readonly trainer: Trainer | null;
  /** The splits that it was evaluated on; none where there is no trainer. */
  readonly splits: readonly EvaluationSplit[];
  readonly outcome: Outcome;
  readonly timings: Timings;
}

/** Writes the files that belong to the end of a run, and makes its record. */
export async function recordOf(ending: Ending): Promise<RunRecord> {
  const { planned, estimate, read, context, folder, journal, trainer, splits, outcome, timings } =
    ending;
  const { steps } = journal;
  const { run, plan, method } = planned;
  const { keep } = run.settings.train;
  const { task, model } = read;
  const progress = trainer?.progress ?? null;
  const best = progress?.best ?? null;
  const last = progress?.last ?? null;
  const kept = keptOf(keep, { best, last });
  if (trainer !== null) await writeWeights(folder, planned.id, trainer);
  if (trainer !== null) await writeSlotScores(folder, trainer);
  if (kept !== null) await writePredictions(folder, splits, kept);
  const { epochs, finalTrainLoss, ...stepTimes } = stepFigures(steps);
  const sequence = outcome.state === "finished" && task.stages !== undefined && trainer !== null
    ? sequenceOf(journal.evaluations, task.stages, trainer.stages)
    : null;
  const signs = kept === null || trainer === null ? {} : signsOf({
    run,
    read,
    stages: trainer.stages,
    splits,
    kept,
    steps,
    isFinished: outcome.state === "finished",
  });
  const ranksAt = (snapshot: Snapshot | null) =>
    plan === null || snapshot === null ? null : {
      ...Object.fromEntries(planned.modules.map(({ name }) => [name, 0])),
      ...activeRanks(snapshot.order, snapshot.off),
    };
  const initialRanks = plan === null || planned.ranksFolder !== null ? null : {
    ...Object.fromEntries(planned.modules.map(({ name }, i) => [name, plan.initial[i]!])),
    ...trainer?.openingRanks,
  };
  const finalRanks = ranksAt(kept);
  const merged = kept === null || finalRanks === null
    ? {}
    : mergedRanks((progress?.history ?? []).slice(0, kept.merged));
  const storedRanks = Object.fromEntries(
    Object.entries(finalRanks ?? {}).map(([name, rank]) => [name, rank + (merged[name] ?? 0)]),
  );
  const costs = method.costs(run.options);
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
      ...(run.arm === undefined ? {} : { arm: run.arm }),
      ...(run.varied === undefined ? {} : { varied: run.varied }),
      methodVersion: run.methodVersion,
      options: run.options,
      budget: run.budget,
      ...(planned.ranksFrom === null ? {} : { ranksFrom: planned.ranksFrom }),
      seed: run.seed,
      run: run as unknown as Json,
    },
    happened: {
      outcome,
      steps: trainer?.step ?? 0,
      ...(outcome.state === "failed" || run.settings.train.until === undefined || trainer === null
        ? {}
        : { ended: trainer.isAtPlateau ? "plateau" : "cap" }),
      epochs,
      primaryMetric: primaryMetric(task),
      keep,
      best: best === null ? null : evaluationLines(best)[0]!,
      last: last === null ? null : evaluationLines(last)[0]!,
      others: kept === null ? [] : evaluationLines(kept).slice(1),
      ...(kept === null || trainer === null ? {} : {
        examples: {
          train: trainer.stages.reduce((total, { trainExamples }) => total + trainExamples, 0),
          splits: Object.fromEntries(splits.map(({ name, ids }) => [name, ids.length])),
        },
      }),
      finalTrainLoss,
      ...signs,
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
        meanTrained: trainer.meanTrained(),
      },
      initialRanks,
      finalRanks,
      ...(Object.keys(merged).length === 0 ? {} : { storedRanks }),
      ...(finalRanks === null
        ? {}
        : { atFloor: Object.values(finalRanks).filter((rank) => rank === 1).length }),
      rankEvents: progress?.rankEvents ?? 0,
      ranksMoved: progress?.ranksMoved ?? 0,
      ...(estimate === null ? {} : { estimate }),
      time: {
        startedAt: timings.startedAt,
        wallMillis: timings.wallMillis,
        trainMillis: timings.trainMillis,
        evaluateMillis: timings.evaluateMillis,
        ...(trainer === null || trainer.eventMillis === null
          ? {}
          : { eventMillis: timings.eventMillis }),
        ...stepTimes,
        ...(timings.jobs === undefined ? {} : { jobs: timings.jobs }),
      },
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
  return assembly.adapter?.storage?.isSparse === true
    ? nonzeroAdapterNumbers(assembly, theta, order)
    : countActive(assembly.modules, ranks, assembly.adapter?.storage?.costs ?? foldedCosts);
}

/** Where and with what a run is trained. */
export function whereOf(
  context: RecordContext,
  { hashes, origin, method }: Pick<PlannedRun, "hashes" | "origin" | "method">,
): RunRecord["where"] {
  const { lock, source, libraries, ...environment } = context.environment;
  const { executor } = context;
  const hasComputed = executor.kind === "cpu" && Object.keys(libraries).length > 0;
  return {
    ...environment,
    device: { executor: executor.kind, name: executor.name, threads: executor.threads },
    ...(origin === null ? {} : { model: origin }),
    ...(method.origin === undefined ? {} : { method: method.origin }),
    hashes: {
      ...hashes,
      lock,
      ...(source === null ? {} : { source }),
      ...(hasComputed ? { libraries } : {}),
    },
  };
}
