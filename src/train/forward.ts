/**
 * The forward pass of a run: the encoder and its head with the adapters and dropout of a method.
 *
 * @module
 */
import {
  concat,
  dropoutMask,
  dropoutPoolRows,
  dropoutRows,
  input,
  mul,
  reshape,
  split,
  stopGradient,
  type Tensor,
  withScope,
} from "../graph/mod.ts";
import {
  isOfWeights,
  type LowRankUpdate,
  type PartGroup,
  type Pass,
  scaleOf,
  type WeightAdapter,
} from "../methods/adapter.ts";
import { bottleneckBranch, singleBottlenecks } from "../methods/bottleneck.ts";
import { decomposedLinear } from "../methods/decomposed_linear.ts";
import { adaptedLinear, blockDiagonal, type BlockRows, sideBySide } from "../methods/low_rank.ts";
import { architectureOf } from "../models/architectures.ts";
import {
  type DropoutSite,
  type ForwardContext,
  frozenParameters,
  type LinearLayer,
  type ModuleBranch,
  plainLinear,
  stacked,
  wantedStates,
} from "../models/forward_context.ts";
import { dims, encoderInputs } from "../models/token_rows.ts";
import type { ModuleShape } from "../study/types.ts";
import type { TrainSettings } from "../study/schema/settings.ts";
import { type AssemblyRequest, taskLogits } from "./assembly_request.ts";
import { type FedWeight, fedWeight, fedWeightName } from "./fed_weights.ts";
import { groupParameter, sizeClasses, type SlotGroup } from "./slots.ts";

/** The adapter of a run that changes weights, and the other kind, of which a run has one at most. */
function adaptersOf({ method: { adapter } }: AssemblyRequest) {
  if (adapter === null) return { ofWeights: null, beside: null };
  return isOfWeights(adapter)
    ? { ofWeights: adapter, beside: null }
    : { ofWeights: null, beside: adapter };
}

/** Where dropout acts and which adapted modules share an input, in the order of the forward pass. */
interface Survey {
  readonly sites: readonly DropoutSite[];
  readonly inputGroups: readonly (readonly ModuleShape[])[];
  /** Weights of adapted layers that are fed, each once; empty where they are part of the programs. */
  readonly fedWeights: readonly FedWeight[];
}

/** What a forward pass is built from. */
export interface ForwardPlan {
  readonly request: AssemblyRequest;
  readonly survey: Survey;
  /** Trained parameters by name. */
  readonly views: ReadonlyMap<string, Tensor>;
  readonly groups: readonly SlotGroup[];
}

interface Forward {
  /** `[batch, outputs]`, or `[examples, choices]`. */
  readonly logits: Tensor;
  readonly groups: readonly PartGroup[];
  /** The input of each adapted module, `[tokens, in]`, or `[batch, in]` where it acts on first tokens only. */
  readonly inputs: ReadonlyMap<string, Tensor>;
}

/** Name of the input with the row keys of one kind of rows, `[3, rows]`. */
export function rowKeysName(rows: string): string {
  return `dropout.rows.${rows}`;
}

/** Name of the input with the keys of the sites on one kind of rows, `[sites, 3]`. */
export function siteKeysName(rows: string): string {
  return `dropout.sites.${rows}`;
}

/** Name of the input with the pool of a kind of dropout, `[dropoutPoolRows, columns]`. */
export function poolName(kind: DropoutSite["kind"], columns: number | string): string {
  return `dropout.pool.${kind}.${columns}`;
}

function adaptedShapes({ ranks }: AssemblyRequest): ReadonlyMap<string, ModuleShape> {
  return new Map(ranks.filter(({ rank }) => rank > 0).map(({ module }) => [module.name, module]));
}

/** Builds encoder and head in a context, to the logits. */
function network(
  { encoder: { config }, ranks, output }: AssemblyRequest,
  context: ForwardContext,
): Tensor {
  const inputs = encoderInputs(config.heads);
  const modules = new Map(ranks.map(({ module }) => [module.name, module]));
  const architecture = architectureOf(config);
  const states = architecture.encode(config, inputs, context, modules, wantedStates(config));
  return taskLogits(output, architecture.taskHead(config, states, inputs, context));
}

/** Where the parameters come from: trained ones from the state, the others from the encoder. */
function parametersOf(
  { encoder: { tensors } }: AssemblyRequest,
  views: ReadonlyMap<string, Tensor>,
): ForwardContext["parameter"] {
  const frozen = frozenParameters(tensors);
  return (name) => views.get(name) ?? frozen(name);
}

function siteOfAdapter(
  adapted: readonly ModuleShape[],
  x: Tensor,
  side: "inSize" | "outSize" = "inSize",
): DropoutSite {
  const [{ [side]: columns }] = adapted as readonly [ModuleShape];
  // A module may have two inputs: DeBERTa's queries and keys are those of tokens and of positions.
  const rows = String(x.shape[0]);
  const name = `${adapted.map((module) => module.name).join("+")}.adapter.${rows}`;
  return { name, kind: "adapter", rows, columns };
}

/** Goes once through the forward pass and notes what {@linkcode forward} has to know before it begins. */
export function survey(request: AssemblyRequest, views: ReadonlyMap<string, Tensor>): Survey {
  const sites: DropoutSite[] = [];
  const fedWeights = new Map<string, FedWeight>();
  const inputGroups: ModuleShape[][] = [];
  const shapes = adaptedShapes(request);
  const { ofWeights, beside } = adaptersOf(request);
  const parameter = parametersOf(request, views);
  const mask = (site: DropoutSite) => {
    if (request.train.dropout[site.kind] > 0) sites.push(site);
    return null;
  };
  network(request, {
    parameter,
    mask,
    linear: (layers, x) => {
      const adapted = ofWeights === null ? [] : adaptedOf(layers, shapes);
      if (adapted.length > 0) {
        inputGroups.push(adapted);
        if (areWeightsFed(request)) {
          const fed = fedWeight(layers, request.encoder.tensors);
          fedWeights.set(fed.name, fed);
        }
        mask(siteOfAdapter(adapted, x));
      }
      return plainLinear(parameter, layers, x);
    },
    branch: (module) => {
      if (beside === null || !shapes.has(module.name)) return null;
      const added = (x: Tensor) => {
        mask(siteOfAdapter([module], x, "outSize"));
        return x;
      };
      return { place: beside.place, added, norm: null };
    },
  });
  return { sites, inputGroups, fedWeights: [...fedWeights.values()] };
}

function adaptedOf(
  layers: readonly LinearLayer[],
  shapes: ReadonlyMap<string, ModuleShape>,
): ModuleShape[] {
  return layers.flatMap(({ module }) => module !== null && shapes.has(module.name) ? [module] : []);
}

/** Neighbours in a size class that share an input: what the forward pass uses of their parts, `[modules, capacity, row]`. */
interface Piece extends LowRankUpdate {
  readonly modules: readonly ModuleShape[];
}

/** A group's rows, `[modules, capacity, rowLength]`; no gradient passes to those that are not trained. */
function rowsOf(group: SlotGroup, views: ForwardPlan["views"]): Tensor {
  const rows = views.get(groupParameter(group))!;
  return group.part.isTrained === false ? stopGradient(rows) : rows;
}

/** The parts of a size class by name. */
function partsOf(members: readonly SlotGroup[], views: ForwardPlan["views"]) {
  return Object.fromEntries(members.map((group) => [group.part.name, rowsOf(group, views)]));
}

/** Cuts the prepared parts of each size class into pieces of modules that share their inputs. */
function preparedPieces(
  adapter: WeightAdapter,
  { groups, views, survey: { inputGroups } }: ForwardPlan,
  scale: number,
  pass: Pass,
): readonly Piece[] {
  const groupOf = new Map<string, string>();
  inputGroups.forEach((group, i) => {
    for (const { name } of group) groupOf.set(name, `${groupOf.get(name) ?? ""}/${i}`);
  });
  return sizeClasses(groups).flatMap(({ members, modules: own }) => {
    const runs: ModuleShape[][] = [];
    for (const module of own) {
      const before = runs.at(-1);
      const group = groupOf.get(module.name);
      if (before !== undefined && groupOf.get(before[0]!.name) === group) before.push(module);
      else runs.push([module]);
    }
    const { A, B, magnitude } = adapter.prepare(partsOf(members, views), scale, pass);
    const sizes = runs.map(({ length }) => length);
    const [ofA, ofB] = [split(A, sizes, 0), split(B, sizes, 0)];
    const lengths = magnitude === undefined ? null : split(magnitude, sizes, 0);
    return runs.map((modules, i) => ({
      modules,
      A: ofA[i]!,
      B: ofB[i]!,
      ...(lengths === null ? {} : { magnitude: lengths[i]! }),
    }));
  });
}

/** What adapters have beside modules in a forward pass. */
function preparedBranches(
  { request, groups, views }: ForwardPlan,
  mask: ForwardContext["mask"],
  pass: Pass,
): ReadonlyMap<string, ModuleBranch> {
  const adapter = adaptersOf(request).beside;
  if (adapter === null) return new Map();
  return new Map(
    sizeClasses(groups).flatMap(({ members, modules }) => {
      const whole = adapter.prepare(
        partsOf(members, views),
        scaleOf(adapter, initialRanks(request)),
        pass,
      );
      const own = singleBottlenecks(whole);
      return modules.map((module, i) => {
        const dropped = (x: Tensor) => {
          const factors = mask(siteOfAdapter([module], x, "outSize"));
          return factors === null ? x : mul(x, factors);
        };
        return [module.name, bottleneckBranch(adapter.place, own[i]!, dropped)] as const;
      });
    }),
  );
}

function dropoutMasks(sites: readonly DropoutSite[]): ReadonlyMap<string, Tensor> {
  const pools = new Map<string, Tensor>();
  const poolOf = ({ kind, columns }: DropoutSite) => {
    const name = poolName(kind, columns);
    const pool = pools.get(name) ?? input(name, [dropoutPoolRows, columns]);
    pools.set(name, pool);
    return pool;
  };
  return new Map([...Map.groupBy(sites, ({ rows }) => rows)].flatMap(([rows, own]) => {
    const indices = dropoutRows(
      input(rowKeysName(rows), [3, rows]),
      input(siteKeysName(rows), [own.length, 3]),
    );
    return own.map((site, i) => [site.name, dropoutMask(poolOf(site), indices[i]!)] as const);
  }));
}

function initialRanks({ ranks }: AssemblyRequest): readonly number[] {
  return ranks.map(({ rank }) => rank);
}

function areWeightsFed({ weights, method: { adapter } }: AssemblyRequest): boolean {
  return (weights ?? (adapter?.policy?.kind === "merge" ? "fed" : "constant")) === "fed";
}

/**
 * The forward pass of a run.
 *
 * @param pass In training, dropout acts.
 * @param entering What a layer takes in place of the states that enter it. Default: those states.
 */
export function forward(
  plan: ForwardPlan,
  pass: Pass,
  entering: NonNullable<ForwardContext["entering"]> = (_, states) => states,
): Forward {
  const { request, survey: { sites, fedWeights }, views, groups } = plan;
  const adapter = adaptersOf(request).ofWeights;
  const masks = pass.mode === "training"
    ? withScope("dropout", () => dropoutMasks(sites))
    : new Map<string, Tensor>();
  const parameter = parametersOf(request, views);
  const shapes = adaptedShapes(request);
  const pieces = adapter === null
    ? []
    : withScope("adapters", () =>
      preparedPieces(adapter, plan, scaleOf(adapter, initialRanks(request)), pass));
  const pieceOf = new Map(
    pieces.flatMap((piece) => piece.modules.map(({ name }) => [name, piece] as const)),
  );
  const mask = (site: DropoutSite) => masks.get(site.name) ?? null;
  const moduleInputs = new Map<string, Tensor>();
  const branches = withScope("adapters", () => preparedBranches(plan, mask, pass));
  // A stack of layers may be used twice in a pass, and is fed once.
  const fed = new Map(fedWeights.map(({ name, shape }) => [name, input(name, shape)]));

  const linear = (layers: readonly LinearLayer[], x: Tensor): Tensor => {
    const adapted = adapter === null ? [] : adaptedOf(layers, shapes);
    if (adapted.length === 0) return plainLinear(parameter, layers, x);
    // DeBERTa's queries and keys also project positions, which are not tokens.
    const isOfTokens = x.shape[0] === dims.tokens || x.shape[0] === dims.batch;
    for (const { name } of isOfTokens ? adapted : []) moduleInputs.set(name, x);
    const own = [...new Set(adapted.map(({ name }) => pieceOf.get(name)!))];
    const blockOf = (module: ModuleShape) =>
      layers.findIndex((layer) => layer.module?.name === module.name);
    const flat = (tensor: Tensor) => {
      const [modules, capacity, row] = tensor.shape as readonly [number, number, number];
      return reshape(tensor, [modules * capacity, row]);
    };
    const rowsIn = (part: "B" | "magnitude") =>
      own.flatMap((piece): BlockRows[] => {
        const rows = piece[part];
        return rows === undefined ? [] : [{ rows, blocks: piece.modules.map(blockOf) }];
      });
    const layer = {
      x,
      weight: fed.get(fedWeightName(layers)) ??
        stacked(layers.map(({ path }) => parameter(`${path}.weight`))),
      bias: stacked(layers.map(({ path }) => parameter(`${path}.bias`))),
      A: concat(own.map(({ A }) => flat(A)), 0),
      B: blockDiagonal(rowsIn("B"), layers.length),
      mask: mask(siteOfAdapter(adapted, x)),
    };
    const lengths = rowsIn("magnitude");
    return lengths.length === 0
      ? adaptedLinear(layer)
      : decomposedLinear({ ...layer, change: sideBySide(lengths, layers.length) });
  };
  const logits = network(request, {
    parameter,
    linear,
    mask,
    branch: ({ name }) => branches.get(name) ?? null,
    entering,
  });
  const partGroups = groups.map((group) => ({
    part: group.part.name,
    rows: rowsOf(group, views),
    on: input(`on.${group.name}`, [group.modules.length, group.capacity]),
  }));
  return { logits, groups: partGroups, inputs: moduleInputs };
}

/** Rates of dropout by kind of site. */
export type DropoutRates = TrainSettings["dropout"];
