/**
 * XGBLoRA: fine-tuning as gradient boosting. Each round adds updates of rank one to randomly chosen layers, trains them
 * briefly, merges them and starts anew.
 *
 * arXiv 2410.19694, read through reviews and a third-party re-implementation; no code of the authors was read. A round chooses
 * L_s of the L layers without replacement, trains A (random) and B (zero) of their modules for κ steps on
 * loss(W + (α/r) BA) + λ(‖A‖² + ‖B‖²), then W ← W + (α/r) BA (the step α_t is 1). One schedule of the learning rate runs over
 * all rounds. κ, λ, rates and the exact norm terms are not verified.
 *
 * A budget is a cap on the numbers that a round trains: rank r stands for r slots a module on average, so that boosters of rank
 * one in L_s = r·L layers spend what LoRA of rank r does, and more than rank 1 leaves something unspent unless `rank` is raised.
 *
 * @module
 */
import * as z from "zod";
import type { RandomStream } from "../base/random.ts";
import { add, sumOfSquares } from "../graph/mod.ts";
import { countsOfPlan } from "../study/budget/range.ts";
import { total } from "../study/budget/costs.ts";
import type { Budget } from "../study/budget/budget.ts";
import type { ModuleShape, RankPlan } from "../study/types.ts";
import { foldedCosts } from "./adapter.ts";
import {
  type BlockRanks,
  blocksOfLength,
  type BlockStarts,
  chainPolicy,
  checkBlocks,
  type ChooseRanks,
  leastBlockSteps,
} from "./chain.ts";
import { loraForm } from "./lora_form.ts";
import { defineMethod } from "./method.ts";
import { rateOptions } from "./options.ts";

const options = z.strictObject({
  rank: z.int().positive().default(1).describe("Rank of a booster (r)"),
  layers: z.int().positive().nullable().default(null).describe(
    "Layers chosen in each round (L_s); null for as many as the budget pays for",
  ),
  // Not verified: a twentieth of the run within 8 to 100 steps is ranklab's choice.
  kappa: z.int().positive().nullable().default(null).describe(
    "Steps of a round (kappa); null for a twentieth of all steps, but at least 8 and at most 100",
  ),
  lambda: z.number().nonnegative().default(0).describe(
    "Weight of the squared norms of A and B in the loss (lambda)",
  ),
  alpha: z.number().positive().default(16).describe("Numerator of the scale alpha/r"),
  ...rateOptions,
});

type Options = z.output<typeof options>;

function kappaOf({ kappa }: Options, totalSteps: number): number {
  return kappa ?? Math.min(100, Math.max(leastBlockSteps, Math.round(totalSteps / 20)));
}

function startsOf(chosen: Options): BlockStarts {
  return (totalSteps) => blocksOfLength(kappaOf(chosen, totalSteps))(totalSteps);
}

/** The layer of a module's name, `layer.3` of `layer.3.query`. */
function layerOf(module: string): string {
  return module.slice(0, module.lastIndexOf("."));
}

/** As many whole layers as the total pays for, chosen at random without replacement. */
export const randomLayers: ChooseRanks = ({ room, total: cap }, stream: RandomStream) => {
  const layers = [...Map.groupBy(Object.entries(room), ([name]) => layerOf(name)).values()];
  const chosen: [string, number][] = [];
  for (const i of stream.permutation(layers.length)) {
    const own = layers[i]!;
    if (total([...chosen, ...own].map(([, rank]) => rank)) > cap) break;
    chosen.push(...own);
  }
  // In model order, whatever the order of the draw.
  const names = new Set(chosen.map(([name]) => name));
  return Object.fromEntries(Object.entries(room).filter(([name]) => names.has(name))) as BlockRanks;
};

/** The plan of a round: room for a booster in every module, and ranks and numbers of the layers that a round chooses. */
function planOf(
  { rank, layers }: Options,
  modules: readonly ModuleShape[],
  budget: Budget,
): RankPlan {
  if (modules.length === 0) {
    throw new RangeError(
      'Cannot give ranks to "xgblora": no module is adapted, at least one is wanted in adapter.modules',
    );
  }
  const costs = modules.map(foldedCosts.perRank);
  const requested = budget.type === "rank" ? Math.round(budget.value * total(costs)) : budget.value;
  const all = [...Map.groupBy(modules, ({ layer }) => layer).values()];
  const [layer] = all as [ModuleShape[]];
  const layerCost = rank * total(layer.map(foldedCosts.perRank));
  const affordable = Math.floor(requested / layerCost);
  const least = layers ?? 1;
  if (affordable < least) {
    throw new RangeError(
      `Cannot give "xgblora" boosters of rank ${rank} in ${least} of ${all.length} layers with a budget of ${
        budget.type === "rank" ? `rank ${budget.value}` : `${budget.value} parameters`
      }: at least rank ${least * rank / all.length} or ${
        least * layerCost
      } parameters are wanted; ` +
        `raise the budget${layers === null ? "" : ", or lower layers"}${
          rank === 1 ? "" : ", or lower rank"
        }`,
    );
  }
  const chosen = Math.min(layers ?? affordable, all.length);
  const parameters = chosen * layerCost;
  return {
    initial: modules.map(() => rank),
    finalTotal: chosen * layer.length * rank,
    requested,
    initialParameters: parameters,
    peakParameters: parameters,
    finalParameters: parameters,
  };
}

/** XGBLoRA. */
export const xgblora = defineMethod({
  name: "xgblora",
  title: "XGBLoRA",
  source: "arXiv 2410.19694",
  version: 1,
  options,
  budget: {
    plan: planOf,
    // Layers are alike, so that it does not matter which a round chooses.
    counts: (_, facts) => countsOfPlan(facts),
  },
  check: (chosen, { totalSteps, modules }) => {
    const layers = new Set(modules.map(({ layer }) => layer)).size;
    if (chosen.layers !== null && chosen.layers > layers) {
      throw new RangeError(
        `Cannot choose ${chosen.layers} layers in each round of "xgblora": the model has ${layers}, at most as many are ` +
          "wanted; lower layers",
      );
    }
    const kappa = kappaOf(chosen, totalSteps);
    checkBlocks({
      method: "xgblora",
      starts: startsOf(chosen),
      steps: kappa,
      option: `kappa ${kappa}`,
      advice: chosen.kappa === null
        ? "train longer"
        : `set kappa from ${leastBlockSteps} to the run's steps`,
    }, totalSteps);
  },
  bind: (chosen) => ({
    adapter: {
      ...loraForm(chosen),
      scale: () => chosen.alpha / chosen.rank,
      step: {
        regulariser: chosen.lambda === 0 ? null : {
          weight: chosen.lambda,
          build: (groups) =>
            groups.map(({ rows }) => sumOfSquares(rows)).reduce((sum, own) => add(sum, own)),
        },
      },
      policy: { rule: chainPolicy(startsOf(chosen), randomLayers), kind: "merge" },
    },
  }),
});
