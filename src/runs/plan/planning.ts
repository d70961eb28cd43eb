/**
 * From the grid of a study to runs that can start: checked as a whole, with their ranks and identities.
 *
 * @module
 */
import { errorMessage } from "../../base/input_error.ts";
import { findMethod, type MethodTable } from "../../methods/table.ts";
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
import type { Task, TaskData } from "../../tasks/types.ts";
import { ownTasksOf } from "./grid.ts";
import { customCodeOf, type PlannedRun, type StudyPlan } from "./planned_run.ts";
import { settleRanks } from "./ranks.ts";
import { type InputFolders, Inputs } from "../inputs.ts";

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
