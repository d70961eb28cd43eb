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
import { total } from "../study/budget/costs.ts";
import { countsOfMoves } from "../study/budget/range.ts";
import type { CountFacts, PlannedCounts, RunFacts } from "../study/types.ts";
import { type Allocation, compose, countsWithin, type Form } from "./allocation.ts";
import {
  checkElaloraSchedule,
  type ElaloraPolicyOptions,
  mostMoved,
  movesByScore,
  movesPolicy,
  randomMoves,
  resolveMoves,
} from "./elalora_policy.ts";
import { stepsOption } from "./options.ts";
import { checkRoomToGrow, limitsOf } from "./policy_tools.ts";
import { scored, type ScoreOptions } from "./slot_scores.ts";
import { svdForm, svdOptions } from "./svd_form.ts";

/** A whole number from `least`, or a share between 0 and 1. */
function countOrShare(least: number) {
  return z.number().min(0).refine(
    (value) => Number.isInteger(value) ? value >= least : value < 1,
    { error: `want a whole number from ${least}, or a share between 0 and 1` },
  );
}

/** The schedule of moves, and which ranks they choose, as options. */
export const moveOptions = {
  initWarmup: stepsOption.default(0.1).describe(
    "Steps before the first move: a share below 1, else steps",
  ),
  finalWarmup: stepsOption.default(0.3).describe(
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

/** Values of {@linkcode moveOptions} and a score, with the switches of ElaLoRA's own file; by default none of them is upstream's. */
export interface MoveOptions extends z.output<z.ZodObject<typeof moveOptions>>, ScoreOptions {
  readonly ties?: "exact" | "upstream";
  readonly poolOverlap?: "cut" | "upstream";
  readonly optimizer?: "resize" | "upstream-reset";
  /** What messages call the method. */
  readonly title: string;
}

function policyOptions(chosen: MoveOptions): ElaloraPolicyOptions {
  const { initWarmup, finalWarmup, decay, ties = "exact", maxRank, floor } = chosen;
  return {
    movedRanks: chosen.b,
    perModule: chosen.k,
    initWarmup,
    finalWarmup,
    interval: chosen.maskInterval,
    decay,
    ties,
    poolOverlap: chosen.poolOverlap === "upstream" ? "allow" : "cut",
    maxRank,
    floor,
    resetOptimizer: chosen.optimizer === "upstream-reset",
  };
}

/** Slots to make room for in a module from which up to `k` leave at an event, or a share of them. */
function capacityFor(rank: number, k: number): number {
  const offered = k < 1 ? Math.ceil(k * rank) : k;
  return rank + Math.max(2 * offered, Math.ceil(rank / 2));
}

function moveCounts(given: ElaloraPolicyOptions, facts: CountFacts): PlannedCounts {
  const { modules, plan: { initial }, totalSteps } = facts;
  const options = resolveMoves(given, initial.filter((rank) => rank > 0), totalSteps);
  const moved = mostMoved(options, totalSteps);
  const isExact = options.ties === "exact";
  const limits = limitsOf({ modules });
  return countsOfMoves(facts, {
    // A module's last rank stays; upstream's ties know no bound, and drop more than they grow where scores are equal.
    modules: initial.map((rank, i) => {
      if (rank === 0) return { least: 0, most: 0 };
      const limit = Math.max(rank, Math.min(options.maxRank ?? Infinity, limits[i]!));
      return { least: 1, most: isExact ? Math.min(limit, rank + moved) : rank + moved };
    }),
    total: { least: isExact ? total(initial) : 0, most: total(initial) },
    moved: isExact ? moved : Infinity,
  });
}

function checkMoves(
  title: string,
  given: ElaloraPolicyOptions,
  { totalSteps, modules, plan }: RunFacts,
): void {
  const options = resolveMoves(given, plan?.initial.filter((rank) => rank > 0) ?? [], totalSteps);
  checkElaloraSchedule(options, totalSteps);
  // The authors' code knows no bound.
  if (options.movedRanks === 0 || options.ties === "upstream" || plan === null) return;
  checkRoomToGrow(title, modules, plan.initial, options.maxRank);
}

/** Moves on ElaLoRA's schedule, by any score or drawn. */
export function moves(chosen: MoveOptions, form: Form): Allocation {
  const options = policyOptions(chosen);
  const rule = movesPolicy(options, chosen.score === "random" ? randomMoves : movesByScore);
  return {
    policy: {
      ...scored(chosen, rule, form),
      kind: "move",
      ...(form.growth === undefined ? {} : { growth: form.growth }),
      capacity: (rank) => capacityFor(rank, chosen.k),
    },
    // The authors' ties know no bound.
    keepsCap: options.ties === "exact",
    meanFactor: () => 1,
    counts: (facts) => countsWithin(facts, 1, () => moveCounts(options, facts)),
    check: (facts) => checkMoves(chosen.title, options, facts),
  };
}

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

/** ElaLoRA. */
export const elalora = compose({
  name: "elalora",
  title: "ElaLoRA",
  source: "arXiv 2504.00254",
  version: 2,
  options,
  writeOut: writeOutUpstream,
  form: (chosen) => ({
    ...svdForm(chosen),
    growth: { A: chosen.directions, E: "scale", B: chosen.directions },
  }),
  allocation: (chosen, form) => moves({ ...chosen, score: "importance", title: "ElaLoRA" }, form),
});
