/**
 * Encoders: families, weights, and the modules of them that can be adapted.
 *
 * @module
 */
export type { DropoutSite } from "./forward_context.ts";
export type { Initial, ParameterSpec } from "./parameters.ts";
export type { EncoderConfig } from "./config.ts";
export type { Pooling } from "./token_rows.ts";
export { type EncoderFiles, type EncoderModel, loadEncoder } from "./load.ts";
export type { Architecture } from "./architecture.ts";
export { architectureOf, architectures } from "./architectures.ts";
export { targetModules } from "./modules.ts";
export { randomEncoder } from "./random.ts";
export {
  readSafetensors,
  type StoredTensor,
  type StoredTensors,
  type StoredType,
  writeSafetensors,
} from "./safetensors.ts";
