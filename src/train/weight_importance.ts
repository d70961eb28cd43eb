/**
 * How much the loss at the start of a run depends on the weights of each module, from gradients of the frozen encoder.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import type { Executor } from "../exec/executor.ts";
import {
  add,
  gemm,
  grad,
  type HostTensor,
  makeProgram,
  optimise,
  type Program,
  split,
  type Tensor,
} from "../graph/mod.ts";
import { architectureOf } from "../models/architectures.ts";
import { frozenContext, wantedStates } from "../models/forward_context.ts";
import { modulesByName } from "../models/config.ts";
import { drawParameter } from "../models/parameters.ts";
import { encoderInputs, tokenFeeds } from "../models/token_rows.ts";
import type { ModuleShape } from "../study/types.ts";
import type { Batch, ClassRange } from "../tasks/types.ts";
import {
  type EncoderWeights,
  headParameters,
  type HeadRequest,
  outputCount,
  taskLogits,
  taskLoss,
} from "./assembly_request.ts";
import { batchDims, targetFeeds } from "./feeds.ts";
import { classMask } from "./stages.ts";

/** The model at the start of a run: the frozen encoder with the head that the run starts with. */
export interface StartingModel extends HeadRequest {
  readonly encoder: EncoderWeights;
  /** The stream by which the run draws its parameters; only those of the head that the encoder does not have are drawn here. */
  readonly stream: RandomStream;
  /** The classes that the loss is over, or null for all. */
  readonly classes: ClassRange | null;
}

function startingTensors(model: StartingModel): ReadonlyMap<string, HostTensor> {
  const { encoder: { tensors }, stream } = model;
  const drawn = headParameters(model).filter(({ name }) => !tensors.has(name)).map((spec) => {
    const host: HostTensor = {
      type: "f32",
      shape: spec.shape,
      data: drawParameter(spec, stream),
    };
    return [spec.name, host] as const;
  });
  return new Map([...tensors, ...drawn]);
}

/** The program that gives ∂L/∂W of modules, `[out, in]` under their names, of a batch's mean loss without dropout. */
function gradientsProgram(model: StartingModel, wanted: readonly ModuleShape[]): Program {
  const { config } = model.encoder;
  const inputs = encoderInputs(config.heads);
  const names = new Set(wanted.map(({ name }) => name));
  const products: {
    readonly x: Tensor;
    readonly y: Tensor;
    readonly modules: readonly (ModuleShape | null)[];
    readonly sizes: readonly number[];
  }[] = [];
  const context = frozenContext(startingTensors(model), {
    product: (layers, x, y) => {
      const modules = layers.map(({ module }) =>
        module !== null && names.has(module.name) ? module : null
      );
      const sizes = layers.map(({ path }) =>
        context.parameter(`${path}.weight`).shape[0] as number
      );
      if (modules.some((module) => module !== null)) products.push({ x, y, modules, sizes });
    },
  });
  const architecture = architectureOf(config);
  const states = architecture.encode(
    config,
    inputs,
    context,
    modulesByName(config),
    wantedStates(config),
  );
  const outputs = architecture.taskHead(config, states, inputs, context);
  const loss = taskLoss(model, taskLogits(model.output, outputs));
  const found = new Map<string, Tensor>();
  grad(loss, products.map(({ y }) => y)).forEach((gradient, i) => {
    const { x, modules, sizes } = products[i]!;
    const pieces = sizes.length === 1 ? [gradient] : split(gradient, sizes, 1);
    modules.forEach((module, k) => {
      if (module === null) return;
      // A layer that has two inputs, such as DeBERTa's keys of tokens and of positions, has the sum of both.
      const own = gemm(pieces[k]!, x, { transA: true });
      const before = found.get(module.name);
      found.set(module.name, before === undefined ? own : add(before, own));
    });
  });
  return optimise(makeProgram(Object.fromEntries(found)));
}

type Numbers = Float32Array | Float64Array;

/** `sum` with a multiple of `values` added; a fresh sum where there is none. */
function withProduct(sum: Numbers | undefined, values: Numbers, factor: number): Numbers {
  const next = sum ??
    (values instanceof Float64Array
      ? new Float64Array(values.length)
      : new Float32Array(values.length));
  for (let i = 0; i < values.length; i++) next[i]! += factor * values[i]!;
  return next;
}

/**
 * The mean of |W ∘ G| over the entries of each module's weight W, with G = ∂L/∂W of the mean loss over all texts.
 *
 * The batches' gradients are added up before the absolute value is taken (GoRA, arXiv 2502.12171, equation 5). There is no dropout.
 *
 * @param batches Texts with their targets.
 * @param modules In model order.
 * @returns One number from 0 for each module.
 * @throws {RangeError} If a number is not finite.
 */
export async function weightImportance(
  executor: Executor,
  model: StartingModel,
  batches: readonly Batch[],
  modules: readonly ModuleShape[],
): Promise<readonly number[]> {
  const { encoder: { config, tensors }, output, classes } = model;
  const program = gradientsProgram(model, modules);
  const texts = batches.reduce((sum, { size }) => sum + size, 0);
  const sums = new Map<string, Numbers>();
  const session = await executor.load(program);
  try {
    for (const batch of batches) {
      const names = program.inputs;
      const fed = {
        ...tokenFeeds(batch, config, names.keys()),
        ...targetFeeds(batch),
        classMask: classMask(outputCount(output), classes),
      };
      const { read } = await session.run({
        feeds: Object.fromEntries(Object.entries(fed).filter(([name]) => names.has(name))),
        dims: batchDims(batch),
        read: modules.map(({ name }) => name),
      });
      for (const { name } of modules) {
        const values = read[name]!.data as Numbers;
        sums.set(name, withProduct(sums.get(name), values, batch.size / texts));
      }
    }
  } finally {
    await session.release();
  }
  const { modulePath } = architectureOf(config);
  return modules.map(({ name, layer, part }) => {
    const gradient = sums.get(name)!;
    const weight = tensors.get(`${modulePath(layer, part)}.weight`)!.data;
    let sum = 0;
    for (let i = 0; i < gradient.length; i++) sum += Math.abs(Number(weight[i]) * gradient[i]!);
    const mean = sum / gradient.length;
    if (Number.isFinite(mean)) return mean;
    throw new RangeError(
      `Cannot measure how much the loss depends on "${name}": found a mean of ${mean} over ${gradient.length} weights, want a ` +
        "finite one; the encoder's weights or outputs are too large",
    );
  });
}
