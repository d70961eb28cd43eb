/**
 * Axes of settings: which values of which settings a study varies, and which methods vary by them.
 *
 * @module
 */
import { canonicalJson, type Json } from "../base/canonical_json.ts";
import { optionNames } from "./method_options.ts";
import type { Problem } from "./problems.ts";
import { parseSettingPath, problemsOfValue, type SettingPath } from "./setting_paths.ts";
import type { Study } from "./study.ts";
import type { MethodEntry } from "./types.ts";

/** A setting that a study varies. */
export interface SettingsAxis {
  readonly path: SettingPath;
  /** At least one, each once. */
  readonly values: readonly Json[];
}

/** A value of an axis. */
export interface AxisValue {
  readonly path: SettingPath;
  readonly value: Json;
  /** Its place in the study. */
  readonly where: string;
}

/** Where a value of an axis stands in a study. */
function placeOfValue(text: string, i: number): string {
  return `axes.settings.${text}[${i}]`;
}

/**
 * The axes of settings of a study; what is wrong with them is noted: unknown settings, options that no method of the study has,
 * values of a wrong kind, and values that are there twice.
 *
 * @param entries Methods of the study.
 */
export function knownSettingsAxes(
  { axes }: Study,
  entries: readonly MethodEntry[],
  problems: Problem[],
): readonly SettingsAxis[] {
  const options = [...new Set(entries.flatMap(optionNames))];
  return Object.entries(axes.settings ?? {}).flatMap(([text, values]) => {
    let path: SettingPath;
    try {
      path = parseSettingPath(text, options);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push({ where: `axes.settings.${text}`, message: error.message });
      return [];
    }
    const firsts = new Map<string, number>();
    let isRight = true;
    for (const [i, value] of values.entries()) {
      const where = placeOfValue(text, i);
      const first = firsts.get(canonicalJson(value));
      const found = first === undefined ? problemsOfValue(path, value, where) : [{
        where,
        message: `found the same as ${placeOfValue(text, first)}, wanted each once`,
      }];
      firsts.set(canonicalJson(value), first ?? i);
      problems.push(...found);
      isRight &&= found.length === 0;
    }
    return isRight ? [{ path, values }] : [];
  });
}

/**
 * Whether the runs of a method vary by a setting: by an option only those of methods that have it, and by the adapted modules
 * only those with ranks.
 *
 * @param text The setting's key, such as `options.alpha`.
 */
export function variesBy(
  entry: Pick<MethodEntry, "optionsSchema" | "usesBudget">,
  text: string,
): boolean {
  const [group, ...rest] = text.split(".");
  if (group === "options") return optionNames(entry).includes(rest.join("."));
  return group !== "adapter" || entry.usesBudget;
}

/** Every combination of the values of some axes, the first axis outermost; one without any value for no axis. */
export function combinationsOf(axes: readonly SettingsAxis[]): readonly (readonly AxisValue[])[] {
  return axes.reduce<readonly (readonly AxisValue[])[]>(
    (before, { path, values }) =>
      before.flatMap((chosen) =>
        values.map((value, i) => [
          ...chosen,
          { path, value, where: placeOfValue(path.text, i) },
        ])
      ),
    [[]],
  );
}
