/**
 * DoRA: LoRA on the directions of a weight's rows, with their lengths trained apart.
 *
 * Liu et al., arXiv 2402.09353, equation 5: W′ = m · (W₀ + s·BA) / ‖W₀ + s·BA‖ with a norm and a length m for each output
 * (a row of `[out, in]`), m = ‖W₀‖ at the start, and the norm a constant in the backward pass (section 4.3). Only what m
 * has gained is stored, so that a module whose parts are zero is as without adapter and weight decay pulls lengths back
 * to those of the frozen weight; with `magnitudeDecay: "whole"` it pulls m itself to zero, as in peft. Layout, detachment and
 * dropout are those of peft's `tuners/lora/dora.py`.
 *
 * @module
 */
import * as z from "zod";
import type { HostTensor } from "../graph/mod.ts";
import { foldedCosts } from "./adapter.ts";
import { rowNorms } from "./decomposed_linear.ts";
import { constantPart, loraForm, loraPrepare, loraRateOptions } from "./lora_form.ts";
import { defineMethod } from "./method.ts";
import { laterOption } from "./options.ts";

const options = z.strictObject({
  ...loraRateOptions,
  magnitudeDecay: laterOption(z.enum(["change", "whole"]), "change").describe(
    "What weight decay pulls to zero: what lengths have gained, or the whole lengths, as in peft; default change",
  ),
});

/** DoRA at a fixed rank. */
export const dora = defineMethod({
  name: "dora",
  title: "DoRA",
  source: "arXiv 2402.09353",
  version: 1,
  options,
  bind: (chosen) => {
    const { parts, scale } = loraForm(chosen);
    const lengths = constantPart("M", {
      per: "module",
      rowLength: ({ outSize }) => outSize,
      ...(chosen.magnitudeDecay === "whole"
        ? { decayBase: (weight: HostTensor) => rowNorms(weight).data }
        : {}),
    });
    return {
      adapter: {
        parts: [...parts, lengths],
        prepare: (rows, factor) => ({ ...loraPrepare(rows, factor), magnitude: rows["M"]! }),
        scale,
        storage: { costs: { ...foldedCosts, perModule: ({ outSize }) => outSize } },
      },
    };
  },
});
