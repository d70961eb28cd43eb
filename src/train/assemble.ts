/**
 * Assembling a run's programs: forward, loss, backward, AdamW and importance as one graph, and the forward pass alone.
 *
 * @module
 */
import {
  abs,
  add,
  concat,
  grad,
  type HostTensor,
  input,
  makeProgram,
  mul,
  optimise,
  type Program,
  reshape,
  split,
  sub,
  type Tensor,
  withScope,
} from "../graph/mod.ts";
import {
  type Adapter,
  capacityOf,
  evaluationPass,
  isPerSlot,
  type Pass,
} from "../methods/adapter.ts";
import { architectureOf, type EncoderConfig } from "../models/architectures.ts";
import type { DropoutSite } from "../models/forward_context.ts";
import type { ParameterSpec } from "../models/parameters.ts";
import { type AssemblyRequest, headParameters, outputCount, taskLoss } from "./assembly_request.ts";
import { type FedWeight } from "./fed_weights.ts";
import { type DropoutRates, forward, type ForwardPlan, survey } from "./forward.ts";
import { inputNormUpdate, inputSizes } from "./input_norms.ts";
import {
  type AdaptedModule,
  decayMask,
  groupParameter,
  type Layout,
  makeLayout,
  type Slice,
  sliceOf,
  type SlotGroup,
  slotGroups,
  viewsOf,
} from "./slots.ts";
import { adamW, learningRates, optimiserInputs, optimiserVectors } from "./optimiser.ts";

/** Names of the vectors that a run carries from step to step. */
export const importanceVectors = ["sensitivity", "uncertainty"] as const;

/** A vector of the training state; `inputNorms` are those of the modules one after the other. */
export type StateVector =
  | (typeof optimiserVectors)[number]
  | (typeof importanceVectors)[number]
  | "inputNorms";

/** A run's programs and where its numbers lie. */
export interface Assembly {
  /** Takes the state and a batch, gives the next state, `loss`, `gradientNorm` and, for some methods, `regulariser`. */
  readonly stepProgram: Program;
  /** Takes `theta` and a batch, gives `logits` `[batch, outputs]`, without dropout. */
  readonly evaluationProgram: Program;
  /** Places in `theta`, and in every vector of its size. */
  readonly layout: Layout;
  /** The parameters that are drawn or loaded whole, by name (adapters are in `groups`). */
  readonly parameters: ReadonlyMap<string, ParameterSpec>;
  /** Null for methods without adapters. */
  readonly adapter: Adapter | null;
  /** One a part and size of modules, in the order of the layout. */
  readonly groups: readonly SlotGroup[];
  /** Those with a rank; modules without one are as in the encoder. */
  readonly modules: readonly AdaptedModule[];
  /** Numbers of the adapters, which lie at the start of the vectors. */
  readonly adapterSize: number;
  /** Vectors that a step takes and returns, in the order in which checkpoints store them. */
  readonly stateVectors: readonly StateVector[];
  /** The weights that are fed to both programs. */
  readonly fedWeights: readonly FedWeight[];
  /** Numbers in a vector of the state. */
  readonly sizeOf: (vector: StateVector) => number;
  /** Places with a rate above 0; their keys are fed. */
  readonly dropoutSites: readonly DropoutSite[];
  /** Rates that the masks are drawn with. */
  readonly dropout: DropoutRates;
  /** Attention heads, which masks of attention have a row for. */
  readonly heads: number;
  /** Whether the head takes the first token or the mean of all. */
  readonly pooling: EncoderConfig["pooling"];
  /** Row of the position table for padding, or null where positions are places in the text. */
  readonly paddingPosition: EncoderConfig["paddingPosition"];
  /** Numbers of the head: one a label, or one score. */
  readonly outputs: number;
}

/** The parameters that are trained besides adapters: the encoder's own, and the head's after them. */
function trainedParameters(
  request: AssemblyRequest,
): { readonly own: readonly ParameterSpec[]; readonly head: readonly ParameterSpec[] } {
  const { encoder: { config }, method } = request;
  const own = architectureOf(config).encoderParameters(config).filter(({ name }) =>
    method.backbone === "all" || (method.backbone === "biases" && name.endsWith(".bias"))
  );
  return { own, head: headParameters(request) };
}

/**
 * The importance averages after a step: I = |w·g| with the weights after the update and the clipped gradient before it,
 * Ī ← Ī + (1−β1)(I − Ī), Ū ← Ū + (1−β2)(|I − Ī| − Ū) with the new Ī (AdaLoRA, arXiv 2303.10512, equations 8 to 10).
 *
 * The factors 1−β are fed, so that feeding zeros freezes the averages.
 */
function importanceUpdate(adapterSize: number, theta: Tensor, clipped: Tensor) {
  return withScope("importance", () => {
    const products = mul(theta, clipped);
    const others = (products.shape[0] as number) - adapterSize;
    const before = importanceVectors.map((name) => input(name, [adapterSize])) as [Tensor, Tensor];
    const now = abs(others === 0 ? products : split(products, [adapterSize, others], 0)[0]!);
    const move = (from: Tensor, to: Tensor, rate: string) =>
      add(from, mul(sub(to, from), input(rate, [])));
    const sensitivity = move(before[0], now, "sensitivityRate");
    const uncertainty = move(before[1], abs(sub(now, sensitivity)), "uncertaintyRate");
    return { sensitivity, uncertainty };
  });
}

/** Name of an input that a method feeds at each step. */
export function fedName(name: string): string {
  return `method.${name}`;
}

/** The input with which {@linkcode StepRules.rateFactor} is fed. */
export const rateFactorName = "rateFactor";

/** The input with the head's learning rate, where it has one of its own. */
export const headRateName = "headLearningRate";

function trainingPass(): Pass {
  const inputs = new Map<string, Tensor>();
  return {
    mode: "training",
    fed: (name, shape) => {
      const tensor = inputs.get(name) ?? input(fedName(name), shape);
      inputs.set(name, tensor);
      return tensor;
    },
  };
}

/** 1 where gradients are clipped; null where all are. */
function clipMask(layout: Layout, groups: readonly SlotGroup[]): Float32Array | null {
  const others = groups.filter(({ part }) => part.isClipped === false);
  if (others.length === 0) return null;
  const mask = new Float32Array(layout.size).fill(1);
  for (const group of others) {
    const { offset, size } = sliceOf(layout, groupParameter(group));
    mask.fill(0, offset, offset + size);
  }
  return mask;
}

/** The factor of each parameter's learning rate, `[size]`; null where all are 1. */
function partRates(layout: Layout, groups: readonly SlotGroup[]): Float32Array | null {
  if (groups.every(({ part: { rate = 1 } }) => rate === 1)) return null;
  const rates = new Float32Array(layout.size).fill(1);
  for (const group of groups) {
    const { offset, size } = sliceOf(layout, groupParameter(group));
    rates.fill(group.part.rate ?? 1, offset, offset + size);
  }
  return rates;
}

/** What is added to parameters before they decay, `[size]`; null where nothing is. */
function decayBase(
  { encoder: { config, tensors } }: AssemblyRequest,
  layout: Layout,
  groups: readonly SlotGroup[],
): HostTensor | null {
  const own = groups.filter(({ part }) => part.decayBase !== undefined);
  if (own.length === 0) return null;
  const { modulePath } = architectureOf(config);
  const data = new Float64Array(layout.size);
  for (const group of own) {
    const { offset } = sliceOf(layout, groupParameter(group));
    group.modules.forEach(({ layer, part }, i) => {
      const weight = tensors.get(`${modulePath(layer, part)}.weight`)!;
      data.set(Array.from(group.part.decayBase!(weight)), offset + i * group.rowLength);
    });
  }
  return { type: "f32", shape: [layout.size], data };
}

/** The parameters after what the adapter does to its parts when the optimiser is done. */
function afterStep(
  { adapter, groups, layout }: Pick<Assembly, "adapter" | "groups" | "layout">,
  theta: Tensor,
  pass: Pass,
): Tensor {
  const changes = new Map(groups.flatMap((group) => {
    const change = adapter?.step?.after?.[group.part.name];
    return change === undefined ? [] : [[groupParameter(group), { group, change }] as const];
  }));
  if (changes.size === 0) return theta;
  return withScope("after", () => {
    // Neighbours that stay as they are remain in one piece.
    const pieces: { readonly slice: Slice | null; size: number }[] = [];
    for (const slice of layout.slices) {
      const last = pieces.at(-1);
      if (changes.has(slice.name)) pieces.push({ slice, size: slice.size });
      else if (last?.slice === null) last.size += slice.size;
      else pieces.push({ slice: null, size: slice.size });
    }
    const parts = split(theta, pieces.map(({ size }) => size), 0);
    const beside = ({ sizeClass }: SlotGroup) => () => {
      const views = viewsOf(layout, theta);
      const members = groups.filter((other) => [sizeClass, null].includes(other.sizeClass));
      return Object.fromEntries(
        members.map((other) => [other.part.name, views.get(groupParameter(other))!]),
      );
    };
    return concat(
      pieces.map(({ slice, size }, i) => {
        if (slice === null) return parts[i]!;
        const { group, change } = changes.get(slice.name)!;
        return reshape(change(reshape(parts[i]!, slice.shape), pass, beside(group)), [size]);
      }),
      0,
    );
  });
}

/** Builds the programs of a run. */
export function assemble(request: AssemblyRequest): Assembly {
  const { encoder: { config }, output, method: { adapter }, train } = request;
  const roomOf = request.capacityOf ?? ((_, rank) => capacityOf(adapter!, rank));
  const modules = adapter === null ? [] : request.ranks
    .filter(({ rank }) => rank > 0)
    .map(({ module, rank }) => ({ module, capacity: roomOf(module, rank) }));
  const shared = adapter?.parts.find((part) => !isPerSlot(part));
  if (adapter?.policy?.kind === "merge" && shared !== undefined) {
    throw new RangeError(
      `Cannot merge an adapter whose part ${shared.name} has one row ${
        shared.per === "adapter" ? "for all modules" : "a module"
      }: parts with one row a slot are wanted`,
    );
  }
  const groups = adapter === null ? [] : slotGroups(adapter, modules, request.stages);
  const { own, head } = trainedParameters(request);
  const whole = [...own, ...head];
  const layout = makeLayout([
    ...groups.map((group) => ({
      name: groupParameter(group),
      shape: [group.modules.length, group.capacity, group.rowLength],
      decay: (group.part.decay ?? true) && (group.part.isTrained ?? true),
    })),
    ...whole,
  ]);
  const adapterSize = groups.reduce(
    (sum, { modules, capacity, rowLength }) => sum + modules.length * capacity * rowLength,
    0,
  );
  const policy = adapter?.policy ?? null;
  const hasOwnCounts = policy?.kind === "move" || policy?.kind === "merge";
  const state = optimiserInputs(layout.size, hasOwnCounts);
  const views = viewsOf(layout, state.theta);
  const found = survey(request, views);
  const plan: ForwardPlan = { request, survey: found, views, groups };

  const training = trainingPass();
  const trained = forward(plan, training);
  const loss = taskLoss(request, trained.logits);
  const term = adapter?.step?.regulariser ?? null;
  const regulariser = term === null
    ? null
    : withScope("regulariser", () => mul(term.build(trained.groups, training), term.weight));
  const [gradient] = grad(regulariser === null ? loss : add(loss, regulariser), [state.theta]);
  const rate = input("learningRate", []);
  const update = adamW(
    state,
    gradient!,
    learningRates(rate, {
      size: layout.size,
      own: partRates(layout, groups),
      step: adapter?.step?.rateFactor === undefined
        ? null
        : { factor: training.fed(rateFactorName, []), count: adapterSize },
      head: request.hasHeadRate === true
        ? {
          rate: input(headRateName, []),
          count: head.reduce((sum, { name }) => sum + sliceOf(layout, name).size, 0),
        }
        : null,
    }),
    train,
    decayMask(layout),
    clipMask(layout, groups),
    decayBase(request, layout, groups),
  );
  const stepped = afterStep({ adapter, groups, layout }, update.state.theta, training);
  const theta = policy?.kind === "mask" ? mul(stepped, input("gate", [layout.size])) : stepped;
  const hasImportance = policy?.scores?.type === "importance";
  const importance = hasImportance
    ? importanceUpdate(adapterSize, update.state.theta, update.clipped)
    : {};
  const decay = policy?.inputNormDecay;
  const norms: Readonly<Record<string, Tensor>> = decay === undefined
    ? {}
    : { inputNorms: inputNormUpdate(modules, trained.inputs, decay) };
  const next: Readonly<Record<string, Tensor>> = {
    ...update.state,
    theta,
    ...importance,
    ...norms,
  };
  const stateVectors: readonly StateVector[] = [
    ...optimiserVectors,
    ...(hasImportance ? importanceVectors : []),
    ...(decay === undefined ? [] : ["inputNorms" as const]),
  ];
  const stepProgram = optimise(makeProgram({
    ...Object.fromEntries(stateVectors.map((name) => [`${name}.next`, next[name]!])),
    loss,
    gradientNorm: update.gradientNorm,
    ...(regulariser === null ? {} : { regulariser }),
  }));
  const evaluation = forward(plan, evaluationPass);
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
    fedWeights: found.fedWeights,
    sizeOf: (vector) => {
      if (vector === "sensitivity" || vector === "uncertainty") return adapterSize;
      if (vector === "inputNorms") return inputSizes(modules);
      return (vector === "c1" || vector === "c2") && !hasOwnCounts ? 1 : layout.size;
    },
    dropoutSites: found.sites,
    dropout: train.dropout,
    heads: config.heads,
    pooling: config.pooling,
    paddingPosition: config.paddingPosition,
    outputs: outputCount(output),
  };
}
