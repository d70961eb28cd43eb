/**
 * A task head of a dense layer, an activation and a classifier, with dropout before both linear layers: that of RoBERTa and
 * ELECTRA (`RobertaClassificationHead`, `ElectraClassificationHead` of transformers).
 *
 * @module
 */
import { type Tensor, withScope } from "../graph/mod.ts";
import type { EncoderShape } from "./config.ts";
import { type ForwardContext, headLayer, pooled } from "./forward_context.ts";
import { linearParameters, type ParameterSpec } from "./parameters.ts";
import type { EncoderInputs } from "./token_rows.ts";

/** The parameters of the head with `outputs` outputs. */
export function twoLayerHeadParameters(
  { hidden, initializerRange }: EncoderShape,
  outputs: number,
): readonly ParameterSpec[] {
  return [
    ...linearParameters("classifier.dense", [hidden, hidden], initializerRange),
    ...linearParameters("classifier.out_proj", [outputs, hidden], initializerRange),
  ];
}

/**
 * Logits of the head.
 *
 * @param config.activation Between its two layers.
 * @param states The hidden states for `wantedStates`.
 * @returns `[batch, outputs]`.
 */
export function twoLayerHead(
  { config, activation }: {
    readonly config: EncoderShape;
    readonly activation: (x: Tensor) => Tensor;
  },
  states: Tensor,
  inputs: EncoderInputs,
  context: ForwardContext,
): Tensor {
  return withScope("head", () => {
    const text = pooled(config, states, inputs);
    const features = activation(headLayer(context, config, "classifier.dense", text));
    return headLayer(context, config, "classifier.out_proj", features);
  });
}
