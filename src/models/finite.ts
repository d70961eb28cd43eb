/**
 * Weights that are numbers: a NaN or an infinity in a file is reported with its tensor, before anything is computed with it.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";

function countNonFinite(data: HostTensor["data"]): number {
  if (data instanceof BigInt64Array) return 0;
  let count = 0;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i]!)) count++;
  return count;
}

/**
 * What is wrong with a tensor that has numbers which are none, null where all are finite.
 *
 * @param name How the message calls the tensor.
 */
export function nonFiniteMessage(
  name: string,
  { data }: Pick<HostTensor, "data">,
): string | null {
  const count = countNonFinite(data);
  if (count === 0) return null;
  return `found ${count} of ${data.length} numbers of tensor "${name}" that are NaN or infinite, want finite ones`;
}
