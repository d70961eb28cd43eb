/**
 * In which settings the runs of a pilot differ from those of the study that they are a pilot for.
 *
 * @module
 */
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import type { ArmRun } from "../../study/compare/arms.ts";

/** Runs of a claim, with their side, by what the same runs of another study are found by. */
export type Places<R extends ArmRun = ArmRun> = ReadonlyMap<
  string,
  readonly (readonly [side: "a" | "b", run: R])[]
>;

/** The keys of settings that the same runs have otherwise, in alphabetical order; runs and keys that only one side has do not count. */
export function settingsApart(planned: Places, piloted: Places): readonly string[] {
  const keys = [...planned].flatMap(([place, [run]]) => {
    const pilot = piloted.get(place)?.[0];
    return pilot === undefined ? [] : differing(valuesOf(run![1]), valuesOf(pilot[1]));
  });
  return [...new Set(keys)].sort();
}

/** A run's settings and options as keys with values. */
function valuesOf({ settings, options }: ArmRun): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const add = (value: unknown, path: string) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) {
        add(inner, path === "" ? key : `${path}.${key}`);
      }
    } else values.set(path, canonicalJson((value ?? null) as Json));
  };
  add(settings, "");
  add(options ?? {}, "options");
  return values;
}

/** Keys that were introduced later are not in older records. */
function differing(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): readonly string[] {
  return [...a.keys()].filter((key) => b.has(key) && a.get(key) !== b.get(key));
}
