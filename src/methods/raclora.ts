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
import { countsOfPlan } from "../study/budget/range.ts";
import {
  blocksOfLength,
  type BlockStarts,
  chainPolicy,
  checkBlocks,
  evenBlocks,
  leastBlockSteps,
  rewarmed,
} from "./chain.ts";
import { constantPart, drawnFactor, loraForm, loraOptions, loraParts } from "./lora_form.ts";
import { defineMethod } from "./method.ts";

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
  ...loraOptions,
});

function startsOf({ blocks, blockSteps }: z.output<typeof options>): BlockStarts {
  return blockSteps === null ? evenBlocks(blocks) : blocksOfLength(blockSteps);
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
    const { frozenSide, rewarmup } = chosen;
    const starts = startsOf(chosen);
    return {
      adapter: {
        ...loraForm(chosen),
        // The frozen factor is drawn as LoRA draws A, the other starts from zero.
        parts: loraParts.map((part) =>
          part.name === frozenSide
            ? drawnFactor(frozenSide, { isTrained: false })
            : constantPart(part.name, { rowLength: part.rowLength })
        ),
        policy: {
          rule: chainPolicy(starts, ({ room }) => room),
          kind: "merge",
        },
        step: rewarmup === 0 ? {} : { rateFactor: rewarmed(starts, rewarmup) },
      },
    };
  },
});
