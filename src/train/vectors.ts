/**
 * The numbers of a training state on the host: where the rows of adapter parts lie in them, fresh ones, some of them set to zero,
 * and all of them under another layout.
 *
 * Everything here is pure, but for rows that are drawn into parameters: vectors go in, new vectors come out.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import { type Adapter, isPerSlot, scaleOf } from "../methods/adapter.ts";
import { architectureOf } from "../models/architectures.ts";
import { drawParameter, type Initial } from "../models/parameters.ts";
import type { ModuleShape } from "../study/types.ts";
import type { Assembly, StateVector } from "./assemble.ts";
import type { AssemblyRequest, EncoderWeights } from "./assembly_request.ts";
import {
  flatten,
  groupParameter,
  rowsOn,
  sliceOf,
  type SlotGroup,
  type SlotOrder,
} from "./slots.ts";
import type { SlotRef } from "../methods/rank_actions.ts";

/** The state's vectors by name. */
export type StateVectors = Readonly<Partial<Record<StateVector, Float32Array>>>;

/** A row as `initial` says, from the stream forked under a name. */
export function drawRow(
  { group: { rowLength } }: Place,
  initial: Initial,
  name: string,
  stream: RandomStream,
): Float32Array {
  return drawParameter({ name, shape: [rowLength], initial, decay: true }, stream);
}

/** Rows that a module begins with, by part, for a rank; parts that are not given are drawn. */
type StartRows = (
  module: ModuleShape,
  rank: number,
) => Readonly<Record<string, readonly ArrayLike<number>[]>>;

/** Rows that were found for each module before a run, by the module's name. */
export type ModuleDirections = Readonly<Record<string, readonly ArrayLike<number>[]>>;

/**
 * The rows that an adapter reads off the frozen weights, or takes from what was found; none where it draws all.
 *
 * @param directions What the method's estimate found. Default: nothing.
 */
export function startRows(
  adapter: Adapter | null,
  { encoder: { config, tensors }, ranks }: Pick<AssemblyRequest, "encoder" | "ranks">,
  directions: ModuleDirections = {},
): StartRows {
  if (adapter?.start === undefined) return () => ({});
  const { start } = adapter;
  const scale = scaleOf(adapter, ranks.map(({ rank }) => rank));
  const { modulePath } = architectureOf(config);
  return (module, rank) => {
    if (rank === 0) return {};
    const weight = tensors.get(`${modulePath(module.layer, module.part)}.weight`)!;
    return start({ module, rank, scale, weight, directions: directions[module.name] ?? null });
  };
}

/**
 * Puts the adapter rows of slots that are on into parameters: those that are given, and the others drawn.
 *
 * @param given Default: none.
 */
export function drawRows(
  assembly: Assembly,
  theta: Float32Array,
  order: SlotOrder,
  stream: RandomStream,
  given: StartRows = () => ({}),
): void {
  for (const { module } of assembly.modules) {
    const rank = order[module.name]?.length ?? 0;
    const own = given(module, rank);
    for (const place of placesOf(assembly, module.name)) {
      const { part } = place.group;
      rowsOn(place.group, order, module.name).forEach((row, slot) => {
        const name = `${module.name}/${part.name}/${slot}`;
        const values = own[part.name]?.[slot] ??
          drawRow(place, part.initial(module, rank), name, stream);
        theta.set(values, rowBounds(place, row)[0]);
      });
    }
  }
}

/**
 * Fresh vectors: weights from the checkpoint or drawn, adapter rows given or drawn for slots that are on, moments zero.
 *
 * @param given See {@linkcode startRows}. Default: none.
 */
export function initialVectors(
  assembly: Assembly,
  encoder: EncoderWeights,
  order: SlotOrder,
  stream: RandomStream,
  given?: StartRows,
): StateVectors {
  const theta = flatten(assembly.layout, (slice) => {
    const spec = assembly.parameters.get(slice.name);
    if (spec === undefined) return new Float32Array(slice.size);
    const host = encoder.tensors.get(slice.name);
    return host === undefined ? drawParameter(spec, stream) : host.data as Float32Array;
  });
  drawRows(assembly, theta, order, stream, given);
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
    for (const slice of isAdapterOnly ? [] : to.layout.slices) {
      if (!to.parameters.has(slice.name)) continue;
      const { offset } = sliceOf(from.layout, slice.name);
      next.set(old.subarray(offset, offset + slice.size), slice.offset);
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
