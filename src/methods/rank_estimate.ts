/**
 * Ranks, and directions to start from, that are read off the frozen encoder before training starts.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import type { Pooling } from "../models/token_rows.ts";
import type { ModuleShape } from "../study/types.ts";
import type { PrincipalRows } from "./incremental_svd.ts";

/** One number a layer boundary: before each layer, and after the last. */
export type LayerDimensions = readonly number[];

/** How a method finds its ranks from the states between layers; both questions are pure. */
export interface StateEstimate {
  /** Tells it from {@linkcode InputEstimate}. Default `states`. */
  readonly of?: "states";
  /** Texts of the training split to encode. */
  readonly examples: number;
  /** Which states of a text become its one vector: the first token's, or the mean of all. */
  readonly pooling: Pooling;
  /** What is measured of the states at one layer boundary, a vector `[hidden]` a text. */
  readonly dimensionOf: (states: readonly Float32Array[]) => number;
  /**
   * The rank of each module.
   *
   * @param modules The adapted modules, in model order.
   * @param spread Ranks in proportion to weights, as the run's budget pays for them.
   */
  readonly ranksOf: (
    dimensions: LayerDimensions,
    modules: readonly ModuleShape[],
    spread: (weights: readonly number[]) => readonly number[],
  ) => readonly number[];
}

/** What a budget pays for, where ranks are given one by one. */
export interface RankPurse {
  /** Ranks of all modules together. */
  readonly total: number;
  /** Numbers that a rank of each module costs. */
  readonly costs: readonly number[];
  /** Numbers that all ranks may cost in place of `total`, or null. */
  readonly cap: number | null;
}

/** How a method finds ranks and directions from what enters each module; all questions are pure. */
export interface InputEstimate {
  /** Tells it from {@linkcode StateEstimate}. */
  readonly of: "inputs";
  /** Texts of the training split to encode. */
  readonly examples: number;
  /** Directions to find of what enters a module that the budget alone would give a rank. */
  readonly componentsOf: (rank: number) => number;
  /** Least cosine between a direction before and after a batch for which it counts as found. */
  readonly tau: number;
  /** The rank of each module, in model order, from what its directions explain. */
  readonly ranksOf: (
    explained: readonly (readonly number[])[],
    purse: RankPurse,
  ) => readonly number[];
  /** The rows that a module may start with, one a component. */
  readonly directionsOf: (found: PrincipalRows) => readonly ArrayLike<number>[];
}

/** How a method finds its ranks from how much the loss at the start depends on each module. */
export interface GradientEstimate {
  /** Tells it from the others. */
  readonly of: "gradients";
  /** Texts of the training split of which the loss is taken. */
  readonly examples: number;
  /**
   * The rank of each module.
   *
   * @param importance The mean of |W ∘ ∂L/∂W| of each module, in model order.
   */
  readonly ranksOf: (
    importance: readonly number[],
    modules: readonly ModuleShape[],
    purse: RankPurse,
  ) => readonly number[];
}

/** Ranks that are drawn, anew for each seed: the control of the others. */
export interface DrawnEstimate {
  /** Tells it from the others. */
  readonly of: "nothing";
  /**
   * The rank of each module.
   *
   * @param stream The run's own random numbers for it.
   */
  readonly ranksOf: (
    modules: readonly ModuleShape[],
    purse: RankPurse,
    stream: RandomStream,
  ) => readonly number[];
}

/** How a method finds its ranks before training. */
export type RankEstimate = StateEstimate | InputEstimate | GradientEstimate | DrawnEstimate;
