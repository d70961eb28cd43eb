/**
 * The layer-rank ablation of finished runs: their stored weights are loaded, pieces removed, and the loss written down.
 *
 * @module
 */
import type { Executor } from "../../exec/executor.ts";
import { capacityOf } from "../../methods/adapter.ts";
import { isDamage } from "../../record/damage.ts";
import type { StoredRun } from "../../record/results_reader.ts";
import { readIfThere, writeWhole } from "../../record/durable.ts";
import { recordSchemaVersion, type RunAblation, type RunRecord } from "../../record/types.ts";
import { readWeightsFile } from "../../record/checkpoint_file.ts";
import { selectedOf } from "../../study/grid/steps.ts";
import type { ModuleShape } from "../../study/types.ts";
import { wholeSequence } from "../../tasks/sequence.ts";
import { ablate, piecesOf, storedRanks, type TrainedTensors } from "../../train/ablation.ts";
import { assemble } from "../../train/assemble.ts";
import type { Evaluation } from "../../train/evaluate.ts";
import { ProgramCache } from "../../train/programs.ts";
import { ResumedPrograms } from "../../train/resumed.ts";
import { trainingRequest } from "../training_request.ts";
import type { Inputs } from "../inputs.ts";
import type { PlannedRun } from "../plan/planned_run.ts";

/** Largest difference between the recorded metric and that of the stored weights: single precision. */
const metricTolerance = 1e-5;

/** Largest relative difference between the recorded loss and that of the stored weights. */
const lossTolerance = 1e-5;

/** Share of a split's examples whose class may change, where two classes are all but equally likely. */
const tieShare = 0.01;

/** The file with the weights of the selected evaluation. */
export function keptWeightsFile({ happened: { keep, best, last } }: RunRecord): string {
  return keep === "best" && best?.step !== last?.step ? "best.safetensors" : "adapter.safetensors";
}

/**
 * Whether a stored ablation belongs to a record: same metric, same baseline, same ranks.
 *
 * @param wanted `older` for one from before parts were removed. Default `whole`.
 */
export function isAblationOf(
  ablation: RunAblation,
  record: RunRecord,
  modules: readonly ModuleShape[],
  wanted: "whole" | "older" = "whole",
): boolean {
  const { finalRanks, storedRanks, primaryMetric } = record.happened;
  if (finalRanks === null || ablation.metric !== primaryMetric) return false;
  const metric = selectedOf(record.happened.keep, record.happened)?.metrics[primaryMetric];
  const isSame = Object.is(metric, ablation.baseline) ||
    Math.abs((metric ?? NaN) - ablation.baseline) <= metricTolerance;
  const pieces = piecesOf(modules, storedRanks ?? finalRanks)
    .filter(({ kind }) => wanted === "whole" || kind !== "part");
  return isSame && pieces.length === ablation.removals.length &&
    pieces.every(({ kind, name, rank }, i) => {
      const removal = ablation.removals[i]!;
      return removal.kind === kind && removal.name === name && removal.rank === rank;
    });
}

/**
 * Checks that stored weights do what the record says.
 *
 * The loss must agree to single precision. So must the metric, except that near ties may fall the other way for one
 * prediction in a hundred.
 *
 * @throws {RangeError} If they do not; the message names the run.
 */
export function checkBaseline(
  title: string,
  found: Evaluation,
  { record, predictions }: Pick<StoredRun, "record" | "predictions">,
): void {
  const wanted = selectedOf(record.happened.keep, record.happened)!;
  const metric = record.happened.primaryMetric;
  const fail = (what: string, here: number | undefined, there: number | undefined): never => {
    throw new RangeError(
      `Cannot ablate the run "${title}": its stored weights give ${what} ${here} on "${found.split}", ` +
        `want ${there} as its record says; its weights, its data or ranklab changed, so delete its folder ` +
        `and sweep again`,
    );
  };
  if (!(Math.abs(found.loss - wanted.loss) <= lossTolerance * Math.max(1, Math.abs(wanted.loss)))) {
    fail("loss", found.loss, wanted.loss);
  }
  const [here, there] = [found.metrics[metric], wanted.metrics[metric]];
  if (Object.is(here, there) || Math.abs(here! - there!) <= metricTolerance) return;
  const own = found.split === wholeSequence
    ? predictions
    : predictions.filter(({ split }) => split === found.split);
  const flipped = own.filter(({ prediction }, i) =>
    Math.abs(prediction - found.predictions[i]!) >
      lossTolerance * Math.max(1, Math.abs(prediction))
  ).length;
  const isTie = own.length === found.predictions.length &&
    flipped <= Math.max(1, tieShare * own.length);
  if (!isTie) fail(metric, here, there);
}

/** A recorded run, with what an ablation reads of its results. */
export interface AblatedRun {
  readonly stored: Pick<StoredRun, "folder" | "record" | "predictions">;
  readonly planned: PlannedRun;
}

/**
 * How the ablation of a run ended: stopped, with nothing written, or weightless where the weights are not beside the record,
 * as in studies that were published without them.
 */
export type AblationOutcome =
  | { readonly kind: "ablated"; readonly ablation: RunAblation }
  | { readonly kind: "stopped" }
  | { readonly kind: "weightless"; readonly message: string };

function readWeights(
  bytes: Uint8Array,
  path: string,
  { stored: { record }, planned: { title } }: AblatedRun,
): TrainedTensors {
  const { tensors, ...found } = readWeightsFile(bytes, path);
  const step = String(selectedOf(record.happened.keep, record.happened)?.step);
  if (found.run !== record.id || found.step !== step) {
    throw new RangeError(
      `Cannot ablate the run "${title}": "${path}" is of run ${found.run}, step ${found.step}, ` +
        `want run ${record.id}, step ${step}; delete its folder and sweep again`,
    );
  }
  return tensors;
}

/**
 * Slots to make room for in each module: as many as training did, which starts with the adapter's capacity and doubles
 * it for a module that outgrows it. Seeds then share a program, and the numbers are those of training.
 *
 * @param initial Modules with their initial ranks.
 * @param capacityOf The room that training starts with.
 * @param stored Slots of each module in the stored weights.
 */
export function roomsFor(
  initial: readonly { readonly module: ModuleShape; readonly rank: number }[],
  capacityOf: (rank: number) => number,
  stored: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(initial.map(({ module, rank }) => {
    let room = capacityOf(rank);
    while (room < stored[module.name]!) room *= 2;
    return [module.name, room];
  }));
}

class Stopped extends Error {}

interface Loaded {
  readonly key: string;
  readonly programs: ResumedPrograms;
}

/** Ablates runs one after the other; runs of the same shape share loaded programs. */
export class LayerAblation {
  readonly #executor: Executor;
  readonly #inputs: Inputs;
  readonly #isStopping: () => boolean;
  #loaded: Loaded | null = null;

  constructor(executor: Executor, inputs: Inputs, isStopping: () => boolean) {
    this.#executor = executor;
    this.#inputs = inputs;
    this.#isStopping = isStopping;
  }

  async #load(
    { planned }: AblatedRun,
    tensors: TrainedTensors,
  ): Promise<Loaded & Pick<Awaited<ReturnType<typeof trainingRequest>>, "task" | "splits">> {
    const request = await trainingRequest(planned, {
      executor: this.#executor,
      programs: new ProgramCache(this.#executor),
      inputs: this.#inputs,
    });
    const { adapter } = request.assembly.method;
    const capacities = roomsFor(
      request.assembly.ranks,
      (rank) => capacityOf(adapter!, rank),
      storedRanks(planned.modules, adapter!, tensors),
    );
    const key = `${request.programKey}/${JSON.stringify(capacities)}`;
    if (this.#loaded?.key !== key) {
      await this.release();
      const own = {
        ...request.assembly,
        // What a run merged into its weights is among the stored slots.
        weights: "constant",
        capacityOf: (module: ModuleShape) => capacities[module.name]!,
      } as const;
      this.#loaded = { key, programs: new ResumedPrograms(this.#executor, own, assemble(own)) };
    }
    return { ...this.#loaded!, task: request.task, splits: request.splits };
  }

  /**
   * Ablates one run and writes its `ablation.json`.
   *
   * @param onProgress Told what share of the removals is done.
   *
   * @throws {RangeError} If the stored weights are not what the record says.
   */
  async run(
    recorded: AblatedRun,
    onProgress: (share: number) => Promise<void>,
  ): Promise<AblationOutcome> {
    const { stored, planned } = recorded;
    const { record } = stored;
    if (planned.id !== record.id) {
      throw new RangeError(
        `Cannot ablate the run "${planned.title}": found other data, weights or tokenizer than it was trained with ` +
          `(its id would be ${planned.id}, want ${record.id}); restore them or sweep again`,
      );
    }
    const path = `${stored.folder}/${keptWeightsFile(record)}`;
    const bytes = await readIfThere(path);
    if (bytes === null) {
      return {
        kind: "weightless",
        message:
          `Cannot ablate the run "${planned.title}": found no "${path}", want its weights; ` +
          "delete its folder and sweep again",
      };
    }
    let tensors: TrainedTensors;
    try {
      tensors = readWeights(bytes, path, recorded);
    } catch (error) {
      // Of a record without hashes.
      if (!isDamage(error)) throw error;
      return {
        kind: "weightless",
        message: `${error.message}; delete the folder of "${planned.title}" and sweep again`,
      };
    }
    const { programs, task, splits } = await this.#load(recorded, tensors);
    const { finalRanks, storedRanks } = record.happened;
    const pieces = piecesOf(planned.modules, storedRanks ?? finalRanks!);
    const ablating = ablate({
      executor: this.#executor,
      programs,
      tensors,
      task,
      splits: task.stages === undefined ? [splits[0]!] : splits,
      pieces,
      onBaseline: (baseline) => checkBaseline(planned.title, baseline, stored),
      onProgress: async (share) => {
        await onProgress(share);
        if (this.#isStopping()) throw new Stopped();
      },
    });
    const result = await ablating.catch((error) => {
      if (error instanceof Stopped) return null;
      throw error;
    });
    if (result === null) return { kind: "stopped" };
    const ablation: RunAblation = { schema: recordSchemaVersion, ...result };
    await writeWhole(`${stored.folder}/ablation.json`, `${JSON.stringify(ablation, null, 2)}\n`);
    return { kind: "ablated", ablation };
  }
  async release(): Promise<void> {
    await this.#loaded?.programs.release();
    this.#loaded = null;
  }
}
