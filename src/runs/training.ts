/**
 * Training one method on one task, followed as it goes, on any platform.
 *
 * @module
 */
import { checkDevice, chooseAmong, type ExecutorMakers } from "../exec/choice.ts";
import type { Executor } from "../exec/executor.ts";
import type { Fetching } from "../fetch/model_files.ts";
import { isOfWeights, scaleOf } from "../methods/adapter.ts";
import type { Method } from "../methods/method.ts";
import { methodTable } from "../methods/table.ts";
import type { EncoderFiles } from "../models/load.ts";
import type { StoredTensor } from "../models/safetensors.ts";
import { expandStudy } from "../study/grid/expand.ts";
import { selectedOf } from "../study/grid/steps.ts";
import type { PartialSettings } from "../study/schema/settings.ts";
import { type MethodOptions } from "../study/schema/study.ts";
import { parseStudy } from "../study/schema/parse.ts";
import type { StudyBudget } from "../study/budget/budget.ts";
import { builtInTasks, findTask } from "../tasks/catalog.ts";
import type { Evaluation } from "../train/evaluate.ts";
import { ProgramCache } from "../train/programs.ts";
import type { Checkpoint, Snapshot, TrainingEvent, TrainingRequest } from "../train/run_types.ts";
import { exportTensors } from "../train/stored_tensors.ts";
import { Trainer } from "../train/trainer.ts";
import { startingRanks } from "./plan/ranks.ts";
import { requestOf } from "./training_request.ts";
import { Inputs } from "./inputs.ts";
import { type OwnTask, ownTaskData } from "./own_task.ts";
import { peftFiles, takenApart } from "./share/model_folder.ts";
import type { PlannedRun } from "./plan/planned_run.ts";
import { checkGivenModel, planWith } from "./plan/planning.ts";
import { modelOfTensors, type NamedFiles, type TextModel } from "./share/text_model.ts";

/** What is trained, on what, and how. */
export interface TrainOptions {
  /** The name of a built-in method, or a method. */
  readonly method: string | Method;
  /** Options of the method. Default: its own. */
  readonly options?: MethodOptions;
  /** The name of a task that is built in, or a task with its examples. */
  readonly task: string | OwnTask;
  /**
   * As studies name encoders: `embedded`, `hub:OWNER/NAME`, `wheel:PATH`, or `folder`; or the contents of an encoder's files.
   * Default `folder` with a `modelFolder`, else `embedded`.
   */
  readonly model?: string | EncoderFiles;
  /** A Hugging Face folder, a wheel or a `hub:` name for the model `folder`. */
  readonly modelFolder?: string;
  /** The folder with GLUE's tasks, for these. */
  readonly data?: string;
  /** An average rank, or `{ parameters: n }`; for methods with ranks. */
  readonly budget?: StudyBudget;
  /** Default 1. */
  readonly seed?: number;
  /** Settings of training, laid over the defaults. */
  readonly train?: PartialSettings["train"];
  /** Settings of adapters, laid over the defaults. */
  readonly adapter?: PartialSettings["adapter"];
  /** `auto`, `webgpu`, `cpu`, `wasm` or `reference`, or an executor. Default `auto`. */
  readonly device?: string | Executor;
  /** Threads of the CPU executors. Default: all cores. */
  readonly threads?: number;
  /** Aborting it ends the training with a checkpoint. */
  readonly signal?: AbortSignal;
  /** A checkpoint of the same training to go on from. */
  readonly from?: Checkpoint;
  /** How encoders of the hub are fetched. Default: by this process's environment and network. */
  readonly fetching?: Fetching;
}

/** Something that happened while a method was trained. */
export type TrainEvent =
  | Exclude<TrainingEvent, { readonly kind: "evaluation" }>
  /** The model was evaluated on the task's splits, the one that counts first. */
  | {
    readonly kind: "evaluation";
    readonly step: number;
    readonly epoch: number;
    readonly evaluations: readonly Evaluation[];
  }
  /** The signal ended the training; `from` takes the checkpoint. */
  | { readonly kind: "stopped"; readonly step: number; readonly checkpoint: Checkpoint }
  /** The training is done: the model of the selected evaluation, and the rank of each module in it. */
  | {
    readonly kind: "done";
    readonly step: number;
    readonly model: TextModel;
    readonly evaluations: readonly Evaluation[];
    readonly ranks: Readonly<Record<string, number>>;
  };

function toldOf(event: TrainingEvent): TrainEvent {
  if (event.kind !== "evaluation") return event;
  const { step, epoch, evaluations } = event.snapshot;
  return { kind: "evaluation", step, epoch, evaluations };
}

async function planned(options: TrainOptions): Promise<{ run: PlannedRun; inputs: Inputs }> {
  const { method, task, budget, seed = 1, train, adapter } = options;
  const { data = null, modelFolder = null } = options;
  const { model: given = modelFolder === null ? "embedded" : "folder" } = options;
  const model = typeof given === "string" ? given : "folder";
  if (typeof given !== "string" && modelFolder !== null) {
    throw new TypeError(
      `Cannot train two encoders: found files as model and the modelFolder "${modelFolder}", want one of them`,
    );
  }
  const own = typeof task === "string" ? null : ownTaskData(task);
  const name = own?.task.name ?? String(task);
  const table = methodTable(typeof method === "string" ? [] : [method], "train()");
  const study = parseStudy({
    name: "train",
    base: {
      model,
      ...(train === undefined ? {} : { train }),
      ...(adapter === undefined ? {} : { adapter }),
    },
    axes: {
      tasks: [name],
      methods: [{
        method: typeof method === "string" ? method : method.name,
        ...(options.options === undefined ? {} : { options: options.options }),
      }],
      ...(budget === undefined ? {} : { budgets: [budget] }),
      seeds: [seed],
    },
  }, "the options of train()");
  const tasks = own === null ? [] : [own.task];
  const runs = expandStudy(study, {
    tasks: [...builtInTasks.map(({ name }) => name), ...tasks.map(({ name }) => name)],
    methods: table,
    outputOf: (known) => findTask(known, tasks).output.type,
  });
  const folders = { data, model: modelFolder, study: "." };
  checkGivenModel(modelFolder, [model], "modelFolder");
  const inputs = new Inputs(folders, tasks, undefined, options.fetching);
  if (own !== null) inputs.give(own);
  if (typeof given !== "string") inputs.giveModel(model, given);
  const { runs: [run] } = await planWith(inputs, study, runs, table);
  return { run: run!, inputs };
}

function tensorsOf({ assembly, progress }: Trainer, selected: Snapshot): ReadonlyMap<
  string,
  StoredTensor & { readonly data: Float32Array }
> {
  const history = progress.history.slice(0, selected.merged);
  return new Map(
    exportTensors(assembly, selected.theta, selected.order, history)
      .map(({ name, shape, data }) => [name, { shape, data }]),
  );
}

async function modelOf(
  trainer: Trainer,
  request: TrainingRequest,
  { run: { run }, inputs }: { readonly run: PlannedRun; readonly inputs: Inputs },
  selected: Snapshot,
): Promise<TextModel> {
  const tensors = tensorsOf(trainer, selected);
  const { encoder, method, ranks } = request.assembly;
  const { adapter } = method;
  const model = await inputs.model(run.settings.model);
  const peft = (): NamedFiles => {
    if (adapter === null || !isOfWeights(adapter)) {
      throw new RangeError(
        `Cannot write an adapter for peft: found method "${run.method}", want one that updates weights at low rank`,
      );
    }
    const scale = scaleOf(adapter, ranks.map(({ rank }) => rank));
    const stored = takenApart(encoder.config, adapter, { tensors, off: selected.off, scale });
    const base = { name: run.settings.model, revision: null };
    return peftFiles({ run, method, model: encoder, ...stored }, base);
  };
  return await modelOfTensors({
    task: request.task,
    tokenizer: model.tokenizer,
    maxLength: run.settings.train.maxLength,
    executor: request.executor,
    assembly: request.assembly,
    tensors,
    peft,
  });
}

/**
 * Trains as `train()` does, on an executor of the given makers.
 *
 * @param makers What can compute on this platform.
 */
export async function* trainWith(
  options: TrainOptions,
  makers: ExecutorMakers,
): AsyncGenerator<TrainEvent, void, void> {
  const { device = "auto", threads, signal, from = null } = options;
  if (typeof device === "string") checkDevice(device);
  const plan = await planned(options);
  const { inputs } = plan;
  if (plan.run.run.sequence !== undefined) {
    throw new RangeError(
      "Cannot train on a sequence of tasks here: want a single task; sweep a study for sequences",
    );
  }
  const executor = typeof device === "string"
    ? (await chooseAmong(makers, device, threads)).executor
    : device;
  const programs = new ProgramCache(executor);
  const context = { executor, programs, inputs, records: null };
  let trainer: Trainer | null = null;
  try {
    const read = await inputs.read(plan.run.run);
    const order = from?.order ?? null;
    const { planned: run, directions } = await startingRanks(plan.run, read, context, order);
    const request = requestOf(run, read, context, directions);
    trainer = await Trainer.create(request, from);
    while (!trainer.isDone) {
      if (signal?.aborted === true) {
        yield { kind: "stopped", step: trainer.step, checkpoint: await trainer.checkpoint() };
        return;
      }
      for (const event of await trainer.advance()) yield toldOf(event);
    }
    const selected = selectedOf(run.run.settings.train.keep, trainer.progress)!;
    const model = await modelOf(trainer, request, { run, inputs }, selected);
    const counts = Object.entries(selected.order).map(([name, slots]) => {
      const masked = selected.off.filter(({ module }) => module === name).length;
      return [name, slots.length - masked] as const;
    });
    const { step, evaluations } = selected;
    yield { kind: "done", step, model, evaluations, ranks: Object.fromEntries(counts) };
  } finally {
    trainer?.dispose();
    await programs.clear();
  }
}
