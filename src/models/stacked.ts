/**
 * Parameters one after the other, so that layers which share an input are one product.
 *
 * @module
 */
import { concat, constant, type HostTensor, type Tensor } from "../graph/mod.ts";

/** What was stacked, by its first part: programs of one encoder share the copy. */
const held = new WeakMap<
  HostTensor,
  { readonly parts: readonly HostTensor[]; whole: HostTensor }
>();

function stackedHosts(parts: readonly HostTensor[]): HostTensor {
  const [first] = parts as readonly [HostTensor];
  const before = held.get(first);
  if (before?.parts.length === parts.length && before.parts.every((part, i) => part === parts[i])) {
    return before.whole;
  }
  const rows = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const shape = [rows, ...first.shape.slice(1)];
  const Numbers = first.data instanceof Float64Array ? Float64Array : Float32Array;
  const data = new Numbers(shape.reduce((product, size) => product * size, 1));
  let at = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array | Float64Array, at);
    at += part.data.length;
  }
  const whole: HostTensor = { type: "f32", shape, data };
  held.set(first, { parts, whole });
  return whole;
}

/**
 * Tensors of equal rows along their first axis; frozen ones are joined on the host, once for all programs.
 *
 * @param parts `[n, …]` each.
 */
export function stacked(parts: readonly Tensor[]): Tensor {
  if (parts.length === 1) return parts[0]!;
  const hosts = parts.flatMap(({ node }) => node.constant === null ? [] : [node.constant]);
  if (hosts.length < parts.length) return concat(parts, 0);
  const name = parts.map(({ node }) => node.attributes["name"]).join("+");
  return constant(stackedHosts(hosts), name);
}
