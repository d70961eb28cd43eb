/**
 * What rank policies are given of a training state: the scores of slots and their rows.
 *
 * Scores by removal say how the loss on held-out examples moves when a rank is alone, and when it is missing. ALoRA,
 * arXiv 2403.16187: IS(i) = S(M) − S(M without i) + S(M with only i) with S the negative loss; S(M) is the same for all ranks and
 * left out. "With only i" keeps the encoder and head and, of all adapters, that one rank. What enters the layer of a rank depends
 * on neither, so that both passes begin there: the first where the whole model's has come to, the second where that of the encoder
 * without any adapter has.
 *
 * @module
 */
import type { DeviceTensor, Executor } from "../exec/executor.ts";
import { type DimBindings, hostVector } from "../graph/mod.ts";
import type { SlotScores } from "../methods/rank_actions.ts";
import type { RowView } from "../methods/rank_policy.ts";
import type { ClassRange, Task } from "../tasks/types.ts";
import type { Assembly } from "./assemble.ts";
import { type EvaluationSplit, exampleLoss } from "./evaluate.ts";
import { batchDims, inputFeeds } from "./feeds.ts";
import { placeOf, rowBounds, slotPlacesOf, slotRanges, type StateVectors } from "./vectors.ts";
import type { LoadedPrograms } from "./programs.ts";
import { enteringName } from "./resumed.ts";
import type { TrainingRequest } from "./run_types.ts";
import { rowsOn, type SlotOrder } from "./slots.ts";
import type { RunStage } from "./stages.ts";

/** Each slot's score, module by module in logical order: the mean of Ī·Ū, or of Ī, over a part's row, summed over the parts. */
export function slotScoresOf(
  assembly: Assembly,
  order: SlotOrder,
  vectors: Pick<StateVectors, "sensitivity" | "uncertainty">,
): SlotScores {
  const source = assembly.adapter?.policy?.scores;
  const isSensitivity = source?.type === "importance" && source.of === "sensitivity";
  const { sensitivity, uncertainty } = vectors;
  if (sensitivity === undefined || uncertainty === undefined) {
    throw new RangeError("Cannot score slots: the state holds no importance averages");
  }
  return assembly.modules.map(({ module }) => {
    const places = slotPlacesOf(assembly, module.name);
    const scores = order[module.name]!.map((row) =>
      places.reduce((score, place) => {
        const [start, end] = rowBounds(place, row);
        let sum = 0;
        for (let i = start; i < end; i++) {
          sum += isSensitivity ? sensitivity[i]! : sensitivity[i]! * uncertainty[i]!;
        }
        return score + sum / (end - start);
      }, 0)
    );
    return { module: module.name, scores };
  });
}

interface ScoredState {
  readonly programs: LoadedPrograms;
  readonly vectors: StateVectors;
  readonly order: SlotOrder;
  /** The stage of the step that the event follows. */
  readonly stage: RunStage;
}

/** The scores that a policy is given, from where the method says; none where they come from nowhere. */
export async function scoresOf(
  { executor, task, assembly: { method } }: TrainingRequest,
  { programs, vectors, order, stage: { scoring, classes } }: ScoredState,
): Promise<SlotScores> {
  const type = method.adapter?.policy?.scores?.type;
  if (type === "importance") return slotScoresOf(programs.assembly, order, vectors);
  if (type !== "removal") return [];
  const theta = vectors.theta!;
  return await removalScores({
    ...{ executor, programs, theta, order, task, classes },
    examples: scoring!,
  });
}

/** What a rule is given that asks for no scores: reading it fails at once, at the line that reads, not later in what is missing. */
export const noScores: SlotScores = new Proxy([], {
  get: () => {
    const lines = new Error().stack?.split("\n").slice(1) ?? [];
    const reader = lines.find((line) => !line.includes(import.meta.url))?.trim() ?? "its rule";
    throw new TypeError(
      `Cannot decide about ranks: found that the rule reads scores (${reader}), which its policy does not ask for; put ` +
        '"scores" beside "rule", such as { type: "importance", beta1: 0.85, beta2: 0.85 }, or make scores of the rows that ' +
        "the fourth argument shows",
    );
  },
});

/** What a policy may see of an event besides scores. */
interface SeenState extends Pick<RowView, "stream" | "isEvaluated"> {
  readonly assembly: Assembly;
  readonly order: SlotOrder;
  readonly vectors: Pick<StateVectors, "theta" | "v" | "c2" | "inputNorms">;
}

/** The rows of a state as policies see them. */
export function rowView({ assembly, order, vectors, stream, isEvaluated }: SeenState): RowView {
  const boundsOf = (module: string, part: string) => {
    const place = placeOf(assembly, module, part);
    return rowsOn(place.group, order, module).map((row) => rowBounds(place, row));
  };
  return {
    stream,
    isEvaluated,
    rows: (module, part) => boundsOf(module, part).map((bounds) => vectors.theta!.slice(...bounds)),
    squaredGradients: (module, part) =>
      boundsOf(module, part).map(([start, end]) => {
        const { v, c2 } = vectors;
        const correction = (i: number) => c2![c2!.length === 1 ? 0 : i]!;
        return Float32Array.from({ length: end - start }, (_, i) => {
          const count = correction(start + i);
          return count === 0 ? 0 : v![start + i]! / count;
        });
      }),
    inputNorms: (module) => inputNormsOf(assembly, vectors.inputNorms, module),
  };
}

function inputNormsOf(
  { modules }: Assembly,
  norms: Float32Array | undefined,
  name: string,
): Float32Array {
  const at = modules.findIndex(({ module }) => module.name === name);
  if (norms === undefined || at < 0) {
    throw new RangeError(
      `Cannot give the input norms of "${name}": ` +
        (at < 0
          ? "it is not an adapted module"
          : 'the method keeps none, state "inputNormDecay" in its policy'),
    );
  }
  const start = modules.slice(0, at).reduce((sum, { module }) => sum + module.inSize, 0);
  return norms.slice(start, start + modules[at]!.module.inSize);
}

interface RemovalRequest {
  readonly executor: Executor;
  readonly programs: LoadedPrograms;
  readonly theta: Float32Array;
  readonly order: SlotOrder;
  readonly task: Task;
  readonly examples: EvaluationSplit;
  /** The classes that the loss is over, or null for all. */
  readonly classes: ClassRange | null;
}

type DeviceTensors = Readonly<Record<string, DeviceTensor>>;

/** A batch that stays on the device while all ranks are scored. */
interface HeldBatch {
  readonly feeds: DeviceTensors;
  readonly dims: DimBindings;
  readonly targets: readonly number[];
  /** What enters each layer with all adapters, and without any. */
  readonly states: Readonly<Record<"whole" | "bare", DeviceTensors>>;
}

/** Each slot's score, module by module in logical order: two forward passes a slot over the examples, from its layer on. */
export async function removalScores(request: RemovalRequest): Promise<SlotScores> {
  const { executor, programs: { assembly }, theta, order } = request;
  // One vector of each kind; a slot's own numbers are put in and taken out of it.
  const without = theta.slice();
  const alone = theta.slice().fill(0, 0, assembly.adapterSize);
  const held: HeldBatch[] = [];
  try {
    for await (const batch of heldBatches(request, { whole: theta, bare: alone })) held.push(batch);
    const scores: { module: string; scores: number[] }[] = [];
    for (const { module: { name, layer } } of assembly.modules) {
      const own: number[] = [];
      for (const ranges of slotRanges(assembly, name, order[name]!)) {
        for (const [start, end] of ranges.slot) without.fill(0, start, end);
        for (const [start, end] of ranges.all) alone.set(theta.subarray(start, end), start);
        own.push(
          await loss(request, held, { theta: without, layer, from: "whole" }) -
            await loss(request, held, { theta: alone, layer, from: "bare" }),
        );
        for (const [start, end] of ranges.slot) without.set(theta.subarray(start, end), start);
        for (const [start, end] of ranges.all) alone.fill(0, start, end);
      }
      scores.push({ module: name, scores: own });
    }
    return scores;
  } finally {
    for (const { feeds, states: { whole, bare } } of held) {
      for (const own of [feeds, whole, bare]) {
        for (const tensor of Object.values(own)) executor.dispose(tensor);
      }
    }
  }
}

async function* heldBatches(
  { executor, programs: { assembly, resumed }, examples }: RemovalRequest,
  parameters: Readonly<Record<"whole" | "bare", Float32Array>>,
): AsyncGenerator<HeldBatch> {
  const layers = [...new Set(assembly.modules.map(({ module }) => module.layer))];
  const session = await resumed.withStates(layers);
  for (const batch of examples.batches) {
    const dims = batchDims(batch);
    const names = assembly.evaluationProgram.inputs.keys();
    const feeds = Object.fromEntries(
      Object.entries(inputFeeds(assembly, batch, names))
        .map(([name, host]) => [name, executor.upload(host)]),
    );
    const statesOf = async (theta: Float32Array) => {
      const { kept } = await session.run({
        feeds: { theta: hostVector(theta), ...feeds },
        dims,
        keep: layers.map(enteringName),
      });
      return kept;
    };
    yield {
      feeds,
      dims,
      targets: batch.rows.map((row) => examples.targets[row]!),
      states: { whole: await statesOf(parameters.whole), bare: await statesOf(parameters.bare) },
    };
  }
}

/** The mean loss on the examples under some parameters, which are those of `from` below a layer. */
async function loss(
  { programs: { assembly, resumed }, task, classes }: RemovalRequest,
  held: readonly HeldBatch[],
  { theta, layer, from }: {
    readonly theta: Float32Array;
    readonly layer: number;
    readonly from: "whole" | "bare";
  },
): Promise<number> {
  const session = await resumed.from(layer);
  let sum = 0;
  let count = 0;
  for (const { feeds, dims, targets, states } of held) {
    const { read } = await session.run({
      feeds: { theta: hostVector(theta), ...feeds, ...states[from] },
      dims,
      read: ["logits"],
    });
    const logits = read["logits"]!.data as Float32Array;
    targets.forEach((target, i) => {
      const own = logits.subarray(i * assembly.outputs, (i + 1) * assembly.outputs);
      sum += exampleLoss(task, own, target, classes);
    });
    count += targets.length;
  }
  return sum / count;
}
