/**
 * The linear modules of an encoder that can be adapted.
 *
 * @module
 */
import type { ModulePart, ModuleShape } from "../study/types.ts";
import type { EncoderShape } from "./config.ts";

/** The six target parts of a layer, in the order of the forward pass. */
export const moduleParts: readonly ModulePart[] = [
  "query",
  "key",
  "value",
  "attention_output",
  "intermediate",
  "output",
];

/** The target modules of the chosen parts, layer by layer. */
export function targetModules(
  config: EncoderShape,
  parts: readonly ModulePart[] = moduleParts,
): readonly ModuleShape[] {
  return Array.from(
    { length: config.layers },
    (_, layer) =>
      moduleParts.filter((part) => parts.includes(part)).map((part) => ({
        name: `layer.${layer}.${part}`,
        layer,
        part,
        inSize: part === "output" ? config.intermediate : config.hidden,
        outSize: part === "intermediate" ? config.intermediate : config.hidden,
      })),
  ).flat();
}
