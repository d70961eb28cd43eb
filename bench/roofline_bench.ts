/**
 * How much of a training step is arithmetic: the time that its matrix products would take at the rate that the same runtime
 * reaches on plain ones, over the time of the step.
 *
 * @module
 */
import { RandomStream } from "../src/base/random.ts";
import type { Executor } from "../src/exec/executor.ts";
import {
  type DimBindings,
  gemm,
  type HostTensor,
  input,
  makeProgram,
  type Node,
  type Program,
  shapeSizes,
} from "../src/graph/mod.ts";
import { batchDims } from "../src/train/feeds.ts";
import { Trainer } from "../src/train/trainer.ts";
import {
  modelFolder,
  randomBatch,
  rank,
  repeating,
  requestOf,
  seed,
  startEngine,
} from "./minilm.ts";
import { type Measurement, median } from "./setup.ts";

const shape = { batchSize: 32, length: 128 };
const repetitions = 12;
const burnIn = 3;
const goal = 0.7;

/** Floating-point operations of a node: two for each product that is summed. */
function operationsOf({ op, inputs, attributes, outputs }: Node, dims: DimBindings): number {
  if (op !== "Gemm" && op !== "MatMul") return 0;
  const a = shapeSizes(inputs[0]!.shape, dims);
  const inner = op === "Gemm" && attributes["transA"] === 1 ? a[0]! : a.at(-1)!;
  const results = shapeSizes(outputs[0]!.shape, dims).reduce((count, size) => count * size, 1);
  return 2 * inner * results;
}

/** Operations in the matrix products of a program. */
export function matrixOperations(program: Program, dims: DimBindings): number {
  return program.nodes.reduce((sum, node) => sum + operationsOf(node, dims), 0);
}

/** Numbers as they occur: zeros would be multiplied at a higher clock. */
function drawn(shape: readonly number[], stream: RandomStream): HostTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return { type: "f32", shape, data: Float32Array.from(stream.normals(count, 0.05)) };
}

/** Operations a second on a feed-forward layer of the encoder's sizes, up and down. */
async function measuredRate(
  executor: Executor,
  tokens: number,
  [hidden, wide]: readonly [number, number],
): Promise<number> {
  const x = input("x", [tokens, hidden]);
  const up = input("up", [wide, hidden]);
  const down = input("down", [hidden, wide]);
  const layer = (from: typeof x) => gemm(gemm(from, up, { transB: true }), down, { transB: true });
  // Four layers, so that what a run costs besides does not count.
  const program = makeProgram({ y: layer(layer(layer(layer(x)))) });
  const session = await executor.load(program, { resident: ["y"] });
  const stream = RandomStream.fromSeed(seed);
  const feeds = {
    x: executor.upload(drawn([tokens, hidden], stream)),
    up: executor.upload(drawn([wide, hidden], stream)),
    down: executor.upload(drawn([hidden, wide], stream)),
  };
  const seconds: number[] = [];
  for (let i = 0; i < burnIn + repetitions; i++) {
    const started = performance.now();
    const { kept } = await session.run({ feeds, dims: {}, keep: ["y"] });
    if (i >= burnIn) seconds.push((performance.now() - started) / 1000);
    executor.dispose(kept["y"]!);
  }
  await session.release();
  return matrixOperations(program, {}) / median(seconds);
}

/** The share of a LoRA step on MiniLM's size that is matrix products at the measured rate. */
export async function rooflineBench(model: string | null): Promise<readonly Measurement[]> {
  const engine = await startEngine();
  const folder = await modelFolder(model);
  const batch = randomBatch(shape);
  const request = repeating(await requestOf({ engine, folder, method: "lora" }), batch);
  const trainer = await Trainer.create(request, null);
  const millis: number[] = [];
  for (let i = 0; i < burnIn + repetitions; i++) {
    const started = performance.now();
    await trainer.next();
    if (i >= burnIn) millis.push(performance.now() - started);
  }
  const { stepProgram } = trainer.assembly;
  trainer.dispose();
  await engine.programs.clear();
  const { hidden, intermediate } = request.assembly.encoder.config;
  const tokens = shape.batchSize * shape.length;
  const rate = await measuredRate(engine.executor, tokens, [hidden, intermediate]);
  const operations = matrixOperations(stepProgram, batchDims(batch));
  const stepMillis = median(millis);
  const share = 1000 * operations / rate / stepMillis;
  const billions = (value: number) => (value / 1e9).toFixed(0);
  return [{
    what: `share of a LoRA step that is matrix products at the measured rate, rank ${rank}, ` +
      `${shape.batchSize} x ${shape.length}`,
    goal: `at least ${goal}`,
    measured: `${share.toFixed(3)} (${billions(operations)} GFLOP a step, ${
      billions(rate)
    } GFLOP/s, ${stepMillis.toFixed(0)} ms)`,
    isMet: share >= goal,
  }];
}
