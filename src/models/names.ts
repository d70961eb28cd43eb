/**
 * How the names of stored tensors become those of parameters.
 *
 * @module
 */

/**
 * A name without the family's prefix or `model.` before it, and with `weight` and `bias` for the `gamma` and `beta` of old
 * norms.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const name = checkpointName("bert.embeddings.LayerNorm.gamma", "bert");
 * assertEquals(name, "embeddings.LayerNorm.weight");
 * ```
 *
 * @param prefix What transformers calls the encoder within a model with a head (`base_model_prefix`).
 */
export function checkpointName(stored: string, prefix: string): string {
  return stored
    .replace(new RegExp(`^(?:(?:${prefix}|model)\\.)+`), "")
    .replace(/\bLayerNorm\.gamma$/, "LayerNorm.weight")
    .replace(/\bLayerNorm\.beta$/, "LayerNorm.bias");
}
