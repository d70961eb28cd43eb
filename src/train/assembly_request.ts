/**
 * What a run's programs are made from.
 *
 * @module
 */
import {
  add,
  crossEntropy,
  type HostTensor,
  input,
  meanSquaredError,
  reduceMean,
  reshape,
  sideRows,
  type Tensor,
} from "../graph/mod.ts";
import type { BoundMethod } from "../methods/method.ts";
import { architectureOf, type EncoderConfig } from "../models/architectures.ts";
import type { ModuleShape } from "../study/types.ts";
import type { TrainSettings } from "../study/schema/settings.ts";
import type { TaskOutput } from "../tasks/types.ts";
import type { ParameterSpec } from "../models/parameters.ts";

/** An encoder's shape and weights, by checkpoint name. */
export interface EncoderWeights {
  /** Shape by which the graph is built. */
  readonly config: EncoderConfig;
  /** Every parameter of the encoder, and pretrained ones of its head where it has such. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** What a run's programs are made from. */
export interface AssemblyRequest {
  /** Weights become constants of the programs unless they are trained or fed. */
  readonly encoder: EncoderWeights;
  /** Sets the head's outputs and the loss: cross entropy, or squared error. */
  readonly output: TaskOutput;
  /** Stages of the run; with more than one, the classes that the loss is over are fed, and rows may be longer. Default 1. */
  readonly stages?: number;
  /** Says what is trained and what is added to the encoder. */
  readonly method: BoundMethod;
  /** Adapted modules with their initial ranks; empty for methods without adapters. */
  readonly ranks: readonly { readonly module: ModuleShape; readonly rank: number }[];
  /** Rows a module has room for; default what the adapter says. */
  readonly capacityOf?: (module: ModuleShape, rank: number) => number;
  /**
   * Whether the weights of adapted layers are part of the programs or fed to each run. Default: fed for methods that merge into
   * them while training.
   */
  readonly weights?: "constant" | "fed";
  /** Settings that are built into the graph; learning rate and seed are fed instead. */
  readonly train: Pick<
    TrainSettings,
    "dropout" | "beta1" | "beta2" | "epsilon" | "weightDecay" | "clipNorm" | "regressionBias"
  >;
  /** Whether the head's learning rate is fed apart from that of all else. Default false. */
  readonly hasHeadRate?: boolean;
}

/** Outputs of a head for each text: one a label, or one score. */
export function outputCount(output: TaskOutput): number {
  return output.type === "classification" && output.perChoice !== true ? output.labels.length : 1;
}

/**
 * The logits of the examples, `[examples, labels]`, where each text is a choice; else the head's own.
 *
 * As `BertForMultipleChoice` of transformers' `modeling_bert.py` does it, with the head of each family's classifier.
 *
 * @param outputs Of the head, `[batch, outputs]`.
 */
export function taskLogits(output: TaskOutput, outputs: Tensor): Tensor {
  return output.type === "classification" && output.perChoice === true
    ? sideRows(outputs, "examples", output.labels.length)
    : outputs;
}

/** What the head and the loss of a run follow from. */
export interface HeadRequest extends Pick<AssemblyRequest, "output" | "stages"> {
  readonly encoder: Pick<AssemblyRequest["encoder"], "config">;
  readonly train: Pick<AssemblyRequest["train"], "regressionBias">;
}

/** The parameters of the head; a regression's output bias starts where the settings say. */
export function headParameters(
  { encoder: { config }, output, train: { regressionBias = "middle" } }: HeadRequest,
): readonly ParameterSpec[] {
  const whole = architectureOf(config).headParameters(config, outputCount(output));
  const outputBias = whole.at(-1);
  return whole.map((spec): ParameterSpec =>
    spec === outputBias && output.type === "regression" && regressionBias === "middle"
      ? { ...spec, initial: { type: "constant", value: (output.min + output.max) / 2 } }
      : spec
  );
}

/**
 * The mean loss of a batch: cross entropy, or for a score the squared error.
 *
 * @param logits See {@linkcode taskLogits}; what is added to them in a stage of a sequence is fed as `classMask`.
 */
export function taskLoss(
  { output, stages = 1 }: Pick<HeadRequest, "output" | "stages">,
  logits: Tensor,
): Tensor {
  if (output.type === "classification") {
    const evaluated = stages > 1 ? add(logits, input("classMask", [outputCount(output)])) : logits;
    return reduceMean(crossEntropy(evaluated, input("labels", [logits.shape[0]!], "i32")));
  }
  return meanSquaredError(reshape(logits, ["batch"]), input("targets", ["batch"]));
}
