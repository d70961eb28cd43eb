/**
 * The variants of a study: the entries of its methods' axis, each with every combination of the settings that it varies by.
 *
 * @module
 */
import { unknownName } from "../../base/suggest.ts";
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { type Problem, repeated } from "../check/problems.ts";
import {
  optionNames,
  parseSettingPath,
  problemsOfValue,
  type SettingPath,
  type SettingValues,
  shortNames,
  valueText,
} from "../schema/setting_paths.ts";
import { mostOfName } from "../schema/conditions.ts";
import type { MethodOptions, Study, StudyMethod } from "../schema/study.ts";
import { ranksText, type StudyRanks } from "../budget/given.ts";
import type { MethodEntry } from "../types.ts";

interface AxisEntry {
  readonly entry: MethodEntry;
  /** How reports call it beside what axes of settings vary. */
  readonly arm: string;
  readonly options: MethodOptions;
  readonly ranks: StudyRanks | null;
  /** Its place in the study. */
  readonly where: string;
}

/** An entry of the methods' axis at one combination of settings. */
export interface Variant extends AxisEntry {
  /** How reports call it; no other variant is called so. */
  readonly label: string;
  /** Values of the settings that it varies by; empty where there are none. */
  readonly values: readonly AxisValue[];
}

/** The values of a variant by the keys of their settings. */
export function variedOf({ values }: Pick<Variant, "values">): SettingValues {
  return Object.fromEntries(values.map(({ path, value }) => [path.text, value]));
}

/** The variants of a study in its order; what is wrong with methods and axes of settings is noted. */
export function knownVariants(
  study: Study,
  entries: readonly MethodEntry[],
  problems: Problem[],
): readonly Variant[] {
  const arms = knownEntries(study.axes.methods, entries, problems);
  // Options of methods that are not known are not worth a second line.
  const axes = knownSettingsAxes(
    study,
    arms.length === 0 ? entries : arms.map(({ entry }) => entry),
    problems,
  );
  const names = shortNames(axes.map(({ path }) => path.text));
  const labels = new Map<string, AxisEntry>();
  return arms.flatMap((arm) => {
    const own = axes.filter(({ path }) => variesBy(arm.entry, path.text));
    for (const { path } of own) {
      if (path.type === "setting" || !Object.hasOwn(arm.options, path.name)) continue;
      problems.push({
        where: `${arm.where}.options.${path.name}`,
        message: `found an option that axes.settings varies, wanted it in one of both places`,
      });
    }
    return combinationsOf(own).flatMap((values): Variant[] => {
      const label = [
        arm.arm,
        ...values.map(({ path, value }) => `${names.get(path.text)}=${valueText(value)}`),
      ].join(" ");
      const twin = labels.get(label);
      labels.set(label, arm);
      if (twin === undefined) return [{ ...arm, label, values }];
      problems.push({
        where: arm.where,
        message:
          `found that "${label}" is what runs of ${twin.where} are called too, wanted another label`,
      });
      return [];
    });
  });
}

function knownEntries(
  methods: readonly StudyMethod[],
  entries: readonly MethodEntry[],
  problems: Problem[],
): readonly AxisEntry[] {
  const arms = new Map<string, AxisEntry>();
  const names = new Set(entries.map(({ name }) => name));
  for (const [i, item] of methods.entries()) {
    const where = `axes.methods[${i}]`;
    const given = typeof item === "string" ? { method: item } : item;
    const entry = entries.find(({ name }) => name === given.method);
    if (entry === undefined) {
      problems.push({
        where,
        message: unknownName("method", given.method, entries.map(({ name }) => name)),
      });
      continue;
    }
    if (entry.name.length > mostOfName.method) {
      problems.push({
        where,
        message: `found a method with a name of ${entry.name.length} characters, wanted at most ` +
          `${mostOfName.method}, since it names folders`,
      });
      continue;
    }
    const { options = {}, ranks = null } = given;
    const arm = given.label ?? defaultLabel(entry.name, options, ranks);
    const twin = arms.get(arm);
    if (twin !== undefined) {
      problems.push({
        where,
        message: `found the label "${arm}" as in ${twin.where}, wanted a label of its own`,
      });
    } else if (arm !== entry.name && names.has(arm)) {
      problems.push({
        where: `${where}.label`,
        message: `found "${arm}", wanted a label that is not another method's name`,
      });
    } else if (ranks !== null && !entry.usesBudget) {
      problems.push({
        where: `${where}.ranks`,
        message: `found ranks of "${entry.name}", which has none; wanted a method with ranks`,
      });
    } else arms.set(arm, { entry, arm, options, ranks, where });
  }
  return [...arms.values()];
}

/** The method's name, followed by the options and the ranks that are given: `elalora b=8 ties="upstream"`. */
function defaultLabel(
  method: string,
  options: MethodOptions,
  ranks: StudyRanks | null,
): string {
  return [
    method,
    ...Object.entries(options).map(([key, value]) => `${key}=${canonicalJson(value)}`),
    ...(ranks === null ? [] : [ranksText(ranks)]),
  ]
    .join(" ").replaceAll('"', "");
}

interface SettingsAxis {
  readonly path: SettingPath;
  /** At least one, each once. */
  readonly values: readonly Json[];
}

interface AxisValue {
  readonly path: SettingPath;
  readonly value: Json;
  /** Its place in the study. */
  readonly where: string;
}

function placeOfValue(text: string, i: number): string {
  return `axes.settings.${text}[${i}]`;
}

function knownSettingsAxes(
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
    const firsts = new Map(
      repeated(values.map((value) => canonicalJson(value))).map(({ i, first }) => [i, first]),
    );
    const wrong = values.flatMap((value, i) => {
      const where = placeOfValue(text, i);
      const first = firsts.get(i);
      return first === undefined ? problemsOfValue(path, value, where) : [{
        where,
        message: `found the same as ${placeOfValue(text, first)}, wanted each once`,
      }];
    });
    problems.push(...wrong);
    return wrong.length === 0 ? [{ path, values }] : [];
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

function combinationsOf(axes: readonly SettingsAxis[]): readonly (readonly AxisValue[])[] {
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
