/**
 * What goes into a training run and what comes out of it, as values.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import type { Executor } from "../exec/executor.ts";
import type { SlotRef } from "../methods/rank_actions.ts";
import type { AdapterCosts, Settings } from "../study/types.ts";
import type { BatchCursor, Task } from "../tasks/types.ts";
import type { AssemblyRequest } from "./assemble.ts";
import type { Evaluation, EvaluationSplit } from "./evaluate.ts";
import type { MergedBlock } from "./history.ts";
import type { ProgramCache } from "./programs.ts";
import type { SlotOrder } from "./slots.ts";
import type { StageData } from "./stages.ts";
import type { StateVectors } from "./vectors.ts";

/** What a run trains, on what, and how. */
export interface TrainingRequest {
  readonly executor: Executor;
  readonly programs: ProgramCache;
  /** Names everything that the graph depends on besides slot capacities; see {@linkcode ProgramCache}. */
  readonly programKey: string;
  readonly assembly: AssemblyRequest;
  readonly task: Task;
  readonly settings: Settings;
  readonly seed: number;
  /** Total rank at the end, for policies that shrink; ignored by the others. */
  readonly finalTotal: number;
  /** What ranks cost. */
  readonly costs: AdapterCosts;
  /** What is trained on: one stage for each task of a sequence, else one. */
  readonly stages: readonly StageData[];
  /** The first one decides which evaluation is best; of a sequence, one for each task. */
  readonly splits: readonly EvaluationSplit[];
}

/** The kept parameters and what they achieved. */
export interface Snapshot {
  readonly step: number;
  readonly epoch: number;
  /** The first one counts: of a sequence, the one of all tasks seen so far; those of its tasks follow. */
  readonly evaluations: readonly Evaluation[];
  readonly theta: Float32Array;
  readonly order: SlotOrder;
  /** Slots whose E was masked to zero, by AdaLoRA's last mask. */
  readonly off: readonly SlotRef[];
  /** Blocks that had been merged into the weights: the first of the checkpoint's history. */
  readonly merged: number;
}

/** Everything needed to go on after a step: a value that can be stored. */
export interface Checkpoint {
  readonly step: number;
  readonly cursor: BatchCursor;
  readonly vectors: StateVectors;
  readonly order: SlotOrder;
  /** The rank of each adapted module before the first step. */
  readonly openingRanks: Readonly<Record<string, number>>;
  readonly capacities: Readonly<Record<string, number>>;
  readonly policyState: Json;
  /** The adapters' rows and moments that a policy asked to keep, or null. */
  readonly cache: StateVectors | null;
  /** What was merged into the weights, the oldest first; it only grows. */
  readonly history: readonly MergedBlock[];
  readonly off: readonly SlotRef[];
  readonly isMaskPermanent: boolean;
  readonly isRatePinned: boolean;
  readonly rankEvents: number;
  readonly ranksMoved: number;
  readonly peakParameters: number;
  readonly best: Snapshot | null;
  readonly last: Snapshot | null;
}

/** A checkpoint but for the vectors, which lie on the device while a run is under way. */
export type RunState = Omit<Checkpoint, "vectors">;

/** A change of ranks at an event. */
export interface RankChange {
  readonly module: string;
  readonly from: number;
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

/** Training produced a number that is not finite. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";
  readonly step: number;

  /** @param what What is not finite. Default `loss`. */
  constructor(step: number, found: number, what = "loss") {
    super(
      `Training diverged at step ${step}: found ${what} ${found}, want a finite number ` +
        `(lower train.learningRate, or set train.clipNorm)`,
    );
    this.step = step;
  }
}
