/**
 * What runs read: encoders and tasks, each loaded once.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { type EncoderModel, loadEncoder } from "../models/load.ts";
import { targetModules } from "../models/modules.ts";
import { randomEncoder } from "../models/random.ts";
import { type ModelSource, modelSource } from "../models/sources.ts";
import type { ModelOrigin } from "../record/types.ts";
import { heldOutExamples } from "../study/total_steps.ts";
import { tasksOf } from "../study/sequences.ts";
import type { ModuleShape, RunSpec } from "../study/types.ts";
import {
  type BatchOptions,
  type BatchStream,
  createBatchStream,
  evaluationBatches,
  sampleExamples,
} from "../tasks/batches.ts";
import { findTask } from "../tasks/catalog.ts";
import type { CutTexts } from "../tasks/data_warnings.ts";
import { embeddedFolder } from "../tasks/embedded.ts";
import { encodeExamples } from "../tasks/tokenizer.ts";
import type { TokenizerFiles } from "../tasks/tokenizers/files.ts";
import type { Batch, Encoded, Example, SequenceStage, Task } from "../tasks/types.ts";
import type { EvaluationSplit } from "../train/evaluate.ts";
import type { StageData } from "../train/stages.ts";
import { type Fetching, ownFetching, readModelFiles } from "../fetch/model_files.ts";
import { inSharedMemory, modelFrom, type SharedModel } from "./shared_models.ts";
import { readTaskData, type TaskData } from "./task_data.ts";

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

/** What one run trains on and is evaluated by. */
export interface RunData {
  /** One for each task of a sequence, else one. */
  readonly stages: readonly StageData[];
  /** The splits of a task; of a sequence the one of each task that decides, by the task's name. */
  readonly splits: readonly EvaluationSplit[];
}

/** What a run trains on and is evaluated by in one of its tasks. */
interface TaskPart {
  readonly batches: BatchStream;
  readonly trainExamples: number;
  readonly scoring?: EvaluationSplit;
  readonly splits: readonly EvaluationSplit[];
}

/** Texts of a split whose lengths are measured before a study starts: all of the embedded tasks', under a second of any. */
const textsMeasured = 4000;

/** Rows that an evaluation takes at once. */
const evaluationBatchSize = 64;

/** The examples that are evaluated on and never trained on, the same for all runs. */
function heldOutOf({ settings }: RunSpec, whole: readonly Example[]): readonly Example[] {
  const count = heldOutExamples(settings, whole.length);
  const stream = RandomStream.fromSeed(0).fork("held-out");
  return count === 0 ? [] : sampleExamples(whole, count, stream);
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
  readonly #encoded = new Map<string, readonly Encoded[]>();

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

  /** Takes the examples of one of the own tasks as they are, in place of its files. */
  give(data: TaskData): void {
    this.#tasks.set(data.task.name, data);
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
      const { tokenizer: _tokenizer, ...message } = shared;
      return [name, { ...message, tokenizerFiles }];
    }));
  }

  /** The modules of a loaded model that can be adapted. */
  modulesOf(name: string): readonly ModuleShape[] {
    const held = this.#models.get(name);
    if (held === undefined) throw new RangeError(`Model "${name}" has not been loaded`);
    return held.modules;
  }

  /** The task of a name, without its data. */
  taskOf(name: string): Task {
    return findTask(name, this.#ownTasks);
  }

  #location(task: Task): URL | string {
    if (task.source === "embedded") return embeddedFolder;
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
    const data = await readTaskData(task, this.#location(task));
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

  #encode(run: RunSpec, split: string, model: EncoderModel, data: TaskData): readonly Encoded[] {
    const { maxLength } = run.settings.train;
    const key = JSON.stringify([run.settings.model, data.task.name, split, maxLength]);
    const held = this.#encoded.get(key);
    if (held !== undefined) return held;
    const encoded = encodeExamples(model.tokenizer, data.splits.get(split)!, maxLength);
    this.#encoded.set(key, encoded);
    return encoded;
  }

  /**
   * How many texts of a task's split are longer than the run's `maxLength`; of a large split, of a sample that all runs share.
   * What is encoded for a small split is kept for the runs.
   */
  async cutTexts(run: RunSpec, task: string, split: string): Promise<CutTexts> {
    const model = await this.model(run.settings.model);
    const data = await this.task(task);
    const { maxLength } = run.settings.train;
    const all = data.splits.get(split)!;
    const stream = RandomStream.fromSeed(0).fork("cut-texts").fork(split);
    const examples = sampleExamples(all, textsMeasured, stream);
    const isSampled = examples.length < all.length;
    const encoded = isSampled
      ? encodeExamples(model.tokenizer, examples, maxLength)
      : this.#encode(run, split, model, data);
    const isCut = ({ text, pair }: Example, i: number) =>
      encoded[i]!.ids.length === maxLength &&
      model.tokenizer.encode(text, pair, maxLength + 1).ids.length > maxLength;
    return {
      split,
      maxLength,
      count: examples.filter(isCut).length,
      of: examples.length,
      isSampled,
    };
  }

  /**
   * Some texts of a run's training split, of a sequence that of its first task, without those that are held out; runs that differ in their seeds have the same.
   *
   * @param count Texts at most.
   * @param use Names what they are for: each use draws its own.
   */
  async sampledBatches(run: RunSpec, count: number, use: string): Promise<readonly Batch[]> {
    const model = await this.model(run.settings.model);
    const data = await this.task(tasksOf(run)[0]!);
    const whole = data.splits.get("train")!;
    const shared = RandomStream.fromSeed(0);
    const isHeldOut = new Set(heldOutOf(run, whole));
    const encoded = this.#encode(run, "train", model, data);
    const place = new Map(whole.map((example, i) => [example, i]));
    const from = whole.filter((example) => !isHeldOut.has(example));
    const examples = sampleExamples(from, count, shared.fork(use));
    return evaluationBatches({
      encoded: examples.map((example) => encoded[place.get(example)!]!),
      targets: examples.map(({ target }) => target),
      batchSize: evaluationBatchSize,
      maxLength: run.settings.train.maxLength,
      padId: model.tokenizer.padId,
    });
  }

  /** Targets of a task's training split, without those that are held out: what all runs of the task may train on. */
  async trainTargets(run: RunSpec, task: string): Promise<readonly number[]> {
    const whole = (await this.task(task)).splits.get("train")!;
    const isHeldOut = new Set(heldOutOf(run, whole));
    return whole.filter((example) => !isHeldOut.has(example)).map(({ target }) => target);
  }

  /**
   * What a run trains on: its seed draws the training examples of a limit, and of these the ones that are scored on; all runs
   * share those of evaluation and those that are held out. A stage of a sequence sees the batches that a run of its task alone would see.
   *
   * @param scoringExamples How many of a stage's training examples are scored on and not trained on. Default 0.
   *
   * @throws {RangeError} If that leaves none to train on.
   */
  async runData(run: RunSpec, scoringExamples = 0): Promise<RunData> {
    const { task: { name, stages } } = await this.task(run.task);
    if (stages === undefined) {
      const { splits, ...data } = await this.#part(run, {
        task: name,
        firstClass: 0,
        scoringExamples,
      });
      return { stages: [{ task: name, ...data, classes: null }], splits };
    }
    const parts = await Promise.all(
      stages.map(async ({ task, classes }) => {
        const { splits, ...data } = await this.#part(run, {
          task,
          firstClass: classes.first,
          scoringExamples,
        });
        return {
          stage: { task, ...data, classes },
          split: { ...splits[0]!, name: task },
        };
      }),
    );
    return { stages: parts.map(({ stage }) => stage), splits: parts.map(({ split }) => split) };
  }

  async #part(
    run: RunSpec,
    { task, firstClass, scoringExamples }: {
      readonly task: string;
      /** Added to all classes. */
      readonly firstClass: number;
      readonly scoringExamples: number;
    },
  ): Promise<TaskPart> {
    const model = await this.model(run.settings.model);
    const data = await this.task(task);
    const { train } = run.settings;
    const shared = RandomStream.fromSeed(0);
    const whole = data.splits.get("train")!;
    const heldOut = heldOutOf(run, whole);
    const targetsOf = (examples: readonly Example[]) =>
      examples.map(({ target }) => firstClass + target);
    const optionsOf = (split: string, examples: readonly Example[]): BatchOptions => {
      const encoded = this.#encode(run, split, model, data);
      const place = new Map(data.splits.get(split)!.map((example, i) => [example, i]));
      return {
        encoded: examples.map((example) => encoded[place.get(example)!]!),
        targets: targetsOf(examples),
        batchSize: train.batchSize,
        maxLength: train.maxLength,
        padId: model.tokenizer.padId,
      };
    };
    const evaluationSplit = (
      name: string,
      split: string,
      examples: readonly Example[],
    ): EvaluationSplit => ({
      name,
      batches: evaluationBatches({
        ...optionsOf(split, examples),
        batchSize: evaluationBatchSize,
      }),
      targets: targetsOf(examples),
      ids: examples.map(({ id }) => id),
    });
    const root = RandomStream.fromSeed(run.seed);
    const isHeldOut = new Set(heldOut);
    const asked = sampleExamples(
      whole.filter((example) => !isHeldOut.has(example)),
      train.trainLimit,
      root.fork("train-limit"),
    );
    if (scoringExamples >= asked.length) {
      throw new RangeError(
        `Cannot hold out ${scoringExamples} examples of "${task}" to score on: it has ${asked.length} to train on, ` +
          "more are wanted; lower the method's number of them",
      );
    }
    const scored = scoringExamples === 0
      ? []
      : sampleExamples(asked, scoringExamples, root.fork("scoring"));
    const isScored = new Set(scored);
    const training = optionsOf("train", asked.filter((example) => !isScored.has(example)));
    const evaluated = train.heldOut === null
      ? [...data.splits].filter(([split]) => split !== "train").map(([split, from]) => ({
        name: split,
        split,
        from,
      }))
      : [{ name: "held_out", split: "train", from: heldOut }];
    const splits = evaluated.map(({ name, split, from }) => {
      const stream = shared.fork("dev-limit").fork(name);
      return evaluationSplit(name, split, sampleExamples(from, train.devLimit, stream));
    });
    return {
      batches: createBatchStream(training, root.fork("order")),
      trainExamples: whole.length,
      splits,
      ...(scored.length === 0 ? {} : { scoring: evaluationSplit("scoring", "train", scored) }),
    };
  }
}
