/**
 * The model of a finished run, loaded to predict and evaluate.
 *
 * @module
 */
import { chooseExecutor } from "../../exec/choose.ts";
import type { Executor } from "../../exec/executor.ts";
import type { Fetching } from "../../fetch/model_files.ts";
import { targetModules } from "../../models/modules.ts";
import { checkOfWeights } from "./export.ts";
import { peftFiles } from "./peft_files.ts";
import { modelOfTensors, type TextModel } from "./text_model.ts";
import { readTrainedRun, type TrainedRunRequest } from "../trained_run.ts";

/** What {@linkcode loadModel} takes beside a run's folder. */
export interface LoadOptions extends Partial<TrainedRunRequest> {
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
  const { device = "auto", fetching, model = null, ...request } = options;
  const trained = await readTrainedRun(folder, { ...request, model }, fetching);
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
