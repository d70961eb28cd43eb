/**
 * From the grid of a study to runs that can start: checked as a whole, with their ranks and identities.
 *
 * @module
 */
import { errorMessage, readingInput, shown } from "../../base/input_error.ts";
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
import type { Metric, Task, TaskData } from "../../tasks/types.ts";
import { customCodeOf, type PlannedRun, type StudyPlan } from "./planned_run.ts";
import { settleRanks } from "./ranks.ts";
import { type InputFolders, Inputs } from "../inputs.ts";
import type { Json } from "../../base/canonical_json.ts";
import { expandStudy } from "../../study/grid/expand.ts";
import { defaultMostRuns } from "../../study/grid/points.ts";
import { builtInTasks, findTask } from "../../tasks/catalog.ts";
import {
  averageAccuracyName,
  averageTaskAwareName,
  isHigherBetter,
  rangeOf,
} from "../../tasks/metrics.ts";
import { sequenceTask } from "../../tasks/sequence.ts";
import { parseUserTask, parseUserTasks } from "../../tasks/user_task.ts";
import type { StudyCode } from "../method_modules.ts";

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

/**
 * The tasks that a study declares: the user's own, and its sequences.
 *
 * @param metrics The metrics that they may name beside ranklab's. Default: none.
 * @param isWhole Whether these are all, as {@linkcode parseUserTasks} takes it. Default true.
 */
export function ownTasksOf(
  study: Study,
  metrics: readonly Metric[] = [],
  isWhole = true,
): readonly Task[] {
  const own = parseUserTasks(study.userTasks ?? [], metrics, isWhole);
  const sequences = Object.entries(study.sequences ?? {}).map(([name, members]) =>
    readingInput(
      {
        file: `study "${shown(study.name)}"`,
        place: `sequence "${shown(name)}"`,
        found: "tasks that make none",
        wanted: "two or more tasks of one kind",
      },
      () => sequenceTask(name, members.map((member) => findTask(member, own))),
    )
  );
  return [...own, ...sequences];
}

/**
 * The grid of a study, without reading any data.
 *
 * @param mostRuns Runs at most. Default 10,000.
 * @param metrics Metrics that its tasks may name beside ranklab's. Default: none.
 *
 * @throws {StudyError} If the study cannot be planned, or has more runs; see {@linkcode expandStudy}.
 */
export function expand(
  study: Study,
  methods: MethodTable,
  mostRuns: number = defaultMostRuns,
  metrics: readonly Metric[] = [],
): readonly GridRun[] {
  const own: Task[] = [];
  const metricsOf = (name: string): readonly string[] =>
    Object.hasOwn(study.sequences ?? {}, name)
      ? [averageAccuracyName, averageTaskAwareName]
      : findTask(name, own).metrics;
  return expandStudy(study, {
    mostRuns,
    tasks: builtInTasks.map(({ name }) => name),
    methods,
    declareTask: (declared: Json, index: number) => {
      const task = parseUserTask(declared, ["userTasks", index], metrics);
      own.push(task);
      return task.name;
    },
    outputOf: (name) => findTask(name, own).output.type,
    metricsOf,
    scoresOf: (name) => {
      const metric = metricsOf(name)[0]!;
      return { metric, range: rangeOf(metric), isHigherBetter: isHigherBetter(metric) };
    },
  });
}

/** A study with further seeds and without what it asks of its runs, so that its grid can be made. */
export function withFurtherSeeds(study: Study, seeds: readonly number[]): Study {
  const { claims: _claims, decide: _decide, comparisons: _comparisons, ...asked } = study;
  const all = new Set([...study.axes.seeds, ...seeds]);
  return { ...asked, axes: { ...study.axes, seeds: [...all] } };
}

/** Every combination of a study, with its seeds and further ones. */
export function furtherGrid(
  study: Study,
  seeds: readonly number[],
  { methods, metrics }: StudyCode,
): readonly GridRun[] {
  // Only a part of it is made; the study's own grid has been counted.
  return expand(withFurtherSeeds(study, seeds), methods, Infinity, metrics);
}

/**
 * All runs that a study asks for, and the chosen ones with further seeds.
 *
 * @param chosen Titles of runs.
 */
export function withFurther(
  all: readonly GridRun[],
  further: readonly GridRun[],
  chosen: Pick<ReadonlySet<string>, "has">,
): readonly GridRun[] {
  const own = new Set(all.map(runTitle));
  const isAdded = (title: string) => !own.has(title) && chosen.has(title);
  return [...all, ...further.filter((run) => isAdded(runTitle(run)))];
}
