/** Programs on WebGPU that are recorded, and weights in half precision; on whatever adapter the machine has. */
import { assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type DeviceTensor, type Executor, ExecutorError } from "../../src/exec/executor.ts";
import { findAdapter, webgpuExecutor, type WebGpuOptions } from "../../src/exec/webgpu.ts";
import * as g from "../../src/graph/mod.ts";
import type { HostTensor } from "../../src/graph/mod.ts";
import { assertClose } from "./executors.ts";

const adapter = await findAdapter();
const missing = adapter === null ? " (this machine offers no WebGPU adapter)" : "";
const hasHalf = adapter?.features.has("shader-f16") ?? false;

function onGpu(name: string, fn: () => Promise<void>, ignore = adapter === null): void {
  Deno.test({ name: `${name}${missing}`, ignore, fn });
}

function gpu(options: WebGpuOptions = {}): Promise<Executor> {
  return webgpuExecutor({ allowSoftware: true, ...options });
}

function floats(shape: readonly number[], of: (i: number) => number): HostTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return { type: "f32", shape, data: Float32Array.from({ length: count }, (_, i) => of(i)) };
}

const width = 160;
const weight = floats([width, width], (i) => Math.sin(i) / 20);

/** A linear layer trained by gradient descent: its state goes round, its batches change in size. */
function descent() {
  const x = g.input("x", ["batch", width]);
  const w = g.input("w", [width, width]);
  const hidden = g.tanh(g.gemm(g.gemm(x, g.constant(weight, "frozen")), w));
  const labels = g.input("labels", ["batch"], "i32");
  const loss = g.reduceMean(g.crossEntropy(hidden, labels));
  const [gradient] = g.grad(loss, [w]);
  return g.makeProgram({ "w.next": g.sub(w, g.mul(gradient!, 3)), loss });
}

interface Course {
  readonly losses: readonly number[];
  readonly w: readonly number[];
}

/** Eight steps; batches of 5, 3, 5, 3 … rows. */
async function trained(executor: Executor, capture: boolean): Promise<Course> {
  const session = await executor.load(descent(), { resident: ["w.next", "loss"], capture });
  let w = executor.upload(floats([width, width], (i) => Math.cos(i) / 10));
  const losses: DeviceTensor[] = [];
  for (let step = 0; step < 8; step++) {
    const batch = step % 2 === 0 ? 5 : 3;
    const labels = Int32Array.from({ length: batch }, (_, i) => (i + step) % 4);
    const { kept } = await session.run({
      feeds: {
        x: floats([batch, width], (i) => Math.sin(i * (step + 1))),
        w,
        labels: { type: "i32", shape: [batch], data: labels },
      },
      dims: { batch },
      keep: ["w.next", "loss"],
    });
    executor.dispose(w);
    w = kept["w.next"]!;
    losses.push(kept["loss"]!);
  }
  // Every kept loss is its own, although a recording writes one buffer in all runs.
  const hosts = await executor.readAll([...losses, w]);
  for (const tensor of [...losses, w]) executor.dispose(tensor);
  await session.release();
  return {
    losses: hosts.slice(0, -1).map(({ data }) => Number(data[0])),
    w: Array.from(hosts[hosts.length - 1]!.data as Float32Array),
  };
}

onGpu("recorded runs give the same numbers as issued ones, to the bit", async () => {
  const executor = await gpu();
  const issued = await trained(executor, false);
  assertNotEquals(issued.losses[0], issued.losses[2]);
  assertEquals(await trained(executor, true), issued);
});

onGpu("an executor that was made to record does so unless a program says otherwise", async () => {
  const executor = await gpu({ capture: true });
  assertEquals((await trained(executor, true)).losses, (await trained(executor, false)).losses);
});

onGpu(
  "a recorded run reads a device tensor that was fed before, and one that replaced it",
  async () => {
    const executor = await gpu();
    const double = g.makeProgram({ y: g.mul(g.input("x", [4]), 2) });
    const session = await executor.load(double, { capture: true });
    const first = executor.upload(floats([4], (i) => i));
    const read = async (
      x: DeviceTensor,
    ) => [...(await session.run({ feeds: { x }, dims: {}, read: ["y"] })).read["y"]!.data];
    assertEquals(await read(first), [0, 2, 4, 6]);
    assertEquals(await read(first), [0, 2, 4, 6]);
    executor.dispose(first);
    // The new tensor gets the buffer of the old one.
    const second = executor.upload(floats([4], (i) => 10 * i));
    assertEquals(await read(second), [0, 20, 40, 60]);
    executor.dispose(second);
    await session.release();
  },
);

onGpu("a program that copies between buffers is refused in its first recorded run", async () => {
  const executor = await gpu();
  const table = g.input("table", [6, 2]);
  const rows = g.gather(table, g.input("ids", [3], "i32"));
  const [gradient] = g.grad(g.reduceSum(g.mul(rows, rows)), [table]);
  const session = await executor.load(g.makeProgram({ gradient: gradient! }), { capture: true });
  const ids: HostTensor = { type: "i32", shape: [3], data: Int32Array.of(4, 0, 4) };
  const request = {
    feeds: { table: floats([6, 2], (i) => i), ids },
    dims: {},
    read: ["gradient"],
  };
  const error = await assertRejects(() => session.run(request), ExecutorError);
  assertStringIncludes(error.message, "Cannot record the program: the runtime copies");
  assertStringIncludes(error.message, "load it without capture");
  await session.release();
});

onGpu("readAll reads tensors of several types and sizes in their order", async () => {
  const executor = await gpu();
  const hosts: readonly HostTensor[] = [
    floats([3], (i) => i + 0.5),
    { type: "i32", shape: [2], data: Int32Array.of(-7, 9) },
    floats([0], () => 0),
    floats([1, 5], (i) => -i),
  ];
  const tensors = hosts.map((host) => executor.upload(host));
  const back = await executor.readAll(tensors);
  assertEquals(
    back.map(({ type, data }) => [type, [...data]]),
    hosts.map(({ type, data }) => [
      type,
      [...data],
    ]),
  );
  for (const tensor of tensors) executor.dispose(tensor);
});

onGpu("two programs share a frozen weight, and either outlives the other", async () => {
  const executor = await gpu();
  const product = () =>
    g.makeProgram({ y: g.gemm(g.input("x", [1, width]), g.constant(weight, "frozen")) });
  const [a, b] = [await executor.load(product()), await executor.load(product())];
  const request = { feeds: { x: floats([1, width], () => 1) }, dims: {}, read: ["y"] };
  const first = (await a.run(request)).read["y"]!.data;
  await a.release();
  assertEquals((await b.run(request)).read["y"]!.data, first);
  await b.release();
});

onGpu(
  `frozen weights in half precision are rounded once and computed with in single${
    hasHalf ? "" : ' (the adapter lacks "shader-f16")'
  }`,
  async () => {
    const executor = await gpu({ frozenWeights: "half" });
    assertStringIncludes(executor.name, "frozen weights in half precision");
    const program = g.makeProgram({
      y: g.gemm(g.input("x", [2, width]), g.constant(weight, "frozen")),
    });
    const session = await executor.load(program);
    const x = floats([2, width], (i) => Math.cos(i));
    const { read } = await session.run({ feeds: { x }, dims: {}, read: ["y"] });
    const halves = Float64Array.from(weight.data as Float32Array, Math.f16round);
    const wanted = Float64Array.from({ length: 2 * width }, (_, at) => {
      const [row, column] = [Math.floor(at / width), at % width];
      let sum = 0;
      for (let k = 0; k < width; k++) {
        sum += Number(x.data[row * width + k]) * halves[k * width + column]!;
      }
      return sum;
    });
    assertClose(read["y"]!.data as Float32Array, wanted, 2e-6, "y");
    await session.release();
  },
  !hasHalf,
);
