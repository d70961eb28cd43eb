/**
 * What a trained bottleneck adapter has beside single layers, as graphs of whole models take it.
 *
 * @module
 */
import { constant } from "../graph/mod.ts";
import type { ModuleBranch } from "../models/forward_context.ts";
import type { ModuleShape } from "../study/types.ts";
import { type BottleneckAdapter, evaluationPass } from "./adapter.ts";
import { bottleneckBranch } from "./bottleneck.ts";
import { type StoredAdapter, storedParts } from "./weight_update.ts";

/**
 * Stored bottlenecks as graphs take them, by module; a module without slots has none.
 *
 * @throws {RangeError} If a module has some of its parts but not all.
 */
export function storedBranches(
  tensors: StoredAdapter["tensors"],
  adapter: BottleneckAdapter,
  modules: readonly ModuleShape[],
): ReadonlyMap<string, ModuleBranch> {
  return new Map(modules.flatMap((module) => {
    const parts = storedParts(tensors, adapter, module);
    if (parts === null) return [];
    const rows = Object.entries(parts).map(([name, { shape, data }]) =>
      [
        name,
        constant({ type: "f32", shape: [1, ...shape], data }, `${module.name}.${name}`),
      ] as const
    );
    const own = adapter.prepare(Object.fromEntries(rows), 1, evaluationPass);
    return [[module.name, bottleneckBranch(adapter.place, own)] as const];
  }));
}
