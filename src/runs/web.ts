/**
 * ranklab in a browser tab: training and asking a model, with all that is read given as values.
 *
 * @module
 */
import { type Choice, chooseAmong, webMakers } from "../exec/choice.ts";
import type { EncoderFiles } from "../models/load.ts";
import type { OwnTask } from "./own_task.ts";
import { type TrainEvent, type TrainOptions, trainWith } from "./training.ts";

export type { OwnExample, OwnTask } from "./own_task.ts";
export type { EncoderFiles, TrainEvent };
export {
  modelOfPeftFiles,
  type NamedFiles,
  type PeftModelRequest,
  type Prediction,
  type Text,
  TextModel,
} from "./share/text_model.ts";
export { loadEncoder } from "../models/load.ts";

/** Where a tab computes. */
export interface WebDevice {
  /** Threads of WASM. Default: 1; with a `runtime`, in a page that is cross-origin isolated, all cores. */
  readonly threads?: number;
  /**
   * The address of a folder with the files of `npm:onnxruntime-web`. Default: its `.wasm` files lie beside the script, which is
   * enough for one thread.
   */
  readonly runtime?: string;
}

/** What is trained, on what, and how, in a tab. */
export interface WebTrainOptions
  extends Omit<TrainOptions, "model" | "modelFolder" | "data" | "task" | "fetching">, WebDevice {
  /** The contents of an encoder's files: those of its configuration, weights and tokenizer. */
  readonly model: EncoderFiles;
  /** A task with its examples. */
  readonly task: OwnTask;
}

function deviceOf({ threads, runtime }: WebDevice) {
  const most = runtime !== undefined && globalThis.crossOriginIsolated
    ? navigator.hardwareConcurrency
    : 1;
  const wanted = threads ?? most;
  // A thread starts from the runtime's own script; where that is part of the page's script, it would run the page anew.
  if (wanted > 1 && runtime === undefined) {
    throw new RangeError(
      `Cannot compute with ${wanted} threads in a tab: found no runtime, want the address of the folder ` +
        'with the files of onnxruntime-web, as in { runtime: "/runtime/" }',
    );
  }
  const folder = runtime?.replace(/\/?$/, "/");
  const makers = webMakers(folder && new URL(folder, location.href).href);
  return { makers, threads: wanted };
}

/**
 * The executor of a device in a tab: `auto` (a real GPU, else WASM), `webgpu`, `wasm` or `reference`.
 *
 * @throws {RangeError} If several threads are asked for without a `runtime`.
 */
export async function chooseExecutor(device: string, options: WebDevice = {}): Promise<Choice> {
  const { makers, threads } = deviceOf(options);
  return await chooseAmong(makers, device, threads);
}

/**
 * Trains one method on one task in a tab, with the events and the numbers of `train()`.
 *
 * @throws {TypeError} If the encoder or the task is no value, since a tab has no files; or as `train()` does.
 * @throws {RangeError} If several threads are asked for without a `runtime`.
 */
export function train(options: WebTrainOptions): AsyncGenerator<TrainEvent, void, void> {
  const want = (name: "model" | "task", wanted: string) => {
    if (typeof options[name] === "object" && options[name] !== null) return;
    throw new TypeError(
      `Cannot train in a tab: found ${name} ${JSON.stringify(options[name])}, want ${wanted}`,
    );
  };
  want("model", "the contents of config.json, model.safetensors and the tokenizer's files");
  want("task", "a task with its examples");
  const { makers, threads } = deviceOf(options);
  return trainWith({ ...options, threads }, makers);
}
