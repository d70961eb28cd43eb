/**
 * What a trained adapter adds to the weights of single layers, apart from the graph: W + s·BA with B `[out, r]` and A `[r, in]`.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";
import type { StoredTensor } from "../models/safetensors.ts";
import type { ModuleShape } from "../spec/types.ts";
import type { SlotRef } from "./rank_policy.ts";

/** The update of one linear layer. */
export interface WeightUpdate {
  /** The layer's name in a checkpoint, without `.weight`. */
  readonly path: string;
  /** `[r, in]`. */
  readonly A: StoredTensor;
  /** `[out, r]`. */
  readonly B: StoredTensor;
  readonly scale: number;
}

/** A trained adapter as its run stored it. */
export interface StoredAdapter {
  /** The parts of each module by `<module>.<part>`, one row a slot. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Slots that a mask has switched off. */
  readonly off: readonly SlotRef[];
  readonly scale: number;
}

function isZeroRow({ shape, data }: StoredTensor, row: number): boolean {
  const width = shape[1]!;
  return data.subarray(row * width, (row + 1) * width).every((value) => value === 0);
}

/** Rows of the chosen slots, each times its factor. */
function rowsOf(
  { shape, data }: StoredTensor,
  slots: readonly number[],
  factorOf: (slot: number) => number,
): StoredTensor {
  const width = shape[1]!;
  const rows = new Float32Array(slots.length * width);
  slots.forEach((slot, i) => {
    const factor = factorOf(slot);
    for (let j = 0; j < width; j++) rows[i * width + j] = data[slot * width + j]! * factor;
  });
  return { shape: [slots.length, width], data: rows };
}

function transposed({ shape, data }: StoredTensor): StoredTensor {
  const [rows, columns] = shape as readonly [number, number];
  const turned = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]!;
  }
  return { shape: [columns, rows], data: turned };
}

/**
 * The updates of a stored adapter, E folded into A, in the order of the modules.
 *
 * A masked slot is left out where its E is zero. Between two masks the optimiser moves E again, and then the slot adds to
 * the output as any other. A module without slots has no update.
 *
 * @param pathOf The name of a module's layer in a checkpoint.
 *
 * @throws {RangeError} If a module has A without B or the reverse.
 */
export function updatesOf(
  { tensors, off, scale }: StoredAdapter,
  modules: readonly ModuleShape[],
  pathOf: (module: ModuleShape) => string,
): readonly WeightUpdate[] {
  return modules.flatMap((module) => {
    const [A, E, B] = ["A", "E", "B"].map((part) => tensors.get(`${module.name}.${part}`));
    if (A === undefined && B === undefined) return [];
    if (A === undefined || B === undefined) {
      throw new RangeError(
        `Cannot read the adapter of "${module.name}": found ${
          A === undefined ? "B without A" : "A without B"
        }, want both`,
      );
    }
    const masked = new Set(
      off.filter((ref) => ref.module === module.name).map(({ slot }) => slot),
    );
    const slots = Array.from({ length: A.shape[0]! }, (_, slot) => slot)
      .filter((slot) => !(masked.has(slot) && E !== undefined && isZeroRow(E, slot)));
    if (slots.length === 0) return [];
    return [{
      path: pathOf(module),
      A: rowsOf(A, slots, (slot) => E === undefined ? 1 : E.data[slot]!),
      B: transposed(rowsOf(B, slots, () => 1)),
      scale,
    }];
  });
}

/**
 * A weight with its update: W + s·BA, summed in double precision and rounded once.
 *
 * @param weight `[out, in]`.
 *
 * @throws {RangeError} If the shapes do not fit.
 */
export function mergedWeight(weight: HostTensor, { path, A, B, scale }: WeightUpdate): HostTensor {
  const [out, inner] = weight.shape as readonly [number, number];
  const rank = A.shape[0]!;
  if (
    weight.shape.length !== 2 || A.shape[1] !== inner || B.shape[0] !== out || B.shape[1] !== rank
  ) {
    throw new RangeError(
      `Cannot merge the adapter of "${path}": found A [${A.shape}] and B [${B.shape}], ` +
        `want [r, ${inner}] and [${out}, r] for a weight of [${weight.shape}]`,
    );
  }
  const data = new Float32Array(out * inner);
  const row = new Float64Array(inner);
  for (let i = 0; i < out; i++) {
    row.fill(0);
    for (let slot = 0; slot < rank; slot++) {
      const factor = B.data[i * rank + slot]! * scale;
      const start = slot * inner;
      for (let j = 0; j < inner; j++) row[j]! += factor * A.data[start + j]!;
    }
    const start = i * inner;
    for (let j = 0; j < inner; j++) data[start + j] = Number(weight.data[start + j]) + row[j]!;
  }
  return { type: "f32", shape: weight.shape, data };
}

/**
 * The parameters of a model with updates merged and trained parameters in place.
 *
 * @param base Parameters by checkpoint name.
 * @param trained Parameters that take the place of the base's, or come to them.
 *
 * @throws {RangeError} If an update has no weight to be added to.
 */
export function mergedTensors(
  base: ReadonlyMap<string, HostTensor>,
  updates: readonly WeightUpdate[],
  trained: ReadonlyMap<string, StoredTensor>,
): ReadonlyMap<string, HostTensor> {
  const merged = new Map(base);
  for (const [name, tensor] of trained) merged.set(name, { type: "f32", ...tensor });
  for (const update of updates) {
    const name = `${update.path}.weight`;
    const weight = merged.get(name);
    if (weight === undefined) {
      throw new RangeError(
        `Cannot merge the adapter of "${update.path}": found no weight "${name}"`,
      );
    }
    merged.set(name, mergedWeight(weight, update));
  }
  return merged;
}
