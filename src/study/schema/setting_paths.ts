/**
 * Settings and options of methods by one key each: `model`, `train.learningRate`, `adapter.modules`, `options.alpha`.
 *
 * @module
 */
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { valueAtKeys } from "../../base/read_json.ts";
import { unknownName } from "../../base/suggest.ts";
import { placeOf, type Problem, problemsOf } from "../check/problems.ts";
import { type PartialSettings, partialSettingsSchema, settingKeys } from "./settings.ts";
import type { z } from "zod";
import { errorMessage } from "../../base/input_error.ts";
import type { MethodOptions } from "./study.ts";
import type { MethodEntry } from "../types.ts";

/** One setting, or one option of methods. */
export type SettingPath =
  | {
    readonly type: "setting";
    /** As it is written, such as `train.learningRate`. */
    readonly text: string;
  }
  | {
    readonly type: "option";
    /** As it is written, such as `options.alpha`. */
    readonly text: string;
    /** The option's name, such as `alpha`. */
    readonly name: string;
  };

/** Values by the text of their paths, or of options by their names. */
export type SettingValues = Readonly<Record<string, Json>>;

/** A value as a layer over settings, or over options of a method; the other one is empty. */
export interface SettingLayer {
  /** Laid over settings. */
  readonly set: PartialSettings;
  /** Laid over a method's options. */
  readonly options: SettingValues;
}

const optionPrefix = "options.";

/**
 * A path as a study writes it.
 *
 * @param text Such as `train.learningRate` or `options.alpha`.
 * @param optionNames Options that are known. Default: any name is taken.
 * @throws {RangeError} If there is no such setting or option: the message lists those that there are and names the closest.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { parseSettingPath } from "./setting_paths.ts";
 * assertThrows(() => parseSettingPath("train.learnRate"), RangeError, 'Did you mean "train.learningRate"?');
 * ```
 */
export function parseSettingPath(text: string, optionNames?: readonly string[]): SettingPath {
  if (text.startsWith(optionPrefix)) {
    const name = text.slice(optionPrefix.length);
    if (name !== "" && (optionNames === undefined || optionNames.includes(name))) {
      return { type: "option", text, name };
    }
  } else if (settingKeys.includes(text)) return { type: "setting", text };
  const group = settingKeys.filter((key) => key.startsWith(`${text}.`));
  if (group.length > 0) {
    throw new RangeError(
      `found the group of settings "${text}", wanted one of them: ${
        group.map((key) => `"${key}"`).join(", ")
      }`,
    );
  }
  const options = (optionNames ?? []).map((name) => optionPrefix + name);
  const known = text.startsWith(optionPrefix) && options.length > 0
    ? options
    : [...settingKeys, ...options];
  throw new RangeError(unknownName("setting", text, known));
}

/**
 * The value at a path, or undefined where there is none: a setting that a resolved run leaves out at its default, an option
 * that the method does not have.
 *
 * @param settings Those of a run, or partial ones.
 * @param options Those of a run, or of an entry of a study.
 */
export function settingAt(
  settings: PartialSettings,
  options: Json,
  path: SettingPath,
): Json | undefined {
  return (path.type === "option"
    ? valueAtKeys(options, [path.name])
    : valueAtKeys(settings, path.text.split("."))) as Json | undefined;
}

/** A layer that holds one value. */
export function layerOf(path: SettingPath, value: Json): SettingLayer {
  if (path.type === "option") return { set: {}, options: { [path.name]: value } };
  const set = path.text.split(".").reduceRight<Json>((inner, key) => ({ [key]: inner }), value);
  // A path of the known keys and a checked value are what makes this settings.
  return { set: set as PartialSettings, options: {} };
}

/**
 * What is wrong with a value of a setting; nothing is known of options here, which the methods check.
 *
 * @param where Place of the value in the study.
 */
export function problemsOfValue(path: SettingPath, value: Json, where: string): readonly Problem[] {
  if (path.type === "option") return [];
  const { set } = layerOf(path, value);
  const checked = partialSettingsSchema.safeParse(set);
  if (checked.success) return [];
  return problemsOf(checked.error.issues, set).map((problem) => ({
    where: where + problem.where.slice(path.text.length),
    message: problem.message,
  }));
}

/** A value in few characters, as labels have it: `0.001`, `linear`, `[query,value]`. */
export function valueText(value: Json): string {
  return canonicalJson(value).replaceAll('"', "");
}

/**
 * What some paths are called beside each other: the last key of each, or all of it where another one ends alike.
 *
 * @param texts Each once.
 */
export function shortNames(texts: readonly string[]): ReadonlyMap<string, string> {
  const last = (text: string) => text.slice(text.lastIndexOf(".") + 1);
  const counts = Map.groupBy(texts, last);
  return new Map(
    texts.map((text) => [text, counts.get(last(text))!.length === 1 ? last(text) : text]),
  );
}

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
