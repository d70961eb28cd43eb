/**
 * Where the ranks of each adapted module lie: logical slots on physical rows, the groups that share a tensor, and the slices of
 * the flat vectors that hold all parameters.
 *
 * @module
 */
import { type Adapter, type AdapterPart, isPerSlot } from "../methods/adapter.ts";
import type { SlotRef } from "../methods/rank_actions.ts";
import { countParameters } from "../study/budget/costs.ts";
import type { AdapterCosts, ModuleShape } from "../study/types.ts";
import { reshape, split, type Tensor } from "../graph/mod.ts";

/**
 * The physical rows that are on, by module, in logical order: survivors of an event keep their order and new slots come last.
 */
export type SlotOrder = Readonly<Record<string, readonly number[]>>;

/** Modules that share one tensor for each part, because their sizes and capacities are equal. */
export interface SlotGroup {
  /** `A.128to512x6` for part A of modules from 128 to 512 with a capacity of 6; the part alone where all modules share it. */
  readonly name: string;
  /** The name without the part: groups of one class hold the same modules. Null where all modules share the row. */
  readonly sizeClass: string | null;
  /** Part of the adapter whose rows these are. */
  readonly part: AdapterPart;
  /** Numbers of a row, equal for all its modules. */
  readonly rowLength: number;
  /** Rows that each of its modules has room for, those that are off included. */
  readonly capacity: number;
  /** Modules with rows of their own; of a row that all share, the first one stands for all. */
  readonly modules: readonly ModuleShape[];
}

/** An adapted module and the rows that it has room for. */
export interface AdaptedModule {
  /** Linear layer of the encoder. */
  readonly module: ModuleShape;
  /** Rows in each part that has one a rank; at least the rank. */
  readonly capacity: number;
}

/**
 * Groups the parts of modules, part by part and class by class.
 *
 * @param stages Stages of the run. Default 1.
 */
export function slotGroups(
  adapter: Adapter,
  modules: readonly AdaptedModule[],
  stages = 1,
): readonly SlotGroup[] {
  const classes = new Map<string, AdaptedModule[]>();
  for (const adapted of modules) {
    const { module: { inSize, outSize }, capacity } = adapted;
    const sizeClass = `${inSize}to${outSize}x${capacity}`;
    classes.set(sizeClass, [...classes.get(sizeClass) ?? [], adapted]);
  }
  return adapter.parts.flatMap((part): readonly SlotGroup[] => {
    const lengthOf = ({ module }: AdaptedModule) => part.rowLength(module, stages);
    if (part.per === "adapter") {
      return modules.slice(0, 1).map((first) => ({
        name: part.name,
        sizeClass: null,
        part,
        rowLength: lengthOf(first),
        capacity: 1,
        modules: [first.module],
      }));
    }
    return [...classes].map(([sizeClass, members]) => ({
      name: `${part.name}.${sizeClass}`,
      sizeClass,
      part,
      rowLength: lengthOf(members[0]!),
      capacity: isPerSlot(part) ? members[0]!.capacity : 1,
      modules: members.map(({ module }) => module),
    }));
  });
}

/** The groups of each size class, those of rows that all modules share among them, with the modules of the class. */
export function sizeClasses(
  groups: readonly SlotGroup[],
): readonly { readonly members: readonly SlotGroup[]; readonly modules: readonly ModuleShape[] }[] {
  const shared = groups.filter(({ sizeClass }) => sizeClass === null);
  const own = groups.filter(({ sizeClass }) => sizeClass !== null);
  return [...Map.groupBy(own, ({ sizeClass }) => sizeClass).values()]
    .map((members) => ({ members: [...members, ...shared], modules: members[0]!.modules }));
}

/** Name of a group's vector slice in the layout. */
export function groupParameter(group: SlotGroup): string {
  return `adapter.${group.name}`;
}

/** The rows of a group that a module has on, in logical order: one for a part that has no row of its own for each slot. */
export function rowsOn(
  { part }: Pick<SlotGroup, "part">,
  order: SlotOrder,
  module: string,
): readonly number[] {
  return isPerSlot(part) ? order[module] ?? [] : [0];
}

/** The first `rank` rows of each module switched on. */
export function initialOrder(
  ranks: readonly { readonly name: string; readonly rank: number }[],
): SlotOrder {
  return Object.fromEntries(
    ranks.map(({ name, rank }) => [name, Array.from({ length: rank }, (_, i) => i)]),
  );
}

/** The rank of each module. */
export function ranksOf(order: SlotOrder): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(order).map(([name, rows]) => [name, rows.length]));
}

/** Ranks of slots that are on and not masked. */
export function activeRanks(
  order: SlotOrder,
  off: readonly SlotRef[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(order).map(([module, rows]) => [
      module,
      rows.length - off.filter((ref) => ref.module === module).length,
    ]),
  );
}

/** Adapter parameters at given ranks. */
export function countActive(
  modules: readonly AdaptedModule[],
  ranks: Readonly<Record<string, number>>,
  costs: AdapterCosts,
): number {
  return countParameters(
    modules.map(({ module }) => ranks[module.name]!),
    modules.map(({ module }) => module),
    costs,
  );
}

/** A named slice of a flat vector. */
export interface Slice {
  /** A parameter's checkpoint name, or group and part of an adapter. */
  readonly name: string;
  /** Shape of the parameter that the slice is a view of. */
  readonly shape: readonly number[];
  /** Index of its first number. */
  readonly offset: number;
  /** Numbers in it, the product of `shape`. */
  readonly size: number;
  /** Whether weight decay applies. */
  readonly decay: boolean;
}

/** The slices of a flat vector, in order and without gaps. */
export interface Layout {
  /** Adapters first, then the encoder's trained parameters, then the head. */
  readonly slices: readonly Slice[];
  /** Numbers in the whole vector. */
  readonly size: number;
}

/** Lays parameters out one after the other. */
export function makeLayout(
  parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly decay: boolean;
  }[],
): Layout {
  let size = 0;
  const slices = parameters.map(({ name, shape, decay }) => {
    const slice = {
      name,
      shape,
      decay,
      offset: size,
      size: shape.reduce((product, dim) => product * dim, 1),
    };
    size += slice.size;
    return slice;
  });
  return { slices, size };
}

/** The parameters as tensors of their own shapes, cut from the flat vector `[size]`. */
export function viewsOf(layout: Layout, vector: Tensor): ReadonlyMap<string, Tensor> {
  const pieces = split(vector, layout.slices.map(({ size }) => size), 0);
  return new Map(layout.slices.map(({ name, shape }, i) => [name, reshape(pieces[i]!, shape)]));
}

/**
 * The slice of a name.
 *
 * @throws {RangeError} If the layout has none.
 */
export function sliceOf(layout: Layout, name: string): Slice {
  const slice = layout.slices.find((candidate) => candidate.name === name);
  if (slice === undefined) throw new RangeError(`The layout has no parameter "${name}"`);
  return slice;
}

/** Fills a new flat vector with the values of each parameter. */
export function flatten(
  layout: Layout,
  valuesOf: (slice: Slice) => ArrayLike<number>,
): Float32Array {
  const vector = new Float32Array(layout.size);
  for (const slice of layout.slices) {
    const values = valuesOf(slice);
    if (values.length !== slice.size) {
      throw new RangeError(
        `Cannot place parameter "${slice.name}": found ${values.length} numbers, want ${slice.size} for [${slice.shape}]`,
      );
    }
    vector.set(values, slice.offset);
  }
  return vector;
}

/** 1 where weight decay applies, else 0. */
export function decayMask(layout: Layout): Float32Array {
  const mask = new Float32Array(layout.size);
  for (const { decay, offset, size } of layout.slices) {
    if (decay) mask.fill(1, offset, offset + size);
  }
  return mask;
}
