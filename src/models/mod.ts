/**
 * Encoders: families, weights, and the modules of them that can be adapted.
 *
 * @module
 */
export { InputError, type InputProblem } from "../base/input_error.ts";
export { RandomStream } from "../base/random.ts";
export type { DropoutSite, NormChange } from "./forward_context.ts";
export type { Initial, ParameterSpec } from "./parameters.ts";
export type { Activation, EncoderShape } from "./config.ts";
export type { EncoderConfig } from "./architectures.ts";
export type { BertConfig } from "./bert.ts";
export type { DebertaConfig, PositionTermName } from "./deberta.ts";
export type { RelativePositions } from "./deberta_positions.ts";
export type { DistilbertConfig } from "./distilbert.ts";
export type { ElectraConfig } from "./electra.ts";
export type { RobertaConfig } from "./roberta.ts";
export type { Pooling } from "./token_rows.ts";
export { type EncoderFiles, type EncoderModel, loadEncoder } from "./load.ts";
export { targetModules } from "./config.ts";
export { randomEncoder } from "./random.ts";
export {
  readSafetensors,
  type StoredTensor,
  type StoredTensors,
  type StoredType,
  writeSafetensors,
} from "./safetensors.ts";
