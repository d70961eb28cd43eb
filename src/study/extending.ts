/**
 * A study laid over others that it extends.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { isObject } from "./method_options.ts";
import type { StudyPart } from "./study.ts";

/** Keys that a study does not take over: they say what it is itself called. */
const own = [
  "$schema",
  "extends",
  "name",
  "title",
  "description",
] as const satisfies readonly (keyof StudyPart)[];

/** Keys whose lists are joined, those of what is extended first; by name, for other readers add such lists. */
const joined: ReadonlySet<string> = new Set(["deltas", "except", "claims", "comparisons"]);

type JsonObject = { readonly [key: string]: Json };

/** Objects laid over each other key by key at every depth; lists and all else are replaced. */
function laidOver(below: JsonObject, above: JsonObject): JsonObject {
  return Object.entries(above).reduce<JsonObject>((laid, [key, value]) => {
    const under = Object.hasOwn(laid, key) ? laid[key] : undefined;
    return { ...laid, [key]: isObject(under) && isObject(value) ? laidOver(under, value) : value };
  }, below);
}

function join(key: string, below: Json, above: Json): Json {
  if (joined.has(key) && Array.isArray(below) && Array.isArray(above)) return [...below, ...above];
  if (!isObject(below) || !isObject(above)) return above;
  if (key === "base") return laidOver(below, above);
  return key === "axes" ? { ...below, ...above } : above;
}

/**
 * A study with what it extends: `base` is laid over key by key, each axis is replaced, deltas, exceptions, claims and comparisons
 * are joined, and all else is replaced. Name, title and description are those of the last part alone.
 *
 * @param parts Those that are extended in order of increasing precedence, then the study's own.
 * @returns What a study that stood in one file would hold; it is still to be checked as a whole.
 */
export function extendedStudy(parts: readonly StudyPart[]): Json {
  const last = parts.at(-1)!;
  const laid = parts.reduce<JsonObject>((below, part) => {
    const { ...above } = part as unknown as Record<string, Json>;
    for (const key of own) delete above[key];
    return Object.entries(above).reduce<JsonObject>((merged, [key, value]) => ({
      ...merged,
      [key]: Object.hasOwn(merged, key) ? join(key, merged[key]!, value) : value,
    }), below);
  }, {});
  const { extends: _extends, ...named } = last as unknown as Record<string, Json>;
  return {
    ...Object.fromEntries(own.flatMap((key) => key in named ? [[key, named[key]!]] : [])),
    ...laid,
  };
}
