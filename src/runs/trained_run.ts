/**
 * A finished run's folder as a trained model: its base, what its adapter adds, and the parameters trained whole; and that model
 * loaded to predict and evaluate.
 *
 * @module
 */
import { hashBytes } from "../base/hash.ts";
import { isOfWeights, scaleOf } from "../methods/adapter.ts";
import type { BoundMethod } from "../methods/method.ts";
import { storedBranches } from "../methods/stored_branches.ts";
import { findMethod } from "../methods/table.ts";
import { truncated } from "../methods/truncation.ts";
import type { ModuleBranch } from "../models/forward_context.ts";
import type { EncoderModel } from "../models/load.ts";
import { architectureOf } from "../models/architectures.ts";
import { targetModules } from "../models/config.ts";
import { type ModelSource, modelSource } from "../models/sources.ts";
import { checkPrint } from "../record/damage.ts";
import { isPacked, openResults, readRecord, type ResultsReader } from "../record/results_reader.ts";
import type { RunRecord } from "../record/types.ts";
import { readWeightsFile, type WeightsFile } from "../record/checkpoint_file.ts";
import { problemOfGivenModel } from "../study/schema/model_name.ts";
import type { RunSpec } from "../study/types.ts";
import type { Task } from "../tasks/types.ts";
import { type Fetching, ownFetching, readModelFiles } from "../fetch/model_files.ts";
import { Inputs } from "./inputs.ts";
import { keptWeightsFile } from "./after/layer_ablation.ts";
import { loadCustomCode, type Trust } from "./method_modules.ts";
import { type BaseFiles, peftFiles, takenApart } from "./share/model_folder.ts";
import { ownTasksOf } from "./plan/planning.ts";
import { runSpecOf, wantOwnWeights } from "./after/recorded_run.ts";
import { readStoredStudy, type StoredStudy } from "./stored_study.ts";
import { UsageError } from "../base/input_error.ts";
import { chooseExecutor } from "../exec/choose.ts";
import type { Executor } from "../exec/executor.ts";
import { modelOfTensors, type TextModel } from "./share/text_model.ts";

/** A trained model, taken apart. */
export interface TrainedRun extends ReturnType<typeof takenApart> {
  readonly record: RunRecord;
  readonly run: RunSpec;
  readonly task: Task;
  readonly method: BoundMethod;
  readonly model: EncoderModel;
  readonly base: BaseFiles;
  /** Where the base is, as others can find it: a path, or a name on the hub. */
  readonly baseTitle: string;
  /** The commit of a base on the hub, else null. */
  readonly baseRevision: string | null;
  /** Layers of an adapter's own that changes no weights, by module. */
  readonly branches: ReadonlyMap<string, ModuleBranch>;
  /** Adapted modules that ended without a rank. */
  readonly withoutRank: readonly string[];
}

async function storedStudyAbove(folder: string): Promise<StoredStudy | null> {
  const bare = folder.replace(/\/+$/, "");
  const above = await openResults(isPacked(bare) ? bare.replace(/\/[^/]*$/, "") : `${bare}/..`);
  return await above.has("study.json") ? await readStoredStudy(above) : null;
}

async function finishedRecord(reader: ResultsReader): Promise<RunRecord> {
  const { path: folder } = reader;
  const record = await readRecord(reader);
  if (record === null) {
    throw new UsageError(
      `Cannot export "${folder}": found no record.json, want the folder of a finished run ` +
        `(results/<study>/<run>)`,
    );
  }
  if (record.happened.outcome.state !== "finished") {
    throw new UsageError(`Cannot export "${folder}": its run failed, want a finished one`);
  }
  return record;
}

/** What a run stored of the selected evaluation. */
export interface KeptWeights extends Pick<WeightsFile, "tensors" | "off"> {
  /** SHA-256 of the file. */
  readonly hash: string;
}

/**
 * The weights of the selected evaluation, or null where their file is not there.
 *
 * @throws {InputError} If their file is damaged.
 * @throws {UsageError} If they are those of another run.
 */
export async function keptWeights(
  reader: ResultsReader,
  record: RunRecord,
): Promise<KeptWeights | null> {
  const name = keptWeightsFile(record);
  const path = `${reader.path}/${name}`;
  const bytes = await reader.read(name);
  if (bytes === null) return null;
  await checkPrint(path, bytes, record.files?.[name]);
  const { tensors, off, run } = readWeightsFile(bytes, path);
  if (run !== record.id) {
    throw new UsageError(
      `Cannot use the weights of "${reader.path}": "${path}" is of run ${run}, want ${record.id}`,
    );
  }
  return { tensors, off, hash: hashBytes(bytes) };
}

/**
 * The encoder that a recorded run was trained from.
 *
 * @param doing As {@linkcode wantOwnWeights} takes it.
 *
 * @throws {UsageError} If it is not what it was.
 */
export async function baseOf(
  inputs: Inputs,
  run: RunSpec,
  record: RunRecord,
  doing: string,
): Promise<EncoderModel> {
  const model = await inputs.model(run.settings.model);
  wantOwnWeights(model.weightsHash, run, record, doing);
  return model;
}

/** What helps where a run's weights are not there. */
export function remedyForWeights(folder: string): string {
  return isPacked(folder)
    ? "pack the study with --weights, or sweep it again"
    : "delete the folder and sweep again";
}

async function wantedWeights(reader: ResultsReader, record: RunRecord): Promise<KeptWeights> {
  const weights = await keptWeights(reader, record);
  if (weights !== null) return weights;
  const { path: folder } = reader;
  throw new UsageError(
    `Cannot export "${folder}": found no "${folder}/${
      keptWeightsFile(record)
    }", want its weights; ${remedyForWeights(folder)}`,
  );
}

/** The factor of the updates: that of the average initial rank, as in training. */
export function storedScale(
  { adapter }: BoundMethod,
  { happened: { initialRanks } }: RunRecord,
): number {
  const ranks = Object.values(initialRanks ?? {});
  return adapter === null || ranks.length === 0 ? 1 : scaleOf(adapter, ranks);
}

function titleOf(source: ModelSource): string {
  if (source.kind === "hub") return source.repository;
  if (source.kind === "wheel") return source.path;
  return typeof source.folder === "string" ? source.folder : "embedded";
}

/** What a run's folder is read with. */
export interface TrainedRunRequest {
  /** The base's folder, wheel or name on the hub. Default, and null: the one of the sweep. */
  readonly model?: string | null;
  /** Ranks that each module keeps at most, the first ones. Default, and null: all. */
  readonly rank?: number | null;
  /** Which code that the record names may run. Default: none. */
  readonly trust?: Trust;
  /** Whether it is evaluated, by metrics of the study's own too. Default false. */
  readonly isEvaluated?: boolean;
}

/**
 * Reads a run's folder and the model that it was trained from.
 *
 * @param fetching How encoders of the hub are fetched. Default: by this process's environment and network.
 *
 * @throws {UntrustedCodeError} If the record names code that is not trusted; no model is read then.
 * @throws {UsageError} If the folder is not that of a finished run with its weights, or the base is not what it was.
 * @throws {RangeError} If the adapter cannot be cut to so many ranks.
 */
export async function readTrainedRun(
  folder: string,
  { model: modelFolder = null, rank = null, trust = [], isEvaluated = false }: TrainedRunRequest,
  fetching: Fetching = ownFetching(),
): Promise<TrainedRun> {
  const reader = await openResults(folder);
  const record = await finishedRecord(reader);
  const run = runSpecOf({ record, folder });
  const { method: own } = record.where;
  const { methods, metrics } = await loadCustomCode({
    methods: own === undefined ? [] : [{ name: run.method, ...own }],
    metrics: isEvaluated ? record.where.metrics ?? [] : [],
  }, trust);
  const stored = await storedStudyAbove(folder);
  const found = modelFolder ?? stored?.model ?? null;
  const tasks = stored === null ? [] : ownTasksOf(stored.study, metrics, false);
  const study = stored?.studyFolder ?? ".";
  const { model: origin } = record.where;
  const commit = origin?.source === "hub" ? origin.commit : null;
  const inputs = new Inputs(
    {
      data: stored?.data ?? null,
      model: found,
      study,
      commits: commit === null ? {} : { [run.settings.model]: commit },
    },
    tasks,
    undefined,
    fetching,
  );
  const unused = problemOfGivenModel(modelFolder, [run.settings.model]);
  if (unused !== null) throw new UsageError(`Cannot export "${folder}": --model: ${unused}`);
  const model = await baseOf(inputs, run, record, `export "${folder}"`);
  const method = findMethod(run.method, methods).bind(run.options);
  const { tensors: whole, off } = await wantedWeights(reader, record);
  const modules = targetModules(model.config);
  const { modulePath } = architectureOf(model.config);
  const { adapter } = method;
  const tensors = rank === null ? whole : truncated(whole, adapter ?? { parts: [] }, modules, rank);
  const scale = storedScale(method, record);
  const apart = takenApart(model.config, adapter, { tensors, off, scale });
  const branches = adapter === null || isOfWeights(adapter)
    ? new Map<string, ModuleBranch>()
    : storedBranches(tensors, adapter, modules);
  const asked = modelSource(run.settings.model, found, study);
  const source = asked.kind === "hub" && commit !== null ? { ...asked, revision: commit } : asked;
  const paths = new Set(apart.updates.map(({ path }) => path));
  return {
    record,
    run,
    task: inputs.taskOf(run.task),
    method,
    model,
    base: await readModelFiles(source, fetching),
    baseTitle: titleOf(source),
    baseRevision: commit,
    ...apart,
    branches,
    withoutRank: modules.filter(({ name, layer, part }) =>
      Object.hasOwn(record.happened.initialRanks ?? {}, name) &&
      !paths.has(modulePath(layer, part)) && !branches.has(name)
    ).map(({ name }) => name),
  };
}

/** Refuses an adapter that no weights and no format of peft hold. */
export function checkOfWeights(
  { method: { adapter }, run }: Pick<TrainedRun, "method" | "run">,
  what: string,
): void {
  if (adapter === null || isOfWeights(adapter)) return;
  throw new RangeError(
    `Cannot write ${what}: found method "${run.method}", whose layers stand between those of the encoder, ` +
      `want an adapter of weights; --format adapters writes such layers, --format onnx the whole model`,
  );
}

/** What {@linkcode loadModel} takes beside a run's folder. */
export interface LoadOptions extends Omit<TrainedRunRequest, "isEvaluated"> {
  /** `auto`, `webgpu`, `cpu`, `wasm` or `reference`, or an executor, which must outlive the model. Default `auto`. */
  readonly device?: string | Executor;
  /** How a base on the hub is fetched. Default: by this process's environment and network. */
  readonly fetching?: Fetching;
}

/**
 * The model of a finished run, with the weights of the selected evaluation.
 *
 * @param folder The run's folder, as in `results/my-study/RTE-lora-r4-seed1-5c0b3e17`; in a packed study too, if its weights were
 * packed.
 *
 * @throws {UntrustedCodeError} If its record names code that is not trusted; no model is read then.
 * @throws {UsageError} If the folder is not that of a finished run with its weights, or the base is not what it was.
 * @throws {InputError} If the weights are damaged.
 */
export async function loadModel(folder: string, options: LoadOptions = {}): Promise<TextModel> {
  const { device = "auto", fetching, ...request } = options;
  const trained = await readTrainedRun(
    folder,
    { ...request, isEvaluated: true },
    fetching,
  );
  const { task, run, method, parts, whole, record: { happened: { initialRanks } } } = trained;
  return await modelOfTensors({
    task,
    tokenizer: trained.model.tokenizer,
    maxLength: run.settings.train.maxLength,
    executor: typeof device === "string" ? (await chooseExecutor(device)).executor : device,
    assembly: {
      encoder: trained.model,
      output: task.output,
      stages: task.stages?.length ?? 1,
      method,
      ranks: targetModules(trained.model.config)
        .filter(({ name }) => Object.hasOwn(initialRanks ?? {}, name))
        .map((module) => ({ module, rank: initialRanks![module.name]! })),
      train: run.settings.train,
    },
    tensors: new Map([...parts, ...whole]),
    peft: () => {
      checkOfWeights(trained, "an adapter for peft");
      return peftFiles(trained, { name: trained.baseTitle, revision: trained.baseRevision });
    },
  });
}
