/**
 * What runs read: encoders and tasks, each loaded once.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { type EncoderFiles, type EncoderModel, loadEncoder } from "../models/load.ts";
import { targetModules } from "../models/config.ts";
import { randomEncoder } from "../models/random.ts";
import { below, type ModelSource, modelSource } from "../models/sources.ts";
import type { ModelOrigin } from "../record/types.ts";
import { tasksOf } from "../study/grid/steps.ts";
import type { ModuleShape, RunSpec } from "../study/types.ts";
import { findTask } from "../tasks/catalog.ts";
import { splitsRead } from "../tasks/run_examples.ts";
import { encodeExamples } from "../tasks/tokenizer.ts";
import type { TokenizerFiles } from "../tasks/tokenizers/files.ts";
import type {
  Encoded,
  EncodedTask,
  Example,
  SequenceStage,
  SplitFile,
  Task,
  TaskData,
} from "../tasks/types.ts";
import { KeptSplits, type ReadTasks } from "../train/run_data.ts";
import { type Fetching, ownFetching, readModelFiles } from "../fetch/model_files.ts";
import { bringOwnFiles, ownPath } from "../fetch/own_data.ts";
import {
  encodingsFrom,
  inSharedMemory,
  modelFrom,
  type SharedEncodings,
  sharedEncodings,
  type SharedModel,
  sharedModel,
} from "./shared_models.ts";
import { errorMessage, InputError } from "../base/input_error.ts";
import { hashBytes, hashJson } from "../base/hash.ts";
import { mostFileBytes, readBounded } from "../record/read_bounded.ts";
import { drawDev, readingHashes, readSplit, type SplitContent } from "../tasks/read_split.ts";

/** Where the user's data and model are. */
export interface InputFolders {
  /** GLUE data, given by `--data`, or null. */
  readonly data: string | null;
  /** A Hugging Face folder, a wheel or a `hub:` name, given by `--model`, or null. */
  readonly model: string | null;
  /** The folder of the study, where the paths of its own tasks and wheels start. */
  readonly study: string;
  /** Commits of hub models by the study's names for them. Default: what their revisions are in the cache, or now. */
  readonly commits?: Readonly<Record<string, string>>;
}

/** What has been read of tasks and tokenised, as a message. */
export interface SharedData {
  /** Examples and hashes of single tasks by name; a message copies them. */
  readonly tasks: ReadonlyMap<string, Omit<TaskData, "task">>;
  /** Of splits, in shared memory. */
  readonly encodings: ReadonlyMap<string, SharedEncodings>;
}

/** Texts of a split that is encoded before workers are opened, at most: about a second's work. */
const mostEncodedAhead = 20_000;

/** What is read for a run. */
export interface ReadRun extends ReadTasks {
  readonly model: EncoderModel;
}

interface HeldModel {
  readonly model: EncoderModel;
  readonly modules: readonly ModuleShape[];
  readonly tokenizerFiles: TokenizerFiles;
  readonly origin: ModelOrigin | null;
}

/** Loads encoders and tasks when they are first asked for. */
export class Inputs {
  /** Where they are read from. */
  readonly folders: InputFolders;
  readonly #ownTasks: readonly Task[];
  readonly #models = new Map<string, HeldModel>();
  readonly #tasks = new Map<string, TaskData>();
  readonly #fetching: Fetching;
  readonly #encodings = new Map<string, readonly Encoded[]>();
  readonly #splits = new KeptSplits();

  /**
   * @param ownTasks The tasks that the study declares, sequences included.
   * @param shared Encoders that have been loaded elsewhere, by name. Default none.
   * @param fetching How encoders of the hub are fetched. Default: by this process's environment and network.
   */
  constructor(
    folders: InputFolders,
    ownTasks: readonly Task[],
    shared: ReadonlyMap<string, SharedModel> = new Map(),
    fetching: Fetching = ownFetching(),
  ) {
    this.folders = folders;
    this.#ownTasks = ownTasks;
    this.#fetching = fetching;
    for (const [name, held] of shared) {
      const { tokenizerFiles } = held;
      this.#hold(name, { model: modelFrom(held), tokenizerFiles, origin: null });
    }
  }

  /** Takes the examples of a task as they are, in place of its files. */
  give(data: TaskData): void {
    this.#tasks.set(data.task.name, data);
  }

  /**
   * Takes the contents of an encoder's files in place of a model that has a name.
   *
   * @throws {TypeError} If the weights are no bytes.
   * @throws {InputError} If they are wrong; see {@linkcode loadEncoder}.
   */
  giveModel(name: string, { config, weights, ...tokenizerFiles }: EncoderFiles): void {
    if (!(weights instanceof Uint8Array || weights instanceof Map)) {
      const kind = Object.prototype.toString.call(weights).slice(8, -1);
      throw new TypeError(
        `Cannot load the model: found weights of the kind ${kind}, want a Uint8Array of model.safetensors, ` +
          "or a Map of such files by name",
      );
    }
    const model = loadEncoder({ config, weights, ...tokenizerFiles }, "model");
    this.#hold(name, { model, tokenizerFiles, origin: null });
  }

  /**
   * The encoder of a model's name.
   *
   * @throws {Error} If it cannot be found or read; see {@linkcode loadEncoder}.
   */
  async model(name: string): Promise<EncoderModel> {
    const held = this.#models.get(name);
    if (held !== undefined) return held.model;
    const source = this.#source(name);
    const { title, config, weights, tokenizerFiles, origin } = await readModelFiles(
      source,
      this.#fetching,
    );
    const loaded = loadEncoder({ config, weights, ...tokenizerFiles }, title);
    const model = source.kind === "folder" && source.randomWeights
      ? randomEncoder(loaded, RandomStream.fromSeed(0).fork("random-encoder"))
      : loaded;
    this.#hold(name, { model, tokenizerFiles, origin });
    return model;
  }

  #source(name: string): ModelSource {
    const source = modelSource(name, this.folders.model, this.folders.study);
    const commit = this.folders.commits?.[name];
    return source.kind === "hub" && commit !== undefined ? { ...source, revision: commit } : source;
  }

  #hold(name: string, held: Omit<HeldModel, "modules">): void {
    this.#models.set(name, { ...held, modules: targetModules(held.model.config) });
  }

  /** What a loaded model was, where it was fetched or unpacked; null for other ones. */
  originOf(name: string): ModelOrigin | null {
    return this.#models.get(name)?.origin ?? null;
  }

  /** The loaded encoders as messages to workers; from now on these inputs too read them from shared memory. */
  shareModels(): ReadonlyMap<string, SharedModel> {
    return new Map([...this.#models].map(([name, { model, tokenizerFiles, origin }]) => {
      const shared = { ...model, tensors: inSharedMemory(model.tensors) };
      this.#hold(name, { model: shared, tokenizerFiles, origin });
      return [name, sharedModel(shared, tokenizerFiles)];
    }));
  }

  /** Encodes what runs read, so that workers find it done; of a large split, each worker encodes what it needs when it does. */
  async encodeFor(runs: readonly RunSpec[]): Promise<void> {
    const alike = Map.groupBy(runs, (run) => {
      const { model, train: { maxLength, heldOut } } = run.settings;
      return JSON.stringify([model, tasksOf(run), maxLength, heldOut]);
    });
    for (const [run] of alike.values()) {
      for (const part of (await this.read(run!)).parts) {
        for (const split of splitsRead(run!, part)) {
          if (part.splits.get(split)!.length <= mostEncodedAhead) part.encodedOf(split);
        }
      }
    }
  }

  /** What has been read of tasks so far, and tokenised, as a message to workers. */
  shareData(): SharedData {
    return {
      tasks: new Map(
        [...this.#tasks].map(([name, { splits, hashes }]) => [name, { splits, hashes }]),
      ),
      encodings: new Map(
        [...this.#encodings].map(([key, encoded]) => [key, sharedEncodings(encoded)]),
      ),
    };
  }

  /** Takes what other inputs of the same study have read and tokenised. */
  giveData({ tasks, encodings }: SharedData): void {
    for (const [name, read] of tasks) this.give({ task: this.taskOf(name), ...read });
    for (const [key, message] of encodings) this.#encodings.set(key, encodingsFrom(message));
  }

  /** The modules of a loaded model that can be adapted. */
  modulesOf(name: string): readonly ModuleShape[] {
    const held = this.#models.get(name);
    if (held === undefined) throw new RangeError(`Model "${name}" has not been loaded`);
    return held.modules;
  }

  /** The data folder that was given, where none of some runs reads it; null where one does, or none was given. */
  unusedData(runs: readonly Pick<RunSpec, "task" | "sequence">[]): string | null {
    const isRead = runs.some((run) =>
      tasksOf(run).some((name) => this.taskOf(name).source === "glue")
    );
    return isRead ? null : this.folders.data;
  }

  /** The task of a name, without its data. */
  taskOf(name: string): Task {
    return findTask(name, this.#ownTasks);
  }

  async #location(task: Task): Promise<string> {
    if (task.source === "embedded") {
      await bringOwnFiles(this.#fetching.transport);
      return ownPath("src/tasks/embedded");
    }
    if (task.source === "user") return this.folders.study;
    if (this.folders.data === null) {
      throw new TypeError(
        `Cannot read the task "${task.name}": found no data folder, want one with ` +
          `${task.splits["train"]?.[0]?.path}; give it by --data DIR`,
      );
    }
    return this.folders.data;
  }

  /**
   * A task's examples.
   *
   * @throws {Error} If a file is missing or wrong; the message names file and line.
   */
  async task(name: string): Promise<TaskData> {
    const held = this.#tasks.get(name);
    if (held !== undefined) return held;
    const task = this.taskOf(name);
    if (task.stages !== undefined) return await this.#sequence(task, task.stages);
    const data = await readTaskData(task, await this.#location(task));
    this.#tasks.set(name, data);
    return data;
  }

  async #sequence(task: Task, stages: readonly SequenceStage[]): Promise<TaskData> {
    const hashes: Record<string, string> = {};
    for (const stage of stages) Object.assign(hashes, (await this.task(stage.task)).hashes);
    return { task, splits: new Map(), hashes };
  }

  /** Examples of a loaded task's training split. */
  examplesOf(name: string): number {
    return this.#tasks.get(name)?.splits.get("train")?.length ?? 0;
  }

  #encoded(model: string, data: TaskData, maxLength: number): EncodedTask {
    const { tokenizer } = this.#models.get(model)!.model;
    return {
      ...data,
      maxLength,
      padId: tokenizer.padId,
      encodedOf: (split) => {
        const key = JSON.stringify([model, data.task.name, split, maxLength]);
        const encoded = this.#encodings.get(key) ??
          encodeExamples(tokenizer, data.splits.get(split)!, maxLength);
        this.#encodings.set(key, encoded);
        return encoded;
      },
    };
  }

  /**
   * All that a run is made with; its texts are encoded when they are first asked for, and once for all runs.
   *
   * @throws {Error} If model or data cannot be found or read.
   */
  async read(run: RunSpec): Promise<ReadRun> {
    const { model: name, train: { maxLength } } = run.settings;
    const model = await this.model(name);
    const { task } = await this.task(run.task);
    const parts: EncodedTask[] = [];
    for (const own of tasksOf(run)) {
      parts.push(this.#encoded(name, await this.task(own), maxLength));
    }
    return { model, task, parts, keptSplits: this.#splits };
  }
}

async function readBytes(
  what: string,
  { optional = false }: SplitFile,
  path: string,
): Promise<Uint8Array | null> {
  try {
    return await readBounded(path, mostFileBytes.text);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound && optional) return null;
    if (cause instanceof InputError) throw cause;
    const said = errorMessage(cause);
    throw new InputError({
      file: path,
      found: said,
      wanted: "a file that can be read",
      message: `Cannot read ${what}: ${said} ("${path}")`,
      cause,
    });
  }
}

/** A task's data with its development split drawn; what was drawn is hashed, since runs depend on it. */
function withDrawnDev(
  task: Task & { readonly devShare: number },
  splits: ReadonlyMap<string, readonly Example[]>,
  hashes: TaskData["hashes"],
): TaskData {
  const { train, dev } = drawDev(task, splits.get("train")!);
  const others = [...splits].filter(([split]) => split !== "train");
  return {
    task,
    // The first one that is evaluated decides which evaluation is best.
    splits: new Map([["train", train], ["dev", dev], ...others]),
    hashes: {
      ...hashes,
      [`${task.name}: dev drawn from train`]: hashJson(dev.map(({ id }) => id)),
    },
  };
}

/**
 * Reads the files of a single task.
 *
 * @param location The folder that the files' paths start from.
 * @throws {Error} If a file is missing or wrong; the message names file and line.
 */
export async function readTaskData(task: Task, location: string): Promise<TaskData> {
  const splits = new Map<string, readonly Example[]>();
  const hashes: Record<string, string> = { ...readingHashes(task) };
  for (const [split, files] of Object.entries(task.splits)) {
    const contents: Required<SplitContent>[] = [];
    for (const file of files) {
      const fileName = below(location, file.path);
      const bytes = await readBytes(`the ${split} split of "${task.name}"`, file, fileName);
      if (bytes === null) continue;
      contents.push({ bytes, fileName });
      hashes[file.path] = hashBytes(bytes);
    }
    // Files that may be missing are missing together.
    if (contents.length > 0) splits.set(split, readSplit(task, split, contents));
  }
  const { devShare } = task;
  return devShare === undefined
    ? { task, splits, hashes }
    : withDrawnDev({ ...task, devShare }, splits, hashes);
}
