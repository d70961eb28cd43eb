/**
 * Settings of a study that are given beside it, such as on a command line: `train.learningRate=1e-3`.
 *
 * @module
 */
import type { Json } from "../../base/canonical_json.ts";
import {
  layerOf,
  optionNames,
  parseOptions,
  parseSettingPath,
  problemsOfValue,
  type SettingPath,
  valueText,
} from "../schema/setting_paths.ts";
import { type Problem, StudyError } from "../check/problems.ts";
import type { Delta, Study, StudyMethod } from "../schema/study.ts";
import type { MethodEntry } from "../types.ts";

interface Override {
  readonly path: SettingPath;
  readonly value: Json;
}

const nameOf = (item: StudyMethod) => typeof item === "string" ? item : item.method;

function valueOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** The values of a list, or of what is written as one: `5,10`. */
function severalIn(value: Json): readonly Json[] {
  if (typeof value !== "string") return Array.isArray(value) ? value : [value];
  return value.split(",").map((part) => valueOf(part.trim()));
}

/** What is wrong with a value; of several that are right by themselves, that they are several. */
function problemsOrSeveral(
  { text }: SettingPath,
  value: Json,
  where: string,
  problemsWith: (value: Json) => readonly Problem[],
): readonly Problem[] {
  const wrong = problemsWith(value);
  const values = severalIn(value);
  if (wrong.length === 0 || values.some((one) => problemsWith(one).length > 0)) return wrong;
  const axis = JSON.stringify({ settings: { [text]: values } });
  return [{
    where,
    message:
      `found ${values.length} values, wanted one for all runs; runs with each of them are what "axes": ${axis} in the study gives`,
  }];
}

/** What a text such as `train.learningRate=1e-3` gives; what is wrong with it is noted. */
function readOverride(
  text: string,
  study: Study,
  options: readonly string[],
  problems: Problem[],
): readonly Override[] {
  const where = `--set ${text}`;
  const [key = "", ...rest] = text.split("=");
  if (rest.length === 0) {
    problems.push({ where, message: `found no value, wanted KEY=VALUE, such as train.epochs=3` });
    return [];
  }
  if (Object.hasOwn(study.axes.settings ?? {}, key)) {
    problems.push({
      where,
      message:
        `found a key that axes.settings varies, wanted another; choose of its values by --only ${text}`,
    });
    return [];
  }
  try {
    const path = parseSettingPath(key, options);
    const value = valueOf(rest.join("="));
    const wrong = problemsOrSeveral(
      path,
      value,
      where,
      (one) => problemsOfValue(path, one, where),
    );
    problems.push(...wrong);
    return wrong.length === 0 ? [{ path, value }] : [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.push({ where, message: error.message });
    return [];
  }
}

/** What methods say of a value of one of their options, by itself. */
function problemsOfOption(
  { path, value }: Override,
  entries: readonly MethodEntry[],
): readonly Problem[] {
  const whole = "as a whole";
  const where = `--set ${path.text}=${valueText(value)}`;
  return problemsOrSeveral(path, value, where, (one) => {
    const problems: Problem[] = [];
    const { options } = layerOf(path, one);
    for (const entry of entries) {
      parseOptions(entry, [{ options, where: whole, whereOf: () => where }], problems);
    }
    return problems.filter(({ where }) => !where.endsWith(whole));
  });
}

/** An entry of the methods' axis that says nothing else than what is given. */
function overridden(item: StudyMethod, { path, value }: Override): StudyMethod {
  if (typeof item === "string" || path.type === "setting") return item;
  return Object.hasOwn(item.options ?? {}, path.name)
    ? { ...item, options: { ...item.options, [path.name]: value } }
    : item;
}

/** Whether a study says which encoder its runs have: in its base, on an axis, or as one that is given for some runs. */
function statesModel({ base, axes, deltas = [] }: Study): boolean {
  return base?.model !== undefined || Object.hasOwn(axes.settings ?? {}, "model") ||
    deltas.some(({ set }) => set?.model === "folder");
}

/**
 * A study that takes its encoder from the place that is given beside it, where it states none itself.
 *
 * @param given What `--model` gives, or null.
 */
export function withGivenModel(study: Study, given: string | null): Study {
  return given === null || statesModel(study)
    ? study
    : { ...study, base: { ...study.base, model: "folder" } };
}

/**
 * A study with values for all its runs, which win over its base, its entries of methods and its deltas: they are its last delta,
 * so that whoever reads the study sees them. An option goes to the methods that have it.
 *
 * @param texts Such as `train.learningRate=1e-3` or `options.alpha=8`: a key as axes of settings have it, and a value in JSON, or
 * text. A later one wins over an earlier one of its key.
 * @param entries The methods that the study may name.
 * @throws {StudyError} If a key is not known to the study, is one that its axes vary, or its value is wrong.
 */
export function withOverrides(
  study: Study,
  texts: readonly string[],
  entries: readonly MethodEntry[],
): Study {
  if (texts.length === 0) return study;
  const methods = [...new Set(study.axes.methods.map(nameOf))];
  const own = entries.filter(({ name }) => methods.includes(name));
  const having = (path: SettingPath) =>
    own.filter((entry) => path.type === "option" && optionNames(entry).includes(path.name));
  const problems: Problem[] = [];
  const known = [...new Set(own.flatMap(optionNames))];
  const overrides = texts.flatMap((text) => readOverride(text, study, known, problems));
  problems.push(...overrides.flatMap((given) => problemsOfOption(given, having(given.path))));
  if (problems.length > 0) throw new StudyError(`Cannot change study "${study.name}"`, problems);
  const deltas = overrides.map(({ path, value }): Delta => {
    const { set, options } = layerOf(path, value);
    return path.type === "setting"
      ? { when: { method: methods }, set }
      : { when: { method: having(path).map(({ name }) => name) }, options };
  });
  return {
    ...study,
    deltas: [...study.deltas ?? [], ...deltas],
    axes: {
      ...study.axes,
      methods: study.axes.methods.map((item) => overrides.reduce(overridden, item)),
    },
  };
}
