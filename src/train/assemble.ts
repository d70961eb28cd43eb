/**
 * Assembling a run's programs: forward, loss, backward, AdamW and importance as one graph, and the forward pass alone.
 *
 * @module
 */
import {
  abs,
  add,
  constant,
  crossEntropy,
  type DimBindings,
  dropout,
  dropoutColumnKeys,
  dropoutRowKeys,
  grad,
  type HostTensor,
  input,
  makeProgram,
  meanSquaredError,
  mul,
  type Program,
  reduceMean,
  reshape,
  split,
  sub,
  type Tensor,
  withScope,
} from "../graph/mod.ts";
import type { Adapter, PartGroup } from "../methods/adapter.ts";
import type { BoundMethod } from "../methods/method.ts";
import {
  type DropoutSite,
  encode,
  encoderInputs,
  type ForwardContext,
  poolWeightsOf,
  taskHead,
} from "../models/bert.ts";
import type { EncoderConfig } from "../models/config.ts";
import { encoderParameters, headParameters, type ParameterSpec } from "../models/parameters.ts";
import type { ModuleShape, TrainSettings } from "../spec/types.ts";
import type { Batch, TaskOutput } from "../tasks/types.ts";
import { decayMask, type Layout, makeLayout, viewsOf } from "./layout.ts";
import { adamW, optimiserInputs, optimiserVectors } from "./optimiser.ts";
import {
  type AdaptedModule,
  groupParameter,
  type SlotGroup,
  slotGroups,
  type SlotOrder,
} from "./slots.ts";

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
  readonly heads: number;
  readonly pooling: EncoderConfig["pooling"];
  readonly outputs: number;
}

/** Outputs of a head: one a label, or one score. */
export function outputCount(output: TaskOutput): number {
  return output.type === "classification" ? output.labels.length : 1;
}

function trainedParameters(request: AssemblyRequest): readonly ParameterSpec[] {
  const { encoder: { config }, method, output } = request;
  const own = encoderParameters(config).filter(({ name }) =>
    method.backbone === "all" || (method.backbone === "biases" && name.endsWith(".bias"))
  );
  const head = headParameters(config, outputCount(output)).map((spec): ParameterSpec =>
    spec.name === "classifier.bias" && output.type === "regression"
      // A regression starts in the middle of its range.
      ? { ...spec, initial: { type: "constant", value: (output.min + output.max) / 2 } }
      : spec
  );
  return [...own, ...head];
}

interface Forward {
  readonly logits: Tensor;
  readonly groups: readonly PartGroup[];
  readonly sites: readonly DropoutSite[];
}

interface ForwardPlan {
  readonly request: AssemblyRequest;
  readonly views: ReadonlyMap<string, Tensor>;
  readonly groups: readonly SlotGroup[];
  readonly training: boolean;
}

/** What the forward pass uses of each module's parts, `[capacity, rowLength]`, prepared class by class. */
function preparedParts(
  adapter: Adapter,
  groups: readonly SlotGroup[],
  views: ReadonlyMap<string, Tensor>,
  scale: number,
): ReadonlyMap<string, Readonly<Record<string, Tensor>>> {
  const parts = new Map<string, Record<string, Tensor>>();
  for (const sizeClass of new Set(groups.map((group) => group.sizeClass))) {
    const members = groups.filter((group) => group.sizeClass === sizeClass);
    const { modules } = members[0]!;
    const whole = Object.fromEntries(
      members.map((group) => [group.part.name, views.get(groupParameter(group))!]),
    );
    for (const [name, tensor] of Object.entries(adapter.prepare(whole, scale))) {
      const pieces = split(tensor, modules.map(() => 1), 0);
      modules.forEach((module, i) => {
        const own = parts.get(module.name) ?? {};
        own[name] = reshape(pieces[i]!, tensor.shape.slice(1));
        parts.set(module.name, own);
      });
    }
  }
  return parts;
}

function forward({ request, views, groups, training }: ForwardPlan): Forward {
  const { encoder: { config, tensors }, method: { adapter }, ranks, train } = request;
  const frozen = new Map<string, Tensor>();
  const parameter = (name: string): Tensor => {
    const trained = views.get(name) ?? frozen.get(name);
    if (trained !== undefined) return trained;
    const host = tensors.get(name);
    if (host === undefined) throw new RangeError(`The encoder has no weights named "${name}"`);
    const tensor = constant(host, name);
    frozen.set(name, tensor);
    return tensor;
  };
  const sites: DropoutSite[] = [];
  const rowKeys = new Map<string, Tensor>();
  const drop = (site: DropoutSite, x: Tensor): Tensor => {
    const rate = train.dropout[site.kind];
    if (!training || rate === 0) return x;
    sites.push(site);
    const rows = rowKeys.get(site.rows) ?? input(`dropout.rows.${site.rows}`, [site.rows, 3]);
    rowKeys.set(site.rows, rows);
    return dropout(x, rows, input(`dropout.columns.${site.name}`, [3, site.columns]), rate);
  };
  const average = ranks.reduce((sum, { rank }) => sum + rank, 0) / ranks.length;
  const parts = adapter === null
    ? null
    : withScope("adapters", () => preparedParts(adapter, groups, views, adapter.scale(average)));
  const adapt = (module: ModuleShape, x: Tensor, y: Tensor): Tensor => {
    const own = parts?.get(module.name);
    if (adapter === null || own === undefined) return y;
    return withScope("adapter", () => {
      const site: DropoutSite = {
        name: `${module.name}.adapter`,
        kind: "adapter",
        rows: String(x.shape[0]),
        columns: module.inSize,
      };
      return add(y, adapter.delta(drop(site, x), own));
    });
  };
  const context: ForwardContext = { parameter, adapt, drop };
  const modules = new Map(ranks.map(({ module }) => [module.name, module]));
  const hidden = encode(config, encoderInputs(), context, modules);
  const logits = taskHead(config, hidden, input("poolWeights", ["batch", "seq"]), context);
  const partGroups = groups.map((group) => ({
    part: group.part.name,
    rows: views.get(groupParameter(group))!,
    on: input(`on.${group.name}`, [group.modules.length, group.capacity]),
  }));
  return { logits, groups: partGroups, sites };
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
  const plan = { request, views, groups };

  const trained = forward({ ...plan, training: true });
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
  const stepProgram = makeProgram({
    ...Object.fromEntries(stateVectors.map((name) => [`${name}.next`, next[name]!])),
    loss,
    gradientNorm: update.gradientNorm,
    ...(regulariser === null ? {} : { regulariser }),
  });
  const evaluation = forward({ ...plan, training: false });
  return {
    stepProgram,
    evaluationProgram: makeProgram({ logits: evaluation.logits }),
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
    dropoutSites: trained.sites,
    heads: config.heads,
    pooling: config.pooling,
    outputs: outputCount(output),
  };
}

/** The numbers of the symbolic dimensions of a batch. */
export function batchDims(batch: Batch): DimBindings {
  return { batch: batch.size, seq: batch.length };
}

/** What every pass over a batch is fed. */
export function inputFeeds(
  assembly: Pick<Assembly, "pooling">,
  batch: Batch,
): Readonly<Record<string, HostTensor>> {
  const shape = [batch.size, batch.length];
  const { pooling } = assembly;
  const positions = Int32Array.from({ length: batch.length }, (_, i) => i);
  const poolWeights = poolWeightsOf(pooling, batch.mask, batch.size, batch.length);
  return {
    ids: { type: "i32", shape, data: batch.ids },
    types: { type: "i32", shape, data: batch.types },
    mask: { type: "f32", shape, data: batch.mask },
    positions: { type: "i32", shape: [batch.length], data: positions },
    poolWeights: { type: "f32", shape, data: poolWeights },
  };
}

/** Labels or scores of a batch, under both names; a program takes the one it knows. */
export function targetFeeds(batch: Batch): Readonly<Record<string, HostTensor>> {
  return {
    labels: { type: "i32", shape: [batch.size], data: Int32Array.from(batch.targets) },
    targets: { type: "f32", shape: [batch.size], data: batch.targets },
  };
}

/**
 * The dropout keys of one step: row keys for each kind of rows and column keys for each site.
 *
 * @param key A 32-bit word that belongs to the step.
 */
export function dropoutFeeds(
  assembly: Pick<Assembly, "dropoutSites" | "heads">,
  batch: Batch,
  key: number,
): Readonly<Record<string, HostTensor>> {
  const rowsOf: Readonly<Record<string, number>> = {
    batch: batch.size,
    "batch*seq": batch.size * batch.length,
    [`${assembly.heads}*batch*seq`]: assembly.heads * batch.size * batch.length,
  };
  const feeds: Record<string, HostTensor> = {};
  assembly.dropoutSites.forEach(({ name, rows, columns }, i) => {
    const rowName = `dropout.rows.${rows}`;
    const count = rowsOf[rows];
    if (count === undefined) {
      throw new RangeError(`Dropout site "${name}" has unknown rows "${rows}"`);
    }
    feeds[rowName] ??= dropoutRowKeys((key ^ Math.imul(count, 0x2545f491)) >>> 0, count);
    const width = columns === "seq" ? batch.length : Number(columns);
    feeds[`dropout.columns.${name}`] = dropoutColumnKeys(
      (key + Math.imul(i + 1, 0x9e3779b9)) >>> 0,
      width,
    );
  });
  return feeds;
}

/** Which slots are on, one tensor a group. */
export function slotFeeds(
  assembly: Pick<Assembly, "groups">,
  order: SlotOrder,
): Readonly<Record<string, HostTensor>> {
  return Object.fromEntries(assembly.groups.map(({ name, modules, capacity }) => {
    const data = new Float32Array(modules.length * capacity);
    modules.forEach((module, i) => {
      for (const row of order[module.name] ?? []) data[i * capacity + row] = 1;
    });
    return [`on.${name}`, { type: "f32", shape: [modules.length, capacity], data } as const];
  }));
}
