/** Policies apart from runs: modules, scores and views to decide by, and the steps after which something happens. */
import { RandomStream } from "../../src/base/random.ts";
import type { MoveOptions } from "../../src/methods/elalora_policy.ts";
import { actionsOf, type RankDecision, type SlotScores } from "../../src/methods/rank_actions.ts";
import type { PolicyContext, RankPolicy, RowView } from "../../src/methods/rank_policy.ts";
import type { ModuleShape, RunFacts } from "../../src/study/types.ts";

/** ElaLoRA's policy with a move after each step. */
export const steadyMoves: MoveOptions = {
  b: 4,
  k: 2,
  initWarmup: 0,
  finalWarmup: 0,
  maskInterval: 1,
  decay: "none",
  ties: "exact",
  poolOverlap: "cut",
  maxRank: null,
  optimizer: "resize",
};

/** Square modules `m0`, `m1`, … of a size each, a layer apart. */
export function modulesOf(...sizes: readonly number[]): readonly ModuleShape[] {
  return sizes.map((size, layer) => (
    { name: `m${layer}`, layer, part: "query", inSize: size, outSize: size }
  ));
}

/** Scores of modules `m0`, `m1`, … */
export function scoresOf(...rows: readonly (readonly number[])[]): SlotScores {
  return rows.map((scores, i) => ({ module: `m${i}`, scores }));
}

/** A run of 20 steps of modules with these ranks, which stay as many. */
export function contextOf(
  ranks: readonly number[],
  changed: Partial<PolicyContext> = {},
): PolicyContext {
  return {
    modules: modulesOf(...ranks.map(() => 64)),
    ranks,
    finalTotal: ranks.reduce((sum, rank) => sum + rank, 0),
    totalSteps: 20,
    stepsPerEpoch: 5,
    ...changed,
  };
}

/** A view of nothing but an event's random numbers, or of what is given. */
export function viewOf(changed: Partial<RowView> = {}): RowView {
  return {
    stream: RandomStream.fromSeed(3),
    rows: () => [],
    squaredGradients: () => [],
    inputNorms: () => new Float32Array(),
    isEvaluated: false,
    ...changed,
  };
}

/** A view of one part of single numbers, by module. */
export function viewOfNumbers(
  part: string,
  numbers: Readonly<Record<string, readonly number[]>>,
): RowView {
  const rows: RowView["rows"] = (module, asked) => {
    if (asked !== part) throw new RangeError(`found a question for ${asked}, want ${part}`);
    return numbers[module]!.map((number) => Float32Array.of(number));
  };
  return viewOf({ rows });
}

/** The steps of a run that something follows. */
export function stepsDue<State>(
  policy: Pick<RankPolicy<State>, "isDue">,
  state: State,
  totalSteps = 20,
): readonly number[] {
  return Array.from({ length: totalSteps }, (_, step) => step)
    .filter((step) => policy.isDue(state, step));
}

/** The modules that a decision grows, in order. */
export function grownIn(decision: RankDecision): readonly string[] {
  return actionsOf(decision, "grow").flatMap(({ modules }) => modules);
}

/** What a method may ask of a run before it starts. */
export function factsOf(changed: Partial<RunFacts> = {}): RunFacts {
  return {
    totalSteps: 100,
    stepsPerEpoch: 5,
    trainExamples: 100,
    modules: [],
    plan: null,
    ...changed,
  };
}
