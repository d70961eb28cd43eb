/**
 * Chains: training in blocks, each of which is merged into the weights before the next is drawn.
 *
 * Where blocks begin, which modules carry slots in a block, and how the learning rate of the adapter starts over. The head and
 * the schedule of the learning rate know nothing of blocks. What stands in the last block stays an adapter: stored and
 * evaluated it is the same as merged.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import { moduleNamesOf } from "./ranked_slots.ts";
import { resolveSteps } from "./schedule.ts";
import type { RankPolicy } from "./rank_policy.ts";

/**
 * Fewest steps of a block: the trained factor starts at zero and Adam's first steps have the full size of the rate whatever the
 * gradient, so that shorter blocks add little but noise (a rule of thumb, not of the papers).
 */
export const leastBlockSteps = 8;

/** The steps, from 0, before which the blocks of a run begin; the first is 0. */
export type BlockStarts = (totalSteps: number) => readonly number[];

/**
 * A number of blocks, as even as they go.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { evenBlocks } from "./chain.ts";
 * assertEquals(evenBlocks(3)(11), [0, 3, 7]);
 * ```
 */
export function evenBlocks(count: number): BlockStarts {
  return (totalSteps) =>
    Array.from({ length: count }, (_, i) => Math.floor(i * totalSteps / count));
}

/**
 * Blocks of a number of steps; the last one ends with the run.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { blocksOfLength } from "./chain.ts";
 * assertEquals(blocksOfLength(4)(11), [0, 4, 8]);
 * ```
 */
export function blocksOfLength(steps: number): BlockStarts {
  return (totalSteps) => Array.from({ length: Math.ceil(totalSteps / steps) }, (_, i) => i * steps);
}

/** The block of a step: how many of its steps are done before it, how many it has, and which it is. */
function blockOfStep(starts: readonly number[], step: number, totalSteps: number) {
  const index = starts.findLastIndex((start) => start <= step);
  const start = starts[index]!;
  return { index, done: step - start, steps: (starts[index + 1] ?? totalSteps) - start };
}

/**
 * The factor of the adapter's learning rate: step i (from 0) of a re-warm-up of n steps has (i + 1)/(n + 1).
 *
 * The rate is scaled and not the gradient, which Adam would scale back. The first block has the run's own warm-up.
 *
 * @param rewarmup A share of the block below 1, else a number of steps; 0 for none.
 */
export function rewarmed(
  starts: BlockStarts,
  rewarmup: number,
): (at: { readonly step: number; readonly totalSteps: number }) => number {
  return ({ step, totalSteps }) => {
    const { index, done, steps } = blockOfStep(starts(totalSteps), step, totalSteps);
    const length = resolveSteps(rewarmup, steps, "rewarmup");
    return index === 0 || done >= length ? 1 : (done + 1) / (length + 1);
  };
}

/** Ranks by module. */
export type BlockRanks = Readonly<Record<string, number>>;

/** What a chain keeps from block to block. */
interface ChainState {
  readonly starts: readonly number[];
  /** The rank that each module may have. */
  readonly room: BlockRanks;
  /** Total rank that a block may have. */
  readonly total: number;
}

/** The ranks of the next block. */
export type ChooseRanks = (
  state: Pick<ChainState, "room" | "total">,
  stream: RandomStream,
) => BlockRanks;

/** The policy of a chain. */
export function chainPolicy(starts: BlockStarts, choose: ChooseRanks): RankPolicy<ChainState> {
  return {
    start: (context) => {
      const modules = moduleNamesOf(context);
      const { ranks, finalTotal, totalSteps } = context;
      return {
        starts: starts(totalSteps),
        room: Object.fromEntries(modules.map((name, i) => [name, ranks[i]!])),
        total: finalTotal,
      };
    },
    opening: choose,
    isDue: ({ starts }, step) => starts.includes(step + 1),
    decide: (state, _step, _scores, { stream, isEvaluated }) => {
      const ranks = choose(state, stream);
      // What is kept had better not hold the next block, which is not trained yet.
      const first = isEvaluated ? [{ type: "evaluate" } as const] : [];
      return { decision: { actions: [...first, { type: "merge", ranks }] }, state };
    },
  };
}

/** What a method says of its blocks. */
interface AskedBlocks {
  readonly method: string;
  readonly starts: BlockStarts;
  /** Steps of a block where they are given, else null. */
  readonly steps: number | null;
  /** The option that decides, with its value. */
  readonly option: string;
  readonly advice: string;
}

/**
 * Checks the blocks of a run.
 *
 * @throws {RangeError} If not even one is whole, or they have too few steps.
 */
export function checkBlocks(
  { method, starts, steps, option, advice }: AskedBlocks,
  totalSteps: number,
): void {
  if (steps !== null && steps > totalSteps) {
    throw new RangeError(
      `Cannot train "${method}" in blocks of ${steps} steps (${option}): the run has ${totalSteps}, room for one block ` +
        `is wanted; ${advice}`,
    );
  }
  const first = starts(totalSteps)[1] ?? totalSteps;
  if (first >= leastBlockSteps) return;
  throw new RangeError(
    `Cannot train "${method}" in blocks of ${first} steps (${option}, ${totalSteps} steps in all): at least ` +
      `${leastBlockSteps} steps a block are wanted, since each starts from zero; ${advice}`,
  );
}
