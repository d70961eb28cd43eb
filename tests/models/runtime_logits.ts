/**
 * What a runtime computes with an encoder that has left ranklab as ONNX.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { HostTensor } from "../../src/graph/mod.ts";
import type { PaddedTokens } from "./golden_tokens.ts";

/** The batch as the plain model takes it. */
export function plainFeeds(
  { size, length, ids, types, mask }: PaddedTokens,
): Record<string, HostTensor> {
  const i64 = (values: ArrayLike<number>): HostTensor => ({
    type: "i64",
    shape: [size, length],
    data: BigInt64Array.from(Array.from(values), BigInt),
  });
  return { input_ids: i64(ids), attention_mask: i64(mask), token_type_ids: i64(types) };
}

/** What BERT takes; the families without token types take the first two. */
export const bertInputs = ["attention_mask", "input_ids", "token_type_ids"];

/** The logits of an encoded model on each batch, by the native runtime and nothing of ranklab. */
export async function runtimeLogits(
  bytes: Uint8Array,
  batches: readonly PaddedTokens[],
  inputs: readonly string[] = bertInputs,
) {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  try {
    assertEquals([...session.inputNames].sort(), [...inputs]);
    assertEquals(session.outputNames, ["logits"]);
    const all: Float32Array[] = [];
    for (const batch of batches) {
      const feeds = Object.fromEntries(
        Object.entries(plainFeeds(batch)).filter(([name]) => inputs.includes(name)).map((
          [name, { shape, data }],
        ) => [
          name,
          new Tensor("int64", data as BigInt64Array, shape),
        ]),
      );
      const { logits } = await session.run(feeds);
      all.push(logits!.data as Float32Array);
    }
    return all;
  } finally {
    await session.release();
  }
}
