/**
 * BeamLoRA: the ranks of a LoRA as beams, of which a learned score tells strong from weak; strong ones expand into the places of
 * weak ones.
 *
 * Gu et al., arXiv 2502.13604: ΔW = (α/r) · B diag(r · softmax(g/τ)) A, with one logit g a rank that starts at 0, so
 * that all weights are 1 and the start is LoRA's. Which ranks are overwritten is decided in `beamlora_policy.ts`. Defaults are those
 * of the authors' `ft_scripts/ft_beamlora.sh`, its steps as shares of a run; α is ranklab's usual one (theirs is 2r). Logits are
 * kept out of weight decay, which would pull the weights together (theirs is 0).
 *
 * r is the module's own rank in the weights and the average initial rank in the scale, as everywhere.
 *
 * @module
 */
import * as z from "zod";
import { mul, reshape, softmax, type Tensor } from "../graph/mod.ts";
import type { RunFacts } from "../study/types.ts";
import { beamloraPolicy, checkBeamloraSchedule } from "./beamlora_policy.ts";
import { loraParts } from "./lora.ts";
import { defineMethod } from "./method.ts";
import { rateOptions, scaleBy, scalingOptions, withBRate } from "./shared_options.ts";

const options = z.strictObject({
  alpha: z.number().positive().default(16).describe("Numerator of the scale alpha/r"),
  ...scalingOptions,
  ...rateOptions,
  temperature: z.number().positive().default(0.05).describe(
    "tau of the softmax; the authors take 0.03 for learning rates below 1e-4",
  ),
  useBeamloraStep: z.number().positive().default(0.08).describe(
    "Steps between two events (T): a share below 1, else steps; rows are cached half way",
  ),
  cumsumThreshold: z.number().gt(0).lt(1).default(0.95).describe(
    "Share of the scores' sum that stays at the start (p); it rises to 1 by a cosine",
  ),
  resetEndStep: z.number().positive().default(0.67).describe(
    "Step from which nothing is overwritten (t_end): a share below 1, else steps",
  ),
  moments: z.enum(["assigned", "upstream"]).default("assigned").describe(
    "assigned gives copies the cached moments of their sources; upstream keeps those of what was overwritten, and clears those of all gates",
  ),
});

/** r · softmax(g/τ) over the slots of each module, `[modules, slots, 1]`. */
export function beamWeights(g: Tensor, temperature: number): Tensor {
  const [modules, slots] = g.shape as readonly [number, number, number];
  const weights = softmax(mul(reshape(g, [modules, slots]), 1 / temperature));
  return reshape(mul(weights, slots), [modules, slots, 1]);
}

function checkRanks({ plan, modules }: RunFacts): void {
  const lone = plan?.initial.findIndex((rank) => rank === 1) ?? -1;
  if (lone === -1) return;
  throw new RangeError(
    `Cannot run BeamLoRA with rank 1 in "${
      modules[lone]?.name
    }": a rank is overwritten by another of its module; ` +
      `want at least 2 in every adapted module, for instance a rank budget of 2 or more`,
  );
}

/** BeamLoRA. */
export const beamlora = defineMethod({
  name: "beamlora",
  title: "BeamLoRA",
  source: "arXiv 2502.13604",
  version: 1,
  options,
  check: (chosen, facts) => {
    checkRanks(facts);
    checkBeamloraSchedule(chosen, facts.totalSteps);
  },
  bind: (chosen) => ({
    adapter: {
      parts: [
        ...withBRate(loraParts, chosen.bRate),
        {
          name: "g",
          rowLength: () => 1,
          initial: () => ({ type: "constant", value: 0 }),
          decay: false,
        },
      ],
      prepare: ({ A, B, g }, scale) => ({
        A: mul(A!, mul(beamWeights(g!, chosen.temperature), scale)),
        B: B!,
      }),
      scale: scaleBy(chosen),
      policy: {
        rule: beamloraPolicy(chosen),
        kind: "edit",
      },
    },
  }),
});
