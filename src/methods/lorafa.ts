/**
 * LoRA-FA: LoRA whose A stays as it was drawn.
 *
 * Zhang et al., arXiv 2308.03303, section 3: y = x W₀ᵀ + s · x Aᵀ Bᵀ with A random and frozen and B = 0 at the start, so that the change of
 * a weight stays in the space of A's rows. This is the paper's first version; its second also corrects the gradient of B. A is drawn
 * as LoRA's (`lora.ts`); the paper's own distribution was not verified.
 *
 * @module
 */
import * as z from "zod";
import { loraOptions, loraParts, loraPrepare } from "./lora.ts";
import { defineMethod } from "./method.ts";
import { scaleBy } from "./shared_options.ts";

const options = z.strictObject(loraOptions);

/** LoRA with a frozen A, at a fixed rank. */
export const lorafa = defineMethod({
  name: "lorafa",
  title: "LoRA-FA",
  source: "arXiv 2308.03303",
  version: 1,
  options,
  bind: (options) => ({
    adapter: {
      parts: loraParts.map((part) => part.name === "A" ? { ...part, isTrained: false } : part),
      prepare: loraPrepare,
      scale: scaleBy(options),
    },
  }),
});
