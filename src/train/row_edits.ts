/**
 * What decisions of a rank policy do to the rows of adapters: slots that are dropped and grown, rows that get other numbers.
 *
 * Everything here is pure: vectors go in, new vectors come out.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import { newDirection, newSlotScale } from "../methods/directions.ts";
import type { EditDecision, MoveDecision } from "../methods/rank_policy.ts";
import type { Assembly, StateVector } from "./assemble.ts";
import { type Place, placeOf, rowBounds, slotPlacesOf } from "./places.ts";
import { rowsOn, type SlotOrder } from "./slots.ts";
import { drawRow, type StateVectors } from "./vectors.ts";

/** The order of slots after a move; rows that become free are used again, lowest first. */
export function orderAfter(
  order: SlotOrder,
  decision: MoveDecision,
): { readonly order: SlotOrder; readonly dropped: SlotOrder; readonly grown: SlotOrder } {
  const next: Record<string, readonly number[]> = {};
  const dropped: Record<string, readonly number[]> = {};
  const grown: Record<string, readonly number[]> = {};
  for (const [module, rows] of Object.entries(order)) {
    const off = new Set(
      decision.drop.filter((ref) => ref.module === module).map(({ slot }) => slot),
    );
    const kept = rows.filter((_, slot) => !off.has(slot));
    const fresh: number[] = [];
    for (let left = decision.grow.filter((name) => name === module).length; left > 0; left--) {
      let row = 0;
      while (kept.includes(row) || fresh.includes(row)) row++;
      fresh.push(row);
    }
    next[module] = [...kept, ...fresh];
    dropped[module] = rows.filter((_, slot) => off.has(slot));
    grown[module] = fresh;
  }
  return { order: next, dropped, grown };
}

/** Copies of the vectors, to be changed. */
function copied(vectors: StateVectors): Record<StateVector, Float32Array> {
  return Object.fromEntries(
    Object.entries(vectors).map(([name, vector]) => [name, vector.slice()]),
  ) as Record<StateVector, Float32Array>;
}

/** What a move needs besides the vectors. */
export interface MoveRequest {
  readonly assembly: Assembly;
  readonly vectors: StateVectors;
  readonly order: SlotOrder;
  readonly decision: MoveDecision;
  /** The event's own stream of random numbers. */
  readonly stream: RandomStream;
}

/**
 * The state after ranks have moved: dropped rows are zero in every vector; new rows start with a fresh direction in A and
 * B, a tiny E, zero moments and averages, and a step count of their own.
 *
 * The order in which normal numbers are drawn is that of `decision.grow`, for each slot first A and then B.
 *
 * @throws {RangeError} If a module outgrows its capacity.
 */
export function applyMove(
  { assembly, vectors, order, decision, stream }: MoveRequest,
): { readonly vectors: StateVectors; readonly order: SlotOrder } {
  const next = copied(vectors);
  const { order: nextOrder, dropped, grown } = orderAfter(order, decision);
  const rowVectors = assembly.stateVectors.filter((name) =>
    assembly.sizeOf(name) > 1 && name !== "inputNorms"
  );
  const clear = (place: Place, row: number, names: readonly StateVector[]) => {
    const [start, end] = rowBounds(place, row);
    for (const name of names) next[name].fill(0, start, end);
  };
  for (const [module, rows] of Object.entries(dropped)) {
    for (const place of slotPlacesOf(assembly, module)) {
      for (const row of rows) clear(place, row, rowVectors);
    }
  }
  const taken: Record<string, number> = {};
  const growths = assembly.adapter?.policy?.growth ?? {};
  for (const module of decision.grow) {
    const nth = taken[module] ?? 0;
    taken[module] = nth + 1;
    const row = grown[module]![nth]!;
    const before = nextOrder[module]!.filter((other) => !grown[module]!.slice(nth).includes(other));
    for (const place of slotPlacesOf(assembly, module)) {
      const { group } = place;
      if (row >= group.capacity) {
        throw new RangeError(
          `Cannot grow "${module}" to row ${row}: it has room for ${group.capacity} slots`,
        );
      }
      clear(place, row, rowVectors);
      const existing = before.map((other) => next.theta.slice(...rowBounds(place, other)));
      const grownRow = (): ArrayLike<number> => {
        const { part: { initial, name } } = group;
        const growth = growths[name] ?? initial;
        if (growth === "scale") return [newSlotScale(existing.map((values) => values[0]!))];
        if (typeof growth === "string") {
          return newDirection(existing, stream.normals(group.rowLength), growth);
        }
        const shape = group.modules.find((own) => own.name === module)!;
        return drawRow(place, growth(shape), `${module}/${name}/${nth}`, stream);
      };
      next.theta.set(grownRow(), rowBounds(place, row)[0]);
    }
  }
  return { vectors: next, order: nextOrder };
}

/** Vectors of which rows are cached: parameters and moments. */
const cachedVectors = ["theta", "m", "v"] as const;

/** The adapters' part of a state, for edits that take rows from it. */
export function cachedRows(assembly: Assembly, vectors: StateVectors): StateVectors {
  return Object.fromEntries(
    cachedVectors.map((name) => [name, vectors[name]!.slice(0, assembly.adapterSize)]),
  );
}

/** What an edit of rows needs besides the vectors. */
export interface EditRequest {
  readonly assembly: Assembly;
  readonly vectors: StateVectors;
  /** What {@linkcode cachedRows} kept, or null. */
  readonly cache: StateVectors | null;
  readonly order: SlotOrder;
  readonly decision: Pick<EditDecision, "rows">;
}

/**
 * The vectors after rows got other numbers.
 *
 * @throws {RangeError} If a row does not exist or is given another number of numbers, or is to come from a cache that is empty.
 */
export function applyEdit(
  { assembly, vectors, cache, order, decision }: EditRequest,
): StateVectors {
  const next = copied(vectors);
  for (const { module, slot, part, values, moments } of decision.rows) {
    const place = placeOf(assembly, module, part);
    const boundsOf = (logical: number) => {
      const row = rowsOn(place.group, order, module)[logical];
      if (row !== undefined) return rowBounds(place, row);
      throw new RangeError(
        `Cannot edit slot ${logical} of "${module}": it has none in part ${part}`,
      );
    };
    const [start, end] = boundsOf(slot);
    const source = "cachedSlot" in values ? boundsOf(values.cachedSlot) : null;
    if ((source !== null || moments === "cached") && cache === null) {
      throw new RangeError(`Cannot edit slot ${slot} of "${module}" from the cache: it is empty`);
    }
    const numbers = source === null
      ? values as ArrayLike<number>
      : cache!.theta!.subarray(...source);
    if (numbers.length !== end - start) {
      throw new RangeError(
        `Cannot edit slot ${slot} of "${module}": found ${numbers.length} numbers for part ${part}, ` +
          `want ${end - start}`,
      );
    }
    next.theta.set(numbers, start);
    for (const name of ["m", "v"] as const) {
      if (moments === "zero") next[name].fill(0, start, end);
      if (moments === "cached") {
        next[name].set(cache![name]!.subarray(...source ?? [start, end]), start);
      }
    }
  }
  return next;
}
