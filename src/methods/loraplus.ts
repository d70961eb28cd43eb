/**
 * LoRA+: LoRA whose B learns faster than its A.
 *
 * Hayou et al., arXiv 2402.12354, section 4: with one rate for both, A and B cannot both learn features in wide networks; η_B = λ·η_A with
 * λ well above 1 mends that. λ = 16 is the authors' choice for RoBERTa. It is an option of the optimiser alone, so any method with A and
 * B has it as `bRate`; this name is LoRA with the authors' default. A's rate is that of the run, the head's too.
 *
 * @module
 */
import * as z from "zod";
import { loraOptions, loraParts, loraPrepare } from "./lora.ts";
import { defineMethod } from "./method.ts";
import { scaleBy, withBRate } from "./shared_options.ts";

const options = z.strictObject({
  ...loraOptions,
  bRate: z.number().positive().default(16).describe("B's learning rate over A's (lambda)"),
});

/** LoRA+ at a fixed rank. */
export const loraplus = defineMethod({
  name: "loraplus",
  title: "LoRA+",
  source: "arXiv 2402.12354",
  version: 1,
  options,
  bind: (options) => ({
    adapter: {
      parts: withBRate(loraParts, options.bRate),
      prepare: loraPrepare,
      scale: scaleBy(options),
    },
  }),
});
