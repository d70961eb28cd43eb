/**
 * A part of a study: `--only task=CoLA,RTE --only seed=1 --only train.learningRate=0.001`.
 *
 * @module
 */
import { unknownName } from "../../base/suggest.ts";
import { budgetKey } from "../../study/budget/budget.ts";
import { settingKeys } from "../../study/schema/settings.ts";
import { valueText } from "../../study/schema/setting_paths.ts";
import type { RunSpec } from "../../study/types.ts";
import { UsageError } from "../../base/input_error.ts";
import type { Problem } from "../../study/check/problems.ts";
import { toldOnce } from "../../study/check/runs.ts";
import type { PlannedRun } from "./planned_run.ts";

/** What a run can be chosen by, and how it is written; any of several forms. */
const axes: Readonly<Record<string, (run: RunSpec) => readonly string[]>> = {
  task: ({ task }) => [task],
  method: ({ label, arm }) => arm === undefined ? [label] : [label, arm],
  budget: ({ budget }) => [budget === null ? "none" : budgetKey(budget)],
  seed: ({ seed }) => [String(seed)],
};

/** How a value of an axis of settings is written, where a text may write it otherwise. */
function sameValue(text: string): string {
  try {
    return valueText(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Whether a run belongs to a part of its study. */
export type Selection = (run: RunSpec) => boolean;

/**
 * Reads the values of `--only`: a run has to be among the values of each.
 *
 * @param texts Such as `task=CoLA,RTE`; methods are called by their labels, with or without what axes of
 * settings vary, budgets as in the names of runs' folders, and axes of settings by their keys, as in `train.learningRate=0.001`.
 * Without any, every run is chosen.
 * @param runs The study's runs: a value that none of them has is an error.
 *
 * @throws {UsageError} If a key or a value is not known, or no run is left.
 *
 * @example
 * ```ts
 * import { methods } from "../../methods/table.ts";
 * import { expand } from "./grid.ts";
 * import { assertEquals } from "@std/assert";
 * const runs = expand({
 *   name: "small",
 *   axes: { tasks: ["RTE", "CoLA"], methods: ["head", "lora"], budgets: [2, 8], seeds: [1, 2] },
 * }, methods);
 * assertEquals(runs.length, 12);
 * assertEquals(runs.filter(readSelection(["task=CoLA", "budget=r8,none"], runs)).length, 4);
 * ```
 */
export function readSelection(texts: readonly string[], runs: readonly RunSpec[]): Selection {
  const settings = [...new Set(runs.flatMap(({ varied = {} }) => Object.keys(varied)))];
  const wanted = texts.map((text) => {
    const [key = "", ...rest] = text.split("=");
    const isSetting = settings.includes(key);
    const valuesOf = isSetting
      ? ({ varied = {} }: RunSpec) => Object.hasOwn(varied, key) ? [valueText(varied[key]!)] : []
      : Object.hasOwn(axes, key)
      ? axes[key]!
      : null;
    if (valuesOf === null || rest.length === 0) {
      const fault = valuesOf === null
        ? settingKeys.includes(key)
          ? `"${key}" is the same for all these runs; give it by --set ${text}`
          : unknownName("key", key, [...Object.keys(axes), ...settings])
        : `"${key}" has no value`;
      throw new UsageError(`Option "--only" is "${text}", want KEY=VALUE,…: ${fault}`);
    }
    const known = [...new Set(runs.flatMap(valuesOf))];
    const spelt = isSetting ? sameValue : (value: string) => value;
    const whole = spelt(rest.join("="));
    // A label may hold a comma, and so may a list.
    const values = known.includes(whole) ? [whole] : rest.join("=").split(",").map(spelt);
    const unknown = values.find((value) => !known.includes(value));
    if (unknown !== undefined) {
      throw new UsageError(`Option "--only" is "${text}": ${unknownName(key, unknown, known)}`);
    }
    return (run: RunSpec) => valuesOf(run).some((value) => values.includes(value));
  });
  const selection = (run: RunSpec) => wanted.every((accepts) => accepts(run));
  if (!runs.some(selection)) {
    throw new UsageError(
      `Options ${
        texts.map((text) => `"--only ${text}"`).join(", ")
      } leave no run of ${runs.length}, want at least one; give fewer of them`,
    );
  }
  return selection;
}

/**
 * Problems of a part of a study: runs that take their ranks from a run that is neither in the part nor recorded.
 *
 * @param pending The runs of the part that are to be made.
 * @param part All runs of the part.
 * @param all All runs of the study.
 * @param isRecorded Whether a run has a record.
 */
export async function problemsOfPart(
  pending: readonly PlannedRun[],
  part: readonly PlannedRun[],
  all: readonly PlannedRun[],
  isRecorded: (planned: PlannedRun) => Promise<boolean>,
): Promise<readonly Problem[]> {
  const chosen = new Set(part.map(({ id }) => id));
  const problems = [];
  for (const { run } of pending) {
    const { ranksFrom } = run;
    if (ranksFrom === undefined || chosen.has(ranksFrom.run)) continue;
    const source = all.find(({ id }) => id === ranksFrom.run);
    if (source !== undefined && await isRecorded(source)) continue;
    problems.push({
      run,
      where: "ranks",
      message:
        `found that run "${
          source?.title ?? ranksFrom.run
        }", which its ranks come from, is not finished and is ` +
        "left out by --only; choose it too, or sweep it first",
    });
  }
  return toldOnce(problems);
}
