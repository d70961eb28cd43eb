/**
 * LoRA and its two presets: a frozen weight plus a trained product of two thin matrices.
 *
 * LoRA: Hu et al., arXiv 2106.09685, equation 3: y = x W₀ᵀ + (α/r) · x Aᵀ Bᵀ with B = 0 at the start. A starts uniform on ±1/√in
 * as in the authors' `loralib/layers.py` (Kaiming-uniform with a = √5). rsLoRA (Kalajdzievski, arXiv 2312.03732)
 * divides by √r instead of r.
 *
 * LoRA+: Hayou et al., arXiv 2402.12354, section 4: with one rate for both, A and B cannot both learn features in wide networks;
 * η_B = λ·η_A with λ well above 1 mends that. λ = 16 is the authors' choice for RoBERTa. It is an option of the optimiser alone, so any
 * method with A and B has it as `bRate`; this name is LoRA with the authors' default. A's rate is that of the run, the head's too.
 *
 * LoRA-FA: Zhang et al., arXiv 2308.03303, section 3: y = x W₀ᵀ + s · x Aᵀ Bᵀ with A random and frozen and B = 0 at the start, so that
 * the change of a weight stays in the space of A's rows. This is the paper's first version; its second also corrects the gradient of B.
 * A is drawn as LoRA's; the paper's own distribution was not verified.
 *
 * @module
 */
import * as z from "zod";
import { loraForm, loraOptions, loraParts, loraRateOptions } from "./lora_form.ts";
import { defineMethod } from "./method.ts";

/** LoRA at a fixed rank. */
export const lora = defineMethod({
  name: "lora",
  title: "LoRA",
  source: "arXiv 2106.09685; rsLoRA: arXiv 2312.03732",
  version: 2,
  options: z.strictObject(loraRateOptions),
  bind: (chosen) => ({ adapter: loraForm(chosen) }),
});

/** LoRA+ at a fixed rank. */
export const loraplus = defineMethod({
  name: "loraplus",
  title: "LoRA+",
  source: "arXiv 2402.12354",
  version: 1,
  options: z.strictObject({
    ...loraOptions,
    bRate: z.number().positive().default(16).describe("B's learning rate over A's (lambda)"),
  }),
  bind: (chosen) => ({ adapter: loraForm(chosen) }),
});

/** LoRA with a frozen A, at a fixed rank. */
export const lorafa = defineMethod({
  name: "lorafa",
  title: "LoRA-FA",
  source: "arXiv 2308.03303",
  version: 1,
  options: z.strictObject(loraOptions),
  bind: (chosen) => ({
    adapter: {
      ...loraForm(chosen),
      parts: loraParts.map((part) => part.name === "A" ? { ...part, isTrained: false } : part),
    },
  }),
});
