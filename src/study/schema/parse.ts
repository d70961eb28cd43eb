/**
 * From JSON to a study: what is wrong is reported with its keys, and a study is laid over those that it extends.
 *
 * @module
 */
import {
  type ExtendingStudy,
  type Study,
  type StudyPart,
  studyPartSchema,
  studySchema,
} from "./study.ts";
import { z } from "zod";
import type { Json } from "../../base/canonical_json.ts";
import { type Problem, problemsOf, show, StudyError } from "../check/problems.ts";
import { isObject } from "./setting_paths.ts";

/**
 * The study that a JSON value holds.
 *
 * @param value What a study file holds.
 * @param source What messages call it, for instance the file's name.
 * @param further Finds what else is wrong, told of the study without its wrong keys. Default: nothing.
 * @throws {StudyError} With every unknown key and wrong value: its path, what was found and what was wanted.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { parseStudy } from "./parse.ts";
 * const axes = { tasks: ["RTE"], methods: ["lora"], budgets: [4], seed: [1] };
 * assertThrows(() => parseStudy({ name: "try", axes }), Error, 'Did you mean "seeds"?');
 * ```
 */
export function parseStudy(
  value: unknown,
  source = "study",
  further: (sound: Study) => readonly Problem[] = () => [],
): Study {
  if (typeof value === "object" && value !== null && "extends" in value) {
    throw new StudyError(`Cannot read ${source}`, [{
      where: "extends",
      message: `found ${
        show(value.extends)
      }, wanted a study with what it extends; its file is read with that by readStudyFile`,
    }]);
  }
  const result = studySchema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const sound = studySchema.safeParse(withoutWrong(value, issues));
  throw new StudyError(`Cannot read ${source}`, [
    ...problemsOf(issues, value),
    ...(sound.success ? further(sound.data) : []),
  ]);
}

/** Keys that say what others may name: without them, these would be reported as wrong too. */
const naming: ReadonlySet<PropertyKey | undefined> = new Set(
  [undefined, "axes", "sequences", "userTasks"],
);

function withoutWrong(value: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  if (issues.some(({ path }) => naming.has(path[0]))) return null;
  return issues.reduce<unknown>((left, issue) => {
    const keys = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [key]) : [[]];
    return keys.reduce<unknown>((less, key) => withoutKey(less, [...issue.path, ...key]), left);
  }, value);
}

/** A value without what lies at a path; entries of lists stay, so that the places of others do. */
function withoutKey(value: unknown, [key, ...inner]: readonly PropertyKey[]): unknown {
  if (typeof value !== "object" || value === null || key === undefined) return value;
  if (Array.isArray(value)) {
    return value.map((item, i) => i === key ? withoutKey(item, inner) : item);
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([own, item]) =>
      own !== key ? [[own, item]] : inner.length > 0 ? [[own, withoutKey(item, inner)]] : []
    ),
  );
}

/**
 * The part of a study that a JSON value holds; see {@linkcode parseStudy}.
 *
 * @param value What a file holds.
 * @param source What messages call it.
 * @throws {StudyError} With every unknown key and wrong value.
 */
export function parseStudyPart(value: unknown, source: string): StudyPart {
  const result = studyPartSchema.safeParse(value);
  if (!result.success) {
    throw new StudyError(`Cannot read ${source}`, problemsOf(result.error.issues, value));
  }
  return result.data;
}

/**
 * A study written as a TypeScript module: the same data, checked by the compiler and again when loaded.
 *
 * @throws {StudyError} As {@linkcode parseStudy}.
 *
 * @example
 * ```ts
 * import { defineStudy } from "./parse.ts";
 * export default defineStudy({
 *   name: "ranks-on-rte",
 *   base: { train: { epochs: 10 } },
 *   deltas: [{ when: { method: "full" }, set: { train: { learningRate: 5e-5 } } }],
 *   axes: {
 *     tasks: ["RTE"],
 *     methods: ["full", "lora", { method: "elalora", options: { b: 8 } }],
 *     budgets: [2, 4, { parameters: 20_000 }],
 *     seeds: [1, 2, 3],
 *   },
 * });
 * ```
 */
export function defineStudy(study: Study): Study;

/**
 * A study that extends others, written as a TypeScript module; it is complete when its file is read.
 *
 * @throws {StudyError} As {@linkcode parseStudy}.
 */
export function defineStudy(study: ExtendingStudy): ExtendingStudy;

export function defineStudy(study: Study | ExtendingStudy): Study | ExtendingStudy {
  const source = `study "${study.name}"`;
  return "extends" in study
    ? { ...study, ...parseStudyPart(study, source) }
    : parseStudy(study, source);
}

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
export function laidOver(below: JsonObject, above: JsonObject): JsonObject {
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
