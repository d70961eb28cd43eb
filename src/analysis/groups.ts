/**
 * Runs in groups by what somebody asks for: `method`, `task`, `budget`, `seed`, or the key of any setting or option.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { unknownName } from "../base/suggest.ts";
import { UsageError } from "../base/input_error.ts";
import {
  isObject,
  parseSettingPath,
  settingAt,
  type SettingPath,
  valueText,
} from "../study/schema/setting_paths.ts";
import type { PartialSettings } from "../study/schema/settings.ts";
import { budgetName } from "./run_rows.ts";
import { nothing } from "../base/format.ts";
import type { Basis } from "./basis.ts";
import type { RunResults, StudyResults } from "./results.ts";
import { entryOf, inOrder } from "./varied.ts";

/** Something that runs are grouped by. */
export interface GroupKey {
  /** As it was asked for, such as `train.learningRate`. */
  readonly key: string;
  /** The group of a run, as tables write it. */
  readonly of: (run: RunResults) => string;
  /** All groups among the recorded runs, in reading order. */
  readonly groups: readonly string[];
}

const axes: Readonly<Record<string, (run: RunResults) => string>> = {
  method: entryOf,
  task: ({ record }) => record.asked.task,
  budget: ({ record }) => budgetName(record.asked.budget),
  seed: ({ record }) => String(record.asked.seed),
};

/** A run's value of a setting: undefined where it has none, such as an option of another method. */
function valueOf({ record: { asked } }: RunResults, path: SettingPath): Json | undefined {
  const settings = isObject(asked.run) ? asked.run["settings"] : undefined;
  // A record holds the resolved settings of its run, which were checked before it started.
  const known = isObject(settings) ? settings as unknown as PartialSettings : {};
  return settingAt(known, asked.options, path);
}

function settingKey(key: string, { runs }: StudyResults): GroupKey {
  const options = new Set(
    runs.flatMap(({ record: { asked } }) =>
      isObject(asked.options) ? Object.keys(asked.options) : []
    ),
  );
  let path: SettingPath;
  try {
    path = parseSettingPath(key, [...options]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const varied = runs.flatMap(({ record: { asked } }) => Object.keys(asked.varied ?? {}));
    const names = [...Object.keys(axes), ...new Set(varied)];
    throw new UsageError(
      `Option "--by" is "${key}", want ${names.join(", ")}, or another setting: ${
        key.includes(".") ? error.message : unknownName("key", key, [...names, "model"])
      }`,
    );
  }
  const textOf = (value: Json | undefined) => value === undefined ? nothing : valueText(value);
  const values = runs.map((run) => valueOf(run, path));
  const groups = inOrder(values.filter((value) => value !== undefined)).map(textOf);
  return {
    key,
    of: (run) => textOf(valueOf(run, path)),
    groups: values.includes(undefined) ? [...groups, nothing] : groups,
  };
}

/**
 * What runs are to be grouped by.
 *
 * @param keys `method` (the entry of the study, without what axes of settings vary), `task`, `budget`, `seed`, or keys of settings
 * and options such as `train.learningRate` and `options.alpha`.
 * @throws {UsageError} If a key is not known or is there twice.
 */
export function groupKeysOf(keys: readonly string[], results: Basis): readonly GroupKey[] {
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice !== undefined) throw new UsageError(`Option "--by" is "${twice}" twice, want it once`);
  const { grid } = results;
  const ordered: Readonly<Record<string, readonly string[]>> = {
    method: [...new Set(results.runs.map(entryOf))],
    task: grid.tasks,
    budget: grid.budgets,
    seed: grid.seeds.map(String),
  };
  return keys.map((key) =>
    Object.hasOwn(axes, key)
      ? { key, of: axes[key]!, groups: ordered[key]! }
      : settingKey(key, results)
  );
}
