/**
 * Options of methods: their names, and their values laid over each other and completed by the method's entry.
 *
 * @module
 */
import type { z } from "zod";
import type { Json } from "../base/canonical_json.ts";
import { errorMessage } from "../base/error_message.ts";
import { placeOf, type Problem, problemsOf } from "./problems.ts";
import type { MethodOptions } from "./study.ts";
import type { MethodEntry } from "./types.ts";

/** Options from one place of a study. */
export interface OptionLayer {
  /** A later layer wins, option by option. */
  readonly options: MethodOptions;
  /** Where the options as a whole stand. */
  readonly where: string;
  /** Where an option stands. Default: below `where`. */
  readonly whereOf?: (name: string) => string;
}

/** Names of a method's options, from its JSON Schema. */
export function optionNames(
  { optionsSchema }: Pick<MethodEntry, "optionsSchema">,
): readonly string[] {
  const properties = isObject(optionsSchema) ? optionsSchema["properties"] : undefined;
  return isObject(properties) ? Object.keys(properties) : [];
}

/** Whether a JSON value is an object, no list. */
export function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Options as the method's entry completes them, or null after noting what is wrong and where it was written.
 *
 * @param layers At least one.
 */
export function parseOptions(
  entry: MethodEntry,
  layers: readonly OptionLayer[],
  problems: Problem[],
): { readonly options: Json } | null {
  const options: MethodOptions = Object.assign({}, ...layers.map(({ options }) => options));
  const place = (path: string) => placeOf("method", entry.name, path);
  const whole = place(layers[0]!.where);
  try {
    return { options: entry.parseOptions(options) };
  } catch (error) {
    if (!hasIssues(error)) {
      const message = errorMessage(error);
      problems.push({ where: whole, message });
      return null;
    }
    for (const { where, message } of problemsOf(error.issues, options, [], optionNames(entry))) {
      const key = /^[^.[]+/.exec(where)?.[0] ?? where;
      const layer = layers.findLast(({ options }) => Object.hasOwn(options, key)) ?? layers[0]!;
      const whereOf = layer.whereOf ?? ((name: string) => `${layer.where}.${name}`);
      problems.push({
        where: where === "study" ? whole : place(whereOf(key) + where.slice(key.length)),
        message: message.replace(/^Unknown key/, "Unknown option"),
      });
    }
    return null;
  }
}

function hasIssues(error: unknown): error is { readonly issues: readonly z.core.$ZodIssue[] } {
  return typeof error === "object" && error !== null && "issues" in error &&
    Array.isArray(error.issues);
}
