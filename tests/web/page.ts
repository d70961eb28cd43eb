/**
 * A short training by ranklab's entry for browser tabs, as a function of bytes; Deno calls it too.
 *
 * @module
 */
import { hashBytes } from "../../src/base/hash.ts";
import {
  chooseExecutor,
  type EncoderFiles,
  loadEncoder,
  modelOfPeftFiles,
  train,
  type WebTrainOptions,
} from "../../src/runs/web.ts";

/** What is trained, as JSON. */
export interface Job extends Omit<WebTrainOptions, "model" | "device"> {
  readonly device: "wasm" | "webgpu";
  /** The embedded encoder, or one that is as small as can be. */
  readonly encoder: "embedded" | "tiny";
  /** Whether the adapter's files are loaded again. */
  readonly loads: boolean;
}

/** What came of a job, as JSON. */
export interface Trained {
  readonly executor: string;
  readonly threads: number;
  readonly losses: readonly number[];
  /** Accuracy after the last step. */
  readonly accuracy: number;
  /** Ranks that moved from module to module. */
  readonly moved: number;
  /** The probabilities of a text's labels. */
  readonly probabilities: readonly number[];
  /** The same of the model that the adapter's files make; empty where they are not loaded. */
  readonly loaded: readonly number[];
  /** Hashes of the adapter's files, by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** Reads a file of an encoder: `embedded/…` or `tiny/…`. */
export type Reader = (path: string) => Promise<Uint8Array>;

async function readEncoder(encoder: Job["encoder"], read: Reader): Promise<EncoderFiles> {
  const bytes = (name: string) => read(`${encoder}/${name}`);
  const text = async (name: string) => new TextDecoder().decode(await bytes(name));
  return {
    config: await text("config.json"),
    weights: await bytes("model.safetensors"),
    ...(encoder === "tiny"
      ? { vocab: await text("vocab.txt") }
      : { tokenizerJson: await text("tokenizer.json") }),
  };
}

/** Trains, and asks the model. */
export async function run({ encoder, device, loads, ...job }: Job, read: Reader): Promise<Trained> {
  const { executor } = await chooseExecutor(device);
  const model = await readEncoder(encoder, read);
  const losses: number[] = [];
  let moved = 0;
  for await (const event of train({ ...job, model, device: executor })) {
    if (event.kind === "step") losses.push(event.loss);
    if (event.kind === "ranks") moved += event.moved;
    if (event.kind !== "done") continue;
    const texts = ["a bird that swims"];
    const [prediction] = await event.model.predict(texts);
    const files = event.model.peftFiles();
    await event.model.dispose();
    const loaded: number[] = [];
    if (loads) {
      const { task } = event.model;
      const base = loadEncoder(model, "model");
      const again = await modelOfPeftFiles(files, { base, executor, task, maxLength: 16 });
      loaded.push(...(await again.predict(texts))[0]!.probabilities);
      await again.dispose();
    }
    return {
      executor: executor.name,
      threads: executor.threads,
      losses,
      accuracy: event.evaluations[0]!.metrics["accuracy"]!,
      moved,
      probabilities: prediction!.probabilities,
      loaded,
      files: Object.fromEntries([...files].map(([name, bytes]) => [name, hashBytes(bytes)])),
    };
  }
  throw new Error("The training ended without a model");
}
