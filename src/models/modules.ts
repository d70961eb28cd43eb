/**
 * The linear modules of an encoder that can be adapted.
 *
 * @module
 */
import type { ModulePart, ModuleShape } from "../spec/types.ts";
import type { EncoderConfig } from "./config.ts";

/** The six adaptable parts of a layer, in the order of the forward pass. */
export const moduleParts: readonly ModulePart[] = [
  "query",
  "key",
  "value",
  "attention_output",
  "intermediate",
  "output",
];

/** Where a part stands in a checkpoint's layer. */
export const partPaths: Readonly<Record<ModulePart, string>> = {
  query: "attention.self.query",
  key: "attention.self.key",
  value: "attention.self.value",
  attention_output: "attention.output.dense",
  intermediate: "intermediate.dense",
  output: "output.dense",
};

/** The adaptable modules of the chosen parts, layer by layer. */
export function adaptableModules(
  config: EncoderConfig,
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
