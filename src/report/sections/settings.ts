/**
 * What all runs share, then what differs.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import type { RunResults } from "../../analysis/results.ts";
import { budgetName, keyOf, noBudget } from "../../analysis/run_rows.ts";
import { entryOf, variedAxes, type VariedAxis } from "../../analysis/varied.ts";
import { joined } from "../../base/format.ts";
import { valueText } from "../../study/schema/setting_paths.ts";
import { noRuns, type Section, table } from "../section.ts";
import { type Setting, settingsToShow } from "../setting_values.ts";
import { type ReportTable, reportTable, text } from "../table.ts";

/** One setting with one of its values. */
interface SettingRow {
  /** {@linkcode variedBy}, {@linkcode sharedBy}, or the axes that the value depends on, for instance `by method and task`. */
  readonly differsBy: string;
  readonly setting: string;
  readonly value: string;
  /** The runs that have the value, for instance `lora on MRPC and RTE`. */
  readonly runs: string;
}

/** What {@linkcode SettingRow.differsBy} says of the study's axes. */
const variedBy = "varied";

/** What {@linkcode SettingRow.differsBy} says of what all runs share. */
const sharedBy = "all runs";

/** What runs differ in, in the order in which values are tried to depend on it: axes of settings come last, by their names. */
type Place = Readonly<Record<string, string>>;

/** The axes that every study has. */
const axes = ["method", "task", "budget", "seed"] as const;

function placeOf(run: RunResults, varied: readonly VariedAxis[]): Place {
  const { asked } = run.record;
  const values = asked.varied ?? {};
  return {
    method: entryOf(run),
    task: asked.task,
    budget: budgetName(asked.budget),
    seed: `seed ${asked.seed}`,
    ...Object.fromEntries(varied.map(({ key, name }) => [
      name,
      // What varies for other runs is no place of this one.
      Object.hasOwn(values, key) ? `${name} ${valueText(values[key]!)}` : "",
    ])),
  };
}

/** Sets of up to four axes, the smallest first, and the set of all. */
function setsOf(names: readonly string[]): readonly (readonly string[])[] {
  const all = names.reduce<readonly (readonly string[])[]>(
    (before, name) => [
      ...before,
      ...before.filter(({ length }) => length < axes.length).map((set) => [...set, name]),
    ],
    [[]],
  );
  return [...all.toSorted((a, b) => a.length - b.length), names];
}

/** The fewest axes that the values of a setting are a function of. */
function axesOf(
  sets: readonly (readonly string[])[],
  places: readonly Place[],
  values: readonly string[],
): readonly string[] {
  const isFunction = (set: readonly string[]) => {
    const seen = new Map<string, string>();
    return places.every((place, i) => {
      const key = keyOf(...set.map((axis) => place[axis]!));
      const before = seen.get(key) ?? values[i]!;
      seen.set(key, values[i]!);
      return before === values[i];
    });
  };
  return sets.find(isFunction) ?? sets.at(-1)!;
}

const prepositions: Readonly<Record<string, string>> = {
  method: "",
  task: "on ",
  budget: "at ",
  seed: "with ",
};

/** The runs at these places in words: by the first axis, and of each of its values the places on the others. */
function placesText(
  places: readonly Place[],
  set: readonly string[],
): string {
  const [first, ...rest] = set;
  if (first === undefined) return sharedBy;
  const groups = [...Map.groupBy(places, (place) => place[first]!)].map(([name, own]) => ({
    name,
    rest: rest.length === 0 ? "" : placesText(own, rest),
  }));
  // Values of the first axis that share all else are named together.
  return [...Map.groupBy(groups, (group) => group.rest).values()].map((own) =>
    (prepositions[first] ?? "with ") + joined(own.map(({ name }) => name)) +
    (own[0]!.rest === "" ? "" : ` ${own[0]!.rest}`)
  ).join("; ");
}

function rowsOf(
  { name, of, isMeasured = false }: Setting,
  runs: readonly RunResults[],
  varied: readonly VariedAxis[],
  sets: readonly (readonly string[])[],
): readonly SettingRow[] {
  const all = runs.map((run) => ({ place: placeOf(run, varied), value: of(run) }));
  const held = all.flatMap(({ place, value }) => value === null ? [] : [{ place, value }]);
  if (held.length === 0) return [];
  // Where a setting does not apply counts as a value of its own.
  const compared = isMeasured
    ? held
    : all.map(({ place, value }) => ({ place, value: value ?? "" }));
  const set = axesOf(
    sets,
    compared.map(({ place }) => place),
    compared.map(({ value }) => value),
  );
  return [...Map.groupBy(held, ({ value }) => value)].map(([value, own]) => ({
    differsBy: set.length === 0 ? sharedBy : `by ${joined([...set])}`,
    setting: name,
    value,
    runs: placesText(own.map(({ place }) => place), set),
  }));
}

/** The axes of the recorded runs. */
function axisRows(results: Analysis): readonly SettingRow[] {
  const { tasks, budgets, seeds } = results.grid;
  const named: readonly (readonly [string, readonly string[]])[] = [
    ["tasks", tasks],
    ["methods", [...new Set(results.runs.map(entryOf))]],
    ["budgets", budgets.filter((budget) => budget !== noBudget)],
    ["seeds", seeds.map(String)],
    ...variedAxes(results).map(({ key, values }) => [key, values.map(valueText)] as const),
  ];
  return named.filter(([, values]) => values.length > 0).map(([setting, values]) => ({
    differsBy: variedBy,
    setting,
    value: values.join(", "),
    runs: "",
  }));
}

/** All settings of the recorded runs: the axes, what all share, then the others by the axes that they depend on. */
function settingRows(results: Analysis): readonly SettingRow[] {
  const varied = variedAxes(results);
  const sets = setsOf([...axes, ...varied.map(({ name }) => name)]);
  const rows = settingsToShow(results).flatMap((setting) =>
    rowsOf(setting, results.runs, varied, sets)
  );
  const isShared = (row: SettingRow) => row.differsBy === sharedBy;
  return [
    ...axisRows(results),
    ...rows.filter(isShared),
    ...[...Map.groupBy(rows.filter((row) => !isShared(row)), ({ differsBy }) => differsBy).values()]
      .flat(),
  ];
}

/** The settings of all recorded runs. */
function settingsTable(results: Analysis): ReportTable {
  const rows = settingRows(results);
  return reportTable(rows, {
    id: "settings",
    title: "Settings",
    note: "The axes of the study, what all runs share, then what differs and between which runs. " +
      "A setting that a method does not have is left out for it.",
    columns: [
      text("scope", (row) => row.differsBy),
      text("setting", (row) => row.setting),
      text("value", (row) => row.value),
      text("runs", (row) => row.differsBy === sharedBy ? "" : String(row.runs)),
    ],
  });
}

/** The settings of all recorded runs. */
export const settings: Section = {
  title: "Settings",
  isPrinted: true,
  empty: noRuns,
  blocks: [table(settingsTable)],
};
