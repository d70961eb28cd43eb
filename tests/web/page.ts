/**
 * A short training run as a function of bytes, which a browser tab and Deno call alike.
 *
 * @module
 */
import * as webgpu from "onnxruntime-web/webgpu";
import * as wasm from "onnxruntime-web";
import { chooseExecutor } from "../../src/exec/mod.ts";
import { findMethod } from "../../src/methods/mod.ts";
import { architectureOf, parseConfig } from "../../src/models/architectures.ts";
import {
  type EncoderFiles,
  type EncoderModel,
  loadEncoder,
  targetModules,
} from "../../src/models/mod.ts";
import { drawParameters } from "../../src/models/parameters.ts";
import { defaultSettings, overlaySettings, solveRanks } from "../../src/study/mod.ts";
import {
  createBatchStream,
  encodeExamples,
  evaluationBatches,
  findTask,
  RandomStream,
  readSplit,
} from "../../src/tasks/mod.ts";
import { ProgramCache, Trainer } from "../../src/train/mod.ts";

/** What is trained, and on which executor. */
export interface Job {
  readonly executor: "wasm" | "webgpu";
  readonly method: string;
  readonly options: Readonly<Record<string, number>>;
  /** The embedded encoder, or one of the same kind that is as small as can be, with random weights. */
  readonly encoder: "embedded" | "tiny";
  readonly steps: number;
  /** Texts of a step. */
  readonly batchSize: number;
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
}

/** Reads a file of the embedded encoder (`model/…`) or of the embedded tasks (`tasks/…`). */
export type Reader = (path: string) => Promise<Uint8Array>;

/** Says where a page has the runtime's own files; in Deno they lie in the packages. */
export function useRuntimeAt(folder: string): void {
  for (const { env } of [wasm, webgpu]) env.wasm.wasmPaths = folder;
}

const task = findTask("Topic", []);

const tinyShape = {
  num_hidden_layers: 1,
  hidden_size: 8,
  num_attention_heads: 2,
  intermediate_size: 16,
};

function tiny(model: EncoderModel, config: string): EncoderModel {
  const small = parseConfig(
    JSON.stringify({ ...JSON.parse(config), ...tinyShape }),
    "tiny/config.json",
  );
  const specs = architectureOf(small).encoderParameters(small);
  const tensors = drawParameters(specs, RandomStream.fromSeed(1).fork("tiny"));
  return { ...model, config: small, tensors };
}

async function readEncoder({ encoder }: Job, read: Reader): Promise<EncoderModel> {
  const text = async (name: string) => new TextDecoder().decode(await read(`model/${name}`));
  const files: EncoderFiles = {
    config: await text("config.json"),
    weights: await read("model/model.safetensors"),
    tokenizerJson: await text("tokenizer.json"),
  };
  const model = loadEncoder(files, "embedded");
  return encoder === "tiny" ? tiny(model, files.config) : model;
}

/** Trains on the first texts of `Topic`, with dropout, and evaluates by as many others. */
export async function train(job: Job, read: Reader): Promise<Trained> {
  const model = await readEncoder(job, read);
  const { executor } = await chooseExecutor(job.executor, { threads: 1 });
  const method = findMethod(job.method);
  const options = method.parseOptions(job.options);
  const modules = targetModules(model.config);
  const { initial, finalTotal } = solveRanks(method, options, modules, { type: "rank", value: 2 });
  const settings = overlaySettings(defaultSettings, {
    train: { steps: job.steps, batchSize: job.batchSize, maxLength: 16, evaluateEpochs: false },
  });
  const { batchSize, maxLength } = settings.train;
  const batchesOf = async (split: "train" | "dev", count: number) => {
    const { path } = task.splits[split]![0]!;
    const all = readSplit(task, split, [{ bytes: await read(`tasks/${path}`) }]);
    const examples = all.slice(0, count);
    return {
      encoded: encodeExamples(model.tokenizer, examples, maxLength),
      targets: examples.map(({ target }) => target),
      ids: examples.map(({ id }) => id),
      batchSize,
      maxLength,
      padId: model.tokenizer.padId,
    };
  };
  const training = await batchesOf("train", job.steps * batchSize);
  const evaluated = await batchesOf("dev", batchSize);
  const trainer = await Trainer.create({
    executor,
    programs: new ProgramCache(executor),
    programKey: "page",
    assembly: {
      encoder: model,
      output: task.output,
      method: method.bind(options),
      ranks: modules.map((module, i) => ({ module, rank: initial[i]! })),
      train: settings.train,
    },
    task,
    settings,
    seed: 1,
    finalTotal,
    costs: method.costs(options),
    stages: [{
      task: task.name,
      batches: createBatchStream(training, RandomStream.fromSeed(1).fork("order")),
      trainExamples: training.targets.length,
      classes: null,
    }],
    splits: [{ name: "dev", ...evaluated, batches: evaluationBatches(evaluated) }],
  }, null);
  const losses: number[] = [];
  let moved = 0, accuracy = NaN;
  while (!trainer.isDone) {
    for (const event of await trainer.advance()) {
      if (event.kind === "step") losses.push(event.loss);
      if (event.kind === "ranks") moved += event.moved;
      if (event.kind === "evaluation") {
        accuracy = event.snapshot.evaluations[0]!.metrics["accuracy"]!;
      }
    }
  }
  const { programs } = trainer;
  trainer.dispose();
  await programs.step.release();
  await programs.evaluate.release();
  return { executor: executor.name, threads: executor.threads, losses, moved, accuracy };
}
