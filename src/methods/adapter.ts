/**
 * Adapters: what a method adds to a linear module, as rows that can be switched on and off. Most change the module's weight; some
 * have layers of their own after it.
 *
 * A *slot* is one rank of one module. A part of an adapter has one row a slot, so a part of a module is a
 * matrix `[capacity, rowLength]`; a slot that is off has zeros in all of them and then adds nothing and
 * receives no gradient. A few parts have one row for the whole module instead, or one for all modules. A module whose own rows
 * are all zero is as without adapter, whatever the method: ablations rely on it.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import type { RandomStream } from "../base/random.ts";
import type { HostTensor, Tensor } from "../graph/mod.ts";
import type { NormChange } from "../models/forward_context.ts";
import type { Initial } from "../models/parameters.ts";
import type { learningRateAt } from "../study/grid/steps.ts";
import type { AdapterCosts, ModuleShape } from "../study/types.ts";
import type { DirectionMode } from "./directions.ts";
import type { Nonlinearity } from "./nonlinearity.ts";
import type { PolicyKind } from "./rank_actions.ts";
import type { RankPolicy } from "./rank_policy.ts";

/** One part of an adapter. */
export interface AdapterPart {
  /** `A`, `B` or `E` in the papers' notation. */
  readonly name: string;
  /**
   * Whether there is one row a slot, one for the module, or one that all modules share; that of the adapter is stored with each
   * of them and stays where modules are ablated. Default `slot`.
   */
  readonly per?: "slot" | "module" | "adapter";
  /** Numbers of a row in a run of so many stages; that of a part of the adapter is the same for all modules. Default stages: 1. */
  readonly rowLength: (module: ModuleShape, stages?: number) => number;
  /** How the rows of slots that are on start, in a module of a rank. */
  readonly initial: (module: ModuleShape, rank: number) => Initial;
  /** Whether it is trained; if not, it stays as it was drawn. Default true. */
  readonly isTrained?: boolean;
  /** What its learning rate is over the adapter's. Default 1. */
  readonly rate?: number;
  /** Whether weight decay applies. Default true. */
  readonly decay?: boolean;
  /**
   * Of a part with one row a module: what is added to the row before weight decay takes its share of it, by the module's frozen
   * weight `[out, in]`, so that decay pulls their sum to zero. Default: nothing, which pulls the row to zero.
   */
  readonly decayBase?: (weight: HostTensor) => ArrayLike<number>;
  /** Whether its gradient counts in the norm that is clipped, and is scaled with the others. Default true. */
  readonly isClipped?: boolean;
}

/** The same part of several modules of equal sizes and capacity. */
export interface PartGroup {
  /** Name of the {@linkcode AdapterPart}. */
  readonly part: string;
  /** `[modules, capacity, rowLength]`; the capacity of a part that has one row a module is 1. */
  readonly rows: Tensor;
  /** 1 for rows that are on, `[modules, capacity]`. */
  readonly on: Tensor;
}

/** A term that is added to the loss and reported apart from it. */
export interface Regulariser {
  /** What the term is multiplied by before it is added to the loss. */
  readonly weight: number;
  /** The unweighted term, a scalar. */
  readonly build: (groups: readonly PartGroup[], pass: Pass) => Tensor;
}

/** AdaLoRA's importance, averaged in the training graph with these smoothing factors. */
export interface ImportanceSettings {
  /** Tells it from {@linkcode RemovalSettings}. */
  readonly type: "importance";
  /** Smoothing of the sensitivity Ī, from 0 to 1; AdaLoRA's default is 0.85. */
  readonly beta1: number;
  /** Smoothing of the uncertainty Ū, from 0 to 1; AdaLoRA's default is 0.85. */
  readonly beta2: number;
  /** What scores a slot: the mean of Ī·Ū over its rows, or of Ī alone. Default `importance`. */
  readonly of?: "importance" | "sensitivity";
}

/**
 * ALoRA's scores by removal: with S the negative mean loss on training examples that are held out for it, S with one rank alone
 * among all adapters minus S without that rank. Made at events, in evaluation mode.
 */
export interface RemovalSettings {
  /** Tells it from {@linkcode ImportanceSettings}. */
  readonly type: "removal";
  /** Training examples that are scored on and not trained on. */
  readonly examples: number;
}

/** Where the scores come from that a rule is given: averages or removal. */
export type ScoreSource = ImportanceSettings | RemovalSettings;

/**
 * How the row of a rank that is added while training starts: as a direction that is kept apart from the module's others in one of
 * two ways, near zero (`scale`, for rows of one number), or drawn.
 */
export type Growth = DirectionMode | "scale" | AdapterPart["initial"];

/** What happens to ranks while training. */
export interface AdapterPolicy {
  /** Decides when something happens, and what. */
  readonly rule: RankPolicy<never, unknown>;
  /**
   * `move`: slots leave and enter modules; `mask`: entries of E are set to zero; `edit`: rows get other numbers; `merge`: all
   * slots are merged into the layers' weights, which are fed to the programs, and drawn anew. Each may also write and cache
   * rows, evaluate and reset.
   */
  readonly kind: PolicyKind;
  /** Where the scores come from that the rule is given. Default: nowhere, and it is given none. */
  readonly scores?: ScoreSource;
  /** How rows of new slots start, by part. Default: as the part's `initial` says. */
  readonly growth?: Readonly<Record<string, Growth>>;
  /**
   * Slots to make room for in a module that starts with `rank`; the trainer doubles the room of a module that outgrows it.
   * Default: `rank`.
   */
  readonly capacity?: (rank: number) => number;
  /**
   * β of the running norms X ← βX + (1−β)‖x_:,j‖₂ of each input j of a module over the tokens of a batch, which are then kept for
   * `RowView.inputNorms`. Default: none are kept.
   */
  readonly inputNormDecay?: number;
}

/** An update BᵀA of a weight. */
export interface LowRankUpdate {
  /** `[modules, capacity, in]`; the factor of the update is in it or in `B`. */
  readonly A: Tensor;
  /** Transposed, `[modules, capacity, out]`. */
  readonly B: Tensor;
  /**
   * What the lengths of the weight's rows gain, `[modules, 1, out]`, where they are trained apart from their directions (DoRA):
   * the weight is (‖W‖ + magnitude) · (W + BᵀA) / ‖W + BᵀA‖, a norm for each output.
   */
  readonly magnitude?: Tensor;
}

/** Layers of an adapter's own beside modules of equal sizes: up(σ(down(x))), from `width` numbers a row and back. */
export interface Bottleneck {
  /** `[modules, capacity, width]`. */
  readonly down: Tensor;
  /** `[modules, capacity, 1]`. */
  readonly downBias: Tensor;
  /** σ, element by element. */
  readonly activate: (x: Tensor) => Tensor;
  /** Transposed, `[modules, capacity, width]`. */
  readonly up: Tensor;
  /** `[modules, 1, width]`. */
  readonly upBias: Tensor;
  /** What is added to gain and offset of the norm after the module, `[modules, 1, width]`, or null. */
  readonly norm: NormChange | null;
}

/** The forward pass that an adapter is prepared for. */
export interface Pass {
  /** Whether it is part of a training step or evaluates what was trained. */
  readonly mode: "training" | "evaluation";
  /**
   * An input of the training graph that {@linkcode StepRules.feeds} feeds, the same tensor for each use of a name.
   *
   * @throws {RangeError} In evaluations, which are fed none.
   */
  readonly fed: (name: string, shape: readonly number[]) => Tensor;
}

/** A pass that evaluates: nothing is fed. */
export const evaluationPass: Pass = {
  mode: "evaluation",
  fed: (name) => {
    throw new RangeError(
      `Cannot feed "${name}" in an evaluation: a method feeds training steps only`,
    );
  },
};

/** A number as {@linkcode StepRules.feeds} gives it. */
export function fedNumber(value: number): HostTensor {
  return { type: "f32", shape: [], data: Float32Array.of(value) };
}

/** What a method may let the numbers that it feeds to a step depend on. */
export interface StepContext {
  /** Steps done before this one. */
  readonly step: number;
  /** Steps of the whole run, of a sequence those of all its stages. */
  readonly totalSteps: number;
  /** The place of its stage in a sequence, from 0. Default 0. */
  readonly stage?: number;
  /** Rate of this step after warm-up and schedule, without `rateFactor`. */
  readonly learningRate: number;
  /** The ranks of the adapted modules now, in model order. */
  readonly ranks: readonly number[];
  /** The step's own random numbers. */
  readonly stream: RandomStream;
}

/** What is done to the rows of a part, `[modules, capacity, rowLength]`, after the optimiser's update. */
export type AfterUpdate = (
  rows: Tensor,
  pass: Pass,
  all: () => Readonly<Record<string, Tensor>>,
) => Tensor;

/** What an adapter does in each training step, besides its forward pass. */
export interface StepRules {
  /** A term of the loss, or null. Default: null. */
  readonly regulariser?: Regulariser | null;
  /**
   * What is done to parts in the training graph after the optimiser's update, by part: rows `[modules, capacity, rowLength]` in
   * and out; `all` gives the parts of the same modules, as the optimiser left them. Default: nothing.
   */
  readonly after?: Readonly<Record<string, AfterUpdate>>;
  /** Small numbers that differ from step to step, by the name under which {@linkcode Pass.fed} gives them. Default: none. */
  readonly feeds?: (at: StepContext) => Readonly<Record<string, HostTensor>>;
  /** The learning rate of a step of a stage, for methods with a schedule of their own. Default {@linkcode learningRateAt}. */
  readonly learningRate?: typeof learningRateAt;
  /** What the learning rate of the adapter's parts is multiplied by in a step; the head keeps its own. Default: nothing. */
  readonly rateFactor?: (at: Pick<StepContext, "step" | "totalSteps">) => number;
}

/** What is stored of a trained adapter. */
export interface StorageRules {
  /** Numbers to be kept of what was trained. Default {@linkcode foldedCosts}. */
  readonly costs?: AdapterCosts;
  /** Whether numbers that are zero are left out of what is kept, whatever `costs` says. Default false. */
  readonly isSparse?: boolean;
  /**
   * For methods that train every module's first ranks to work alone: the factor on A when each module keeps at most `rank` of its
   * `ranks`. Default: it cannot be cut.
   */
  readonly truncation?: (rank: number, ranks: readonly number[]) => number;
}

/** A module before the first step. */
export interface ModuleStart {
  /** Linear layer of the encoder. */
  readonly module: ModuleShape;
  /** Its rank, 1 at least. */
  readonly rank: number;
  /** The factor of the update. */
  readonly scale: number;
  /** Its frozen weight, `[out, in]`. */
  readonly weight: HostTensor;
  /** Rows `[in]` that the method's estimate found for it, or null where there is no such estimate. */
  readonly directions: readonly ArrayLike<number>[] | null;
}

/** What all adapters have in common. */
export interface AdapterBase {
  /** Matrices that it trains or draws, in the order in which they are laid out and stored. */
  readonly parts: readonly AdapterPart[];
  /** The factor of the update, from the average initial rank of the adapted modules. */
  readonly scale: (averageRank: number) => number;
  /**
   * The rows with which a run begins, by part, one a rank, where they follow from what is frozen; parts that it does not give, and
   * ranks that come later, start as `initial` says. Default: none.
   */
  readonly start?: (at: ModuleStart) => Readonly<Record<string, readonly ArrayLike<number>[]>>;
  /** What it does in each training step. Default: nothing besides its forward pass. */
  readonly step?: StepRules;
  /** What happens to its ranks while training, or null where they stay as they are. Default: null. */
  readonly policy?: AdapterPolicy | null;
  /** What is stored of it. Default: A and B as a whole. */
  readonly storage?: StorageRules;
}

/** An adapter of weights, with its options bound: BᵀA is added to that of each module. */
export interface WeightAdapter extends AdapterBase {
  /** Where it acts. Default `weight`. */
  readonly place?: "weight";
  /**
   * The two thin matrices whose product BᵀA is added to a module's weight; it is asked once for all modules of equal sizes,
   * so that scaling a part is one operator instead of one a module.
   *
   * @param parts The parts by name, `[modules, capacity, rowLength]`.
   * @param scale See `scale`.
   * @returns A `[modules, capacity, in]`, B, transposed, `[modules, capacity, out]`, and the magnitude where there is one.
   */
  readonly prepare: (
    parts: Readonly<Record<string, Tensor>>,
    scale: number,
    pass: Pass,
  ) => LowRankUpdate;
}

/**
 * An adapter with layers of its own beside modules, with its options bound. It can adapt the parts that a sum and a norm follow:
 * `attention_output` and `output`.
 */
export interface BottleneckAdapter extends AdapterBase {
  /** Where it acts: see `ModuleBranch`. */
  readonly place: "output" | "norm";
  /** σ between its projections. */
  readonly nonlinearity: Nonlinearity;
  /** As that of a {@linkcode WeightAdapter}, to the layers beside the modules. */
  readonly prepare: (
    parts: Readonly<Record<string, Tensor>>,
    scale: number,
    pass: Pass,
  ) => Bottleneck;
}

/** An adapter with its options bound. */
export type Adapter = WeightAdapter | BottleneckAdapter;

/** Whether an adapter changes weights, so that it can be merged into them. */
export function isOfWeights(adapter: Adapter): adapter is WeightAdapter {
  return adapter.place === undefined || adapter.place === "weight";
}

/**
 * The factor of an adapter's update, α/r in most methods.
 *
 * @param ranks The initial ranks of all adapted modules, 0 included; r is their mean.
 */
export function scaleOf(adapter: Pick<Adapter, "scale">, ranks: readonly number[]): number {
  return adapter.scale(ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length);
}

/** Slots to make room for in a module that starts with `rank`. */
export function capacityOf({ policy }: Pick<Adapter, "policy">, rank: number): number {
  return policy?.capacity?.(rank) ?? rank;
}

/** Whether a part has a row for each slot. */
export function isPerSlot({ per }: Pick<AdapterPart, "per">): boolean {
  return (per ?? "slot") === "slot";
}

/** What is kept of an adapter that folds into A and B: a row of A and a column of B a rank. */
export const foldedCosts: AdapterCosts = {
  perRank: ({ inSize, outSize }) => inSize + outSize,
  perModule: () => 0,
};

/** What an adapter's ranks cost: the numbers of its trained parts, as they are in a run of one stage. */
export function costsOf({ parts }: Pick<Adapter, "parts">): AdapterCosts {
  const trained = Map.groupBy(
    parts.filter(({ isTrained }) => isTrained ?? true),
    ({ per }) => per ?? "slot",
  );
  const sumOf = (per: "slot" | "module" | "adapter") => (module: ModuleShape) =>
    (trained.get(per) ?? []).reduce((sum, { rowLength }) => sum + rowLength(module), 0);
  return {
    perRank: sumOf("slot"),
    perModule: sumOf("module"),
    ...(trained.has("adapter") ? { perAdapter: sumOf("adapter") } : {}),
  };
}

/** The rule of an adapter's policy, its state known as JSON only, as the loop and checkpoints see it; null where there is none. */
export function ruleOf(adapter: Pick<Adapter, "policy"> | null): RankPolicy<Json> | null {
  return (adapter?.policy?.rule ?? null) as unknown as RankPolicy<Json> | null;
}
