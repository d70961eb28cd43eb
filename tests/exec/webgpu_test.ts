import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ExecutorError } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import {
  adapterName,
  findAdapter,
  isSoftwareAdapter,
  watchDevice,
  webgpuExecutor,
} from "../../src/exec/webgpu.ts";
import { inGpuTurn } from "./gpu_turn.ts";
import * as g from "../../src/graph/mod.ts";
import type { OpName } from "../../src/graph/mod.ts";

const blank = { vendor: "", architecture: "", device: "", description: "" };

Deno.test("isSoftwareAdapter knows the software GPUs", () => {
  const software = [
    { ...blank, vendor: "65541", description: "llvmpipe (LLVM 15.0.6, 256 bits)" },
    { ...blank, vendor: "mesa", architecture: "lavapipe" },
    { ...blank, vendor: "google", architecture: "swiftshader" },
    { ...blank, vendor: "4318", description: "SwiftShader Device (Subzero)" },
    { ...blank, vendor: "microsoft", description: "Microsoft Basic Render Driver" },
    { ...blank, vendor: "nvidia", architecture: "ampere", isFallbackAdapter: true },
  ];
  for (const facts of software) assertEquals(isSoftwareAdapter(facts), true, adapterName(facts));
});

Deno.test("isSoftwareAdapter takes real GPUs for what they are", () => {
  const real = [
    { ...blank, vendor: "nvidia", architecture: "ampere" },
    { ...blank, vendor: "4318", description: "NVIDIA H100 80GB HBM3", isFallbackAdapter: false },
    { ...blank, vendor: "apple", architecture: "metal-3", description: "Apple M2" },
    { ...blank, vendor: "intel", architecture: "gen-12lp" },
    {
      ...blank,
      vendor: "amd",
      architecture: "rdna-3",
      description: "AMD Radeon RX 7600 (RADV NAVI33)",
    },
    blank,
  ];
  for (const facts of real) assertEquals(isSoftwareAdapter(facts), false, adapterName(facts));
});

Deno.test("adapterName prefers the description and never is empty", () => {
  assertEquals(adapterName({ ...blank, vendor: "apple", description: "Apple M2" }), "Apple M2");
  assertEquals(adapterName({ ...blank, vendor: "intel", architecture: "xe" }), "intel xe");
  assertEquals(adapterName(blank), "unnamed GPU");
});

const adapter = await findAdapter();
const isSoftware = adapter !== null && isSoftwareAdapter(adapter.info);

Deno.test({
  name: "webgpuExecutor refuses a missing or a software GPU and names it",
  ignore: adapter !== null && !isSoftware,
  fn: async () => {
    const error = await assertRejects(() => webgpuExecutor(), ExecutorError);
    const reason = adapter === null
      ? "this machine offers no WebGPU adapter"
      : `the only adapter is the software GPU "${adapterName(adapter.info)}"`;
    assertStringIncludes(error.message, reason);
  },
});

Deno.test({
  name: "webgpuExecutor takes a software GPU when allowed, and its name says so",
  ignore: !isSoftware,
  fn: () =>
    inGpuTurn(async () => {
      const executor = await webgpuExecutor({ allowSoftware: true });
      assertStringIncludes(
        executor.name,
        `WebGPU on ${adapterName(adapter!.info)}, a software GPU`,
      );
    }),
});

Deno.test({
  name: `watchDevice tells an error once and a loss for good${
    adapter === null ? " (this machine offers no WebGPU adapter)" : ""
  }`,
  ignore: adapter === null,
  fn: () =>
    inGpuTurn(async () => {
      const own = await navigator.gpu.requestAdapter();
      const device = await own!.requestDevice();
      const takeFault = watchDevice(device);
      assertEquals(takeFault(), null);
      const reported = new Promise((resolve) =>
        device.addEventListener("uncapturederror", resolve, { once: true })
      );
      // A buffer that can be mapped for reading must not be a storage buffer (WebGPU, buffer usages).
      device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
      await reported;
      assertStringIncludes(takeFault()!.message, "the GPU reported an error: ");
      assertEquals(takeFault(), null);
      device.destroy();
      await device.lost;
      assertStringIncludes(takeFault()!.message, "the GPU device was lost (destroyed)");
      assertStringIncludes(takeFault()!.message, "the GPU device was lost (destroyed)");
    }),
});

Deno.test({
  name: `webgpuExecutor refuses a program of which a node would leave the GPU${
    adapter === null ? " (this machine offers no WebGPU adapter)" : ""
  }`,
  ignore: adapter === null,
  fn: () =>
    inGpuTurn(async () => {
      // Sign is an ONNX operator that the WebGPU provider lacks; the graph builder does not offer it.
      const sign = g.makeTensor("Sign" as OpName, [g.input("x", [2])], {}, [2], "f32");
      const program = g.makeProgram({ y: sign });
      const native = await nativeExecutor(1);
      const session = await native.load(program);
      const x = { type: "f32", shape: [2], data: Float32Array.of(3, -5) } as const;
      const { read } = await session.run({ feeds: { x }, dims: {}, read: ["y"] });
      assertEquals([...read["y"]!.data], [1, -1]);
      await session.release();
      const webgpu = await webgpuExecutor({ allowSoftware: true });
      const error = await assertRejects(() => webgpu.load(program), ExecutorError);
      assertStringIncludes(error.message, "fallback");
    }),
});
