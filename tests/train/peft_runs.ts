/**
 * What comparisons of whole runs with peft have in common: stored numbers in double precision, and where peft's tensors lie.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { DeviceTensor, Executor } from "../../src/exec/executor.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { HostTensor } from "../../src/graph/mod.ts";
import type { Batch } from "../../src/tasks/types.ts";
import type { Assembly } from "../../src/train/assemble.ts";
import { groupParameter, sliceOf } from "../../src/train/slots.ts";
import type { Trainer } from "../../src/train/trainer.ts";
import { expected } from "../models/fixture.ts";
import { batchOf } from "../models/golden_tokens.ts";

/** What a golden run was trained with. */
export interface GoldenSettings {
  readonly learningRate: number;
  readonly warmup: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** The golden batch at a step: its targets are turned by the step's number. */
export function turnedBatch(targets: readonly number[], step: number): Batch {
  const n = targets.length;
  return batchOf(expected, targets.map((_, i) => targets[(i + n - step % n) % n]!));
}

/** The address of a file in `tests/golden/`. */
export function goldenUrl(name: string): URL {
  return new URL(`../golden/${name}`, import.meta.url);
}

/** Tensors of a safetensors file in double precision, by name. */
export function readDoubles(bytes: Uint8Array): ReadonlyMap<string, Float64Array> {
  const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header: Record<string, { dtype: string; data_offsets: [number, number] }> = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)),
  );
  return new Map(
    Object.entries(header).map(([name, { dtype, data_offsets: [start, end] }]) => {
      assertEquals(dtype, "F64", name);
      const body = bytes.slice(8 + headerLength + start, 8 + headerLength + end);
      return [name, new Float64Array(body.buffer)];
    }),
  );
}

/** The reference executor, which also keeps in double precision what was read last. */
export class KeepingReference extends ReferenceExecutor {
  lastRead: readonly HostTensor[] = [];

  override async readAll(tensors: readonly DeviceTensor[]): Promise<readonly HostTensor[]> {
    this.lastRead = await super.readAll(tensors);
    return this.lastRead;
  }
}

/** The parameters now, as precise as the executor has them. */
export async function parametersOf(
  trainer: Trainer,
  executor: Executor,
): Promise<Float32Array | Float64Array> {
  const { vectors } = await trainer.checkpoint();
  if (!(executor instanceof KeepingReference)) return vectors.theta!;
  const [theta] = executor.lastRead;
  assertEquals(theta!.data.length, vectors.theta!.length);
  return theta!.data as Float64Array;
}

/** Where a tensor of the adapters lies: `positions[i]` is the place of its number i, as peft has it, in the parameters. */
export interface Placed {
  readonly name: string;
  readonly positions: readonly number[];
}

/** All tensors of the adapters; peft has B as `[out, rank]`, ranklab its columns as rows. */
export function placedTensors({ layout, groups }: Assembly): readonly Placed[] {
  return groups.flatMap((group) => {
    const { offset } = sliceOf(layout, groupParameter(group));
    const { capacity, rowLength } = group;
    return group.modules.map(({ name }, m): Placed => {
      const at = (slot: number, j: number) => offset + (m * capacity + slot) * rowLength + j;
      const positions = Array.from(
        { length: capacity * rowLength },
        (_, i) =>
          group.part.name.startsWith("B")
            ? at(i % capacity, Math.floor(i / capacity))
            : at(Math.floor(i / rowLength), i % rowLength),
      );
      return { name: `${name}.${group.part.name}`, positions };
    });
  });
}

/** Weights are held to the tolerance relative to the largest of their tensor, or to this where all are smaller. */
export const smallestScale = 1e-2;
