/**
 * Where the rows of adapter parts lie in the flat vectors of a training state.
 *
 * @module
 */
import { isPerSlot } from "../methods/adapter.ts";
import type { SlotRef } from "../methods/rank_actions.ts";
import type { Assembly } from "./assemble.ts";
import { sliceOf } from "./layout.ts";
import { groupParameter, type SlotGroup, type SlotOrder } from "./slots.ts";

/** The offset of each module's row 0 in a group, and the group itself. */
export interface Place {
  readonly group: SlotGroup;
  readonly offset: number;
}

/** Where a module's parts lie in the vectors. */
export function placesOf(assembly: Assembly, module: string): readonly Place[] {
  return assembly.groups.flatMap((group) => {
    const isShared = group.sizeClass === null;
    const index = isShared ? 0 : group.modules.findIndex(({ name }) => name === module);
    if (index < 0) return [];
    const { offset } = sliceOf(assembly.layout, groupParameter(group));
    return [{ group, offset: offset + index * group.capacity * group.rowLength }];
  });
}

/** Where those parts lie that have one row a slot. */
export function slotPlacesOf(assembly: Assembly, module: string): readonly Place[] {
  return placesOf(assembly, module).filter(({ group }) => isPerSlot(group.part));
}

/** Bounds of one row in the vectors. */
export function rowBounds({ group, offset }: Place, row: number): readonly [number, number] {
  const start = offset + row * group.rowLength;
  return [start, start + group.rowLength];
}

/**
 * Where one part of a module lies.
 *
 * @throws {RangeError} If the adapter has no part of that name.
 */
export function placeOf(assembly: Assembly, module: string, part: string): Place {
  const place = placesOf(assembly, module).find(({ group }) => group.part.name === part);
  if (place === undefined) {
    throw new RangeError(`Cannot find part "${part}" of "${module}": the adapter has none`);
  }
  return place;
}

/** Bounds in the vectors of what belongs to one slot. */
interface SlotRanges {
  /** Its own rows. */
  readonly slot: readonly (readonly [number, number])[];
  /** Its own rows, and those that the module has once or shares. */
  readonly all: readonly (readonly [number, number])[];
}

/** The ranges of some slots of a module by their physical rows. */
export function slotRanges(
  assembly: Assembly,
  module: string,
  rows: readonly number[],
): readonly SlotRanges[] {
  const places = placesOf(assembly, module);
  const shared = places.filter(({ group }) => !isPerSlot(group.part));
  const own = places.filter((place) => !shared.includes(place));
  return rows.map((row) => {
    const slot = own.map((place) => rowBounds(place, row));
    return { slot, all: [...slot, ...shared.map((place) => rowBounds(place, 0))] };
  });
}

/** Positions in the vectors of the entries that a mask sets to zero: the trained rows of length 1 of the given slots. */
export function maskedPositions(
  assembly: Assembly,
  order: SlotOrder,
  off: readonly SlotRef[],
): readonly number[] {
  return off.flatMap(({ module, slot }) =>
    slotPlacesOf(assembly, module)
      .filter(({ group: { rowLength, part } }) => rowLength === 1 && part.isTrained !== false)
      .map((place) => rowBounds(place, order[module]![slot]!)[0])
  );
}
