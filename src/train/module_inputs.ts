/**
 * The frozen encoder on texts: the directions in which the inputs of each module vary, found batch by batch, and the states
 * between its layers.
 *
 * @module
 */
import type { Executor } from "../exec/executor.ts";
import { gemm, makeProgram, optimise, type Program, type Tensor } from "../graph/mod.ts";
import {
  cosine,
  explainedShares,
  type PrincipalRows,
  withRows,
} from "../methods/incremental_svd.ts";
import type { InputEstimate, RankPurse } from "../methods/rank_estimate.ts";
import { architectureOf } from "../models/architectures.ts";
import { frozenContext } from "../models/forward_context.ts";
import { modulesByName } from "../models/config.ts";
import { dims, encoderInputs, type Pooling, tokenFeeds } from "../models/token_rows.ts";
import type { ModuleShape } from "../study/types.ts";
import type { Batch } from "../tasks/types.ts";
import type { EncoderWeights } from "./assembly_request.ts";
import { batchDims } from "./feeds.ts";

/** What is known of one input, which several modules may share. */
interface SharedInput {
  /** Name of the program's output with it. */
  readonly name: string;
  /** Places of its modules among those that are asked for. */
  readonly modules: readonly number[];
  /** Directions to keep. */
  readonly components: number;
  found: PrincipalRows | null;
  /** Which of them the last batch hardly changed. */
  settled: readonly boolean[];
}

/** What was found of the inputs of each module, in the order in which modules were given. */
interface ModuleInputs {
  readonly ranks: readonly number[];
  /** The shares of the inputs' spread that directions explain. */
  readonly explained: readonly (readonly number[])[];
  readonly found: readonly PrincipalRows[];
}

/** Passes over all texts after which directions are taken as they are. */
const mostPasses = 50;

/** The program that gives the inputs of modules, and which output each of them has. */
function inputsProgram(
  { config, tensors }: EncoderWeights,
  wanted: readonly ModuleShape[],
): { readonly program: Program; readonly outputOf: ReadonlyMap<string, string> } {
  const inputs = encoderInputs(config.heads);
  const names = new Set(wanted.map(({ name }) => name));
  const outputs = new Map<Tensor, string>();
  const outputOf = new Map<string, string>();
  const context = frozenContext(tensors, {
    product: (layers, x) => {
      // DeBERTa's queries and keys also project positions, which are not tokens.
      const own = x.shape[0] === dims.tokens ? layers : [];
      for (const { module } of own) {
        if (module === null || !names.has(module.name)) continue;
        const output = outputs.get(x) ?? `input.${outputs.size}`;
        outputs.set(x, output);
        outputOf.set(module.name, output);
      }
    },
  });
  architectureOf(config).encode(config, inputs, context, modulesByName(config), "all");
  const program = optimise(
    makeProgram(Object.fromEntries([...outputs].map(([x, name]) => [name, x]))),
  );
  return { program, outputOf };
}

/** Inputs with the modules that share them. */
function sharedInputs(
  outputOf: ReadonlyMap<string, string>,
  modules: readonly ModuleShape[],
  ranks: readonly number[],
  componentsOf: InputEstimate["componentsOf"],
): readonly SharedInput[] {
  const places = Map.groupBy(modules.keys(), (i) => outputOf.get(modules[i]!.name)!);
  return [...places].map(([name, own]) => ({
    name,
    modules: own,
    components: Math.min(
      modules[own[0]!]!.inSize,
      Math.max(1, ...own.map((i) => componentsOf(ranks[i]!))),
    ),
    found: null,
    settled: [],
  }));
}

/**
 * Finds the directions in which the inputs of modules vary, and the ranks that follow from what they explain.
 *
 * Texts are passed over batch by batch until the directions that ranks are given to hardly change, once at least; an input whose
 * directions have settled is left out of further batches. Padding does not count.
 *
 * @param batches Texts; their targets do not matter.
 * @param modules The adapted modules, in model order.
 * @param ranks Their ranks by the budget alone.
 * @throws {RangeError} If no batch has as many tokens as directions are to be found.
 */
export async function moduleInputs(
  executor: Executor,
  encoder: EncoderWeights,
  batches: readonly Batch[],
  { componentsOf, tau, ranksOf }: InputEstimate,
  { modules, ranks, purse }: {
    readonly modules: readonly ModuleShape[];
    readonly ranks: readonly number[];
    readonly purse: RankPurse;
  },
): Promise<ModuleInputs> {
  const { program, outputOf } = inputsProgram(encoder, modules);
  const inputs = sharedInputs(outputOf, modules, ranks, componentsOf);
  const inputOf = (i: number) => inputs.find((input) => input.modules.includes(i))!;
  const explained = () => modules.map((_, i) => explainedShares(inputOf(i).found!));
  let given: readonly number[] = modules.map((_, i) => inputOf(i).components);
  const session = await executor.load(program);
  try {
    for (let at = 0; at < mostPasses * batches.length; at++) {
      const isOpen = ({ modules: own, settled }: SharedInput) => {
        const needed = Math.max(...own.map((i) => given[i]!));
        return Array.from({ length: needed }, (_, k) => settled[k] ?? false).includes(false);
      };
      const open = at < batches.length ? inputs : inputs.filter(isOpen);
      if (open.length === 0) break;
      const batch = batches[at % batches.length]!;
      const { read } = await session.run({
        feeds: tokenFeeds(batch, encoder.config, program.inputs.keys()),
        dims: batchDims(batch),
        read: open.map(({ name }) => name),
      });
      const count = batch.mask.reduce((sum, value) => sum + value, 0);
      for (const input of open) {
        const { data: values, shape } = read[input.name]!;
        const data = values as Float32Array | Float64Array;
        if (count < input.components) continue;
        const width = shape[1]!;
        const found = withRows(input.found, { data, count, width }, input.components);
        const before = input.found;
        input.settled = found.components.map((component, k) =>
          before !== null && cosine(component, before.components[k]!) >= tau
        );
        input.found = found;
      }
      if (inputs.some(({ found }) => found === null)) continue;
      given = ranksOf(explained(), purse);
    }
  } finally {
    await session.release();
  }
  const missing = inputs.find(({ found }) => found === null);
  if (missing !== undefined) {
    throw new RangeError(
      `Cannot find ${missing.components} directions of what enters "${
        modules[missing.modules[0]!]!.name
      }": no batch of texts has so many tokens; lower the budget or "rho", or raise "examples"`,
    );
  }
  return {
    ranks: given,
    explained: explained(),
    found: modules.map((_, i) => inputOf(i).found!),
  };
}

/** Name of the output with the states that enter a layer (counted from 0), or leave the last. */
function stateName(layer: number): string {
  return `layer.${layer}`;
}

function statesProgram({ config, tensors }: EncoderWeights): Program {
  const inputs = encoderInputs(config.heads);
  const states: Tensor[] = [];
  const context = frozenContext(tensors, { entering: (layer, x) => states[layer] = x });
  const last = architectureOf(config).encode(config, inputs, context, modulesByName(config), "all");
  return optimise(makeProgram(Object.fromEntries(
    [...states, last].map((state, layer) => [stateName(layer), gemm(inputs.pool, state)]),
  )));
}

/**
 * One vector a text for each layer.
 *
 * @param batches Texts; their targets do not matter.
 * @param pooling How the vectors of tokens become one.
 * @returns For the states that enter each layer and then for those after the last, a vector `[hidden]` a text, in the order of the
 * batches' rows.
 */
export async function layerStates(
  executor: Executor,
  encoder: EncoderWeights,
  batches: readonly Batch[],
  pooling: Pooling,
): Promise<readonly (readonly Float32Array[])[]> {
  const { heads, hidden, layers, paddingPosition } = encoder.config;
  const program = statesProgram(encoder);
  const session = await executor.load(program);
  const names = Array.from({ length: layers + 1 }, (_, layer) => stateName(layer));
  const states: Float32Array[][] = names.map(() => []);
  try {
    for (const batch of batches) {
      const { read } = await session.run({
        feeds: tokenFeeds(batch, { heads, pooling, paddingPosition }, program.inputs.keys()),
        dims: batchDims(batch),
        read: names,
      });
      names.forEach((name, layer) => {
        const data = Float32Array.from(read[name]!.data as Float32Array);
        batch.rows.forEach((row, i) => {
          states[layer]![row] = data.subarray(i * hidden, (i + 1) * hidden);
        });
      });
    }
    return states;
  } finally {
    await session.release();
  }
}
