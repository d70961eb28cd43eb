/**
 * RAC-LoRA: a chain of blocks in which one factor is random and frozen and the other trained; each block is merged into the
 * weights before the next is drawn.
 *
 * Malinovsky et al., arXiv 2410.08305, read through reviews; no code of the authors was read. A block draws B_S (or A_S) and
 * trains the other factor from zero; then W ← W + (α/r) B_S A. With one plain gradient step a block this is
 * W − η (α/r)² B_S B_Sᵀ ∇f(W). The random factor is drawn as LoRA draws A, so that LoRA's α and learning rate carry over; the
 * optimiser forgets the adapter with each block, and the head goes on. The schedule of the learning rate runs over all
 * blocks, and the trained factor warms up anew in each (lengths and rates: not verified against the authors' code).
 *
 * @module
 */
import * as z from "zod";
import { mul } from "../graph/mod.ts";
import { countsOfPlan } from "../study/budget/range.ts";
import type { AdapterPart } from "./adapter.ts";
import {
  blocksOfLength,
  type BlockStarts,
  chainPolicy,
  checkBlocks,
  evenBlocks,
  leastBlockSteps,
  rewarmed,
} from "./chain.ts";
import { defineMethod } from "./method.ts";
import { scaleBy } from "./options.ts";

const options = z.strictObject({
  frozenSide: z.enum(["A", "B"]).default("A").describe(
    "The factor that is random and frozen: A, on the side of the input, or B",
  ),
  blocks: z.int().positive().default(10).describe("Blocks of the run, as even as they go"),
  blockSteps: z.int().positive().nullable().default(null).describe(
    "Steps of a block, the last of which may be shorter; null for what blocks says",
  ),
  // Not verified against the authors' code.
  rewarmup: z.number().nonnegative().default(0.1).describe(
    "Steps over which the trained factor's learning rate rises again in each block but the first: a share of the block below 1, " +
      "else steps",
  ),
  alpha: z.number().positive().default(16).describe("Numerator of the scale"),
  scaling: z.enum(["alpha/r", "alpha/sqrt(r)", "alpha"]).default("alpha/r").describe(
    "How the scale falls with the rank; alpha/sqrt(r) is rsLoRA's, alpha is the same at every rank",
  ),
});

function startsOf({ blocks, blockSteps }: z.output<typeof options>): BlockStarts {
  return blockSteps === null ? evenBlocks(blocks) : blocksOfLength(blockSteps);
}

/** A factor as LoRA draws A where it is frozen, else from zero. */
function factor(name: "A" | "B", isFrozen: boolean): AdapterPart {
  const rowLength: AdapterPart["rowLength"] = ({ inSize, outSize }) =>
    name === "A" ? inSize : outSize;
  return {
    name,
    rowLength,
    initial: (module) =>
      isFrozen
        ? { type: "uniform", bound: 1 / Math.sqrt(rowLength(module)) }
        : { type: "constant", value: 0 },
    isTrained: !isFrozen,
  };
}

/** RAC-LoRA. */
export const raclora = defineMethod({
  name: "raclora",
  title: "RAC-LoRA",
  source: "arXiv 2410.08305",
  version: 1,
  options,
  // Each block has the ranks of the first.
  budget: { counts: (_, facts) => countsOfPlan(facts) },
  check: (chosen, { totalSteps }) => {
    const { blocks, blockSteps } = chosen;
    checkBlocks({
      method: "raclora",
      starts: startsOf(chosen),
      steps: blockSteps,
      option: blockSteps === null ? `blocks ${blocks}` : `blockSteps ${blockSteps}`,
      advice: blockSteps === null
        ? "lower blocks or train longer"
        : `set blockSteps from ${leastBlockSteps} to the run's steps`,
    }, totalSteps);
    // Throws where the re-warm-up is no number of steps.
    rewarmed(startsOf(chosen), chosen.rewarmup)({ step: 0, totalSteps });
  },
  bind: (chosen) => {
    const { frozenSide, rewarmup, alpha, scaling } = chosen;
    const starts = startsOf(chosen);
    return {
      adapter: {
        parts: [factor("A", frozenSide === "A"), factor("B", frozenSide === "B")],
        prepare: ({ A, B }, scale) => ({ A: mul(A!, scale), B: B! }),
        scale: scaleBy({ alpha, scaling }),
        policy: {
          rule: chainPolicy(starts, ({ room }) => room),
          kind: "merge",
        },
        step: rewarmup === 0 ? {} : { rateFactor: rewarmed(starts, rewarmup) },
      },
    };
  },
});
