/**
 * Assembling a run's programs: forward, loss, backward, AdamW and importance as one graph, and the forward pass alone.
 *
 * @module
 */
import {
  abs,
  add,
  crossEntropy,
  grad,
  type HostTensor,
  input,
  makeProgram,
  meanSquaredError,
  mul,
  optimise,
  type Program,
  reduceMean,
  reshape,
  split,
  sub,
  type Tensor,
  withScope,
} from "../graph/mod.ts";
import type { Adapter } from "../methods/adapter.ts";
import type { BoundMethod } from "../methods/method.ts";
import { architectureOf } from "../models/architectures.ts";
import type { EncoderConfig } from "../models/config.ts";
import type { DropoutSite } from "../models/forward_context.ts";
import type { ParameterSpec } from "../models/parameters.ts";
import type { ModuleShape, TrainSettings } from "../spec/types.ts";
import type { TaskOutput } from "../tasks/types.ts";
import { type DropoutRates, forward, type ForwardPlan, survey } from "./forward.ts";
import { decayMask, type Layout, makeLayout, viewsOf } from "./layout.ts";
import { adamW, optimiserInputs, optimiserVectors } from "./optimiser.ts";
import { type AdaptedModule, groupParameter, type SlotGroup, slotGroups } from "./slots.ts";

/** An encoder's shape and weights, by checkpoint name. */
export interface EncoderWeights {
  readonly config: EncoderConfig;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** What a run's programs are made from. */
export interface AssemblyRequest {
  readonly encoder: EncoderWeights;
  readonly output: TaskOutput;
  readonly method: BoundMethod;
  /** Adapted modules with their initial ranks; empty for methods without adapters. */
  readonly ranks: readonly { readonly module: ModuleShape; readonly rank: number }[];
  /** Rows a module has room for; default what the adapter says. */
  readonly capacityOf?: (module: ModuleShape, rank: number) => number;
  readonly train: Pick<
    TrainSettings,
    "dropout" | "beta1" | "beta2" | "epsilon" | "weightDecay" | "clipNorm"
  >;
}

/** Names of the vectors that a run carries from step to step. */
export const importanceVectors = ["sensitivity", "uncertainty"] as const;

/** A vector of the training state. */
export type StateVector = (typeof optimiserVectors)[number] | (typeof importanceVectors)[number];

/** A run's programs and where its numbers lie. */
export interface Assembly {
  readonly stepProgram: Program;
  readonly evaluationProgram: Program;
  readonly layout: Layout;
  /** The parameters that are drawn or loaded whole, by name (adapters are in `groups`). */
  readonly parameters: ReadonlyMap<string, ParameterSpec>;
  readonly adapter: Adapter | null;
  readonly groups: readonly SlotGroup[];
  readonly modules: readonly AdaptedModule[];
  /** Numbers of the adapters, which lie at the start of the vectors. */
  readonly adapterSize: number;
  readonly stateVectors: readonly StateVector[];
  readonly sizeOf: (vector: StateVector) => number;
  readonly dropoutSites: readonly DropoutSite[];
  readonly dropout: DropoutRates;
  readonly heads: number;
  readonly pooling: EncoderConfig["pooling"];
  readonly paddingPosition: EncoderConfig["paddingPosition"];
  readonly outputs: number;
}

/** Outputs of a head: one a label, or one score. */
export function outputCount(output: TaskOutput): number {
  return output.type === "classification" ? output.labels.length : 1;
}

function trainedParameters(request: AssemblyRequest): readonly ParameterSpec[] {
  const { encoder: { config }, method, output } = request;
  const architecture = architectureOf(config);
  const own = architecture.encoderParameters(config).filter(({ name }) =>
    method.backbone === "all" || (method.backbone === "biases" && name.endsWith(".bias"))
  );
  const whole = architecture.headParameters(config, outputCount(output));
  const outputBias = whole.at(-1);
  const head = whole.map((spec): ParameterSpec =>
    spec === outputBias && output.type === "regression"
      // A regression starts in the middle of its range.
      ? { ...spec, initial: { type: "constant", value: (output.min + output.max) / 2 } }
      : spec
  );
  return [...own, ...head];
}

function taskLoss(output: TaskOutput, logits: Tensor): Tensor {
  if (output.type === "classification") {
    return reduceMean(crossEntropy(logits, input("labels", ["batch"], "i32")));
  }
  return meanSquaredError(reshape(logits, ["batch"]), input("targets", ["batch"]));
}

/**
 * The importance averages after a step: I = |w·g| with the weights after the update and the clipped gradient before it,
 * Ī ← Ī + (1−β1)(I − Ī), Ū ← Ū + (1−β2)(|I − Ī| − Ū) with the new Ī (AdaLoRA, arXiv 2303.10512, equations 8 to 10).
 *
 * The factors 1−β are fed, so that feeding zeros freezes the averages.
 */
function importanceUpdate(adapterSize: number, theta: Tensor, clipped: Tensor) {
  return withScope("importance", () => {
    const head = (vector: Tensor) => {
      const total = vector.shape[0] as number;
      return total === adapterSize
        ? vector
        : split(vector, [adapterSize, total - adapterSize], 0)[0]!;
    };
    const before = importanceVectors.map((name) => input(name, [adapterSize])) as [Tensor, Tensor];
    const now = abs(mul(head(theta), head(clipped)));
    const move = (from: Tensor, to: Tensor, rate: string) =>
      add(from, mul(sub(to, from), input(rate, [])));
    const sensitivity = move(before[0], now, "sensitivityRate");
    const uncertainty = move(before[1], abs(sub(now, sensitivity)), "uncertaintyRate");
    return { sensitivity, uncertainty };
  });
}

/** Builds the programs of a run. */
export function assemble(request: AssemblyRequest): Assembly {
  const { encoder: { config }, output, method: { adapter }, train } = request;
  const capacityOf = request.capacityOf ?? ((_, rank) => adapter!.capacity(rank));
  const modules = adapter === null ? [] : request.ranks
    .filter(({ rank }) => rank > 0)
    .map(({ module, rank }) => ({ module, capacity: capacityOf(module, rank) }));
  const groups = adapter === null ? [] : slotGroups(adapter, modules);
  const whole = trainedParameters(request);
  const layout = makeLayout([
    ...groups.map((group) => ({
      name: groupParameter(group),
      shape: [group.modules.length, group.capacity, group.rowLength],
      decay: true,
    })),
    ...whole,
  ]);
  const adapterSize = groups.reduce(
    (sum, { modules, capacity, rowLength }) => sum + modules.length * capacity * rowLength,
    0,
  );
  const dynamics = adapter?.dynamics ?? null;
  const state = optimiserInputs(layout.size, dynamics?.kind === "move");
  const views = viewsOf(layout, state.theta);
  const found = survey(request, views);
  const plan: ForwardPlan = { request, survey: found, views, groups };

  const trained = forward(plan, "training");
  const loss = taskLoss(output, trained.logits);
  const term = adapter?.regulariser ?? null;
  const regulariser = term === null
    ? null
    : withScope("regulariser", () => mul(term.build(trained.groups), term.weight));
  const [gradient] = grad(regulariser === null ? loss : add(loss, regulariser), [state.theta]);
  const update = adamW(state, gradient!, input("learningRate", []), train, decayMask(layout));
  const masked = dynamics?.kind === "mask"
    ? { ...update.state, theta: mul(update.state.theta, input("gate", [layout.size])) }
    : update.state;
  const importance = dynamics === null
    ? {}
    : importanceUpdate(adapterSize, update.state.theta, update.clipped);
  const next: Readonly<Record<string, Tensor>> = { ...masked, ...importance };
  const stateVectors: readonly StateVector[] = [
    ...optimiserVectors,
    ...(dynamics === null ? [] : importanceVectors),
  ];
  const stepProgram = optimise(makeProgram({
    ...Object.fromEntries(stateVectors.map((name) => [`${name}.next`, next[name]!])),
    loss,
    gradientNorm: update.gradientNorm,
    ...(regulariser === null ? {} : { regulariser }),
  }));
  const evaluation = forward(plan, "evaluation");
  return {
    stepProgram,
    evaluationProgram: optimise(makeProgram({ logits: evaluation.logits })),
    layout,
    parameters: new Map(whole.map((spec) => [spec.name, spec])),
    adapter,
    groups,
    modules,
    adapterSize,
    stateVectors,
    sizeOf: (vector) => {
      if (vector === "sensitivity" || vector === "uncertainty") return adapterSize;
      return (vector === "c1" || vector === "c2") && dynamics?.kind !== "move" ? 1 : layout.size;
    },
    dropoutSites: found.sites,
    dropout: train.dropout,
    heads: config.heads,
    pooling: config.pooling,
    paddingPosition: config.paddingPosition,
    outputs: outputCount(output),
  };
}
