/**
 * Houlsby's adapters: a bottleneck after the attention output and after the feed-forward output of each layer.
 *
 * Houlsby et al., arXiv 1902.00751, section 2.1 and figure 2: h + up(σ(down(h))) of each output h, before the residual sum and the
 * norm; the norms' parameters are trained too. Verified against the authors' code (google-research/adapter-bert, `modeling.py` and
 * `optimization.py`): the adapter follows dropout, σ is GELU in its tanh form, biases start at 0 and do not decay, norms are trained,
 * that of the embeddings included, which stays frozen here.
 *
 * Section 3.6 draws weights with a deviation of 10⁻², cut off at two deviations; the code's default is 10⁻³. The
 * configuration `double_seq_bn` of the library `adapters` has σ = swish, N(0, 0.02²) and frozen norms.
 *
 * @module
 */
import * as z from "zod";
import { bottleneckAdapter, summedParts } from "./bottleneck.ts";
import { nonlinearities } from "./nonlinearity.ts";
import { defineMethod } from "./method.ts";

const options = z.strictObject({
  nonlinearity: z.enum(nonlinearities).default("gelu").describe(
    "Between the projections; gelu_tanh in the authors' code, swish in the library adapters",
  ),
  initialDeviation: z.number().positive().default(1e-2).describe(
    "Standard deviation of the truncated normal that both projections start from; 1e-3 in the authors' code",
  ),
  layerNorms: z.enum(["trained", "frozen"]).default("trained").describe(
    "Whether the norm after each adapter is trained and counted; frozen in the library adapters",
  ),
});

/** Houlsby's adapters at a fixed width. */
export const houlsby = defineMethod({
  name: "houlsby",
  title: "Houlsby adapter",
  source: "arXiv 1902.00751",
  version: 1,
  options,
  budget: { moduleParts: () => summedParts },
  bind: ({ nonlinearity, initialDeviation, layerNorms }) => ({
    adapter: bottleneckAdapter({
      place: "output",
      nonlinearity,
      initial: { type: "truncated_normal", deviation: initialDeviation },
      trainsNorms: layerNorms === "trained",
    }),
  }),
});
