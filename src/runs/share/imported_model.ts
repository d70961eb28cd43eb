/**
 * An adapter of peft's and its base as one model, and what that is worth on a task.
 *
 * @module
 */
import { InputError } from "../../base/input_error.ts";
import { decodeText } from "../../base/read_text.ts";
import type { Executor } from "../../exec/executor.ts";
import type { HostTensor } from "../../graph/mod.ts";
import { type ImportedAdapter, readPeftAdapter } from "../../peft/peft_import.ts";
import { findMethod } from "../../methods/table.ts";
import { mergedTensors, type WeightUpdate } from "../../methods/weight_update.ts";
import { architectureOf } from "../../models/architectures.ts";
import { headFile } from "../../models/classifier_folder.ts";
import { nonFiniteMessage } from "../../models/safetensors.ts";
import type { EncoderModel } from "../../models/load.ts";
import type { ParameterSpec } from "../../models/parameters.ts";
import { mostFileBytes, readBoundedIfThere } from "../../record/read_bounded.ts";
import { defaultSettings } from "../../study/schema/settings.ts";
import type { Task } from "../../tasks/types.ts";
import { assemble, type Assembly } from "../../train/assemble.ts";
import { evaluateSplit, type Evaluation, type EvaluationSplit } from "../../train/evaluate.ts";
import { flatten } from "../../train/slots.ts";

/** What an adapter is put on. */
export interface ImportBase extends Pick<EncoderModel, "config" | "tensors"> {
  /** The parameters of a task head that the base's folder has, as `loadHead` reads them. Default: none. */
  readonly head?: ReadonlyMap<string, HostTensor>;
}

/** What an adapter brings, counted. */
export interface AdapterContents {
  /** Whether it trains lengths apart from directions. */
  readonly kind: "LoRA" | "DoRA";
  /** Linear layers that it adapts, and the numbers that it has for them. */
  readonly layers: number;
  readonly layerParameters: number;
  /** Tensors that it brings whole (`modules_to_save`), and their numbers. */
  readonly wholeTensors: number;
  readonly wholeParameters: number;
  /** Parameters of the head that are the base's, but for those that pretraining leaves there (BERT's pooler). */
  readonly baseHead: readonly string[];
  /** What the adapter says its base is. */
  readonly baseModel: string | null;
}

interface ImportedModel {
  /** Every parameter of the encoder and its head, by checkpoint name. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly contents: AdapterContents;
}

const adapterFiles = ["adapter_config.json", "adapter_model.safetensors", headFile] as const;

async function readAdapterFiles(folder: string) {
  const found = new Map<string, Uint8Array>();
  for (const name of [...adapterFiles, "adapter_model.bin"]) {
    const most = name.endsWith(".json") ? mostFileBytes.json : mostFileBytes.weights;
    const bytes = await readBoundedIfThere(`${folder}/${name}`, most);
    if (bytes !== null) found.set(name, bytes);
  }
  return found;
}

function adapterOf(files: ReadonlyMap<string, Uint8Array>, folder: string) {
  const [config = null, weights = null, head = null] = adapterFiles
    .map((name) => files.get(name) ?? null);
  if (config === null) {
    throw new InputError({
      doing: "Cannot import",
      file: folder,
      found: "no adapter_config.json",
      wanted: "the folder that peft's save_pretrained wrote",
    });
  }
  if (weights === null) {
    const hasOld = files.has("adapter_model.bin");
    throw new InputError({
      doing: "Cannot import",
      file: folder,
      found: hasOld ? "adapter_model.bin" : "no weights",
      wanted: "adapter_model.safetensors",
      ...(hasOld ? { fix: "load the adapter in peft and save it anew" } : {}),
    });
  }
  return { config: decodeText(config, `${folder}/adapter_config.json`), weights, head };
}

/** The parameters of the head that the adapter leaves to its base, checked. */
function headOfBase(
  folder: string,
  specs: readonly ParameterSpec[],
  { whole }: ImportedAdapter,
  { tensors, head = new Map() }: ImportBase,
): ReadonlyMap<string, HostTensor> {
  const left = specs.filter(({ name }) => !whole.has(name) && !tensors.has(name));
  return new Map(left.map(({ name, shape }) => {
    const found = head.get(name);
    if (found === undefined) {
      throw new InputError({
        file: folder,
        place: `tensor "${name}"`,
        found: "none in the adapter and none in its base",
        wanted: "a trained head",
        message:
          `Cannot import "${folder}": neither the adapter nor its base has "${name}", want a trained head; ` +
          `train it in peft with task_type SEQ_CLS or modules_to_save, or give a base with a head by --model`,
      });
    }
    if (found.shape.join() !== shape.join()) {
      throw new InputError({
        file: folder,
        place: `tensor "${name}"`,
        found: `[${found.shape}] in the base`,
        wanted: `[${shape}] for this task`,
        message:
          `Cannot import "${folder}": the adapter has no head of its own, and the base has "${name}" ` +
          `[${found.shape}], want [${shape}] for this task; is the base's head for other classes?`,
      });
    }
    return [name, found];
  }));
}

function sizeOf({ A, B, lengths }: WeightUpdate): number {
  return A.data.length + B.data.length + (lengths?.values.length ?? 0);
}

/**
 * Reads an adapter and merges it into its base.
 *
 * @param outputs Outputs of the head: labels of the task, or 1.
 *
 * @throws {Error} If a file is missing or wrong, the adapter does not fit the base, neither has a head, or a number is not
 * finite; see `readPeftAdapter`.
 */
export async function importAdapter(
  folder: string,
  base: ImportBase,
  outputs: number,
): Promise<ImportedModel> {
  return importAdapterFiles(await readAdapterFiles(folder), folder, base, outputs);
}

/**
 * Merges an adapter whose files the caller holds into its base, as {@linkcode importAdapter} does.
 *
 * @param files Their contents by name.
 * @param folder How messages call their place.
 */
export function importAdapterFiles(
  files: ReadonlyMap<string, Uint8Array>,
  folder: string,
  base: ImportBase,
  outputs: number,
): ImportedModel {
  const { config } = base;
  const architecture = architectureOf(config);
  const head = architecture.headParameters(config, outputs);
  const shapes = new Map([...architecture.encoderParameters(config), ...head].map((spec) => [
    spec.name,
    spec.shape,
  ]));
  const adapter = readPeftAdapter(
    adapterOf(files, folder),
    { shapes, parameterName: (name) => architecture.parameterName(name) },
    folder,
  );
  const { updates, whole, baseModel } = adapter;
  const baseHead = headOfBase(folder, head, adapter, base);
  const tensors = mergedTensors(new Map([...base.tensors, ...baseHead]), updates, whole);
  for (const { path } of updates) {
    const problem = nonFiniteMessage(`${path}.weight`, tensors.get(`${path}.weight`)!);
    if (problem !== null) {
      throw new InputError({
        file: folder,
        place: `module "${path}"`,
        found: "numbers that overflow where they are merged",
        wanted: "finite ones",
        message: `Cannot import "${folder}": merging overflows, ${problem}`,
      });
    }
  }
  return {
    tensors,
    contents: {
      kind: updates.some(({ lengths }) => lengths !== undefined) ? "DoRA" : "LoRA",
      layers: updates.length,
      layerParameters: updates.reduce((sum, update) => sum + sizeOf(update), 0),
      wholeTensors: whole.size,
      wholeParameters: [...whole.values()].reduce((sum, { data }) => sum + data.length, 0),
      baseHead: [...baseHead.keys()],
      baseModel,
    },
  };
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
}

/** What an adapter brings, in words. */
export function contentsText(contents: AdapterContents): string {
  const { kind, layers, layerParameters, wholeTensors, wholeParameters, baseHead, baseModel } =
    contents;
  const whole = wholeTensors === 0
    ? "nothing saved whole"
    : `${counted(wholeTensors, "tensor")} saved whole (${counted(wholeParameters, "parameter")})`;
  const head = baseHead.length === 0 ? "" : `; the head is the base's (${baseHead.join(", ")})`;
  return `${kind} on ${counted(layers, "linear layer")} (${
    counted(layerParameters, "parameter")
  }), ${whole}${head}; made for ${baseModel ?? "a base that it does not name"}`;
}

/** A whole model as one that trains nothing but its head: the programs that evaluate it. */
export function headAssembly(
  { config, tensors }: Pick<EncoderModel, "config" | "tensors">,
  task: Task,
): Assembly {
  return assemble({
    encoder: { config, tensors },
    output: task.output,
    method: findMethod("head").bind({}),
    ranks: [],
    train: defaultSettings.train,
  });
}

/**
 * Evaluates a whole model on splits.
 *
 * @throws {RangeError} If its outputs are not finite.
 */
export async function evaluateModel(
  executor: Executor,
  model: Pick<EncoderModel, "config" | "tensors">,
  task: Task,
  splits: readonly EvaluationSplit[],
): Promise<readonly Evaluation[]> {
  const { tensors } = model;
  const assembly = headAssembly(model, task);
  const numbers = flatten(
    assembly.layout,
    ({ name }) => tensors.get(name)!.data as Float32Array,
  );
  const evaluate = await executor.load(assembly.evaluationProgram);
  const theta = executor.upload({ type: "f32", shape: [numbers.length], data: numbers });
  try {
    const evaluations: Evaluation[] = [];
    for (const split of splits) {
      const evaluation = await evaluateSplit({ assembly, evaluate }, theta, task, split);
      if (!Number.isFinite(evaluation.loss)) {
        throw new RangeError(
          `Cannot evaluate the model on "${split.name}": found loss ${evaluation.loss}, want a finite number; ` +
            `its weights are finite, so that they overflow single precision in the forward pass`,
        );
      }
      evaluations.push(evaluation);
    }
    return evaluations;
  } finally {
    executor.dispose(theta);
    await evaluate.release();
  }
}
