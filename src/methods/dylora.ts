/**
 * DyLoRA: one LoRA whose first b ranks work alone, for every b, so that it can be cut to a smaller rank after training.
 *
 * Valipour et al., arXiv 2210.07558: each step draws one b for all modules, uniformly from r_min to r_max (the budget's rank),
 * and trains with the first b rows of A and columns of B; in the frozen variant only the b-th of them receive a gradient.
 * Draws, scaling and variants were read in a copy of the authors' code (`loralib/DyLoRA.py`, `loralib/layers.py`, `run_glue.py`),
 * whose original was not at hand. There A and B each carry √(r/b), in training and in evaluation, so that the factor is
 * α/r · r/b = α/b, and `run_glue.py` draws with `frozen=True`. As there, a frozen row still moves by what its moments hold.
 * Where ranks differ between modules, b is cut to a module's rank, and r and b are averages over the modules.
 *
 * @module
 */
import * as z from "zod";
import {
  add,
  constant,
  max,
  min,
  mul,
  scalar,
  stopGradient,
  sub,
  type Tensor,
} from "../graph/mod.ts";
import { total } from "../study/budget/costs.ts";
import { fedNumber, type LowRankUpdate, type Pass, type StepContext } from "./adapter.ts";
import { loraParts, loraPrepare } from "./lora_form.ts";
import { defineMethod } from "./method.ts";
import { rateOptions, withBRate } from "./options.ts";

const options = z.strictObject({
  alpha: z.number().positive().default(16).describe("Numerator of the scale"),
  rMin: z.int().min(1).default(1).describe("The smallest rank that is drawn (r_min)"),
  frozen: z.boolean().default(false).describe(
    "Whether only the last of the drawn ranks is trained; upstream's script does so",
  ),
  scaling: z.enum(["alpha/b", "alpha/r", "alpha"]).default("alpha/b").describe(
    "Whether the scale is that of the drawn rank, as upstream, of the whole, or alpha whatever the rank",
  ),
  ...rateOptions,
});

type Options = z.output<typeof options>;

/** The factor on the scale when each module keeps at most `b` ranks: r/b on average. */
export function truncationGain(
  { scaling }: Pick<Options, "scaling">,
  b: number,
  ranks: readonly number[],
): number {
  if (scaling !== "alpha/b") return 1;
  return total(ranks) / total(ranks.map((rank) => Math.min(b, rank)));
}

/** 1 for the first `b` of so many slots, else 0: `[1, slots, 1]`. */
function firstSlots(slots: number, b: Tensor): Tensor {
  const data = Float32Array.from({ length: slots }, (_, slot) => slot);
  const index = constant({ type: "f32", shape: [1, slots, 1], data }, "slots");
  return min(max(sub(b, index), 0), 1);
}

/** The same numbers, of which only those receive a gradient where `last` is 1. */
function trainedWhere(last: Tensor, rows: Tensor): Tensor {
  return add(mul(stopGradient(rows), sub(scalar(1), last)), mul(rows, last));
}

/** The update of a step: with A's other rows zero, B's receive no gradient either. */
function drawnUpdate(
  { A, B }: Readonly<Record<string, Tensor>>,
  scale: number,
  pass: Pass,
  frozen: boolean,
): LowRankUpdate {
  const slots = A!.shape[1] as number;
  const b = min(pass.fed("b", []), slots);
  const first = firstSlots(slots, b);
  const factor = mul(first, mul(pass.fed("gain", []), scale));
  if (!frozen) return { A: mul(A!, factor), B: B! };
  const last = sub(first, firstSlots(slots, sub(b, 1)));
  return { A: mul(trainedWhere(last, A!), factor), B: trainedWhere(last, B!) };
}

/** The rank that a step draws. */
export function drawnRank(
  { rMin }: Pick<Options, "rMin">,
  { stream, ranks }: Pick<StepContext, "stream" | "ranks">,
): number {
  const most = Math.max(...ranks);
  return rMin + stream.int(most - rMin + 1);
}

/** DyLoRA, trained for every rank up to the budget's. */
export const dylora = defineMethod({
  name: "dylora",
  title: "DyLoRA",
  source: "arXiv 2210.07558",
  version: 1,
  options,
  check: ({ rMin }, { plan }) => {
    const most = Math.max(...plan?.initial ?? [Infinity]);
    if (rMin <= most) return;
    throw new RangeError(
      `Cannot draw a rank: found "rMin" of ${rMin} with ranks of at most ${most}, ` +
        `want at most that; lower it or raise the budget`,
    );
  },
  bind: (chosen) => ({
    adapter: {
      parts: withBRate(loraParts, chosen.bRate),
      prepare: (parts, scale, pass) =>
        pass.mode === "evaluation"
          ? loraPrepare(parts, scale)
          : drawnUpdate(parts, scale, pass, chosen.frozen),
      scale: (rank) => chosen.scaling === "alpha" ? chosen.alpha : chosen.alpha / rank,
      step: {
        feeds: (at) => {
          const b = drawnRank(chosen, at);
          return { b: fedNumber(b), gain: fedNumber(truncationGain(chosen, b, at.ranks)) };
        },
      },
      storage: { truncation: (b, ranks) => truncationGain(chosen, b, ranks) },
    },
  }),
});
