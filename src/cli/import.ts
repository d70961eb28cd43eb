/**
 * `deno task import ADAPTER_FOLDER`: judges a LoRA adapter of peft on a task, and writes it merged into its base.
 *
 * @module
 */
import { chooseExecutor } from "../exec/choose.ts";
import type { Executor } from "../exec/executor.ts";
import type { HostTensor } from "../graph/mod.ts";
import { readPeftAdapter } from "../methods/peft_import.ts";
import { findMethod } from "../methods/table.ts";
import { mergedTensors } from "../methods/weight_update.ts";
import { architectureOf } from "../models/architectures.ts";
import { checkMaxLength, type EncoderModel } from "../models/load.ts";
import { modelSource } from "../models/sources.ts";
import { readIfThere, writeWhole } from "../record/run_folder.ts";
import { defaultSettings } from "../spec/settings.ts";
import { evaluationBatches } from "../tasks/batches.ts";
import { encodeExamples } from "../tasks/tokenizer.ts";
import type { Task } from "../tasks/types.ts";
import { assemble, outputCount } from "../train/assemble.ts";
import { evaluateSplit, type Evaluation, type EvaluationSplit } from "../train/evaluate.ts";
import { flatten } from "../train/layout.ts";
import { ownFetching, readModelFiles } from "./fetch/model_files.ts";
import { Inputs } from "./inputs.ts";
import { writeMergedFolder } from "./model_folder.ts";
import {
  quietVulkan,
  readArguments,
  runCommand,
  say,
  UsageError,
  wholeNumber,
} from "./terminal.ts";

const usage = `Usage: deno task import ADAPTER_FOLDER --model DIR --task TASK [options]
  ADAPTER_FOLDER     adapter_config.json and adapter_model.safetensors of peft's LoRA or DoRA
  --model DIR        Hugging Face folder of the adapter's base
  --task TASK        the task on whose evaluation splits it is judged; classes in the task's order
  --data DIR         folder with GLUE tasks
  --max-length N     tokens at which texts are cut (default ${defaultSettings.train.maxLength})
  --device NAME      auto, webgpu, cpu, wasm or reference (default auto)
  --threads N        threads of the CPU executors (default: all)
  --out DIR          also write merged weights and evaluation.json into a new or empty folder in results or exports`;

/** Examples that an evaluation takes at once. */
const evaluationBatchSize = 64;

/** How an adapter is imported. */
export interface ImportOptions {
  readonly model: string;
  readonly task: string;
  readonly data: string | null;
  readonly maxLength: number;
  /** Where merged weights go, or null for nowhere. */
  readonly out: string | null;
}

/** An imported adapter, judged. */
export interface ImportResult {
  readonly evaluations: readonly Evaluation[];
  /** Layers that it adapts, and parameters that it brings whole. */
  readonly layers: number;
  readonly whole: number;
  /** What the adapter says its base is. */
  readonly baseModel: string | null;
}

/** An adapter and its base as one model. */
export interface ImportedModel {
  /** Every parameter of the encoder and its head, by checkpoint name. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly layers: number;
  readonly whole: number;
  readonly baseModel: string | null;
}

async function readAdapterFiles(folder: string) {
  const [config, weights] = [
    await readIfThere(`${folder}/adapter_config.json`),
    await readIfThere(`${folder}/adapter_model.safetensors`),
  ];
  if (config === null) {
    throw new UsageError(
      `Cannot import "${folder}": found no adapter_config.json, want the folder that peft's save_pretrained wrote`,
    );
  }
  if (weights === null) {
    const hasOld = await readIfThere(`${folder}/adapter_model.bin`) !== null;
    throw new UsageError(
      `Cannot import "${folder}": found ${
        hasOld ? "adapter_model.bin" : "no weights"
      }, want adapter_model.safetensors` +
        (hasOld ? "; load the adapter in peft and save it anew" : ""),
    );
  }
  return { config: new TextDecoder().decode(config), weights };
}

/**
 * Reads an adapter and merges it into its base.
 *
 * @param outputs Outputs of the head: labels of the task, or 1.
 *
 * @throws {Error} If a file is missing or wrong, or the adapter does not fit the base; see `readPeftAdapter`.
 */
export async function importAdapter(
  folder: string,
  { config, tensors }: Pick<EncoderModel, "config" | "tensors">,
  outputs: number,
): Promise<ImportedModel> {
  const architecture = architectureOf(config);
  const head = architecture.headParameters(config, outputs);
  const shapes = new Map([...architecture.encoderParameters(config), ...head].map((spec) => [
    spec.name,
    spec.shape,
  ]));
  const files = await readAdapterFiles(folder);
  const adapter = readPeftAdapter(
    files,
    { shapes, parameterName: (name) => architecture.parameterName(name) },
    folder,
  );
  const missing = head.find(({ name }) => !tensors.has(name) && !adapter.whole.has(name));
  if (missing !== undefined) {
    throw new RangeError(
      `Cannot import "${folder}": neither the adapter nor its base has "${missing.name}", want a trained head; ` +
        `train it in peft with task_type SEQ_CLS or modules_to_save`,
    );
  }
  return {
    tensors: mergedTensors(tensors, adapter.updates, adapter.whole),
    layers: adapter.updates.length,
    whole: adapter.whole.size,
    baseModel: adapter.baseModel,
  };
}

/** The task's evaluation splits as batches. */
async function evaluationSplits(
  inputs: Inputs,
  { tokenizer }: EncoderModel,
  { task, maxLength }: ImportOptions,
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

/** Evaluates a whole model on splits. */
export async function evaluateModel(
  executor: Executor,
  { config, tensors }: Pick<EncoderModel, "config" | "tensors">,
  task: Task,
  splits: readonly EvaluationSplit[],
): Promise<readonly Evaluation[]> {
  const assembly = assemble({
    encoder: { config, tensors },
    output: task.output,
    method: findMethod("head").bind({}),
    ranks: [],
    train: defaultSettings.train,
  });
  const numbers = flatten(
    assembly.layout,
    ({ name }) => tensors.get(name)!.data as Float32Array,
  );
  const evaluate = await executor.load(assembly.evaluationProgram);
  const theta = executor.upload({ type: "f32", shape: [numbers.length], data: numbers });
  try {
    const evaluations: Evaluation[] = [];
    for (const split of splits) {
      evaluations.push(await evaluateSplit({ assembly, evaluate }, theta, task, split));
    }
    return evaluations;
  } finally {
    executor.dispose(theta);
    await evaluate.release();
  }
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
  const { data, task: taskName, maxLength, out } = options;
  const inputs = new Inputs({ data, model: options.model, study: "." }, []);
  const model = await inputs.model("folder");
  checkMaxLength(model.config, maxLength, options.model);
  const task = inputs.taskOf(taskName);
  const { tensors, ...rest } = await importAdapter(folder, model, outputCount(task.output));
  const splits = await evaluationSplits(inputs, model, options);
  const merged = { config: model.config, tensors };
  const evaluations = await evaluateModel(executor, merged, task, splits);
  if (out !== null) {
    const base = await readModelFiles(modelSource("folder", options.model), ownFetching);
    await writeMergedFolder(out, { ...merged, output: task.output, base });
    const json = {
      adapter: folder,
      base: options.model,
      task: task.name,
      maxLength,
      evaluations: evaluations.map(({ split, loss, metrics }) => ({ split, loss, metrics })),
    };
    await writeWhole(`${out}/evaluation.json`, `${JSON.stringify(json, null, 2)}\n`);
  }
  return { evaluations, ...rest };
}

function required(value: string | null, name: string): string {
  if (value === null) throw new UsageError(`Option "--${name}" is missing\n${usage}`);
  return value;
}

/** The command. */
export async function importCommand(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, {
    strings: ["model", "task", "data", "max-length", "device", "threads", "out"],
    flags: ["help", "trace"],
  });
  if (parsed.flag("help")) {
    await say(usage);
    return 0;
  }
  const [folder, ...rest] = parsed.positional;
  if (folder === undefined || rest.length > 0) throw new UsageError(usage);
  const options: ImportOptions = {
    model: required(parsed.text("model"), "model"),
    task: required(parsed.text("task"), "task"),
    data: parsed.text("data"),
    maxLength: wholeNumber(parsed.text("max-length"), "max-length", 4) ??
      defaultSettings.train.maxLength,
    out: parsed.text("out"),
  };
  const threads = wholeNumber(parsed.text("threads"), "threads");
  quietVulkan();
  const { executor, description } = await chooseExecutor(parsed.text("device") ?? "auto", {
    ...(threads === null ? {} : { threads }),
  });
  const { evaluations, layers, whole, baseModel } = await importPeft(folder, options, executor);
  await say(
    `${folder}: LoRA on ${layers} layers, ${whole} parameters of its own, made for ${
      baseModel ?? "a base that it does not name"
    }`,
  );
  for (const { split, loss, metrics } of evaluations) {
    const numbers = Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    await say(`${options.task} ${split}: ${numbers.join(", ")}, loss ${loss.toFixed(4)}`);
  }
  await say(`Device: ${description}`);
  if (options.out !== null) await say(`Written: ${options.out}`);
  return 0;
}

if (import.meta.main) await runCommand(importCommand);
