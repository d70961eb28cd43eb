/**
 * The linear modules of an encoder that can be adapted.
 *
 * @module
 */
import { type ModulePart, moduleParts } from "../study/schema/settings.ts";
import type { ModuleShape } from "../study/types.ts";
import type { EncoderShape } from "./config.ts";

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

/** All target modules by name. */
export function modulesByName(config: EncoderShape): ReadonlyMap<string, ModuleShape> {
  return new Map(targetModules(config).map((module) => [module.name, module]));
}
