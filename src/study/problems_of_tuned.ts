/**
 * Runs of a study that do not have the settings that were chosen for them.
 *
 * @module
 */
import { canonicalJson, type Json } from "../base/canonical_json.ts";
import { type Problem, show } from "./problems.ts";
import { runTitle } from "./run_id.ts";
import { layerOf, parseSettingPath, settingAt, type SettingPath } from "./setting_paths.ts";
import { overlaySettings } from "./settings.ts";
import { isTunedFor, type Tuned } from "./tuned.ts";
import type { MethodEntry, RunSpec } from "./types.ts";

/** Whether a run has a value; what it leaves out at its default, it has. */
function hasValue(run: RunSpec, path: SettingPath, value: Json, entry: MethodEntry): boolean {
  const layer = layerOf(path, value);
  const settings = overlaySettings(run.settings, layer.set);
  const options = path.type === "setting"
    ? run.options
    : entry.parseOptions({ ...run.options as object, ...layer.options });
  const textOf = (value: unknown) => canonicalJson(value as Json);
  return textOf({ settings, options }) ===
    textOf({ settings: run.settings, options: run.options });
}

/**
 * What goes before settings that were tuned: a report of such runs would say that they have the chosen values. Axes of settings may,
 * since they vary on purpose.
 *
 * @param tuned Of the study; undefined where nothing was tuned.
 * @param entries Methods of the runs.
 */
export function problemsOfTuned(
  tuned: Tuned | undefined,
  runs: readonly RunSpec[],
  entries: readonly MethodEntry[],
): readonly Problem[] {
  return (tuned?.best ?? []).flatMap((choice) => {
    const own = runs.filter((run) => isTunedFor(choice, run));
    return Object.entries(choice.values).flatMap(([text, value]): readonly Problem[] => {
      const path = parseSettingPath(text);
      const other = own.find((run) => {
        const entry = entries.find(({ name }) => name === run.method)!;
        return !Object.hasOwn(run.varied ?? {}, text) && !hasValue(run, path, value, entry);
      });
      if (other === undefined) return [];
      const found = settingAt(other.settings, other.options, path) ?? null;
      return [{
        where: `run "${runTitle(other)}", ${text}`,
        message:
          `found ${show(found)}, wanted ${
            show(value)
          }, which tuning chose; leave it out of deltas and of ` +
          "--set, or do not extend the file of the tuning",
      }];
    });
  });
}
