/**
 * The states of the frozen encoder that enter each layer and leave the last one, as one vector a text.
 *
 * @module
 */
import type { Executor } from "../exec/executor.ts";
import { gemm, makeProgram, optimise, type Program, type Tensor } from "../graph/mod.ts";
import { architectureOf } from "../models/architectures.ts";
import { frozenContext } from "../models/forward_context.ts";
import { modulesByName } from "../models/modules.ts";
import { encoderInputs, type Pooling, tokenFeeds } from "../models/token_rows.ts";
import type { Batch } from "../tasks/types.ts";
import type { EncoderWeights } from "./assembly_request.ts";
import { batchDims } from "./feeds.ts";

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
