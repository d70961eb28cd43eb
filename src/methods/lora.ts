/**
 * LoRA: a frozen weight plus a trained product of two thin matrices.
 *
 * Hu et al., arXiv 2106.09685, equation 3: y = x W₀ᵀ + (α/r) · x Aᵀ Bᵀ with B = 0 at the start. A starts uniform on ±1/√in
 * as in the authors' `loralib/layers.py` (Kaiming-uniform with a = √5). rsLoRA (Kalajdzievski, arXiv 2312.03732)
 * divides by √r instead of r.
 *
 * @module
 */
import * as z from "zod";
import { mul, type Tensor } from "../graph/mod.ts";
import type { AdapterPart, LowRankUpdate } from "./adapter.ts";
import { defineMethod } from "./method.ts";
import { rateOptions, scaleBy, withBRate } from "./shared_options.ts";

/** LoRA's options, which methods that build on it have too. */
export const loraOptions = {
  alpha: z.number().positive().default(16).describe("Numerator of the scale"),
  scaling: z.enum(["alpha/r", "alpha/sqrt(r)", "alpha"]).default("alpha/r").describe(
    "How the scale falls with the rank; alpha/sqrt(r) is rsLoRA, alpha is the same at every rank",
  ),
};

const options = z.strictObject({ ...loraOptions, ...rateOptions });

/** A `[slots, in]` and B, transposed, `[slots, out]`, as LoRA starts them. */
export const loraParts: readonly AdapterPart[] = [
  {
    name: "A",
    rowLength: ({ inSize }) => inSize,
    initial: ({ inSize }) => ({ type: "uniform", bound: 1 / Math.sqrt(inSize) }),
  },
  {
    name: "B",
    rowLength: ({ outSize }) => outSize,
    initial: () => ({ type: "constant", value: 0 }),
  },
];

/** The update s·BA. */
export function loraPrepare(
  { A, B }: Readonly<Record<string, Tensor>>,
  scale: number,
): LowRankUpdate {
  return { A: mul(A!, scale), B: B! };
}

/** LoRA at a fixed rank. */
export const lora = defineMethod({
  name: "lora",
  title: "LoRA",
  source: "arXiv 2106.09685; rsLoRA: arXiv 2312.03732",
  version: 2,
  options,
  bind: (options) => ({
    adapter: {
      parts: withBRate(loraParts, options.bRate),
      prepare: loraPrepare,
      scale: scaleBy(options),
    },
  }),
});
