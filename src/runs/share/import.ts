/**
 * An adapter of peft's, evaluated on a task and written merged into its base.
 *
 * @module
 */
import { unknownName } from "../../base/suggest.ts";
import { UsageError } from "../../base/input_error.ts";
import type { Executor } from "../../exec/executor.ts";
import { type Fetching, ownFetching, readModelFiles } from "../../fetch/model_files.ts";
import { checkMaxLength, type EncoderModel, loadEncoder, loadHead } from "../../models/load.ts";
import { modelSource } from "../../models/sources.ts";
import { writeWhole } from "../../record/durable.ts";
import { defaultSettings } from "../../study/schema/settings.ts";
import type { Study } from "../../study/schema/study.ts";
import { evaluationSplit } from "../../train/run_data.ts";
import { builtInTasks } from "../../tasks/catalog.ts";
import { encodeExamples } from "../../tasks/tokenizer.ts";
import { metrics } from "../../tasks/metrics.ts";
import type { Task } from "../../tasks/types.ts";
import { parseUserTasks } from "../../tasks/user_task.ts";
import { outputCount } from "../../train/assembly_request.ts";
import type { Evaluation, EvaluationSplit } from "../../train/evaluate.ts";
import { openingOf } from "./export_readme.ts";
import { type AdapterContents, evaluateModel, importAdapter } from "./imported_model.ts";
import { Inputs } from "../inputs.ts";
import { writeMergedFolder } from "./model_folder.ts";
import { readStudyData } from "../plan/study_file.ts";

/** How an adapter is imported. */
export interface ImportOptions {
  readonly model: string;
  readonly task: string;
  /** The study that declares the task, or null for a task that is built in. */
  readonly study: string | null;
  readonly data: string | null;
  /** Null for that of the study's base, or the default. */
  readonly maxLength: number | null;
  /** Where merged weights go, or null for nowhere. */
  readonly out: string | null;
}

interface ImportResult {
  readonly evaluations: readonly Evaluation[];
  readonly contents: AdapterContents;
  /** Metrics that the task's study brings along: its code runs where it can only read, so that these are not computed. */
  readonly leftOut: readonly string[];
  /** The folder of `data`, where the task is not read from it; null elsewhere. */
  readonly unusedData: string | null;
}

/** What a task is looked up in: the study that may declare it, and the folder that its files are relative to. */
interface TaskSource {
  readonly study: Study | null;
  readonly folder: string;
  readonly tasks: readonly Task[];
}

async function taskSource(name: string | null): Promise<TaskSource> {
  if (name === null) return { study: null, folder: ".", tasks: [] };
  const { study, folder } = await readStudyData(name);
  const tasks = parseUserTasks(study.userTasks ?? [], [], false);
  return { study, folder, tasks };
}

function checkTask(name: string, { study, tasks }: TaskSource): void {
  const known = [...builtInTasks, ...tasks].map((task) => task.name);
  if (known.includes(name)) return;
  throw new UsageError(
    `${unknownName("task", name, known)}${
      study === null ? "; for a task of your own give the study that declares it by --study" : ""
    }`,
  );
}

async function evaluationSplits(
  inputs: Inputs,
  { tokenizer }: EncoderModel,
  task: string,
  maxLength: number,
): Promise<readonly EvaluationSplit[]> {
  const { splits } = await inputs.task(task);
  return [...splits].filter(([name]) => name !== "train").map(([name, examples]) => {
    const encoded = encodeExamples(tokenizer, examples, maxLength);
    return evaluationSplit(name, { examples, encoded, maxLength, padId: tokenizer.padId });
  });
}

/**
 * Imports an adapter, evaluates it, and writes it where asked.
 *
 * @throws {Error} If something is missing or does not fit; nothing is written then.
 */
export async function importPeft(
  folder: string,
  options: ImportOptions,
  executor: Executor,
  fetching: Fetching = ownFetching(),
): Promise<ImportResult> {
  const source = await taskSource(options.study);
  checkTask(options.task, source);
  const maxLength = options.maxLength ?? source.study?.base?.train?.maxLength ??
    defaultSettings.train.maxLength;
  const { data, model: modelFolder, out } = options;
  const inputs = new Inputs({ data, model: modelFolder, study: source.folder }, source.tasks);
  const declared = inputs.taskOf(options.task);
  const leftOut = declared.metrics.filter((name) => !Object.hasOwn(metrics, name));
  const task = { ...declared, metrics: declared.metrics.filter((name) => !leftOut.includes(name)) };
  const unusedData = inputs.unusedData([{ task: options.task }]);
  const base = await readModelFiles(modelSource("folder", modelFolder), fetching);
  const { title, config, weights, tokenizerFiles } = base;
  const model = loadEncoder({ config, weights, ...tokenizerFiles }, title);
  checkMaxLength(model.config, maxLength, modelFolder);
  const head = loadHead(model.config, weights, title);
  const { tensors, contents } = await importAdapter(
    folder,
    { ...model, head },
    outputCount(task.output),
  );
  const splits = await evaluationSplits(inputs, model, task.name, maxLength);
  const merged = { config: model.config, tensors };
  const evaluations = await evaluateModel(executor, merged, task, splits);
  if (out !== null) {
    await writeMergedFolder(out, { ...merged, output: task.output, base });
    const outputs = outputCount(task.output);
    const opening = openingOf({ format: "merged", config: model.config, maxLength, outputs });
    await writeWhole(
      `${out}/README.md`,
      [`# ${folder}, merged into its base`, "", ...opening, ""].join("\n"),
    );
    const json = {
      adapter: folder,
      base: modelFolder,
      task: task.name,
      maxLength,
      evaluations: evaluations.map(({ split, loss, metrics }) => ({ split, loss, metrics })),
    };
    await writeWhole(`${out}/evaluation.json`, `${JSON.stringify(json, null, 2)}\n`);
  }
  return { evaluations, contents, leftOut, unusedData };
}
