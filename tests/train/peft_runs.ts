/**
 * What comparisons of whole runs with peft and PyTorch have in common: where they start, stored numbers in double precision,
 * where peft's tensors lie, and what is told of each step.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { DeviceTensor, Executor } from "../../src/exec/executor.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { HostTensor } from "../../src/graph/mod.ts";
import type { BatchStream } from "../../src/tasks/batches.ts";
import type { Batch, TaskOutput } from "../../src/tasks/types.ts";
import type { Assembly } from "../../src/train/assemble.ts";
import { groupParameter, sliceOf } from "../../src/train/slots.ts";
import { batchDims, inputFeeds } from "../../src/train/feeds.ts";
import type { TrainingRequest } from "../../src/train/run_types.ts";
import { withBatches } from "../../src/train/stages.ts";
import type { Trainer } from "../../src/train/trainer.ts";
import { assertClose } from "../graph/numbers.ts";
import { expected, storedClassifier } from "../models/fixture.ts";
import { batchOf } from "../models/golden_tokens.ts";
import {
  noDropout,
  ofKind,
  started,
  type StepEvent,
  type TinyRun,
  trainingRequest,
} from "./fixture.ts";

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

/**
 * All tensors of the adapters; peft has B as `[out, rank]`, ranklab its columns as rows.
 *
 * @param rank Where there is room for more. Default: as much as there is room for.
 */
export function placedTensors({ layout, groups }: Assembly, rank?: number): readonly Placed[] {
  return groups.flatMap((group) => {
    const { offset } = sliceOf(layout, groupParameter(group));
    const { capacity, rowLength } = group;
    const rows = rank ?? capacity;
    return group.modules.map(({ name }, m): Placed => {
      const at = (slot: number, j: number) => offset + (m * capacity + slot) * rowLength + j;
      const positions = Array.from(
        { length: rows * rowLength },
        (_, i) =>
          group.part.name.startsWith("B")
            ? at(i % rows, Math.floor(i / rows))
            : at(Math.floor(i / rowLength), i % rowLength),
      );
      return { name: `${name}.${group.part.name}`, positions };
    });
  });
}

/** A run on the golden encoder with three labels, a schedule that falls, no dropout and the batch of each step; nothing is evaluated. */
export function goldenRequest(
  executor: Executor,
  run: TinyRun & { readonly train: { readonly steps: number } },
  batchAt: (step: number) => Batch,
): TrainingRequest {
  const train = { schedule: "linear", dropout: noDropout, ...run.train } as const;
  const request = trainingRequest(executor, { ...run, train });
  const output: TaskOutput = { type: "classification", labels: ["a", "b", "c"] };
  const batches: BatchStream = {
    batchesPerEpoch: run.train.steps,
    next: ({ epoch, batch }) => ({ batch: batchAt(batch), cursor: { epoch, batch: batch + 1 } }),
  };
  return {
    ...withBatches(request, batches),
    assembly: { ...request.assembly, output },
    splits: [],
  };
}

/** A trainer whose run starts with the checkpoint's classifier, and with what is written over its other parameters. */
export async function startedWith(
  request: TrainingRequest,
  write: (theta: Float32Array, assembly: Assembly) => void,
): Promise<Trainer & Disposable> {
  using fresh = await started(request);
  const { assembly } = fresh;
  const checkpoint = await fresh.checkpoint();
  const theta = checkpoint.vectors.theta!.slice();
  if (request.assembly.output.type === "classification") {
    for (const [name, { data }] of storedClassifier()) {
      theta.set(data as Float32Array, sliceOf(assembly.layout, name).offset);
    }
  }
  write(theta, assembly);
  return await started(request, { ...checkpoint, vectors: { ...checkpoint.vectors, theta } });
}

/** What a golden run told of its steps, its regulariser added to the loss. */
export interface GoldenSteps {
  readonly loss: readonly number[];
  readonly gradientNorm: readonly number[];
}

/** The slots that a mask took away after a step, by module. */
export interface MaskEvent {
  readonly step: number;
  readonly off: Readonly<Record<string, readonly number[]>>;
}

/** Trains to the end and holds losses and gradient norms to the golden ones; `check` sees the trainer after each step. */
export async function trainAs(
  trainer: Trainer,
  wanted: GoldenSteps,
  { losses, norms }: { readonly losses: number; readonly norms: number },
  check: () => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly steps: readonly StepEvent[]; readonly masks: readonly MaskEvent[] }> {
  const steps: StepEvent[] = [];
  const masks: MaskEvent[] = [];
  while (!trainer.isDone) {
    const events = await trainer.next();
    steps.push(...ofKind(events, "step"));
    for (const { step } of ofKind(events, "ranks")) {
      // Also of modules without any.
      const off = trainer.assembly.modules.map(({ module: { name } }) => {
        const own = trainer.progress.off.filter(({ module }) => module === name);
        return [name, own.map(({ slot }) => slot)] as const;
      });
      masks.push({ step: step - 1, off: Object.fromEntries(off) });
    }
    await check();
  }
  const told = steps.map(({ loss, regulariser }) => loss + regulariser);
  assertClose(told, wanted.loss, losses, "losses");
  assertClose(steps.map((step) => step.gradientNorm), wanted.gradientNorm, norms, "gradient norms");
  return { steps, masks };
}

/** The logits of a batch under some parameters. */
export async function logitsOf(
  { programs: { assembly, evaluate } }: Trainer,
  theta: Float32Array | Float64Array,
  batch: Batch,
): Promise<readonly number[]> {
  const { read } = await evaluate.run({
    feeds: {
      theta: { type: "f32", shape: [theta.length], data: theta },
      ...inputFeeds(assembly, batch),
    },
    dims: batchDims(batch),
    read: ["logits"],
  });
  return Array.from(read["logits"]!.data, Number);
}

/** Fails where a number of a tensor is off by more than the tolerance relative to the tensor's largest, or to 0.01. */
export function assertTensor(
  theta: ArrayLike<number>,
  { name, positions }: Placed,
  wanted: Float64Array,
  tolerance: number,
): void {
  const scale = wanted.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-2);
  const found = positions.map((at) => theta[at]! / scale);
  assertClose(found, wanted.map((value) => value / scale), tolerance, name);
}
