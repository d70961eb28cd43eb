/** Programs on WebGPU and what they share, on whatever adapter the machine has. */
import { assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { findAdapter, webgpuExecutor } from "../../src/exec/webgpu.ts";
import * as g from "../../src/graph/mod.ts";
import type { HostTensor } from "../../src/graph/mod.ts";
import { inGpuTurn } from "./gpu_turn.ts";

const adapter = await findAdapter();
const missing = adapter === null ? " (this machine offers no WebGPU adapter)" : "";

function onGpu(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name}${missing}`, ignore: adapter === null, fn: () => inGpuTurn(fn) });
}

function gpu(): Promise<Executor> {
  return webgpuExecutor({ allowSoftware: true });
}

function floats(shape: readonly number[], of: (i: number) => number): HostTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return { type: "f32", shape, data: Float32Array.from({ length: count }, (_, i) => of(i)) };
}

const width = 160;
const weight = floats([width, width], (i) => Math.sin(i) / 20);

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
