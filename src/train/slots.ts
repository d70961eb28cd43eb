/**
 * Where the ranks of each adapted module lie: logical slots on physical rows, and the groups that share a tensor.
 *
 * @module
 */
import type { Adapter, AdapterPart } from "../methods/adapter.ts";
import type { SlotRef } from "../methods/rank_policy.ts";
import { countParameters } from "../spec/ranks.ts";
import type { AdapterCosts, ModuleShape } from "../spec/types.ts";

/**
 * The physical rows that are on, by module, in logical order: survivors of an event keep their order and new slots come last.
 */
export type SlotOrder = Readonly<Record<string, readonly number[]>>;

/** Modules that share one tensor for each part, because their sizes and capacities are equal. */
export interface SlotGroup {
  /** `A.128to512x6` for part A of modules from 128 to 512 with a capacity of 6. */
  readonly name: string;
  /** The name without the part: groups of one class hold the same modules. */
  readonly sizeClass: string;
  readonly part: AdapterPart;
  readonly rowLength: number;
  readonly capacity: number;
  readonly modules: readonly ModuleShape[];
}

/** An adapted module and the rows that it has room for. */
export interface AdaptedModule {
  readonly module: ModuleShape;
  readonly capacity: number;
}

/** Groups the parts of modules, part by part and class by class. */
export function slotGroups(
  adapter: Adapter,
  modules: readonly AdaptedModule[],
): readonly SlotGroup[] {
  const classes = new Map<string, AdaptedModule[]>();
  for (const adapted of modules) {
    const { module: { inSize, outSize }, capacity } = adapted;
    const sizeClass = `${inSize}to${outSize}x${capacity}`;
    classes.set(sizeClass, [...classes.get(sizeClass) ?? [], adapted]);
  }
  return adapter.parts.flatMap((part) =>
    [...classes].map(([sizeClass, members]) => ({
      name: `${part.name}.${sizeClass}`,
      sizeClass,
      part,
      rowLength: part.rowLength(members[0]!.module),
      capacity: part.per === "module" ? 1 : members[0]!.capacity,
      modules: members.map(({ module }) => module),
    }))
  );
}

/** Name of a group's vector slice in the layout. */
export function groupParameter(group: SlotGroup): string {
  return `adapter.${group.name}`;
}

/** The rows of a group that a module has on, in logical order: one for a part that has one row a module. */
export function rowsOn(
  { part }: Pick<SlotGroup, "part">,
  order: SlotOrder,
  module: string,
): readonly number[] {
  return part.per === "module" ? [0] : order[module] ?? [];
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
