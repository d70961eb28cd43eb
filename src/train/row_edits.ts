/**
 * What decisions of a rank policy do to the rows of adapters: slots that are dropped and grown, rows that get other numbers, slots that are
 * merged into the weights of their layers.
 *
 * Everything here is pure: vectors go in, new vectors come out.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import { newDirection, newSlotScale } from "../methods/directions.ts";
import type {
  DropAction,
  GrowAction,
  MergeAction,
  RowEdit,
  SlotRef,
} from "../methods/rank_actions.ts";
import type { Assembly, StateVector } from "./assemble.ts";
import {
  drawRow,
  drawRows,
  type Place,
  placeOf,
  rowBounds,
  slotPlacesOf,
  type StateVectors,
} from "./vectors.ts";
import { initialOrder, rowsOn, type SlotOrder } from "./slots.ts";
import { scaleOf } from "../methods/adapter.ts";
import { updatesOf, type WeightUpdate } from "../methods/weight_update.ts";
import { architectureOf } from "../models/architectures.ts";
import type { AssemblyRequest } from "./assembly_request.ts";
import { adapterTensors, type MergedBlock } from "./stored_tensors.ts";

/**
 * Refuses slots that an action cannot be about.
 *
 * @param what What is to be done to them, such as `drop`.
 *
 * @throws {RangeError} If a slot does not exist or is named twice.
 */
export function checkSlots(order: SlotOrder, slots: readonly SlotRef[], what: string): void {
  const seen = new Set<string>();
  for (const { module, slot } of slots) {
    const found = rowsOf(order, module, what);
    const key = `${module}/${slot}`;
    if (found[slot] === undefined) {
      throw new RangeError(
        `Cannot ${what} slot ${slot} of "${module}": it has ${found.length}, counted from 0`,
      );
    }
    if (seen.has(key)) {
      throw new RangeError(`Cannot ${what} slot ${slot} of "${module}" twice: name it once`);
    }
    seen.add(key);
  }
}

function rowsOf(order: SlotOrder, module: string, what: string): readonly number[] {
  const rows = order[module];
  if (rows !== undefined) return rows;
  const known = Object.keys(order).map((name) => `"${name}"`).join(", ");
  throw new RangeError(
    `Cannot ${what} slots of "${module}": no such module is adapted; adapted are ${known}`,
  );
}

/** The order of slots without those that are dropped, and the rows that become free. */
function withoutSlots(
  order: SlotOrder,
  { slots }: DropAction,
): { readonly order: SlotOrder; readonly dropped: SlotOrder } {
  checkSlots(order, slots, "drop");
  const kept: Record<string, readonly number[]> = {};
  const dropped: Record<string, readonly number[]> = {};
  for (const [module, rows] of Object.entries(order)) {
    const off = new Set(slots.filter((ref) => ref.module === module).map(({ slot }) => slot));
    kept[module] = rows.filter((_, slot) => !off.has(slot));
    dropped[module] = rows.filter((_, slot) => off.has(slot));
  }
  return { order: kept, dropped };
}

/**
 * The order of slots with new ones; rows that are free are used again, lowest first.
 *
 * @throws {RangeError} If a module is not adapted.
 */
export function withNewSlots(order: SlotOrder, { modules }: GrowAction): SlotOrder {
  const next: Record<string, readonly number[]> = { ...order };
  for (const module of modules) {
    const rows = rowsOf(next, module, "grow");
    let row = 0;
    while (rows.includes(row)) row++;
    next[module] = [...rows, row];
  }
  return next;
}

/** Copies of the vectors, to be changed. */
function copied(vectors: StateVectors): Record<StateVector, Float32Array> {
  return Object.fromEntries(
    Object.entries(vectors).map(([name, vector]) => [name, vector.slice()]),
  ) as Record<StateVector, Float32Array>;
}

/** Vectors and the slots that lie in them. */
export interface SlotVectors {
  readonly vectors: StateVectors;
  readonly order: SlotOrder;
}

/** Sets a row to zero in every vector that has a number for each of its numbers. */
function clearRow(
  assembly: Assembly,
  vectors: Record<StateVector, Float32Array>,
  place: Place,
  row: number,
): void {
  const [start, end] = rowBounds(place, row);
  for (const name of assembly.stateVectors) {
    if (assembly.sizeOf(name) > 1 && name !== "inputNorms") vectors[name].fill(0, start, end);
  }
}

/**
 * The state without some slots: their rows are zero in every vector.
 *
 * @throws {RangeError} If a slot does not exist or is named twice.
 */
export function dropSlots(
  assembly: Assembly,
  { vectors, order }: SlotVectors,
  action: DropAction,
): SlotVectors {
  const next = copied(vectors);
  const { order: kept, dropped } = withoutSlots(order, action);
  for (const [module, rows] of Object.entries(dropped)) {
    for (const place of slotPlacesOf(assembly, module)) {
      for (const row of rows) clearRow(assembly, next, place, row);
    }
  }
  return { vectors: next, order: kept };
}

/**
 * The state with new slots: their rows start as the adapter's policy says, by default as the parts do, with zero moments and
 * averages and a step count of their own.
 *
 * Numbers are drawn slot by slot as the action names the modules, for each slot part by part.
 *
 * @param stream The event's own stream of random numbers for new slots.
 * @throws {RangeError} If a module is not adapted, or outgrows its capacity.
 */
export function growSlots(
  assembly: Assembly,
  { vectors, order }: SlotVectors,
  action: GrowAction,
  stream: RandomStream,
): SlotVectors {
  const next = copied(vectors);
  const nextOrder = withNewSlots(order, action);
  const growths = assembly.adapter?.policy?.growth ?? {};
  const taken: Record<string, number> = {};
  for (const module of action.modules) {
    const nth = taken[module] ?? 0;
    taken[module] = nth + 1;
    const place = order[module]!.length + nth;
    const row = nextOrder[module]![place]!;
    const before = nextOrder[module]!.slice(0, place);
    for (const place of slotPlacesOf(assembly, module)) {
      const { group } = place;
      if (row >= group.capacity) {
        throw new RangeError(
          `Cannot grow "${module}" to row ${row}: it has room for ${group.capacity} slots`,
        );
      }
      clearRow(assembly, next, place, row);
      const existing = before.map((other) => next.theta.slice(...rowBounds(place, other)));
      const grownRow = (): ArrayLike<number> => {
        const { part: { initial, name } } = group;
        const growth = growths[name] ?? initial;
        if (growth === "scale") return [newSlotScale(existing.map((values) => values[0]!))];
        if (typeof growth === "string") {
          return newDirection(existing, stream.normals(group.rowLength), growth);
        }
        const shape = group.modules.find((own) => own.name === module)!;
        return drawRow(
          place,
          growth(shape, nextOrder[module]!.length),
          `${module}/${name}/${nth}`,
          stream,
        );
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

/**
 * The vectors after rows got other numbers.
 *
 * @param cache What {@linkcode cachedRows} kept, or null.
 * @throws {RangeError} If a row does not exist or is given another number of numbers, or is to come from a cache that is empty.
 */
export function writeRows(
  assembly: Assembly,
  { vectors, order }: SlotVectors,
  edits: readonly RowEdit[],
  cache: StateVectors | null,
): StateVectors {
  const next = copied(vectors);
  for (const { module, slot, part, values, moments } of edits) {
    const place = placeOf(assembly, module, part);
    const boundsOf = (logical: number) => {
      const row = rowsOn(place.group, order, module)[logical];
      if (row !== undefined) return rowBounds(place, row);
      throw new RangeError(
        `Cannot write slot ${logical} of "${module}": it has none in part ${part}`,
      );
    };
    const [start, end] = boundsOf(slot);
    const source = "cachedSlot" in values ? boundsOf(values.cachedSlot) : null;
    if ((source !== null || moments === "cached") && cache === null) {
      throw new RangeError(`Cannot write slot ${slot} of "${module}" from the cache: it is empty`);
    }
    const numbers = source === null
      ? values as ArrayLike<number>
      : cache!.theta!.subarray(...source);
    if (numbers.length !== end - start) {
      throw new RangeError(
        `Cannot write slot ${slot} of "${module}": found ${numbers.length} numbers for part ${part}, ` +
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
