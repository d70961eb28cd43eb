/**
 * Ranks that a method reads off the frozen encoder: estimated once for all runs of a task and a model, before they train.
 *
 * @module
 */
import { hashJson } from "../base/hash.ts";
import type { Json } from "../base/canonical_json.ts";
import type { Executor } from "../exec/executor.ts";
import type { RankEstimate } from "../methods/rank_estimate.ts";
import type { RankEstimateRecord } from "../record/types.ts";
import { ranksByWeight, withRanks } from "../study/ranks.ts";
import { layerStates } from "../train/layer_states.ts";
import { sampledBatches } from "../train/run_data.ts";
import type { SlotOrder } from "../train/slots.ts";
import type { Inputs, ReadRun } from "./inputs.ts";
import type { PlannedRun } from "./planning.ts";

/** A run with the ranks that were found for it. */
export interface EstimatedRun {
  readonly planned: PlannedRun;
  /** Null where ranks follow from the budget alone. */
  readonly estimate: RankEstimateRecord | null;
}

/** What has been measured, by inputs and by what it depends on. */
const measured = new WeakMap<Inputs, Map<string, Promise<RankEstimateRecord>>>();

async function measure(
  { run }: PlannedRun,
  { examples, pooling, dimensionOf }: RankEstimate,
  read: ReadRun,
  executor: Executor,
): Promise<RankEstimateRecord> {
  const started = performance.now();
  const batches = sampledBatches(run, read, examples, "rank-estimate");
  const states = await layerStates(executor, read.model, batches, pooling);
  return { dimensions: states.map(dimensionOf), millis: performance.now() - started };
}

/** The run with ranks given by module; its plan keeps what the budget asked for. */
function replanned(planned: PlannedRun, ranks: readonly number[]): PlannedRun {
  const { method, run, modules, plan } = planned;
  return { ...planned, plan: withRanks(plan!, method, run.options, modules, ranks) };
}

/**
 * Finds the ranks of a run whose method estimates them; any other run is returned as it is.
 *
 * Runs that differ in their seeds only share the texts and the estimate.
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
  if (estimate === undefined || run.ranks !== null || plan === null) {
    return { planned, estimate: null };
  }
  const known = measured.get(context.inputs) ?? new Map<string, Promise<RankEstimateRecord>>();
  measured.set(context.inputs, known);
  const { maxLength, heldOut } = run.settings.train;
  const key = hashJson({
    ...hashes,
    task: run.task,
    method: run.method,
    options: run.options,
    maxLength,
    heldOut,
  } as unknown as Json);
  const measuring = known.get(key) ?? measure(planned, estimate, read, context.executor);
  known.set(key, measuring);
  const found = await measuring;
  const ranks = order === null
    ? estimate.ranksOf(
      found.dimensions,
      modules,
      (weights) => ranksByWeight(method, run.options, modules, run.budget!, weights),
    )
    : modules.map(({ name }) => order[name]?.length ?? 0);
  return { planned: replanned(planned, ranks), estimate: found };
}

/** A recorded run with the ranks that it began with, where its method estimates them. */
export function withRecordedRanks(
  planned: PlannedRun,
  initialRanks: Readonly<Record<string, number>> | null,
): PlannedRun {
  const { run, method, modules, plan } = planned;
  const isEstimated = method.bind(run.options).estimate !== undefined && run.ranks === null;
  if (!isEstimated || plan === null || initialRanks === null) return planned;
  return replanned(planned, modules.map(({ name }) => initialRanks[name] ?? 0));
}
