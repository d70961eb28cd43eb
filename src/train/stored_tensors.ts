/**
 * Trained numbers as named tensors, the way they are stored, and back into the flat parameters.
 *
 * @module
 */
import { isPerSlot } from "../methods/adapter.ts";
import type { Assembly } from "./assemble.ts";
import { placesOf, rowBounds } from "./vectors.ts";
import { rowsOn, type SlotOrder } from "./slots.ts";

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
  const whole = assembly.layout.slices
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
  for (const { name, shape, offset } of assembly.layout.slices) {
    if (!assembly.parameters.has(name)) continue;
    const stored = take(name);
    if (stored.shape.join() !== shape.join()) {
      throw new RangeError(`Cannot load "${name}": found [${stored.shape}], want [${shape}]`);
    }
    theta.set(stored.data, offset);
  }
  return { theta, order };
}

/** One adapter part of one module, slots in logical order, `[rank, rowLength]`. */
export interface AdapterTensor {
  /** `<module>.<part>`, for instance `layer.0.query.A`. */
  readonly name: string;
  /** `[rank, rowLength]`. */
  readonly shape: readonly number[];
  /** Row-major, ranks in logical order. */
  readonly data: Float32Array;
}

/** The slots that were merged together. */
export interface MergedBlock {
  /** Steps done before the merge. */
  readonly step: number;
  /** The parts of each module that had slots, `[rank, rowLength]`. */
  readonly tensors: readonly AdapterTensor[];
}

/** The ranks of what was merged, by module; a module without an entry has none. */
export function mergedRanks(
  history: readonly MergedBlock[],
): Readonly<Record<string, number>> {
  const ranks: Record<string, number> = {};
  for (const { tensors } of history) {
    const own = new Map(tensors.map(({ name, shape: [rank] }) => [moduleOf(name), rank!]));
    for (const [module, rank] of own) ranks[module] = (ranks[module] ?? 0) + rank;
  }
  return ranks;
}

function moduleOf(tensor: string): string {
  return tensor.slice(0, tensor.lastIndexOf("."));
}

/** The tensors of an adapter with those that were merged before them: the rows of each part, the oldest first. */
function withMerged(
  tensors: readonly AdapterTensor[],
  history: readonly MergedBlock[],
): readonly AdapterTensor[] {
  if (history.length === 0) return tensors;
  const older = Map.groupBy(history.flatMap((block) => block.tensors), ({ name }) => name);
  return tensors.map((tensor) => {
    const all = [...older.get(tensor.name) ?? [], tensor];
    const data = new Float32Array(all.reduce((sum, { data: own }) => sum + own.length, 0));
    let at = 0;
    for (const { data: own } of all) {
      data.set(own, at);
      at += own.length;
    }
    const rank = all.reduce((sum, { shape }) => sum + shape[0]!, 0);
    return { name: tensor.name, shape: [rank, tensor.shape[1]!], data };
  });
}
