/**
 * What a trained adapter adds to the weights of single layers, apart from the graph: W + s·BA with B `[out, r]` and A `[r, in]`,
 * its rows brought to lengths of their own where the adapter has any.
 *
 * @module
 */
import { constant, type HostTensor, interpret, makeProgram } from "../graph/mod.ts";
import type { StoredTensor } from "../models/safetensors.ts";
import type { ModuleShape } from "../study/types.ts";
import { type Adapter, evaluationPass, isOfWeights, type WeightAdapter } from "./adapter.ts";
import { isIdleBottleneck } from "./bottleneck.ts";
import { rowNorms, smallestSquare } from "./decomposed_linear.ts";
import type { SlotRef } from "./rank_actions.ts";

/** Trained lengths of a weight's rows, `[out]`: as they are, or what they have gained over those of the frozen weight. */
interface RowLengths {
  readonly type: "whole" | "gained";
  readonly values: ArrayLike<number>;
}

/** The update of one linear layer. */
export interface WeightUpdate {
  /** The layer's name in a checkpoint, without `.weight`. */
  readonly path: string;
  /** `[r, in]`. */
  readonly A: StoredTensor;
  /** `[out, r]`. */
  readonly B: StoredTensor;
  readonly scale: number;
  /** Where lengths are trained apart from directions (DoRA); by default they are what W + s·BA gives them. */
  readonly lengths?: RowLengths;
}

/** A trained adapter as its run stored it. */
export interface StoredAdapter {
  /** The parts of each module by `<module>.<part>`, one row a slot. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Slots that a mask has switched off. */
  readonly off: readonly SlotRef[];
  readonly scale: number;
}

/** The values of some rows, `[rows, width]`. */
function rowsOf(values: ArrayLike<number>, width: number, rows: readonly number[]): StoredTensor {
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    for (let j = 0; j < width; j++) data[i * width + j] = values[row * width + j]!;
  });
  return { shape: [rows.length, width], data };
}

/** Whether a row of A or B is zero, so that the slot adds nothing. */
function isIdleSlot(
  { A, B }: ReturnType<typeof prepared>,
  { inSize, outSize }: ModuleShape,
  slot: number,
): boolean {
  return isZeroRow(A, inSize, slot) || isZeroRow(B, outSize, slot);
}

function isZeroRow(values: ArrayLike<number>, width: number, row: number): boolean {
  for (let i = row * width; i < (row + 1) * width; i++) if (values[i] !== 0) return false;
  return true;
}

/** A, B, transposed, and the magnitude of a module as its adapter makes them of the stored parts. Default scale: 1, for none. */
function prepared(
  adapter: WeightAdapter,
  parts: Readonly<Record<string, StoredTensor>>,
  scale = 1,
) {
  const constants = Object.fromEntries(
    Object.entries(parts).map(([name, { shape, data }]) => [
      name,
      constant({ type: "f32", shape: [1, ...shape], data }, name),
    ]),
  );
  const update = adapter.prepare(constants, scale, evaluationPass);
  const values = interpret(makeProgram({ ...update }), {});
  return {
    A: values["A"]!.data,
    B: values["B"]!.data,
    magnitude: values["magnitude"]?.data ?? null,
  };
}

/** The sum over the slots of |a|₁·|b|₁, which grows with the update. */
function sizeOf({ A, B }: ReturnType<typeof prepared>, { inSize, outSize }: ModuleShape): number {
  const lengthOf = (values: ArrayLike<number>, width: number, slot: number) => {
    let sum = 0;
    for (let i = slot * width; i < (slot + 1) * width; i++) sum += Math.abs(values[i]!);
    return sum;
  };
  return Array.from({ length: A.length / inSize }, (_, slot) => slot)
    .reduce((sum, slot) => sum + lengthOf(A, inSize, slot) * lengthOf(B, outSize, slot), 0);
}

/** Checks that an update is a product times the scale, since it is stored as these two. */
function checkScale(
  adapter: WeightAdapter,
  parts: Readonly<Record<string, StoredTensor>>,
  module: ModuleShape,
): void {
  const [once, twice] = [1, 2].map((scale) => sizeOf(prepared(adapter, parts, scale), module));
  if (Math.abs(twice! - 2 * once!) <= 1e-6 * Math.abs(twice!)) return;
  throw new RangeError(
    `Cannot give the update of "${module.name}": found that what prepare gives is not proportional to the scale, want a ` +
      `product BᵀA times the scale; multiply A or B by it once`,
  );
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
 * The stored parts of a module, null where it has none or no slot.
 *
 * @throws {RangeError} If it has some but not all.
 */
export function storedParts(
  tensors: StoredAdapter["tensors"],
  adapter: Adapter,
  module: ModuleShape,
): Readonly<Record<string, StoredTensor>> | null {
  const names = adapter.parts.map(({ name }) => name);
  const found = names.filter((name) => tensors.has(`${module.name}.${name}`));
  if (found.length === 0) return null;
  if (found.length < names.length) {
    const missing = names.filter((name) => !found.includes(name));
    throw new RangeError(
      `Cannot read the adapter of "${module.name}": found ${found.join(" and ")} without ${
        missing.join(" and ")
      }, want all`,
    );
  }
  const own = names.map((name) => [name, tensors.get(`${module.name}.${name}`)!] as const);
  const hasSlot = own.every(([, { shape }]) => shape[0]! > 0);
  return hasSlot ? Object.fromEntries(own) : null;
}

/**
 * The updates of a stored adapter as A and B alone, whatever its parts are, in the order of the modules.
 *
 * A masked slot is left out where it adds nothing. Between two masks the optimiser moves E again, and then the slot adds to
 * the output as any other. A module without slots has no update.
 *
 * @param pathOf The name of a module's layer in a checkpoint.
 *
 * @throws {RangeError} If a module has some of its parts but not all, if the adapter changes no weights, or if its update is
 * not proportional to the scale.
 */
export function updatesOf(
  stored: StoredAdapter,
  adapter: Adapter,
  modules: readonly ModuleShape[],
  pathOf: (module: ModuleShape) => string,
): readonly WeightUpdate[] {
  if (!isOfWeights(adapter)) {
    throw new RangeError(
      "Cannot give the updates of an adapter whose layers stand beside those of the encoder: it changes no weights",
    );
  }
  return modules.flatMap((module) => {
    const parts = storedParts(stored.tensors, adapter, module);
    if (parts === null) return [];
    const { inSize, outSize } = module;
    checkScale(adapter, parts, module);
    const both = prepared(adapter, parts);
    const { A, B, magnitude } = both;
    const masked = new Set(
      stored.off.filter((ref) => ref.module === module.name).map(({ slot }) => slot),
    );
    const slots = Array.from({ length: A.length / inSize }, (_, slot) => slot)
      .filter((slot) => !(masked.has(slot) && isIdleSlot(both, module, slot)));
    if (slots.length === 0) return [];
    return [{
      path: pathOf(module),
      A: rowsOf(A, inSize, slots),
      B: transposed(rowsOf(B, outSize, slots)),
      scale: stored.scale,
      ...(magnitude === null ? {} : { lengths: { type: "gained", values: magnitude } }),
    }];
  });
}

/**
 * Whether a module's stored adapter leaves its layer as it was: no slot, and no part that it has once, adds anything, and no
 * length has changed.
 */
export function addsNothing(
  tensors: StoredAdapter["tensors"],
  adapter: Adapter,
  module: ModuleShape,
): boolean {
  const parts = storedParts(tensors, adapter, module);
  if (parts === null) return true;
  if (!isOfWeights(adapter)) return isIdleBottleneck(parts);
  const both = prepared(adapter, parts);
  if (both.magnitude !== null && !isZeroRow(both.magnitude, module.outSize, 0)) return false;
  return Array.from({ length: both.A.length / module.inSize }, (_, slot) => slot)
    .every((slot) => isIdleSlot(both, module, slot));
}

/** The lengths of the rows of a weight `[out, in]` with its update, or null where they are what W + s·BA gives them. */
export function rowLengths(
  weight: HostTensor,
  { lengths }: Pick<WeightUpdate, "lengths">,
): Float64Array | null {
  if (lengths === undefined) return null;
  if (lengths.type === "whole") return Float64Array.from(lengths.values);
  const { data } = rowNorms(weight);
  return Float64Array.from(lengths.values, (gained, i) => Number(data[i]) + gained);
}

/** The factor that gives a row a length. */
function stretching(row: Float64Array, length: number): number {
  const squares = row.reduce((sum, value) => sum + value * value, 0);
  return length / Math.sqrt(Math.max(squares, smallestSquare));
}

/**
 * A weight with its update: W + s·BA, its rows stretched to their lengths, in double precision and rounded once.
 *
 * @param weight `[out, in]`.
 *
 * @throws {RangeError} If the shapes do not fit.
 */
export function mergedWeight(weight: HostTensor, update: WeightUpdate): HostTensor {
  const { path, A, B, scale } = update;
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
  const lengths = rowLengths(weight, update);
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
    for (let j = 0; j < inner; j++) row[j]! += Number(weight.data[start + j]);
    const factor = lengths === null ? 1 : stretching(row, lengths[i]!);
    for (let j = 0; j < inner; j++) data[start + j] = row[j]! * factor;
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
