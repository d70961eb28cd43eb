/**
 * Where the ranks of each adapted module lie: logical slots on physical rows, and the groups that share a tensor.
 *
 * @module
 */
import { type Adapter, type AdapterPart, isPerSlot } from "../methods/adapter.ts";
import type { SlotRef } from "../methods/rank_actions.ts";
import { countParameters } from "../study/budget/costs.ts";
import type { AdapterCosts, ModuleShape } from "../study/types.ts";

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
