/**
 * Merging the slots of a state into the weights of their layers, and the state after it.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import { scaleOf } from "../methods/adapter.ts";
import type { MergeAction } from "../methods/rank_actions.ts";
import { updatesOf, type WeightUpdate } from "../methods/weight_update.ts";
import { architectureOf } from "../models/architectures.ts";
import type { Assembly } from "./assemble.ts";
import type { AssemblyRequest } from "./assembly_request.ts";
import { adapterTensors, type MergedBlock } from "./stored_tensors.ts";
import { initialOrder, type SlotOrder } from "./slots.ts";
import { drawRows, type StateVectors } from "./vectors.ts";

/** The slots of a state, as they are merged after `step` steps. */
export function blockOf(
  assembly: Assembly,
  theta: Float32Array,
  order: SlotOrder,
  step: number,
): MergedBlock {
  const tensors = adapterTensors(assembly, theta, order).filter(({ shape }) => shape[0]! > 0);
  return { step, tensors };
}

/** What a block adds to the weights of its layers. */
export function updatesOfBlock(
  { encoder: { config }, method: { adapter }, ranks }: Pick<
    AssemblyRequest,
    "encoder" | "method" | "ranks"
  >,
  { tensors }: MergedBlock,
): readonly WeightUpdate[] {
  const { modulePath } = architectureOf(config);
  const stored = new Map(tensors.map(({ name, shape, data }) => [name, { shape, data }]));
  return updatesOf(
    { tensors: stored, off: [], scale: scaleOf(adapter!, ranks.map(({ rank }) => rank)) },
    adapter!,
    ranks.map(({ module }) => module),
    ({ layer, part }) => modulePath(layer, part),
  );
}

interface NextBlockRequest {
  readonly assembly: Assembly;
  readonly vectors: StateVectors;
  readonly action: MergeAction;
  /** The block's own stream of random numbers. */
  readonly stream: RandomStream;
}

/**
 * The state after a merge: rows drawn anew for the ranks of the next block, and moments, averages and step counts of all
 * adapter rows zero; other parameters go on as they are.
 *
 * @throws {RangeError} If a module gets more ranks than it has room for.
 */
export function nextBlock(
  { assembly, vectors, action, stream }: NextBlockRequest,
): { readonly vectors: StateVectors; readonly order: SlotOrder } {
  const order = initialOrder(
    assembly.modules.map(({ module: { name }, capacity }) => {
      const rank = action.ranks[name] ?? 0;
      if (rank <= capacity) return { name, rank };
      throw new RangeError(
        `Cannot start a block with rank ${rank} in "${name}": it has room for ${capacity} slots`,
      );
    }),
  );
  const next = Object.fromEntries(
    Object.entries(vectors).map(([name, vector]) => [
      name,
      vector.slice().fill(0, 0, assembly.adapterSize),
    ]),
  );
  drawRows(assembly, next["theta"]!, order, stream);
  return { vectors: next, order };
}
