/**
 * Layer-rank ablation: what a trained model loses when the adapter of one layer, or of one module, is taken away.
 *
 * @module
 */
import type { Executor, Session } from "../exec/executor.ts";
import { truncated, truncationsOf } from "../methods/truncation.ts";
import { addsNothing } from "../methods/weight_update.ts";
import { type Adapter, isPerSlot } from "../methods/adapter.ts";
import { primaryMetric } from "../tasks/metrics.ts";
import type { Task } from "../tasks/types.ts";
import type { ModuleShape } from "../spec/types.ts";
import type { Assembly } from "./assemble.ts";
import { evaluateAll, type Evaluation, type EvaluationSplit } from "./evaluate.ts";
import { importTensors } from "./stored_tensors.ts";
import { withoutModules } from "./vectors.ts";

/** Trained numbers by name, as `exportTensors` made them. */
export type TrainedTensors = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly data: Float32Array }
>;

/** A piece that is removed. */
export interface Piece {
  readonly kind: "layer" | "module";
  /** `layer.3` or `layer.3.query`. */
  readonly name: string;
  readonly modules: readonly string[];
  /** Ranks of its modules, summed. */
  readonly rank: number;
}

/** What a removal did. */
export interface RemovalEffect extends Omit<Piece, "modules"> {
  readonly metric: number;
  /** Baseline minus metric. */
  readonly loss: number;
}

/**
 * The pieces of a model: every layer that has adapted modules, then every adapted module, in model order.
 *
 * @param ranks The rank of each module; a module without an entry has none.
 */
export function piecesOf(
  modules: readonly ModuleShape[],
  ranks: Readonly<Record<string, number>>,
): readonly Piece[] {
  const rankOf = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + (ranks[name] ?? 0), 0);
  const layers = [...Map.groupBy(modules, ({ layer }) => layer)].map(([layer, own]): Piece => {
    const names = own.map(({ name }) => name);
    return { kind: "layer", name: `layer.${layer}`, modules: names, rank: rankOf(names) };
  });
  const single = modules.map(({ name }): Piece => ({
    kind: "module",
    name,
    modules: [name],
    rank: rankOf([name]),
  }));
  return [...layers, ...single];
}

/** The rank that each module has room for in stored tensors: slots that are on, masked ones included. */
export function storedRanks(
  modules: readonly ModuleShape[],
  { parts }: Pick<Adapter, "parts">,
  tensors: TrainedTensors,
): Readonly<Record<string, number>> {
  return Object.fromEntries(modules.map(({ name }) => {
    const own = partsOf(name, parts.filter(isPerSlot), tensors);
    return [name, Math.max(0, ...own.map(({ shape }) => shape[0] ?? 0))];
  }));
}

/** The tensors of a module's parts that are stored. */
function partsOf(module: string, parts: Adapter["parts"], tensors: TrainedTensors) {
  return parts.flatMap(({ name }) => tensors.get(`${module}.${name}`) ?? []);
}

/** What an ablation needs. */
export interface AblationRequest {
  readonly executor: Executor;
  readonly assembly: Assembly;
  /** The assembly's evaluation program, loaded. */
  readonly evaluate: Session;
  readonly tensors: TrainedTensors;
  readonly task: Task;
  /** The split that decides; of a sequence, one for each task. */
  readonly splits: readonly EvaluationSplit[];
  readonly pieces: readonly Piece[];
  /** Sees the evaluation of the whole model before anything is removed; throws to stop. */
  readonly onBaseline?: (baseline: Evaluation) => void;
  /** Called after every removal. */
  readonly onRemoval?: (done: number) => Promise<void>;
}

/** What is left where each module keeps only its first ranks. */
export interface Truncation {
  /** The ranks that are kept at most. */
  readonly rank: number;
  readonly metric: number;
}

/** Evaluates the whole model, then the model without each piece, and then cut to each rank where its method allows for that. */
export async function ablate(
  request: AblationRequest,
): Promise<{
  readonly metric: string;
  readonly baseline: number;
  readonly removals: readonly RemovalEffect[];
  readonly truncations?: readonly Truncation[];
}> {
  const { executor, assembly, evaluate, tensors, task, splits, pieces } = request;
  const metric = primaryMetric(task);
  const { theta } = importTensors(assembly, tensors);
  const evaluated = async (values: Float32Array): Promise<Evaluation> => {
    const held = executor.upload({ type: "f32", shape: [values.length], data: values });
    try {
      const [whole] = await evaluateAll({ assembly, evaluate }, held, { task, splits });
      return whole!;
    } finally {
      executor.dispose(held);
    }
  };
  const whole = await evaluated(theta);
  request.onBaseline?.(whole);
  const baseline = whole.metrics[metric]!;
  const removals: RemovalEffect[] = [];
  for (const { modules, ...piece } of pieces) {
    const active = modules.filter((name) => {
      const adapted = assembly.modules.find(({ module }) => module.name === name);
      // Removing what adds nothing changes nothing, so that there is nothing to run.
      return adapted !== undefined && !addsNothing(tensors, assembly.adapter!, adapted.module);
    });
    const left = active.length === 0
      ? baseline
      : (await evaluated(withoutModules(assembly, theta, active))).metrics[metric]!;
    removals.push({ ...piece, metric: left, loss: baseline - left });
    await request.onRemoval?.(removals.length);
  }
  const modules = assembly.modules.map(({ module }) => module);
  const ranks = assembly.adapter === null ? [] : truncationsOf(tensors, assembly.adapter, modules);
  const truncations: Truncation[] = [];
  for (const rank of ranks) {
    // The last one is the whole adapter.
    const cut = rank === ranks.length ? whole : await evaluated(
      importTensors(assembly, truncated(tensors, assembly.adapter!, modules, rank)).theta,
    );
    truncations.push({ rank, metric: cut.metrics[metric]! });
  }
  return { metric, baseline, removals, ...(ranks.length === 0 ? {} : { truncations }) };
}
