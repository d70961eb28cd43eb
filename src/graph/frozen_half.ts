/**
 * Frozen weights in half precision: half the memory, and half the traffic where they are read.
 *
 * Only the stored numbers are rounded; they are cast back where they are used, and everything is computed, and every
 * trained number kept, in single precision.
 *
 * @module
 */
import { cast } from "./ops/mod.ts";
import type { Program } from "./program.ts";
import { rewrite } from "./rewrite.ts";
import { constant, type HostTensor, makeTensor, type Node, type Tensor } from "./tensor.ts";

/** What has been rounded before, so that programs with the same weights share the rounded ones too. */
const rounded = new WeakMap<HostTensor["data"], HostTensor>();

function halved(host: HostTensor, name: string): HostTensor {
  const held = rounded.get(host.data);
  if (held !== undefined) return { ...held, shape: host.shape };
  const data = Float32Array.from(host.data as ArrayLike<number>, Math.f16round);
  const at = data.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(host.data[i]));
  if (at >= 0) {
    throw new RangeError(
      `Cannot keep "${name}" in half precision: found ${host.data[at]} at position ${at}, ` +
        `want at most 65504 in size (keep the weights in single precision)`,
    );
  }
  const half: HostTensor = { type: "f16", shape: host.shape, data };
  rounded.set(host.data, half);
  return half;
}

/** Rows of a halved table: gathered first, so that not the whole table is cast in every run. */
function gatheredFirst(node: Node, inputs: readonly Tensor[]): readonly Tensor[] | null {
  const [table, indices] = inputs as readonly [Tensor, Tensor];
  const half = table.node.op === "Cast" ? table.node.inputs[0]! : table;
  if (half.type !== "f16") return null;
  const { shape } = node.outputs[0]!;
  const rows = makeTensor("Gather", [half, indices], node.attributes, shape, "f16");
  return [cast(rows, "f32")];
}

function isFrozen({ op, constant }: Node, smallest: number): boolean {
  return op === "Constant" && constant!.type === "f32" && constant!.data.length >= smallest;
}

/**
 * The program with every float constant of at least `smallest` numbers stored in half precision and cast where it is used.
 *
 * @param smallest Default 16,384 numbers: biases and scales stay as they are.
 *
 * @throws {RangeError} If a constant is too large for half precision.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { add, constant, input, interpret, makeProgram } from "./mod.ts";
 * import { halveConstants } from "./frozen_half.ts";
 * const weight = constant({ type: "f32", shape: [1], data: Float32Array.of(1 / 3) });
 * const program = halveConstants(makeProgram({ y: add(input("x", [1]), weight) }), 1);
 * const x = { type: "f32", shape: [1], data: Float32Array.of(0) } as const;
 * assertEquals(interpret(program, { x }).y?.data[0], 1365 / 4096);
 * ```
 */
export function halveConstants(program: Program, smallest = 2 ** 14): Program {
  return rewrite(program, (node, inputs) => {
    if (node.op === "Gather") return gatheredFirst(node, inputs);
    if (!isFrozen(node, smallest)) return null;
    const name = String(node.attributes["name"]);
    return [cast(constant(halved(node.constant!, name), name), "f32")];
  });
}
