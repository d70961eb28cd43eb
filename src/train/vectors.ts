/**
 * The numbers of a training state on the host: fresh ones, and what rank events do to them.
 *
 * Everything here is pure: vectors go in, new vectors come out.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import { isPerSlot } from "../methods/adapter.ts";
import { newDirection, newSlotScale } from "../methods/directions.ts";
import type {
  EditDecision,
  MoveDecision,
  RowView,
  SlotRef,
  SlotScores,
} from "../methods/rank_policy.ts";
import { drawParameter, type Initial } from "../models/parameters.ts";
import type { Assembly, EncoderWeights, StateVector } from "./assemble.ts";
import { flatten, slotOf } from "./layout.ts";
import { type MergedBlock, withMerged } from "./history.ts";
import { groupParameter, rowsOn, type SlotGroup, type SlotOrder } from "./slots.ts";

/** The state's vectors by name. */
export type StateVectors = Readonly<Partial<Record<StateVector, Float32Array>>>;

/** The offset of each module's row 0 in a group, and the group itself. */
interface Place {
  readonly group: SlotGroup;
  readonly offset: number;
}

/** Where a module's parts lie in the vectors. */
function placesOf(assembly: Assembly, module: string): readonly Place[] {
  return assembly.groups.flatMap((group) => {
    const isShared = group.sizeClass === null;
    const index = isShared ? 0 : group.modules.findIndex(({ name }) => name === module);
    if (index < 0) return [];
    const { offset } = slotOf(assembly.layout, groupParameter(group));
    return [{ group, offset: offset + index * group.capacity * group.rowLength }];
  });
}

/** Where those parts lie that have one row a slot. */
function slotPlacesOf(assembly: Assembly, module: string): readonly Place[] {
  return placesOf(assembly, module).filter(({ group }) => isPerSlot(group.part));
}

/** Bounds of one row in the vectors. */
function rowBounds({ group, offset }: Place, row: number): readonly [number, number] {
  const start = offset + row * group.rowLength;
  return [start, start + group.rowLength];
}

/** A row as `initial` says, from the stream forked under a name. */
function drawRow(
  { group: { rowLength } }: Place,
  initial: Initial,
  name: string,
  stream: RandomStream,
): Float32Array {
  return drawParameter({ name, shape: [rowLength], initial, decay: true }, stream);
}

/** Draws the adapter rows of slots that are on into parameters. */
export function drawRows(
  assembly: Assembly,
  theta: Float32Array,
  order: SlotOrder,
  stream: RandomStream,
): void {
  for (const { module } of assembly.modules) {
    for (const place of placesOf(assembly, module.name)) {
      const { part } = place.group;
      rowsOn(place.group, order, module.name).forEach((row, slot) => {
        const name = `${module.name}/${part.name}/${slot}`;
        theta.set(drawRow(place, part.initial(module), name, stream), rowBounds(place, row)[0]);
      });
    }
  }
}

/** Fresh vectors: weights from the checkpoint or drawn, adapter rows drawn for slots that are on, moments zero. */
export function initialVectors(
  assembly: Assembly,
  encoder: EncoderWeights,
  order: SlotOrder,
  stream: RandomStream,
): StateVectors {
  const theta = flatten(assembly.layout, (slot) => {
    const spec = assembly.parameters.get(slot.name);
    if (spec === undefined) return new Float32Array(slot.size);
    const host = encoder.tensors.get(slot.name);
    return host === undefined ? drawParameter(spec, stream) : host.data as Float32Array;
  });
  drawRows(assembly, theta, order, stream);
  return Object.fromEntries(
    assembly.stateVectors.map((name) => [
      name,
      name === "theta" ? theta : new Float32Array(assembly.sizeOf(name)),
    ]),
  );
}

/** The optimiser's vectors as they are before the first step. */
export function freshMoments(assembly: Assembly): StateVectors {
  const names = ["m", "v", "c1", "c2"] as const;
  return Object.fromEntries(names.map((name) => [name, new Float32Array(assembly.sizeOf(name))]));
}

/** Each slot's score, module by module in logical order: the mean of Ī·Ū over a part's row, summed over the parts. */
export function slotScoresOf(
  assembly: Assembly,
  order: SlotOrder,
  vectors: Pick<StateVectors, "sensitivity" | "uncertainty">,
): SlotScores {
  const { sensitivity, uncertainty } = vectors;
  if (sensitivity === undefined || uncertainty === undefined) {
    throw new RangeError("Cannot score slots: the state holds no importance averages");
  }
  return assembly.modules.map(({ module }) => {
    const places = slotPlacesOf(assembly, module.name);
    const scores = order[module.name]!.map((row) =>
      places.reduce((score, place) => {
        const [start, end] = rowBounds(place, row);
        let sum = 0;
        for (let i = start; i < end; i++) sum += sensitivity[i]! * uncertainty[i]!;
        return score + sum / (end - start);
      }, 0)
    );
    return { module: module.name, scores };
  });
}

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
  const direction = assembly.adapter?.dynamics?.directions ?? "orthonormal";
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
        const { part: { growth, initial, name } } = group;
        if (growth === "scale") return [newSlotScale(existing.map((values) => values[0]!))];
        if (growth === "direction") {
          return newDirection(existing, stream.normals(group.rowLength), direction);
        }
        const shape = group.modules.find((own) => own.name === module)!;
        const start = typeof growth === "function" ? growth(shape) : initial(shape);
        return drawRow(place, start, `${module}/${name}/${nth}`, stream);
      };
      next.theta.set(grownRow(), rowBounds(place, row)[0]);
    }
  }
  return { vectors: next, order: nextOrder };
}

/** Bounds in the vectors of what belongs to one slot. */
export interface SlotRanges {
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

/** The rows of a state as policies see them. */
export function rowView(
  assembly: Assembly,
  order: SlotOrder,
  vectors: Pick<StateVectors, "theta" | "inputNorms">,
  stream: RandomStream,
): RowView {
  const theta = vectors.theta!;
  return {
    stream,
    rows: (module, part) => {
      const place = placeOf(assembly, module, part);
      return rowsOn(place.group, order, module).map((row) => theta.slice(...rowBounds(place, row)));
    },
    inputNorms: (module) => inputNormsOf(assembly, vectors.inputNorms, module),
  };
}

function inputNormsOf(
  { modules }: Assembly,
  norms: Float32Array | undefined,
  name: string,
): Float32Array {
  const at = modules.findIndex(({ module }) => module.name === name);
  if (norms === undefined || at < 0) {
    throw new RangeError(
      `Cannot give the input norms of "${name}": ` +
        (at < 0
          ? "it is not an adapted module"
          : 'the method keeps none, state "inputNormDecay" in its dynamics'),
    );
  }
  const start = modules.slice(0, at).reduce((sum, { module }) => sum + module.inSize, 0);
  return norms.slice(start, start + modules[at]!.module.inSize);
}

function placeOf(assembly: Assembly, module: string, part: string): Place {
  const place = placesOf(assembly, module).find(({ group }) => group.part.name === part);
  if (place === undefined) {
    throw new RangeError(`Cannot find part "${part}" of "${module}": the adapter has none`);
  }
  return place;
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

/** Positions in the vectors of the entries that a mask sets to zero: the rows of length 1 of the given slots. */
export function maskedPositions(
  assembly: Assembly,
  order: SlotOrder,
  off: readonly SlotRef[],
): readonly number[] {
  return off.flatMap(({ module, slot }) =>
    slotPlacesOf(assembly, module)
      .filter(({ group }) => group.rowLength === 1)
      .map((place) => rowBounds(place, order[module]![slot]!)[0])
  );
}

/** The vectors with zeros at some positions of the parameters. */
export function zeroAt(vectors: StateVectors, positions: readonly number[]): StateVectors {
  const theta = vectors.theta!.slice();
  for (const position of positions) theta[position] = 0;
  return { ...vectors, theta };
}

/** The parameters with all slots of some modules switched off, as the layer-rank ablation needs them. */
export function withoutModules(
  assembly: Assembly,
  theta: Float32Array,
  modules: readonly string[],
): Float32Array {
  const changed = theta.slice();
  for (const module of modules) {
    for (const { group, offset } of placesOf(assembly, module)) {
      // What all modules share is not the module's to take away.
      if (group.sizeClass === null) continue;
      changed.fill(0, offset, offset + group.capacity * group.rowLength);
    }
  }
  return changed;
}

/** The vectors of one assembly under the layout of another that has more room; the rest is carried over as it is. */
export function moveToAssembly(from: Assembly, to: Assembly, vectors: StateVectors): StateVectors {
  const given = to.stateVectors.filter((name) => vectors[name] !== undefined);
  return Object.fromEntries(given.map((name) => {
    const old = vectors[name]!;
    if (name === "inputNorms") return [name, old];
    if (to.sizeOf(name) === old.length && to.sizeOf(name) === 1) return [name, old];
    const isAdapterOnly = name === "sensitivity" || name === "uncertainty";
    const next = new Float32Array(to.sizeOf(name));
    for (const slot of isAdapterOnly ? [] : to.layout.slots) {
      if (!to.parameters.has(slot.name)) continue;
      const { offset } = slotOf(from.layout, slot.name);
      next.set(old.subarray(offset, offset + slot.size), slot.offset);
    }
    for (const { module } of to.modules) {
      const places = placesOf(to, module.name);
      placesOf(from, module.name).forEach(({ group, offset }, i) => {
        const size = group.capacity * group.rowLength;
        next.set(old.subarray(offset, offset + size), places[i]!.offset);
      });
    }
    return [name, next];
  }));
}

/** One adapter part of one module, slots in logical order, `[rank, rowLength]`. */
export interface AdapterTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Each module's adapter parts with the slots that are on. */
export function adapterTensors(
  assembly: Assembly,
  theta: Float32Array,
  order: SlotOrder,
): readonly AdapterTensor[] {
  return assembly.modules.flatMap(({ module }) =>
    placesOf(assembly, module.name).map((place) => {
      const rows = rowsOn(place.group, order, module.name);
      const data = new Float32Array(rows.length * place.group.rowLength);
      rows.forEach((row, i) =>
        data.set(theta.subarray(...rowBounds(place, row)), i * place.group.rowLength)
      );
      return {
        name: `${module.name}.${place.group.part.name}`,
        shape: [rows.length, place.group.rowLength],
        data,
      };
    })
  );
}

/**
 * The trained numbers by name: each module's adapter parts with slots that are on, and whole parameters.
 *
 * @param history What was merged into the weights; its slots come before those that are on. Default: nothing.
 */
export function exportTensors(
  assembly: Assembly,
  theta: Float32Array,
  order: SlotOrder,
  history: readonly MergedBlock[] = [],
): readonly AdapterTensor[] {
  const adapters = withMerged(adapterTensors(assembly, theta, order), history);
  const whole = assembly.layout.slots
    .filter(({ name }) => assembly.parameters.has(name))
    .map(({ name, shape, offset, size }) => ({
      name,
      shape,
      data: theta.slice(offset, offset + size),
    }));
  return [...adapters, ...whole];
}

/** Numbers of the adapters' slots that are not zero. */
export function nonzeroAdapterNumbers(
  assembly: Assembly,
  theta: Float32Array,
  order: SlotOrder,
): number {
  return exportTensors(assembly, theta, order)
    .filter(({ name }) => !assembly.parameters.has(name))
    .reduce((sum, { data }) => sum + data.filter((value) => value !== 0).length, 0);
}

/** The parameters that {@linkcode exportTensors} took apart, slots in rows 0, 1, …; the matching order comes with them. */
export function importTensors(
  assembly: Assembly,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>,
): { readonly theta: Float32Array; readonly order: SlotOrder } {
  const theta = new Float32Array(assembly.layout.size);
  const take = (name: string) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new RangeError(`The stored adapter has no tensor "${name}"`);
    return tensor;
  };
  const order: Record<string, readonly number[]> = {};
  for (const { module } of assembly.modules) {
    for (const place of placesOf(assembly, module.name)) {
      const { shape, data } = take(`${module.name}.${place.group.part.name}`);
      const rank = shape[0]!;
      if (isPerSlot(place.group.part)) {
        order[module.name] = Array.from({ length: rank }, (_, i) => i);
      }
      if (rank > place.group.capacity || shape[1] !== place.group.rowLength) {
        throw new RangeError(
          `Cannot load "${module.name}.${place.group.part.name}": found [${shape}], ` +
            `want at most [${place.group.capacity}, ${place.group.rowLength}]`,
        );
      }
      theta.set(data, place.offset);
    }
  }
  for (const { name, shape, offset } of assembly.layout.slots) {
    if (!assembly.parameters.has(name)) continue;
    const stored = take(name);
    if (stored.shape.join() !== shape.join()) {
      throw new RangeError(`Cannot load "${name}": found [${stored.shape}], want [${shape}]`);
    }
    theta.set(stored.data, offset);
  }
  return { theta, order };
}
