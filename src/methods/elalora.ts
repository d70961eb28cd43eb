/**
 * ElaLoRA: a fixed total rank, of which single ranks move from modules where they matter least to modules whose weakest
 * ranks still matter.
 *
 * Chang et al., arXiv 2504.00254, and the authors' `loralib/loralib/elalora.py`. The adapter and its regulariser are AdaLoRA's
 * (`svd_form.ts`); which ranks move is decided in `elalora_policy.ts`; new rows come from `directions.ts`. Where the code departs
 * from what it means to do, the sound behaviour is the default here and `upstream` the option.
 *
 * @module
 */
import * as z from "zod";
import { cappedCounts, countsOfMoves } from "../study/budget/range.ts";
import { isCapped } from "../study/budget/budget.ts";
import type { CountFacts, PlannedCounts, RunFacts } from "../study/types.ts";
import {
  checkElaloraSchedule,
  elaloraPolicy,
  type ElaloraPolicyOptions,
  mostMoved,
  resolveMoves,
} from "./elalora_policy.ts";
import { defineMethod } from "./method.ts";
import { checkRoomToGrow } from "./rank_policy.ts";
import { svdAdapter, svdOptions } from "./svd_form.ts";

const steps = z.number().nonnegative();

/** A whole number from `least`, or a share between 0 and 1. */
function countOrShare(least: number) {
  return z.number().min(0).refine(
    (value) => Number.isInteger(value) ? value >= least : value < 1,
    { error: `want a whole number from ${least}, or a share between 0 and 1` },
  );
}

/** The schedule of moves, and which ranks they choose, as options. */
export const moveOptions = {
  initWarmup: steps.default(0.1).describe(
    "Steps before the first move: a share below 1, else steps",
  ),
  finalWarmup: steps.default(0.3).describe(
    "Steps after the last move: a share below 1, else steps",
  ),
  maskInterval: countOrShare(1).default(10).describe(
    "Steps between moves: a share of all steps below 1, else steps",
  ),
  b: countOrShare(0).default(4).describe(
    "Ranks moved at first, over all modules: a share of all ranks below 1, else ranks",
  ),
  k: countOrShare(1).default(2).describe(
    "Weakest ranks that a module offers at most: a share of the average rank below 1, else ranks",
  ),
  decay: z.enum(["cubic", "none"]).default("cubic").describe(
    "How b falls over the adjustment phase",
  ),
  maxRank: z.int().positive().nullable().default(null).describe(
    "Highest rank of a module, or null",
  ),
  // No default: a resolved option would change the ids of all runs that were made before it existed.
  floor: z.enum(["absorbing", "open"]).optional().describe(
    "What becomes of a module of rank 1: absorbing takes no more part (if left out), open may grow again",
  ),
};

const options = z.strictObject({
  ...svdOptions,
  ...moveOptions,
  ties: z.enum(["exact", "upstream"]).default("exact").describe(
    "exact moves as many as are due; upstream drops all at or below the threshold, so the budget may drift",
  ),
  directions: z.enum(["orthonormal", "upstream"]).default("orthonormal").describe(
    "orthonormal makes new rows orthogonal to the old; upstream projects as if the old rows were orthonormal",
  ),
  optimizer: z.enum(["resize", "upstream-reset"]).default("resize").describe(
    "resize keeps the moments of surviving ranks; upstream-reset forgets all moments and pins the learning rate at its peak",
  ),
  poolOverlap: z.enum(["cut", "upstream"]).default("cut").describe(
    "cut moves at most half the pool; upstream lets a rank be both dropped and a reason to grow",
  ),
  upstream: z.boolean().optional().describe(
    "true sets ties, directions, optimizer and poolOverlap as the authors' code has them; false leaves them as they are",
  ),
});

/** The four switches as the authors' code has them. */
const upstreamSwitches = {
  ties: "upstream",
  directions: "upstream",
  optimizer: "upstream-reset",
  poolOverlap: "upstream",
} as const;

/**
 * `upstream: true` as the four switches that it stands for.
 *
 * @throws {RangeError} Where one of them is given otherwise.
 */
function writeOutUpstream(
  { upstream, ...given }: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (upstream !== true) {
    return upstream === undefined || upstream === false ? given : { ...given, upstream };
  }
  for (const [name, value] of Object.entries(upstreamSwitches)) {
    if (!Object.hasOwn(given, name) || given[name] === value) continue;
    throw new RangeError(
      `Cannot set "upstream" of ElaLoRA: found "${name}" of ${
        JSON.stringify(given[name])
      } beside it, want ` +
        `"${value}"; leave one of the two out`,
    );
  }
  return { ...given, ...upstreamSwitches };
}

/** Values of {@linkcode moveOptions}, with the switches of ElaLoRA's own file. */
type MoveOptions = z.output<z.ZodObject<typeof moveOptions>> & {
  readonly ties: "exact" | "upstream";
  readonly poolOverlap: "cut" | "upstream";
  readonly optimizer?: "resize" | "upstream-reset";
};

/** The options of the policy that moves ranks. */
export function elaloraPolicyOptions(chosen: MoveOptions): ElaloraPolicyOptions {
  return {
    movedRanks: chosen.b,
    perModule: chosen.k,
    initWarmup: chosen.initWarmup,
    finalWarmup: chosen.finalWarmup,
    interval: chosen.maskInterval,
    decay: chosen.decay,
    ties: chosen.ties,
    poolOverlap: chosen.poolOverlap === "cut" ? "cut" : "allow",
    maxRank: chosen.maxRank,
    floor: chosen.floor,
    resetOptimizer: chosen.optimizer === "upstream-reset",
  };
}

/** Slots to make room for in a module from which up to `k` leave at an event, or a share of them. */
export function moveCapacity(rank: number, k: number): number {
  const offered = k < 1 ? Math.ceil(k * rank) : k;
  return rank + Math.max(2 * offered, Math.ceil(rank / 2));
}

/** The adapter parameters of a run whose ranks move on ElaLoRA's schedule. */
export function moveCounts(given: ElaloraPolicyOptions, facts: CountFacts): PlannedCounts {
  const { modules, plan: { initial }, totalSteps } = facts;
  const total = initial.reduce((sum, rank) => sum + rank, 0);
  const options = resolveMoves(given, initial.filter((rank) => rank > 0), totalSteps);
  const moved = mostMoved(options, totalSteps);
  const isExact = options.ties === "exact";
  const { budget } = facts;
  if (isCapped(budget)) {
    return cappedCounts(facts, budget.value, 1);
  }
  return countsOfMoves(facts, {
    // A module's last rank stays; upstream's ties know no bound, and drop more than they grow where scores are equal.
    modules: modules.map(({ inSize, outSize }, i) => {
      const rank = initial[i]!;
      if (rank === 0) return { least: 0, most: 0 };
      const limit = Math.max(rank, Math.min(options.maxRank ?? Infinity, inSize, outSize));
      return { least: 1, most: isExact ? Math.min(limit, rank + moved) : rank + moved };
    }),
    total: { least: isExact ? total : 0, most: total },
    moved: isExact ? moved : Infinity,
  });
}

/**
 * Checks that ElaLoRA's schedule has room for an event, and that a module has room for a rank.
 *
 * @param title What messages call the method.
 * @throws {RangeError} Naming the options.
 */
export function checkMoves(
  title: string,
  given: ElaloraPolicyOptions,
  { totalSteps, modules, plan }: Pick<RunFacts, "totalSteps" | "modules" | "plan">,
): void {
  const ranks = plan?.initial.filter((rank) => rank > 0) ?? [];
  const options = resolveMoves(given, ranks, totalSteps);
  checkElaloraSchedule(options, totalSteps);
  // The authors' code knows no bound.
  if (options.movedRanks === 0 || options.ties === "upstream" || plan === null) return;
  checkRoomToGrow(title, modules, plan.initial, options.maxRank);
}

/** ElaLoRA. */
export const elalora = defineMethod({
  name: "elalora",
  title: "ElaLoRA",
  source: "arXiv 2504.00254",
  version: 2,
  options,
  writeOut: writeOutUpstream,
  budget: {
    // The authors' ties know no bound.
    keepsCap: ({ ties }) => ties === "exact",
    meanFactor: () => 1,
    counts: (chosen, facts) => moveCounts(elaloraPolicyOptions(chosen), facts),
  },
  check: (chosen, facts) => checkMoves("ElaLoRA", elaloraPolicyOptions(chosen), facts),
  bind: (chosen) => ({
    adapter: {
      ...svdAdapter(chosen),
      policy: {
        rule: elaloraPolicy(elaloraPolicyOptions(chosen)),
        kind: "move",
        scores: { type: "importance", beta1: chosen.beta1, beta2: chosen.beta2 },
        growth: { A: chosen.directions, E: "scale", B: chosen.directions },
        capacity: (rank) => moveCapacity(rank, chosen.k),
      },
    },
  }),
});
