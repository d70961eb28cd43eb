/**
 * Adapters: what a method adds to a linear module, as rows that can be switched on and off.
 *
 * A *slot* is one rank of one module. Every part of an adapter has one row a slot, so a part of a module is a
 * matrix `[capacity, rowLength]`; a slot that is off has zeros in all of them and then adds nothing and
 * receives no gradient.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import type { Tensor } from "../graph/mod.ts";
import type { Initial } from "../models/parameters.ts";
import type { ModuleShape } from "../spec/types.ts";
import type { DirectionMode } from "./directions.ts";
import type { RankPolicy } from "./rank_policy.ts";

/** One part of an adapter. */
export interface AdapterPart {
  /** `A`, `B` or `E` in the papers' notation. */
  readonly name: string;
  /** Numbers a slot has in this part. */
  readonly rowLength: (module: ModuleShape) => number;
  /** How the rows of slots that are on start. */
  readonly initial: (module: ModuleShape) => Initial;
  /** How the row of a slot that is added while training starts: a new direction, or near zero. */
  readonly growth: "direction" | "scale";
}

/** The same part of several modules of equal sizes and capacity. */
export interface PartGroup {
  readonly part: string;
  /** `[modules, capacity, rowLength]`. */
  readonly rows: Tensor;
  /** 1 for slots that are on, `[modules, capacity]`. */
  readonly on: Tensor;
}

/** A term that is added to the loss and reported apart from it. */
export interface Regulariser {
  readonly weight: number;
  /** The unweighted term, a scalar. */
  readonly build: (groups: readonly PartGroup[]) => Tensor;
}

/** Smoothing factors of the importance averages. */
export interface ImportanceSettings {
  readonly beta1: number;
  readonly beta2: number;
}

/** What happens to ranks while training. */
export interface RankDynamics {
  readonly policy: RankPolicy<Json>;
  readonly importance: ImportanceSettings;
  /** `move`: slots leave and enter modules; `mask`: entries of E are set to zero. */
  readonly kind: "move" | "mask";
  /** How the rows of new slots are kept apart from the old. */
  readonly directions: DirectionMode;
}

/** An update BᵀA of a weight. */
export interface LowRankUpdate {
  readonly A: Tensor;
  readonly B: Tensor;
}

/** An adapter with its options bound. */
export interface Adapter {
  readonly parts: readonly AdapterPart[];
  /**
   * The two thin matrices whose product BᵀA is added to a module's weight; it is asked once for all modules of equal sizes,
   * so that scaling a part is one operator instead of one a module.
   *
   * @param parts The parts by name, `[modules, capacity, rowLength]`.
   * @param scale See {@linkcode Adapter.scale}.
   * @returns A `[modules, capacity, in]` and B, transposed, `[modules, capacity, out]`.
   */
  readonly prepare: (parts: Readonly<Record<string, Tensor>>, scale: number) => LowRankUpdate;
  /** The factor of the update, from the average initial rank of the adapted modules. */
  readonly scale: (averageRank: number) => number;
  /** Slots to make room for in a module that starts with `rank`. */
  readonly capacity: (rank: number) => number;
  readonly regulariser: Regulariser | null;
  readonly dynamics: RankDynamics | null;
}

/** A policy whose state is known only as JSON, as the loop and checkpoints see it. */
export function eraseState<State>(policy: RankPolicy<State>): RankPolicy<Json> {
  return policy as unknown as RankPolicy<Json>;
}
