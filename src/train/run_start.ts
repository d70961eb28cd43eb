/**
 * What a run begins with: room for its ranks, and the state before its first step.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { capacityOf, ruleOf } from "../methods/adapter.ts";
import { stepsPerEpoch } from "../study/grid/steps.ts";
import { firstBatch } from "../tasks/batches.ts";
import { noPlateau } from "./plateau.ts";
import type { RunState, TrainingRequest } from "./run_types.ts";
import { initialOrder, ranksOf } from "./slots.ts";
import { runStages } from "./stages.ts";

/**
 * Checks that a run that scores ranks on examples has some.
 *
 * @throws {RangeError} If it has none.
 */
export function checkScoring({ assembly: { method }, stages }: TrainingRequest): void {
  if (
    method.adapter?.policy?.scores?.type === "removal" &&
    stages.some(({ scoring }) => scoring === undefined)
  ) {
    throw new RangeError(
      'Cannot start a run that scores ranks by removal: found no examples, want some as "scoring"',
    );
  }
}

/** The rows that each adapted module has room for at first, by name. */
export function firstCapacities(
  { assembly: { method, ranks } }: Pick<TrainingRequest, "assembly">,
): RunState["capacities"] {
  return Object.fromEntries(
    ranks.filter(({ rank }) => rank > 0).map(({ module, rank }) => [
      module.name,
      method.adapter === null ? rank : capacityOf(method.adapter, rank),
    ]),
  );
}

/** The state before the first step, of which no parameters have been counted yet. */
export function firstState(
  request: TrainingRequest,
  capacities: RunState["capacities"],
): RunState {
  const { assembly: { method, ranks }, settings } = request;
  const adapted = ranks.filter(({ rank }) => rank > 0);
  const root = RandomStream.fromSeed(request.seed);
  const policy = ruleOf(method.adapter);
  const stages = runStages(settings, request.stages);
  const policyState = policy === null ? null : policy.start({
    modules: adapted.map(({ module }) => module),
    ranks: adapted.map(({ rank }) => rank),
    finalTotal: request.finalTotal,
    costs: adapted.map(({ module }) => (request.cap ?? request.costs).perRank(module)),
    cap: request.cap?.most ?? null,
    totalSteps: stages.reduce((sum, { steps }) => sum + steps, 0),
    stepsPerEpoch: stepsPerEpoch(settings, stages[0]!.trainExamples),
    stages: stages.map(({ task, firstStep, steps, classes }) => ({
      task,
      firstStep,
      steps,
      classes,
    })),
  });
  const opening = policyState === null
    ? undefined
    : policy?.opening?.(policyState, root.fork("policy").fork("opening"));
  const order = initialOrder(
    adapted.map(({ module: { name }, rank }) => ({
      name,
      rank: opening === undefined ? rank : opening[name] ?? 0,
    })),
  );
  return {
    step: 0,
    cursor: firstBatch,
    order,
    capacities,
    policyState,
    cache: null,
    history: [],
    openingRanks: ranksOf(order),
    off: [],
    isMaskPermanent: false,
    isRatePinned: false,
    rankEvents: 0,
    ranksMoved: 0,
    peakParameters: 0,
    trainedSum: 0,
    countedSteps: 0,
    lastScores: null,
    ...(settings.train.until === undefined ? {} : { plateau: noPlateau }),
    best: null,
    last: null,
  };
}
