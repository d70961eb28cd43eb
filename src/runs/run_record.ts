/**
 * The record of a run at its end: its request, its result and its environment.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import type { Executor } from "../exec/executor.ts";
import { foldedCosts } from "../methods/adapter.ts";
import { architectureOf } from "../models/architectures.ts";
import { countOf } from "../models/parameters.ts";
import type { Environment } from "../record/provenance.ts";
import { runFlags, sequenceOutcome, stepFigures } from "./run_figures.ts";
import { majorityMetrics } from "../tasks/majority.ts";
import { trainableTargets } from "../tasks/run_examples.ts";
import {
  type BudgetCounts,
  type Outcome,
  type RankMap,
  type RecordedRequest,
  type RecordedResult,
  recordSchemaVersion,
  type RunRecord,
} from "../record/types.ts";
import { selectedOf } from "../study/grid/steps.ts";
import { countParameters } from "../study/budget/costs.ts";
import { primaryMetric } from "../tasks/metrics.ts";
import type { Assembly } from "../train/assemble.ts";
import { outputCount } from "../train/assembly_request.ts";
import type { EvaluationSplit } from "../train/evaluate.ts";
import { mergedRanks, nonzeroAdapterNumbers } from "../train/stored_tensors.ts";
import type { Snapshot } from "../train/run_types.ts";
import { activeRanks, countActive } from "../train/slots.ts";
import type { Trainer } from "../train/trainer.ts";
import type { RankedRun } from "./plan/ranks.ts";
import type { ReadRun } from "./inputs.ts";
import type { PlannedRun } from "./plan/planned_run.ts";
import { evaluationLines, type JournalLines, type Timings } from "./run_files.ts";

interface RecordContext {
  readonly executor: Executor;
  readonly environment: Environment;
}

interface Ending extends RankedRun {
  readonly read: ReadRun;
  readonly context: RecordContext;
  readonly journal: JournalLines;
  /** Null where the run failed before it had one. */
  readonly trainer: Trainer | null;
  /** The splits that it was evaluated on; none where there is no trainer. */
  readonly splits: readonly EvaluationSplit[];
  readonly outcome: Outcome;
  readonly timings: Timings;
}

type Signs = Pick<RecordedResult, "majority" | "flags">;

/** The record of a run that came to its end. A run whose own metric fails on what its flags need has failed. */
export function recordOf(ending: Ending): RunRecord {
  const { planned, context, outcome, trainer } = ending;
  let signs: Signs = {};
  let ended = ending;
  try {
    signs = signsAt(ending);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const step = trainer?.step ?? null;
    if (outcome.state === "finished") {
      const { message } = error;
      ended = { ...ending, outcome: { state: "failed", cause: "unknown", message, step } };
    }
  }
  return {
    schema: recordSchemaVersion,
    id: planned.id,
    asked: requestOf(planned),
    happened: resultOf(ended, signs),
    where: environmentOf(context, planned),
  };
}

function requestOf({ run, ranksFrom }: PlannedRun): RecordedRequest {
  return {
    study: run.study,
    task: run.task,
    method: run.method,
    label: run.label,
    ...(run.arm === undefined ? {} : { arm: run.arm }),
    ...(run.varied === undefined ? {} : { varied: run.varied }),
    methodVersion: run.methodVersion,
    options: run.options,
    budget: run.budget,
    ...(ranksFrom === null ? {} : { ranksFrom }),
    seed: run.seed,
    run: run as unknown as Json,
  };
}

/** The evaluation that the run's settings select, and those that it selects from. */
function evaluationsOf({ planned: { run }, trainer }: Ending) {
  const { best, last } = trainer?.progress ?? { best: null, last: null };
  return { best, last, selected: selectedOf(run.settings.train.keep, { best, last }) };
}

/** The majority's metrics, and the flags of a finished run; a sequence has no majority of its own. */
function signsAt(ending: Ending): Signs {
  const { planned: { run }, read, journal: { steps }, trainer, splits, outcome } = ending;
  const { selected } = evaluationsOf(ending);
  if (selected === null || trainer === null) return {};
  const last = read.parts.at(-1)!;
  const { task } = last;
  const trainTargets = trainableTargets(run, last);
  const [counted] = selected.evaluations;
  const majority = run.sequence === undefined
    ? majorityMetrics(task, trainTargets, splits[0]!.targets)
    : null;
  const { firstStep } = trainer.stages.at(-1)!;
  const flags = outcome.state === "failed" ? null : runFlags({
    task,
    trainTargets,
    losses: steps.filter(({ step }) => step > firstStep).map(({ loss }) => loss),
    targets: majority === null ? splits.flatMap(({ targets }) => targets) : splits[0]!.targets,
    predictions: counted!.predictions,
    scores: majority === null ? null : { own: counted!.metrics, majority },
  });
  return {
    ...(majority === null ? {} : { majority }),
    ...(flags === null ? {} : { flags }),
  };
}

function resultOf(ending: Ending, signs: Signs): RecordedResult {
  const { planned: { run }, estimate, read, journal, trainer, splits, outcome } = ending;
  const { steps } = journal;
  const { keep } = run.settings.train;
  const { task } = read;
  const progress = trainer?.progress ?? null;
  const { best, last, selected } = evaluationsOf(ending);
  const { epochs, finalTrainLoss, ...stepTimes } = stepFigures(steps);
  const sequence = outcome.state === "finished" && task.stages !== undefined && trainer !== null
    ? sequenceOutcome(
      trainer.stages.map(({ firstStep, steps }, i) => {
        const { task: name, classes } = task.stages![i]!;
        return { task: name, classes: classes.count, firstStep, steps };
      }),
      journal.evaluations,
    )
    : null;
  const ranks = ranksOf(ending, selected);
  const { initialRanks, finalRanks } = ranks;
  return {
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
    others: selected === null ? [] : evaluationLines(selected).slice(1),
    ...(selected === null || trainer === null ? {} : {
      examples: {
        train: trainer.stages.reduce((total, { trainExamples }) => total + trainExamples, 0),
        splits: Object.fromEntries(splits.map(({ name, ids }) => [name, ids.length])),
      },
    }),
    finalTrainLoss,
    ...signs,
    ...(sequence === null ? {} : { sequence }),
    parameters: parametersOf(ending),
    budget: budgetOf(ending, selected, ranks),
    initialRanks,
    finalRanks,
    ...(ranks.hasMerged ? { storedRanks: ranks.storedRanks } : {}),
    ...(finalRanks === null
      ? {}
      : { atFloor: Object.values(finalRanks).filter((rank) => rank === 1).length }),
    rankEvents: progress?.rankEvents ?? 0,
    ranksMoved: progress?.ranksMoved ?? 0,
    ...(estimate === null ? {} : { estimate }),
    time: timeOf(ending, stepTimes),
  };
}

interface RunRanks {
  /** Before the first step; null for methods without ranks, and where they were to come from a run that failed. */
  readonly initialRanks: RankMap | null;
  /** At the selected evaluation; null for methods without ranks, and without such an evaluation. */
  readonly finalRanks: RankMap | null;
  /** The final ones and those that were merged into the weights. */
  readonly storedRanks: RankMap;
  readonly hasMerged: boolean;
}

function ranksOf({ planned, trainer }: Ending, selected: Snapshot | null): RunRanks {
  const { plan, modules, ranksFolder } = planned;
  const initialRanks = plan === null || ranksFolder !== null ? null : {
    ...Object.fromEntries(modules.map(({ name }, i) => [name, plan.initial[i]!])),
    ...trainer?.openingRanks,
  };
  if (plan === null || selected === null) {
    return { initialRanks, finalRanks: null, storedRanks: {}, hasMerged: false };
  }
  const finalRanks = {
    ...Object.fromEntries(modules.map(({ name }) => [name, 0])),
    ...activeRanks(selected.order, selected.off),
  };
  const merged = mergedRanks((trainer?.progress.history ?? []).slice(0, selected.merged));
  const storedRanks = Object.fromEntries(
    Object.entries(finalRanks).map(([name, rank]) => [name, rank + (merged[name] ?? 0)]),
  );
  return { initialRanks, finalRanks, storedRanks, hasMerged: Object.keys(merged).length > 0 };
}

function parametersOf({ read: { model, task }, trainer }: Ending): RecordedResult["parameters"] {
  const architecture = architectureOf(model.config);
  const size = (parameters: readonly { readonly shape: readonly number[] }[]) =>
    parameters.reduce((total, { shape }) => total + countOf(shape), 0);
  const head = size(architecture.headParameters(model.config, outputCount(task.output)));
  const encoder = size(architecture.encoderParameters(model.config));
  const frozen = (trainer?.assembly.groups ?? [])
    .filter(({ part }) => part.isTrained === false)
    .reduce(
      (sum, { modules, capacity, rowLength }) => sum + modules.length * capacity * rowLength,
      0,
    );
  return {
    total: encoder + head + (trainer?.assembly.adapterSize ?? 0),
    trainable: (trainer?.assembly.layout.size ?? 0) - frozen,
    frozen,
    head,
  };
}

/** What of its budget a run used; null for methods without ranks, and where it failed before an evaluation. */
function budgetOf(
  { planned: { run, plan, method, modules }, trainer }: Ending,
  selected: Snapshot | null,
  { initialRanks, finalRanks, storedRanks }: RunRanks,
): BudgetCounts | null {
  if (plan === null || trainer === null || selected === null || finalRanks === null) return null;
  return {
    requested: plan.requested,
    initial: countParameters(
      modules.map(({ name }) => initialRanks![name]!),
      modules,
      method.costs(run.options),
    ),
    peak: trainer.progress.peakParameters,
    final: trainer.parametersAt(finalRanks),
    stored: storedNumbers(trainer.assembly, selected, storedRanks),
    meanTrained: trainer.meanTrained(),
  };
}

function timeOf(
  { timings, trainer }: Ending,
  stepTimes: Pick<RecordedResult["time"], "medianStepMillis" | "tokensPerSecond">,
): RecordedResult["time"] {
  const { startedAt, wallMillis, trainMillis, evaluateMillis, eventMillis, jobs } = timings;
  return {
    startedAt,
    wallMillis,
    trainMillis,
    evaluateMillis,
    ...(trainer === null || trainer.eventMillis === null ? {} : { eventMillis }),
    ...stepTimes,
    ...(jobs === undefined ? {} : { jobs }),
  };
}

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
export function environmentOf(
  context: RecordContext,
  { hashes, origin, method, metrics }: Pick<
    PlannedRun,
    "hashes" | "origin" | "method" | "metrics"
  >,
): RunRecord["where"] {
  const { lock, source, libraries, ...environment } = context.environment;
  const { executor } = context;
  const hasComputed = executor.kind === "cpu" && Object.keys(libraries).length > 0;
  return {
    ...environment,
    device: { executor: executor.kind, name: executor.name, threads: executor.threads },
    ...(origin === null ? {} : { model: origin }),
    ...(method.origin === undefined ? {} : { method: method.origin }),
    ...(metrics.length === 0 ? {} : { metrics }),
    hashes: {
      ...hashes,
      lock,
      ...(source === null ? {} : { source }),
      ...(hasComputed ? { libraries } : {}),
    },
  };
}
