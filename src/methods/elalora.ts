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
  mostMoved,
  type MoveOptions,
  moveOptions,
  movesByScore,
  movesPolicy,
  numbersOf,
  randomMoves,
} from "./elalora_policy.ts";
import { checkRoomToGrow, limitsOf } from "./ranked_slots.ts";
import { scored, type ScoreOptions } from "./slot_scores.ts";
import { svdForm, svdOptions } from "./svd_form.ts";

/** Slots to make room for in a module from which up to `k` leave at an event, or a share of them. */
function capacityFor(rank: number, k: number): number {
  const offered = k < 1 ? Math.ceil(k * rank) : k;
  return rank + Math.max(2 * offered, Math.ceil(rank / 2));
}

function moveCounts(chosen: MoveOptions, facts: CountFacts): PlannedCounts {
  const { modules, plan: { initial }, totalSteps } = facts;
  const numbers = numbersOf(chosen, initial.filter((rank) => rank > 0), totalSteps);
  const moved = mostMoved({ ...chosen, ...numbers }, totalSteps);
  const isExact = chosen.ties === "exact";
  const limits = limitsOf({ modules });
  return countsOfMoves(facts, {
    // A module's last rank stays; upstream's ties know no bound, and drop more than they grow where scores are equal.
    modules: initial.map((rank, i) => {
      if (rank === 0) return { least: 0, most: 0 };
      const limit = Math.max(rank, Math.min(chosen.maxRank ?? Infinity, limits[i]!));
      return { least: 1, most: isExact ? Math.min(limit, rank + moved) : rank + moved };
    }),
    total: { least: isExact ? total(initial) : 0, most: total(initial) },
    moved: isExact ? moved : Infinity,
  });
}

function checkMoves(
  title: string,
  chosen: MoveOptions,
  { totalSteps, modules, plan }: RunFacts,
): void {
  const ranks = plan?.initial.filter((rank) => rank > 0) ?? [];
  checkElaloraSchedule({ ...chosen, ...numbersOf(chosen, ranks, totalSteps) }, totalSteps);
  // The authors' code knows no bound.
  if (chosen.b === 0 || chosen.ties === "upstream" || plan === null) return;
  checkRoomToGrow(title, modules, plan.initial, chosen.maxRank);
}

/**
 * Moves on ElaLoRA's schedule, by any score or drawn.
 *
 * @param title What messages call the method.
 */
export function moves(title: string, chosen: MoveOptions & ScoreOptions, form: Form): Allocation {
  const rule = movesPolicy(chosen, chosen.score === "random" ? randomMoves : movesByScore);
  return {
    policy: {
      ...scored(chosen, rule, form),
      kind: "move",
      ...(form.growth === undefined ? {} : { growth: form.growth }),
      capacity: (rank) => capacityFor(rank, chosen.k),
    },
    // The authors' ties know no bound.
    keepsCap: chosen.ties === "exact",
    meanFactor: () => 1,
    counts: (facts) => countsWithin(facts, 1, () => moveCounts(chosen, facts)),
    check: (facts) => checkMoves(title, chosen, facts),
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
  allocation: (chosen, form) => moves("ElaLoRA", { ...chosen, score: "importance" }, form),
});
