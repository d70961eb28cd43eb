/**
 * What goes into a training run and what comes out of it, as values.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import type { Executor } from "../exec/executor.ts";
import type { SlotRef, SlotScores } from "../methods/rank_actions.ts";
import type { AdapterCosts, RankCap } from "../study/types.ts";
import type { Settings } from "../study/schema/settings.ts";
import type { BatchCursor, Task } from "../tasks/types.ts";
import type { AssemblyRequest } from "./assembly_request.ts";
import type { Evaluation, EvaluationSplit } from "./evaluate.ts";
import type { MergedBlock } from "./stored_tensors.ts";
import type { PlateauState } from "./plateau.ts";
import type { ProgramCache } from "./programs.ts";
import type { SlotOrder } from "./slots.ts";
import type { StageData } from "./stages.ts";
import type { ModuleDirections, StateVectors } from "./vectors.ts";

/** What a run trains, on what, and how. */
export interface TrainingRequest {
  /** Where both programs run; the trainer does not dispose of it. */
  readonly executor: Executor;
  /** Cache that several runs may share, one after the other or at a time. */
  readonly programs: ProgramCache;
  /** Names everything that the graph depends on besides slot capacities; see {@linkcode ProgramCache}. */
  readonly programKey: string;
  /** What the graph is made from. */
  readonly assembly: AssemblyRequest;
  /** Names the metrics; with `stages` for a sequence. */
  readonly task: Task;
  /** Steps, learning rate, schedule and evaluations; those built into the graph stand in `assembly`. */
  readonly settings: Settings;
  /** Root of the run's random streams that `settings.train.seeds` does not hold; batches bring their own. */
  readonly seed: number;
  /** Total rank at the end, for policies that shrink; ignored by the others. */
  readonly finalTotal: number;
  /** What ranks cost. */
  readonly costs: AdapterCosts;
  /** What all ranks may cost together at any time, for policies that keep to it. Default: their number counts alone. */
  readonly cap?: RankCap | null;
  /** Rows that the method's estimate found for each module to start with. Default: none. */
  readonly directions?: ModuleDirections;
  /** What is trained on: one stage for each task of a sequence, else one. */
  readonly stages: readonly StageData[];
  /** The first one decides which evaluation is best; of a sequence, one for each task. */
  readonly splits: readonly EvaluationSplit[];
}

/** The kept parameters and what they achieved. */
export interface Snapshot {
  /** Optimiser steps done before the evaluation. */
  readonly step: number;
  /** Passes over the training data so far, with fractions. */
  readonly epoch: number;
  /** The first one counts: of a sequence, the one of all tasks seen so far; those of its tasks follow. */
  readonly evaluations: readonly Evaluation[];
  /** Trained parameters, `[layout.size]` of the assembly at that step. */
  readonly theta: Float32Array;
  /** Rows that were on, by module. */
  readonly order: SlotOrder;
  /** Slots whose E was masked to zero, by AdaLoRA's last mask. */
  readonly off: readonly SlotRef[];
  /** Blocks that had been merged into the weights: the first of the checkpoint's history. */
  readonly merged: number;
}

/** Everything needed to go on after a step: a value that can be stored. */
export interface Checkpoint {
  /** Optimiser steps done. */
  readonly step: number;
  /** Where the next batch comes from, in the present stage. */
  readonly cursor: BatchCursor;
  /** Parameters and moments, and averages of methods that keep such. */
  readonly vectors: StateVectors;
  /** Rows that are on, by module. */
  readonly order: SlotOrder;
  /** The rank of each adapted module before the first step. */
  readonly openingRanks: Readonly<Record<string, number>>;
  /** Rows that each adapted module has room for. */
  readonly capacities: Readonly<Record<string, number>>;
  /** As the policy returned it last; null for methods without a policy. */
  readonly policyState: Json;
  /** The adapters' rows and moments that a policy asked to keep, or null. */
  readonly cache: StateVectors | null;
  /** What was merged into the weights, the oldest first; it only grows. */
  readonly history: readonly MergedBlock[];
  /** Ranks masked to zero by the last mask; empty for methods that do not mask. */
  readonly off: readonly SlotRef[];
  /** Whether masked entries stay zero; else they are trained and may come back. */
  readonly isMaskPermanent: boolean;
  /** Whether a reset ended the schedule of this stage, so that the peak learning rate holds. */
  readonly isRatePinned: boolean;
  /** Events so far, those that changed nothing included. */
  readonly rankEvents: number;
  /** Ranks taken from a module, summed over all events. */
  readonly ranksMoved: number;
  /** Most adapter parameters that were active at a time. */
  readonly peakParameters: number;
  /** Trained adapter parameters summed over the steps up to `countedSteps`, since when they have not changed. */
  readonly trainedSum: number;
  /** Steps that `trainedSum` is of. */
  readonly countedSteps: number;
  /** What the last event that had scores was decided by; null before the first. */
  readonly lastScores: LastScores | null;
  /** How long the score has not risen, of a run that ends at a plateau; absent for others. */
  readonly plateau?: PlateauState;
  /** Best evaluation so far by the primary metric; null before the first. */
  readonly best: Snapshot | null;
  /** Latest evaluation; null before the first. */
  readonly last: Snapshot | null;
}

/** The scores of single slots at an event. */
export interface LastScores {
  /** Optimiser steps done before the event. */
  readonly step: number;
  /** Highest score among the slots that lost; null for policies without one. */
  readonly threshold: number | null;
  /** By module, in the order of its slots before the event. */
  readonly modules: SlotScores;
}

/** A checkpoint but for the vectors, which lie on the device while a run is under way. */
export type RunState = Omit<Checkpoint, "vectors">;

/** A change of ranks at an event. */
export interface RankChange {
  /** `layer.<n>.<part>`. */
  readonly module: string;
  /** Rank before the event. */
  readonly from: number;
  /** Rank after it. */
  readonly to: number;
  /** The module's mean slot score before the event. */
  readonly score: number;
}

/** What happened in a step. */
export type TrainingEvent =
  | {
    readonly kind: "step";
    readonly step: number;
    readonly epoch: number;
    readonly loss: number;
    readonly regulariser: number;
    readonly gradientNorm: number;
    readonly learningRate: number;
    readonly stepMillis: number;
    readonly tokens: number;
  }
  | {
    readonly kind: "ranks";
    readonly step: number;
    readonly budget: number;
    readonly moved: number;
    readonly threshold: number | null;
    readonly changes: readonly RankChange[];
  }
  | {
    readonly kind: "importance";
    readonly step: number;
    readonly scores: Readonly<Record<string, number>>;
  }
  | { readonly kind: "evaluation"; readonly snapshot: Snapshot };

/** What can be done about a number that is not finite. */
function remedyFor(step: number, what: string): string {
  const isOfEncoder = step <= 1 && (what === "loss" || what === "gradient norm");
  return isOfEncoder
    ? "nothing has been trained before the first step, so that no rate helps: the numbers of the encoder itself overflow; check " +
      "that its weights are whole and its config.json is theirs"
    : "lower train.learningRate, or set train.clipNorm";
}

/** Training produced a number that is not finite. */
export class DivergenceError extends Error {
  /** `DivergenceError`, which records note as the cause `diverged`. */
  override readonly name = "DivergenceError";
  /** First step, from 1, whose number was not finite. */
  readonly step: number;

  /**
   * The message names step, number and the settings that help.
   *
   * @param what What is not finite. Default `loss`.
   */
  constructor(step: number, found: number, what = "loss") {
    super(
      `Training diverged at step ${step}: found ${what} ${found}, want a finite number ` +
        `(${remedyFor(step, what)})`,
    );
    this.step = step;
  }
}
