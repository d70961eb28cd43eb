/**
 * Where the ranks of each adapted module lie: logical slots on physical rows, and the groups that share a tensor.
 *
 * @module
 */
import type { Adapter, AdapterPart } from "../methods/adapter.ts";
import type { ModuleShape } from "../spec/types.ts";

/**
 * The physical rows that are on, by module, in logical order: survivors of an event keep their order and new slots come last.
 */
export type SlotOrder = Readonly<Record<string, readonly number[]>>;

/** Modules that share one tensor for one part, because their rows are equally long and their capacities equal. */
export interface SlotGroup {
  /** `A.128x6` for part A, rows of 128 numbers, capacity 6. */
  readonly name: string;
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

/** Groups the parts of modules, part by part. */
export function slotGroups(
  adapter: Adapter,
  modules: readonly AdaptedModule[],
): readonly SlotGroup[] {
  return adapter.parts.flatMap((part) => {
    const groups = new Map<
      string,
      { rowLength: number; capacity: number; modules: ModuleShape[] }
    >();
    for (const { module, capacity } of modules) {
      const rowLength = part.rowLength(module);
      const name = `${part.name}.${rowLength}x${capacity}`;
      const group = groups.get(name) ?? { rowLength, capacity, modules: [] };
      group.modules.push(module);
      groups.set(name, group);
    }
    return [...groups].map(([name, group]) => ({ name, part, ...group }));
  });
}

/** Name of a group's vector slice in the layout. */
export function groupParameter(group: SlotGroup): string {
  return `adapter.${group.name}`;
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
