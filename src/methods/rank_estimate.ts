/**
 * Ranks that are read off the frozen encoder before training starts.
 *
 * @module
 */
import type { Pooling } from "../models/token_rows.ts";
import type { ModuleShape } from "../study/types.ts";

/** One number a layer boundary: before each layer, and after the last. */
export type LayerDimensions = readonly number[];

/** How a method finds its ranks; both questions are pure. */
export interface RankEstimate {
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
