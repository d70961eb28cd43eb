/**
 * Rank policies: pure answers to the question which ranks live after a step.
 *
 * A policy never touches tensors; it gets one score a slot, a view of the rows as they are, and its own
 * state, and returns a decision (`rank_actions.ts`) and the next state.
 *
 * Steps are counted from 0, and a question about step t is asked after the optimiser's update of t.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import type { ClassRange } from "../tasks/types.ts";
import type { RankDecision, SlotScores } from "./rank_actions.ts";

/** The rows of a run as they are at an event. */
export interface RowView {
  /** A part's rows of a module by logical slot; one row where the part has one a module. */
  readonly rows: (module: string, part: string) => readonly Float32Array[];
  /** The event's own random numbers. */
  readonly stream: RandomStream;
  /**
   * The moving average of squared gradients of a part's rows, as AdamW keeps it, corrected for its bias; as {@linkcode RowView.rows}.
   */
  readonly squaredGradients: (module: string, part: string) => readonly Float32Array[];
  /**
   * The running norm of each input of a module, `[in]`.
   *
   * @throws {RangeError} If the method keeps none.
   */
  readonly inputNorms: (module: string) => Float32Array;
  /**
   * Whether the settings ask for an evaluation after this step. It is made after the event, unless the decision has it
   * earlier by an action of its own.
   */
  readonly isEvaluated: boolean;
}

/** What a policy needs to know of an adapted module. */
export interface PolicyModule {
  /** `layer.<n>.<part>`. */
  readonly name: string;
  /** Columns of the frozen weight `[out, in]`. */
  readonly inSize: number;
  /** Rows of the frozen weight `[out, in]`. */
  readonly outSize: number;
}

/** A stretch of a run on one task. */
export interface PolicyStage {
  /** The task's name. */
  readonly task: string;
  /** Its first step, from 0; an event at the end of the stage follows step `firstStep + steps - 1`. */
  readonly firstStep: number;
  /** Optimiser steps that it takes, at least 1. */
  readonly steps: number;
  /** The classes that its loss is over, or null for all outputs. */
  readonly classes: ClassRange | null;
}

/** What a policy knows when training starts. */
export interface PolicyContext {
  /** The adapted modules, in model order. */
  readonly modules: readonly PolicyModule[];
  /** Initial rank of each module. */
  readonly ranks: readonly number[];
  /** Total rank at the end; ignored where ranks only move. */
  readonly finalTotal: number;
  /** Optimiser steps of the run, of a sequence those of all stages. */
  readonly totalSteps: number;
  /** Steps of one pass over the training examples that the settings name; of a sequence those of its first task. */
  readonly stepsPerEpoch: number;
  /** Numbers that one rank of each module costs. Default: not known, and no cap. */
  readonly costs?: readonly number[];
  /** Numbers that all ranks may cost together at any time, or null where only their total counts. Default null. */
  readonly cap?: number | null;
  /** One for each task of a sequence, one for a single task. Default: one that takes all steps. */
  readonly stages?: readonly PolicyStage[];
}

/**
 * Decides about ranks; every function is pure and `State` is plain JSON, so a checkpoint can hold it.
 *
 * `Next` is the state that it gives, the same type wherever the policy is written; only what takes policies of any state tells
 * them apart.
 */
export interface RankPolicy<State, Next = State> {
  /** The state before the first step; throws where the context leaves the policy nothing to decide. */
  readonly start: (context: PolicyContext) => Next;
  /**
   * Ranks of the modules before the first step, where they are not those of the context; none may be higher than those, and a
   * module that is not named has none. Default: those of the context.
   */
  readonly opening?: (state: State, stream: RandomStream) => Readonly<Record<string, number>>;
  /**
   * Whether an event follows this step, that is, whether `decide` must be called.
   *
   * @param isEvaluated Whether the settings ask for an evaluation after this step. Default false.
   */
  readonly isDue: (state: State, step: number, isEvaluated?: boolean) => boolean;
  /**
   * Steps done when the last event of the run will have been, 0 where there is none. Default: after the last step for which `isDue`
   * holds in this state.
   */
  readonly lastEvent?: (state: State) => number;
  /** Whether the importance averages stay as they are in this step. Default: they never do. */
  readonly statisticsFrozen?: (state: State, step: number) => boolean;
  /** Numbers of adapters that are trained now. Default: what the ranks cost. */
  readonly trainedNumbers?: (state: State) => number;
  /**
   * The decision after a step for which `isDue` holds, and the next state.
   *
   * @param scores Reading them throws where the method's policy does not ask for any.
   */
  readonly decide: (
    state: State,
    step: number,
    scores: SlotScores,
    seen: RowView,
  ) => { readonly decision: RankDecision; readonly state: Next };
}

/**
 * Steps done when the last event of a run will have been, 0 where there is none; events that evaluations alone make do not count.
 *
 * @param totalSteps Of the run.
 */
export function lastEventOf<State>(
  policy: RankPolicy<State>,
  state: State,
  totalSteps: number,
): number {
  if (policy.lastEvent !== undefined) return policy.lastEvent(state);
  let done = totalSteps;
  while (done > 0 && !policy.isDue(state, done - 1)) done--;
  return done;
}

/** A policy that decides by scores, and needs no view of the rows unless it draws. */
export interface ScoredPolicy<State> extends Omit<RankPolicy<State>, "decide"> {
  readonly decide: (
    state: State,
    step: number,
    scores: SlotScores,
    seen?: RowView,
  ) => { readonly decision: RankDecision; readonly state: State };
}
