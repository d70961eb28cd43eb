/**
 * What a step is fed besides the state, the batch's tokens and what stays on the device: targets, keys, rates, and what the
 * method asks for.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import type { HostTensor } from "../graph/mod.ts";
import { learningRateAt } from "../study/grid/steps.ts";
import type { Batch } from "../tasks/types.ts";
import { type Assembly, fedName, headRateName, rateFactorName } from "./assemble.ts";
import { dropoutFeeds, slotFeeds, targetFeeds } from "./feeds.ts";
import { maskedPositions } from "./vectors.ts";
import type { RunState, TrainingRequest } from "./run_types.ts";
import { activeRanks } from "./slots.ts";
import { classMask, type RunStage } from "./stages.ts";

type Feeds = Readonly<Record<string, HostTensor>>;

/** A step that is about to be started: the one after those that the state has done. */
export interface NextStep {
  readonly state: RunState;
  readonly totalSteps: number;
  readonly stage: RunStage;
  readonly batch: Batch;
  readonly learningRate: number;
  /** The head's, or null where it has none of its own. */
  readonly headLearningRate: number | null;
  /** Whether importance averages stay as they are. */
  readonly isFrozen: boolean;
}

/** The learning rates of the step after those that the state has done; the head's is null where it has none of its own. */
export function nextLearningRates(
  { settings: { train }, assembly: { method } }: Pick<TrainingRequest, "settings" | "assembly">,
  { step, isRatePinned }: Pick<RunState, "step" | "isRatePinned">,
  { firstStep, steps }: Pick<RunStage, "firstStep" | "steps">,
): Pick<NextStep, "learningRate" | "headLearningRate"> {
  const rateAt = method.adapter?.step?.learningRate ?? learningRateAt;
  const withPeak = (learningRate: number) =>
    isRatePinned ? learningRate : rateAt(step - firstStep, steps, { ...train, learningRate });
  const { headLearningRate = null } = train;
  return {
    learningRate: withPeak(train.learningRate),
    headLearningRate: headLearningRate === null ? null : withPeak(headLearningRate),
  };
}

function scalar(value: number): HostTensor {
  return { type: "f32", shape: [], data: Float32Array.of(value) };
}

/** A run's streams of random numbers that each step takes a fork of. */
export interface StepStreams {
  readonly dropout: RandomStream;
  /** What the method itself draws from. */
  readonly method: RandomStream;
}

/** The feeds of a step that are made anew for it. */
export function stepFeeds(
  request: TrainingRequest,
  assembly: Assembly,
  next: NextStep,
  streams: StepStreams,
): Feeds {
  const { state: { step }, stage, batch, learningRate, headLearningRate, isFrozen } = next;
  const scores = request.assembly.method.adapter?.policy?.scores;
  const averages = scores?.type === "importance" && !isFrozen ? scores : null;
  return {
    ...targetFeeds(batch),
    ...(request.stages.length > 1 ? { classMask: classMask(assembly.outputs, stage.classes) } : {}),
    ...dropoutFeeds(assembly, batch, streams.dropout.fork(step).nextWord()),
    ...methodFeeds(request, next, streams.method),
    learningRate: scalar(learningRate),
    ...(headLearningRate === null ? {} : { [headRateName]: scalar(headLearningRate) }),
    sensitivityRate: scalar(averages === null ? 0 : 1 - averages.beta1),
    uncertaintyRate: scalar(averages === null ? 0 : 1 - averages.beta2),
  };
}

/** What the method itself feeds a step, under the names of inputs. */
function methodFeeds(
  { assembly: { method: { adapter } } }: TrainingRequest,
  { state: { step, order, off }, totalSteps, stage, learningRate }: NextStep,
  stream: RandomStream,
): Feeds {
  const fed = adapter?.step?.feeds?.({
    step,
    totalSteps,
    stage: stage.index,
    learningRate,
    ranks: Object.values(activeRanks(order, off)),
    stream: stream.fork(step),
  });
  const factor = adapter?.step?.rateFactor?.({ step, totalSteps });
  const rate: readonly [string, HostTensor][] = factor === undefined
    ? []
    : [[rateFactorName, scalar(factor)]];
  return Object.fromEntries(
    [...Object.entries(fed ?? {}), ...rate].map(([name, host]) => [fedName(name), host]),
  );
}

/** What changes at rank events only, of what the step takes: which slots are on, and the gate of a permanent mask. */
export function eventFeeds(
  assembly: Assembly,
  state: Pick<RunState, "order" | "off" | "isMaskPermanent">,
): Feeds {
  const { inputs } = assembly.stepProgram;
  const hosts: [string, HostTensor][] = Object.entries(slotFeeds(assembly, state.order));
  if (inputs.has("gate")) hosts.push(["gate", gate(assembly, state)]);
  return Object.fromEntries(hosts.filter(([name]) => inputs.has(name)));
}

/** Zero where a permanent mask is, one elsewhere. */
function gate(
  assembly: Assembly,
  { order, off, isMaskPermanent }: Pick<RunState, "order" | "off" | "isMaskPermanent">,
): HostTensor {
  const { size } = assembly.layout;
  const data = new Float32Array(size).fill(1);
  if (isMaskPermanent) {
    for (const at of maskedPositions(assembly, order, off)) data[at] = 0;
  }
  return { type: "f32", shape: [size], data };
}
