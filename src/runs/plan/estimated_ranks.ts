/**
 * Ranks that a method reads off the frozen encoder: estimated once for all runs of a task and a model, before they train.
 *
 * @module
 */
import { RandomStream } from "../../base/random.ts";
import { hashJson } from "../../base/hash.ts";
import type { Json } from "../../base/canonical_json.ts";
import type { Executor } from "../../exec/executor.ts";
import type { DrawnEstimate, RankEstimate } from "../../methods/rank_estimate.ts";
import type { RankEstimateRecord } from "../../record/types.ts";
import { heldOutShare } from "../../study/grid/steps.ts";
import { hasGivenRanks, solveRanks } from "../../study/budget/ranks.ts";
import type { RunSpec } from "../../study/types.ts";
import { layerStates, moduleInputs } from "../../train/module_inputs.ts";
import { sampledBatches } from "../../train/run_data.ts";
import { seedOf, startStream } from "../../train/seeds.ts";
import type { SlotOrder } from "../../train/slots.ts";
import type { ModuleDirections } from "../../train/vectors.ts";
import { type StartingModel, weightImportance } from "../../train/weight_importance.ts";
import type { Inputs, ReadRun } from "../inputs.ts";
import type { PlannedRun } from "./planned_run.ts";

interface Estimated {
  /** A rank for each module. */
  readonly ranks: readonly number[];
  readonly directions?: ModuleDirections;
  /** Null where ranks were drawn, which measures nothing. */
  readonly record: RankEstimateRecord | null;
}

/** What estimates are made with. */
export interface EstimateContext {
  readonly executor: Executor;
  readonly inputs: Inputs;
}

/** What was measured of the frozen encoder: what is recorded of it, the ranks and the rows to start with. */
interface Measured {
  readonly record: RankEstimateRecord;
  /** The ranks of a run, whose budget need not be that of the run for which it was measured. */
  readonly ranksOf: (planned: PlannedRun) => readonly number[];
  readonly directions?: ModuleDirections;
}

/** What has been measured, by inputs and by what it depends on. */
const measured = new WeakMap<Inputs, Map<string, Promise<Measured>>>();

/** What the budget of a run pays for, and the ranks that it alone would give. */
function purseOf({ run, method, modules, plan }: PlannedRun) {
  const costs = method.costs(run.options);
  // A run that is made again has the ranks that were found as its plan; what is measured depends on those of the budget.
  const { initial, finalTotal } = hasGivenRanks(run)
    ? plan!
    : solveRanks(method, run.options, modules, run.budget!);
  return {
    initial,
    purse: {
      total: finalTotal,
      costs: modules.map(costs.perRank),
      cap: run.budget === null || run.budget.type === "rank" ? null : run.budget.value,
    },
  };
}

/** The encoder with the head that a run starts with, which follows from its seed of initial values. */
function startingModel(run: RunSpec, { model, task }: ReadRun): StartingModel {
  const stages = task.stages ?? [];
  return {
    encoder: model,
    output: task.output,
    stages: Math.max(1, stages.length),
    train: run.settings.train,
    stream: startStream(run),
    classes: stages[0]?.classes ?? null,
  };
}

async function measure(
  planned: PlannedRun,
  estimate: Exclude<RankEstimate, DrawnEstimate>,
  read: ReadRun,
  executor: Executor,
): Promise<Measured> {
  const { run, modules } = planned;
  const started = performance.now();
  const batches = sampledBatches(run, read, estimate.examples, "rank-estimate");
  const millis = () => performance.now() - started;
  if (estimate.of === "gradients") {
    const importance = await weightImportance(
      executor,
      startingModel(run, read),
      batches,
      modules,
    );
    return {
      record: {
        dimensions: [],
        importance: Object.fromEntries(modules.map(({ name }, i) => [name, importance[i]!])),
        millis: millis(),
      },
      ranksOf: (other) => estimate.ranksOf(importance, other.modules, purseOf(other).purse),
    };
  }
  if (estimate.of !== "inputs") {
    const states = await layerStates(executor, read.model, batches, estimate.pooling);
    const dimensions = states.map(estimate.dimensionOf);
    return {
      record: { dimensions, millis: millis() },
      ranksOf: ({ run, method, modules }) =>
        estimate.ranksOf(
          dimensions,
          modules,
          (weights) =>
            solveRanks({ ...method, rankWeights: () => weights }, run.options, modules, run.budget!)
              .initial,
        ),
    };
  }
  const { initial, purse } = purseOf(planned);
  const { ranks, explained, found } = await moduleInputs(executor, read.model, batches, estimate, {
    modules,
    ranks: initial,
    purse,
  });
  const byModule = <T>(of: (i: number) => T) =>
    Object.fromEntries(modules.map(({ name }, i) => [name, of(i)]));
  return {
    record: { dimensions: [], explained: byModule((i) => explained[i]!), millis: millis() },
    ranksOf: () => ranks,
    directions: byModule((i) => estimate.directionsOf(found[i]!)),
  };
}

/**
 * What a method finds of a run before training; null where it estimates nothing, or only ranks that are given.
 *
 * Runs that differ in their seeds only share the texts, and the estimate where it is of the frozen encoder alone: gradients also
 * depend on the head that a run starts with. A run whose ranks are given keeps them.
 *
 * @param order Slots at a checkpoint that the run goes on from, or null: then the ranks are those it began with.
 */
export async function estimateOf(
  planned: PlannedRun,
  read: ReadRun,
  { executor, inputs }: EstimateContext,
  order: SlotOrder | null,
): Promise<Estimated | null> {
  const { run, method, modules, plan, hashes } = planned;
  const { estimate } = method.bind(run.options);
  const hasRanks = hasGivenRanks(run);
  if (estimate === undefined || plan === null || (hasRanks && estimate.of !== "inputs")) {
    return null;
  }
  const ranksBy = (find: () => readonly number[]) =>
    order === null ? find() : modules.map(({ name }) => order[name]?.length ?? 0);
  if (estimate.of === "nothing") {
    const stream = RandomStream.fromSeed(run.seed).fork("ranks");
    const { purse } = purseOf(planned);
    return { ranks: ranksBy(() => estimate.ranksOf(modules, purse, stream)), record: null };
  }
  const known = measured.get(inputs) ?? new Map<string, Promise<Measured>>();
  measured.set(inputs, known);
  const { maxLength, regressionBias = null } = run.settings.train;
  const key = hashJson({
    ...hashes,
    task: run.task,
    method: run.method,
    options: run.options,
    maxLength,
    heldOut: heldOutShare(run.settings.train),
    ...(estimate.of === "inputs"
      ? { budget: run.budget, ranks: hasRanks ? plan.initial : null }
      : {}),
    // The head that gradients come through is drawn by the seed of initial values.
    ...(estimate.of === "gradients" ? { seed: seedOf(run, "init"), regressionBias } : {}),
    ...(estimate.of === "inputs" || estimate.of === "gradients"
      ? { modules: run.settings.adapter.modules }
      : {}),
  } as unknown as Json);
  const measuring = known.get(key) ?? measure(planned, estimate, read, executor);
  known.set(key, measuring);
  const { record, directions, ranksOf } = await measuring;
  return {
    ranks: hasRanks ? plan.initial : ranksBy(() => ranksOf(planned)),
    ...(directions === undefined ? {} : { directions }),
    record,
  };
}
