/**
 * Pfeiffer's adapters: one bottleneck a layer, after the norm of its feed-forward part.
 *
 * Pfeiffer et al., arXiv 2005.00052, section 4.1 (the form found by the search of arXiv 2005.00247): up(ReLU(down(h))) + r, where r is the
 * feed-forward output and h the state after the residual sum and the norm. The sum with what goes around the part and the same norm
 * follow once more: norm(x + r + up(ReLU(down(norm(x + r))))). Verified against the library of the same authors, `adapters` 1.3.0
 * (`seq_bn`: original_ln_before, original_ln_after and residual_before_ln), by numbers; weights start as its `init_weights` "bert",
 * N(0, 0.02²), biases at 0, and norms stay frozen.
 *
 * @module
 */
import * as z from "zod";
import { bottleneckAdapter } from "./bottleneck.ts";
import { nonlinearities } from "./nonlinearity.ts";
import { defineMethod } from "./method.ts";

const options = z.strictObject({
  nonlinearity: z.enum(nonlinearities).default("relu").describe("Between the projections"),
  initialDeviation: z.number().positive().default(0.02).describe(
    "Standard deviation of the normal that both projections start from",
  ),
});

/** Pfeiffer's adapters at a fixed width. */
export const pfeiffer = defineMethod({
  name: "pfeiffer",
  title: "Pfeiffer adapter",
  source: "arXiv 2005.00247; arXiv 2005.00052",
  version: 1,
  options,
  budget: { moduleParts: () => ["output"] },
  bind: ({ nonlinearity, initialDeviation }) => ({
    adapter: bottleneckAdapter({
      place: "norm",
      nonlinearity,
      initial: { type: "normal", deviation: initialDeviation },
      trainsNorms: false,
    }),
  }),
});
