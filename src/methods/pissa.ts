/**
 * PiSSA: LoRA whose A and B start as the leading singular triplets of the weight, while what is left of the weight stays frozen.
 *
 * Meng et al., arXiv 2404.02948, equations 2 to 5: W = U S Vᵀ, A = S_r^½ V_rᵀ and B = U_r S_r^½ of the r largest values, y = x (W_res + BA)ᵀ
 * with W_res = W − BA at the start. Here W stays as it is and the start of BA is taken off the update: ΔW = s · (BA − B₀A₀), which is
 * the same weight, and which peft's `path_initial_model_for_weight_conversion` writes as LoRA of rank 2r. With a scale s the values
 * are divided by it first, as in peft's `pissa_init`; the paper has s = 1.
 *
 * @module
 */
import * as z from "zod";
import { concat, mul, neg } from "../graph/mod.ts";
import type { AdapterPart, ModuleStart } from "./adapter.ts";
import { leadingTriplets } from "./leading_triplets.ts";
import { loraParts } from "./lora_form.ts";
import { defineMethod } from "./method.ts";
import { rateOptions, scaleBy, withBRate } from "./options.ts";

const options = z.strictObject({
  alpha: z.number().positive().default(1).describe("The scale, or its numerator"),
  scaling: z.enum(["alpha", "alpha/r", "alpha/sqrt(r)"]).default("alpha").describe(
    "How the scale falls with the rank; alpha is the same at every rank, 1 in the paper",
  ),
  ...rateOptions,
});

/** What A and B were at the start, which is not trained. */
const startParts: readonly AdapterPart[] = loraParts.map((part) => ({
  ...part,
  name: `${part.name}0`,
  isTrained: false,
}));

/** Rows of A and of B transposed whose product times the scale is the best approximation of the weight. */
export function principalRows(
  { weight, rank, scale }: Pick<ModuleStart, "weight" | "rank" | "scale">,
): { readonly A: readonly Float32Array[]; readonly B: readonly Float32Array[] } {
  const { values, left, right } = leadingTriplets(weight, rank);
  const rows = (vectors: readonly Float64Array[]) =>
    vectors.map((vector, i) => {
      const root = Math.sqrt(values[i]! / scale);
      return Float32Array.from(vector, (value) => value * root);
    });
  return { A: rows(right), B: rows(left) };
}

/** PiSSA at a fixed rank. */
export const pissa = defineMethod({
  name: "pissa",
  title: "PiSSA",
  source: "arXiv 2404.02948",
  version: 1,
  options,
  bind: (options) => ({
    adapter: {
      parts: [...withBRate(loraParts, options.bRate), ...startParts],
      start: (at) => {
        const { A, B } = principalRows(at);
        return { A, B, A0: A, B0: B };
      },
      prepare: ({ A, B, A0, B0 }, scale) => ({
        A: mul(concat([A!, A0!], 1), scale),
        B: concat([B!, neg(B0!)], 1),
      }),
      scale: scaleBy(options),
      storage: {
        costs: { perRank: ({ inSize, outSize }) => 2 * (inSize + outSize), perModule: () => 0 },
      },
    },
  }),
});
