/**
 * `deno task import ADAPTER_FOLDER`: judges a LoRA adapter of peft on a task, and writes it merged into its base.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { chooseExecutor } from "../exec/choose.ts";
import type { Executor } from "../exec/executor.ts";
import { checkMaxLength, type EncoderModel, loadEncoder, loadHead } from "../models/load.ts";
import { modelSource } from "../models/sources.ts";
import { writeWhole } from "../record/run_folder.ts";
import { defaultSettings } from "../study/settings.ts";
import type { Study } from "../study/study.ts";
import { evaluationBatches } from "../tasks/batches.ts";
import { builtInTasks } from "../tasks/catalog.ts";
import { encodeExamples } from "../tasks/tokenizer.ts";
import type { Task } from "../tasks/types.ts";
import { parseUserTasks } from "../tasks/user_task.ts";
import { outputCount } from "../train/assemble.ts";
import type { Evaluation, EvaluationSplit } from "../train/evaluate.ts";
import { openingOf } from "../runs/export_readme.ts";
import { commandOf } from "./command.ts";
import { deviceOption } from "./command_parts.ts";
import { readModelFiles } from "../fetch/model_files.ts";
import { terminalFetching } from "./fetch_report.ts";
import {
  type AdapterContents,
  contentsText,
  evaluateModel,
  importAdapter,
} from "../runs/imported_model.ts";
import { Inputs } from "../runs/inputs.ts";
import { scoreText } from "./lane_status.ts";
import { writeMergedFolder } from "../runs/model_folder.ts";
import { readStudyFile } from "../runs/study_file.ts";
import { UsageError } from "../base/usage_error.ts";
import { quietVulkan, runCommand, say, wholeNumber } from "./terminal.ts";
import { askToWrite } from "./write_access.ts";

/** Examples that an evaluation takes at once. */
const evaluationBatchSize = 64;

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

/** An imported adapter, judged. */
export interface ImportResult {
  readonly evaluations: readonly Evaluation[];
  readonly contents: AdapterContents;
}

/** What a task is looked up in: the study that may declare it, and the folder that its files are relative to. */
interface TaskSource {
  readonly study: Study | null;
  readonly folder: string;
  readonly tasks: readonly Task[];
}

async function taskSource(name: string | null): Promise<TaskSource> {
  if (name === null) return { study: null, folder: ".", tasks: [] };
  const { study, folder } = await readStudyFile(name);
  return { study, folder, tasks: parseUserTasks(study.userTasks ?? []) };
}

/** Refuses a task that is neither built in nor the study's own. */
function checkTask(name: string, { study, tasks }: TaskSource): void {
  const known = [...builtInTasks, ...tasks].map((task) => task.name);
  if (known.includes(name)) return;
  throw new UsageError(
    `${unknownName("task", name, known)}${
      study === null ? "; for a task of your own give the study that declares it by --study" : ""
    }`,
  );
}

/** The task's evaluation splits as batches. */
async function evaluationSplits(
  inputs: Inputs,
  { tokenizer }: EncoderModel,
  task: string,
  maxLength: number,
): Promise<readonly EvaluationSplit[]> {
  const { splits } = await inputs.task(task);
  return [...splits].filter(([name]) => name !== "train").map(([name, examples]) => {
    const targets = examples.map(({ target }) => target);
    const batches = evaluationBatches({
      encoded: encodeExamples(tokenizer, examples, maxLength),
      targets,
      batchSize: evaluationBatchSize,
      maxLength,
      padId: tokenizer.padId,
    });
    return { name, batches, targets, ids: examples.map(({ id }) => id) };
  });
}

/**
 * Imports an adapter, judges it, and writes it where asked.
 *
 * @throws {Error} If something is missing or does not fit; nothing is written then.
 */
export async function importPeft(
  folder: string,
  options: ImportOptions,
  executor: Executor,
): Promise<ImportResult> {
  const source = await taskSource(options.study);
  checkTask(options.task, source);
  const maxLength = options.maxLength ?? source.study?.base?.train?.maxLength ??
    defaultSettings.train.maxLength;
  const { data, model: modelFolder, out } = options;
  const inputs = new Inputs({ data, model: modelFolder, study: source.folder }, source.tasks);
  const task = inputs.taskOf(options.task);
  const base = await readModelFiles(modelSource("folder", modelFolder), terminalFetching);
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
    const opening = openingOf({ format: "merged", config: model.config, maxLength });
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
  return { evaluations, contents };
}

function required(value: string | null, name: string): string {
  if (value === null) {
    throw new UsageError(`Option "--${name}" is missing; deno task import --help says more`);
  }
  return value;
}

/** The command. */
export const importCommand = commandOf({
  name: "import",
  summary: "Evaluates a LoRA adapter of peft on a task, and writes it merged into its base",
  takes: "ADAPTER_FOLDER --model DIR --task TASK",
  least: 1,
  explained: [{
    name: "ADAPTER_FOLDER",
    text: "adapter_config.json and adapter_model.safetensors of peft's LoRA or DoRA",
  }],
  options: [
    {
      name: "model",
      value: "DIR",
      text:
        "Hugging Face folder of the adapter's base; its classifier is used where the adapter has none",
    },
    {
      name: "task",
      value: "TASK",
      text: "the task on whose evaluation splits it is judged; classes in the task's order",
    },
    {
      name: "study",
      value: "STUDY",
      text: "a study file, or a name in experiments/, that declares the task in its userTasks",
    },
    { name: "data", value: "DIR", text: "folder with GLUE tasks" },
    {
      name: "max-length",
      value: "N",
      text: "tokens at which texts are cut (default: train.maxLength of the study's base, or " +
        `${defaultSettings.train.maxLength})`,
    },
    deviceOption("auto"),
    { name: "threads", value: "N", text: "threads of the CPU executors (default: all)" },
    {
      name: "out",
      value: "DIR",
      text:
        "also write merged weights and evaluation.json into a new or empty folder in results or exports; for another " +
        "place Deno asks whether it may be written",
    },
  ],
  examples: [{
    line: "deno task import ADAPTER --model DIR --task RTE --data .cache/glue",
    text: "the metrics of an adapter that peft trained",
  }],
}, async (parsed) => {
  const folder = parsed.positional[0]!;
  const options: ImportOptions = {
    model: required(parsed.text("model"), "model"),
    task: required(parsed.text("task"), "task"),
    study: parsed.text("study"),
    data: parsed.text("data"),
    maxLength: wholeNumber(parsed.text("max-length"), "max-length", 4),
    out: parsed.text("out"),
  };
  if (options.out !== null) await askToWrite("import", options.out, "--out");
  const threads = wholeNumber(parsed.text("threads"), "threads");
  quietVulkan();
  const { executor, description } = await chooseExecutor(parsed.text("device") ?? "auto", {
    ...(threads === null ? {} : { threads }),
  });
  const { evaluations, contents } = await importPeft(folder, options, executor);
  await say(`${folder}: ${contentsText(contents)}`);
  for (const { split, loss, metrics } of evaluations) {
    const numbers = Object.entries(metrics).map(([name, value]) => scoreText(name, value));
    await say(`${options.task} ${split}: ${numbers.join(", ")}, loss ${loss.toFixed(4)}`);
  }
  await say(`Device: ${description}`);
  if (options.out !== null) await say(`Written: ${options.out}`);
  return 0;
});

if (import.meta.main) await runCommand(importCommand);
