/**
 * Trained adapters whose modules keep only their first ranks, for methods that train them to be cut so.
 *
 * @module
 */
import type { StoredTensor } from "../models/safetensors.ts";
import type { ModuleShape } from "../study/types.ts";
import { type Adapter, isPerSlot } from "./adapter.ts";

/** The stored ranks of the modules that have any. */
function storedRanksOf(
  tensors: ReadonlyMap<string, StoredTensor>,
  modules: readonly ModuleShape[],
): readonly number[] {
  return modules.flatMap(({ name }) => tensors.get(`${name}.A`)?.shape[0] ?? []);
}

/** The ranks that a stored adapter can be cut to, the whole one last; none where its method does not train it to be cut. */
export function truncationsOf(
  tensors: ReadonlyMap<string, StoredTensor>,
  { storage }: Pick<Adapter, "storage">,
  modules: readonly ModuleShape[],
): readonly number[] {
  if (storage?.truncation === undefined) return [];
  const most = Math.max(0, ...storedRanksOf(tensors, modules));
  return Array.from({ length: most }, (_, i) => i + 1);
}

/**
 * A stored adapter whose modules keep at most their first `rank` slots, with the factor that this takes in A.
 *
 * @param tensors The parts of each module by `<module>.<part>`, one row a slot; others stay.
 *
 * @throws {RangeError} If the method does not train its adapter to be cut, or it has not that many ranks.
 */
export function truncated(
  tensors: ReadonlyMap<string, StoredTensor>,
  adapter: Pick<Adapter, "storage" | "parts">,
  modules: readonly ModuleShape[],
  rank: number,
): ReadonlyMap<string, StoredTensor> {
  const possible = truncationsOf(tensors, adapter, modules);
  if (!possible.includes(rank)) {
    throw new RangeError(
      `Cannot cut the adapter to rank ${rank}: ` +
        (possible.length === 0
          ? "its method does not train ranks to work without the later ones, as dylora does"
          : `it has ${possible.length}, want 1 to ${possible.length}`),
    );
  }
  const factor = adapter.storage!.truncation!(rank, storedRanksOf(tensors, modules));
  const parts = adapter.parts.filter(isPerSlot);
  const cut = modules.flatMap(({ name }) =>
    parts.flatMap((part) => {
      const key = `${name}.${part.name}`;
      const tensor = tensors.get(key);
      if (tensor === undefined) return [];
      const [slots, width] = tensor.shape as readonly [number, number];
      const kept = Math.min(rank, slots);
      const scale = part.name === "A" ? factor : 1;
      const data = Float32Array.from(tensor.data.slice(0, kept * width), (value) => value * scale);
      return [[key, { shape: [kept, width], data }] as const];
    })
  );
  return new Map([...tensors, ...cut]);
}
