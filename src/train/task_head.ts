/**
 * The task's side of a run: outputs of the head, its parameters, and the loss.
 *
 * @module
 */
import {
  add,
  crossEntropy,
  input,
  meanSquaredError,
  reduceMean,
  reshape,
  sideRows,
  type Tensor,
} from "../graph/mod.ts";
import { architectureOf } from "../models/architectures.ts";
import type { ParameterSpec } from "../models/parameters.ts";
import type { TaskOutput } from "../tasks/types.ts";
import type { AssemblyRequest } from "./assembly_request.ts";

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
