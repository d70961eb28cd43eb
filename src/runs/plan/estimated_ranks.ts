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
import { fixedRanks, hasGivenRanks, solveRanks } from "../../study/budget/ranks.ts";
import type { RunSpec } from "../../study/types.ts";
import { layerStates } from "../../train/layer_states.ts";
import { moduleInputs } from "../../train/module_inputs.ts";
import { sampledBatches } from "../../train/run_data.ts";
import { startStream } from "../../train/run_start.ts";
import type { SlotOrder } from "../../train/slots.ts";
import type { ModuleDirections } from "../../train/vectors.ts";
import { type StartingModel, weightImportance } from "../../train/weight_importance.ts";
import type { Inputs, ReadRun } from "../inputs.ts";
import type { PlannedRun } from "./planning.ts";
import { rankSourceOf } from "./rank_source.ts";

/** A run with the ranks that were found for it. */
export interface EstimatedRun {
  readonly planned: PlannedRun;
  /** Rows that were found for its modules to start with; absent where its method takes none. */
  readonly directions?: ModuleDirections;
  /** Null where ranks follow from the budget alone. */
  readonly estimate: RankEstimateRecord | null;
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

/** The encoder with the head that a run starts with, which follows from its seed. */
function startingModel(run: RunSpec, { model, task }: ReadRun): StartingModel {
  const stages = task.stages ?? [];
  return {
    encoder: model,
    output: task.output,
    stages: Math.max(1, stages.length),
    train: run.settings.train,
    stream: startStream(run.seed),
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

/** The run with a rank for each module; its plan keeps what the budget asked for. */
function replanned(planned: PlannedRun, ranks: readonly number[]): PlannedRun {
  const { method, run, modules, plan } = planned;
  const byName = Object.fromEntries(modules.map(({ name }, i) => [name, ranks[i]!]));
  const { requested } = plan!;
  return { ...planned, plan: { ...fixedRanks(method, run.options, modules, byName), requested } };
}

/**
 * Finds the ranks of a run whose method estimates them, and the rows that its modules start with; any other run is returned as it is.
 *
 * Runs that differ in their seeds only share the texts, and the estimate where it is of the frozen encoder alone: gradients also
 * depend on the head that a run starts with. A run whose ranks are given keeps them.
 *
 * @param read What was read for the run.
 * @param order Slots at a checkpoint that the run goes on from, or null: then the ranks are those it began with.
 */
export async function withEstimatedRanks(
  planned: PlannedRun,
  read: ReadRun,
  context: { readonly executor: Executor; readonly inputs: Inputs },
  order: SlotOrder | null,
): Promise<EstimatedRun> {
  const { run, method, modules, plan, hashes } = planned;
  const { estimate } = method.bind(run.options);
  const hasRanks = hasGivenRanks(run);
  if (estimate === undefined || plan === null || (hasRanks && estimate.of !== "inputs")) {
    return { planned, estimate: null };
  }
  if (estimate.of === "nothing") {
    const stream = RandomStream.fromSeed(run.seed).fork("ranks");
    const { purse } = purseOf(planned);
    const drawn = order === null
      ? estimate.ranksOf(modules, purse, stream)
      : modules.map(({ name }) => order[name]?.length ?? 0);
    return { planned: replanned(planned, drawn), estimate: null };
  }
  const known = measured.get(context.inputs) ?? new Map<string, Promise<Measured>>();
  measured.set(context.inputs, known);
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
    // The head that gradients come through is drawn by the seed.
    ...(estimate.of === "gradients" ? { seed: run.seed, regressionBias } : {}),
    ...(estimate.of === "inputs" || estimate.of === "gradients"
      ? { modules: run.settings.adapter.modules }
      : {}),
  } as unknown as Json);
  const measuring = known.get(key) ?? measure(planned, estimate, read, context.executor);
  known.set(key, measuring);
  const found = await measuring;
  const { record, directions } = found;
  const ranks = hasRanks
    ? plan.initial
    : order === null
    ? found.ranksOf(planned)
    : modules.map(({ name }) => order[name]?.length ?? 0);
  return {
    planned: replanned(planned, ranks),
    ...(directions === undefined ? {} : { directions }),
    estimate: record,
  };
}

/** A recorded run with the ranks that it began with, where its method estimates them or another run gave them. */
export function withRecordedRanks(
  planned: PlannedRun,
  initialRanks: Readonly<Record<string, number>> | null,
): PlannedRun {
  const { run, method, modules, plan } = planned;
  if (plan === null || initialRanks === null) return planned;
  switch (rankSourceOf(planned)) {
    case "run": {
      const own = fixedRanks(method, run.options, modules, initialRanks);
      return { ...planned, plan: own, ranksFolder: null };
    }
    case "estimate":
      return replanned(planned, modules.map(({ name }) => initialRanks[name] ?? 0));
    default:
      return planned;
  }
}
