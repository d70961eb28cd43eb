/**
 * Layer-rank ablation: what a trained model loses when the adapters of one layer, module or part are taken away.
 *
 * @module
 */
import type { DeviceTensor, Executor } from "../exec/executor.ts";
import { type DimBindings, type HostTensor, hostVector } from "../graph/mod.ts";
import { truncated, truncationsOf } from "../methods/truncation.ts";
import { addsNothing } from "../methods/weight_update.ts";
import { type Adapter, isPerSlot } from "../methods/adapter.ts";
import { primaryMetric } from "../tasks/metrics.ts";
import type { Batch, Task } from "../tasks/types.ts";
import type { ModuleShape } from "../study/types.ts";
import {
  evaluateAll,
  type Evaluation,
  evaluationsOf,
  type EvaluationSplit,
  placeOutputs,
} from "./evaluate.ts";
import { batchDims, inputFeeds } from "./feeds.ts";
import { enteringName, type ResumedPrograms } from "./resumed.ts";
import { importTensors } from "./stored_tensors.ts";
import { withoutModules } from "./vectors.ts";

/** Trained numbers by name, as `exportTensors` made them. */
export type TrainedTensors = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly data: Float32Array }
>;

interface Piece {
  readonly kind: "layer" | "module" | "part";
  /** `layer.3`, `layer.3.query` or, for all of that part, `query`. */
  readonly name: string;
  readonly modules: readonly string[];
  /** Ranks of its modules, summed. */
  readonly rank: number;
}

interface RemovalEffect extends Omit<Piece, "modules"> {
  readonly metric: number;
  /** Baseline minus metric. */
  readonly loss: number;
}

/**
 * The pieces of a model: every layer that has adapted modules, then every adapted module, in model order, then every part of which
 * there are adapted modules, unless they are all of one.
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
  const parts = [...Map.groupBy(modules, ({ part }) => part)].map(([part, own]): Piece => {
    const names = own.map(({ name }) => name);
    return { kind: "part", name: part, modules: names, rank: rankOf(names) };
  });
  return [...layers, ...single, ...(parts.length > 1 ? parts : [])];
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

interface AblationRequest {
  readonly executor: Executor;
  /** Those of the run's model, whose weights are constants. */
  readonly programs: ResumedPrograms;
  readonly tensors: TrainedTensors;
  readonly task: Task;
  /** The split that decides; of a sequence, one for each task. */
  readonly splits: readonly EvaluationSplit[];
  readonly pieces: readonly Piece[];
  /** Sees the evaluation of the whole model before anything is removed; throws to stop. */
  readonly onBaseline?: (baseline: Evaluation) => void;
  /** Told now and then what share of the removals is done, from 0 to 1. */
  readonly onProgress?: (share: number) => Promise<void>;
  /** Numbers of states that are kept on the device at a time, at least those of a batch. Default 2²⁶, which is 256 MiB. */
  readonly statesKept?: number;
}

/** What is left where each module keeps only its first ranks. */
interface Truncation {
  /** The ranks that are kept at most. */
  readonly rank: number;
  readonly metric: number;
}

/** A batch, and what enters the layers from which passes over it are resumed. */
interface KeptBatch {
  /** The place of its split. */
  readonly split: number;
  readonly batch: Batch;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly dims: DimBindings;
  readonly states: Readonly<Record<string, DeviceTensor>>;
}

/** A piece that adds something, and the lowest of its layers. */
interface ActivePiece {
  readonly modules: readonly string[];
  readonly layer: number;
}

/** Runs the whole model on all batches and gives them with their states, as many at a time as may be kept. */
async function* keptBatches(
  { executor, programs, splits, statesKept = 2 ** 26 }: AblationRequest,
  theta: DeviceTensor,
  layers: readonly number[],
): AsyncGenerator<readonly KeptBatch[]> {
  const session = await programs.withStates(layers);
  let kept: KeptBatch[] = [];
  let numbers = 0;
  const free = () => {
    for (const { states } of kept) Object.values(states).forEach((own) => executor.dispose(own));
    kept = [];
    numbers = 0;
  };
  try {
    for (const [split, { batches }] of splits.entries()) {
      for (const batch of batches) {
        const feeds = inputFeeds(programs.assembly, batch);
        const dims = batchDims(batch);
        const { kept: states } = await session.run({
          feeds: { theta, ...feeds },
          dims,
          keep: layers.map(enteringName),
        });
        kept.push({ split, batch, feeds, dims, states });
        for (const { shape } of Object.values(states)) {
          numbers += shape.reduce((product, size) => product * size, 1);
        }
        if (numbers < statesKept) continue;
        yield kept;
        free();
      }
    }
    if (kept.length > 0) yield kept;
  } finally {
    free();
  }
}

/** Evaluates the model without each of some pieces. */
async function evaluateWithout(
  request: AblationRequest,
  theta: Float32Array,
  pieces: readonly ActivePiece[],
): Promise<readonly Evaluation[]> {
  if (pieces.length === 0) return [];
  const { executor, programs, task, splits, onProgress } = request;
  const layers = [...new Set(pieces.map(({ layer }) => layer))].sort((a, b) => a - b);
  const outputs = pieces.map(() =>
    splits.map(({ targets }) => new Array<Float32Array>(targets.length))
  );
  const byLayer = [...pieces.entries()].sort(([, a], [, b]) => a.layer - b.layer);
  const runs = pieces.length * splits.reduce((sum, { batches }) => sum + batches.length, 0);
  let done = 0;
  const held = executor.upload(hostVector(theta));
  try {
    for await (const batches of keptBatches(request, held, layers)) {
      for (const [i, { modules, layer }] of byLayer) {
        const session = await programs.from(layer);
        const changed = executor.upload(
          hostVector(withoutModules(programs.assembly, theta, modules)),
        );
        try {
          for (const { split, batch, feeds, dims, states } of batches) {
            const { read } = await session.run({
              feeds: { theta: changed, ...feeds, ...states },
              dims,
              read: ["logits"],
            });
            placeOutputs(outputs[i]![split]!, batch, read["logits"]!);
          }
        } finally {
          executor.dispose(changed);
        }
        done += batches.length;
        await onProgress?.(done / runs);
      }
    }
  } finally {
    executor.dispose(held);
  }
  return outputs.map((own) => evaluationsOf({ task, splits }, own)[0]!);
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
  const { executor, programs, tensors, task, splits, pieces } = request;
  const { assembly } = programs;
  const adapter = assembly.adapter;
  const metric = primaryMetric(task);
  const { theta } = importTensors(assembly, tensors);
  const evaluated = async (values: Float32Array): Promise<Evaluation> => {
    const held = executor.upload(hostVector(values));
    try {
      const evaluate = await programs.whole();
      const [whole] = await evaluateAll({ assembly, evaluate }, held, { task, splits });
      return whole!;
    } finally {
      executor.dispose(held);
    }
  };
  const whole = await evaluated(theta);
  request.onBaseline?.(whole);
  const baseline = whole.metrics[metric]!;

  const shapes = new Map(assembly.modules.map(({ module }) => [module.name, module]));
  // Removing what adds nothing changes nothing, so that there is nothing to run.
  const active = new Map(pieces.flatMap((piece) => {
    const own = piece.modules.flatMap((name) => shapes.get(name) ?? [])
      .filter((module) => !addsNothing(tensors, adapter!, module));
    if (own.length === 0) return [];
    const layer = Math.min(...own.map((module) => module.layer));
    return [[piece, { modules: own.map(({ name }) => name), layer }] as const];
  }));
  const without = await evaluateWithout(request, theta, [...active.values()]);
  const left = new Map([...active.keys()].map((piece, i) => [piece, without[i]!.metrics[metric]!]));
  const removals = pieces.map((piece): RemovalEffect => {
    const { modules: _, ...rest } = piece;
    const value = left.get(piece) ?? baseline;
    return { ...rest, metric: value, loss: baseline - value };
  });

  const modules = [...shapes.values()];
  const ranks = adapter === null ? [] : truncationsOf(tensors, adapter, modules);
  const truncations: Truncation[] = [];
  for (const rank of ranks) {
    // The last one is the whole adapter.
    const cut = rank === ranks.length ? whole : await evaluated(
      importTensors(assembly, truncated(tensors, adapter!, modules, rank)).theta,
    );
    truncations.push({ rank, metric: cut.metrics[metric]! });
  }
  return { metric, baseline, removals, ...(ranks.length === 0 ? {} : { truncations }) };
}
