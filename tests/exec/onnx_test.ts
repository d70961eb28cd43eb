import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { ExecutorError } from "../../src/exec/executor.ts";
import { hostTensor, type OnnxRuntime } from "../../src/exec/host_program.ts";
import { OnnxExecutor, startOnnxExecutor } from "../../src/exec/onnx.ts";
import * as g from "../../src/graph/mod.ts";
import type { HostTensor } from "../../src/graph/mod.ts";

/** What a scripted runtime does in a run. */
interface Script {
  readonly run: (x: readonly number[]) => Promise<readonly number[]>;
  /** Where outputs lie. Default `cpu`. */
  readonly location?: "gpu-buffer";
}

/** A runtime that follows a script, keeps what it was fed, and counts the tensors that it was asked to free. */
function scripted({ run, location }: Script) {
  const freed: string[] = [];
  const tensor = (type: string, data: unknown, dims: readonly number[], where: string) => ({
    type,
    dims,
    data,
    location: where,
    getData: () => Promise.resolve(data),
    dispose: () => freed.push(where),
  });
  class HostSide {
    constructor(type: string, data: unknown, dims: readonly number[]) {
      return tensor(type, data, dims, "cpu");
    }
  }
  const fed: Readonly<Record<string, Tensor>>[] = [];
  const session = {
    run: async (feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]) => {
      fed.push(feeds);
      const values = await run([...feeds["x"]!.data as Float32Array]);
      const data = Float32Array.from(values);
      return Object.fromEntries(
        fetches.map((name) => [name, tensor("float32", data, [data.length], location ?? "cpu")]),
      );
    },
    release: () => Promise.resolve(),
  };
  const runtime: OnnxRuntime = {
    InferenceSession: { create: () => Promise.resolve(session as unknown as InferenceSession) },
    Tensor: HostSide as unknown as OnnxRuntime["Tensor"],
  };
  return { runtime, freed, fed };
}

function profileOf(runtime: OnnxRuntime, overlaps: boolean, takeFault?: () => unknown) {
  return {
    kind: "webgpu" as const,
    name: "a scripted runtime",
    threads: 1,
    runtime,
    overlaps,
    sessionOptions: () => ({}),
    ...(takeFault ? { takeFault } : {}),
  };
}

const program = g.makeProgram({ y: g.neg(g.input("x", [1])) });

function request(value: number) {
  const x: HostTensor = { type: "f32", shape: [1], data: Float32Array.of(value) };
  return { feeds: { x }, dims: {}, read: ["y"] };
}

/** Starts three runs of two sessions at once and tells how many were ever under way together. */
async function mostTogether(overlaps: boolean): Promise<number> {
  let underWay = 0;
  let most = 0;
  const { runtime } = scripted({
    run: async (x) => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve));
      underWay--;
      return x;
    },
  });
  const executor = new OnnxExecutor(profileOf(runtime, overlaps));
  const [a, b] = [await executor.load(program), await executor.load(program)];
  const results = await Promise.all([a.run(request(1)), b.run(request(2)), a.run(request(3))]);
  assertEquals(results.map(({ read }) => read["y"]!.data[0]), [1, 2, 3]);
  return most;
}

Deno.test("runs wait for one another, across sessions, where the runtime cannot overlap them", async () => {
  assertEquals(await mostTogether(false), 1);
  assertEquals(await mostTogether(true), 3);
});

Deno.test("a run that fails is reported and does not hold up the next", async () => {
  const { runtime } = scripted({
    run: (x) =>
      x[0] === 13 ? Promise.reject(new Error("failed to allocate 5 MB")) : Promise.resolve(x),
  });
  const session = await new OnnxExecutor(profileOf(runtime, false)).load(program);
  const [bad, good] = await Promise.allSettled([session.run(request(13)), session.run(request(4))]);
  assert(bad.status === "rejected" && bad.reason instanceof ExecutorError);
  assertEquals(bad.reason.message, "A run on a scripted runtime failed: failed to allocate 5 MB");
  assertEquals(bad.reason.outOfMemory, true);
  assert(good.status === "fulfilled");
  assertEquals(good.value.read["y"]!.data[0], 4);
});

Deno.test("what the device reports on its own fails the run, whose tensors are freed", async () => {
  let fault: unknown = null;
  const { runtime, freed } = scripted({
    run: (x) => {
      fault = x[0] === 13 ? new Error("the GPU device was lost") : null;
      return Promise.resolve(x);
    },
    location: "gpu-buffer",
  });
  const executor = new OnnxExecutor(profileOf(runtime, false, () => fault));
  const session = await executor.load(program, { resident: ["y"] });
  const lost = { ...request(13), keep: ["y"] };
  const error = await assertRejects(() => session.run(lost), ExecutorError);
  assertStringIncludes(error.message, "the GPU device was lost");
  assertEquals(freed, ["gpu-buffer"]);
});

Deno.test("outputs that are only read are freed at once, kept ones once when disposed of", async () => {
  const { runtime, freed } = scripted({ run: (x) => Promise.resolve(x), location: "gpu-buffer" });
  const executor = new OnnxExecutor(profileOf(runtime, false));
  const session = await executor.load(program, { resident: ["y"] });
  await session.run(request(1));
  assertEquals(freed.length, 1);
  const { kept } = await session.run({ ...request(1), keep: ["y"] });
  assertEquals(freed.length, 1);
  executor.dispose(kept["y"]!);
  executor.dispose(kept["y"]!);
  assertEquals(freed.length, 2);
});

Deno.test("startOnnxExecutor refuses a runtime that miscalculates", async () => {
  const doubles = scripted({ run: (x) => Promise.resolve(x.map((value) => 2 * value)) });
  const executor = await startOnnxExecutor(profileOf(doubles.runtime, false));
  assertEquals(executor.busyMillis, 0);
  const zeros = scripted({ run: (x) => Promise.resolve(x.map(() => 0)) });
  const error = await assertRejects(
    () => startOnnxExecutor(profileOf(zeros.runtime, false)),
    ExecutorError,
  );
  assertStringIncludes(error.message, "doubling 1 and -3 gave 0 and 0");
});

Deno.test("what depends on a run's sizes is fed again as it is while they stay, and follows them when they change", async () => {
  const { runtime, fed } = scripted({ run: (x) => Promise.resolve(x) });
  const sized = g.makeProgram({
    y: g.reshape(g.input("x", [g.productOf(["batch", "seq"])]), ["batch", "seq"]),
    z: g.reshape(g.input("w", ["batch"]), ["batch", 1]),
  });
  const session = await new OnnxExecutor(profileOf(runtime, true)).load(sized);
  const zeros = (size: number): HostTensor => ({
    type: "f32",
    shape: [size],
    data: new Float32Array(size),
  });
  for (const [batch, seq] of [[2, 4], [2, 4], [2, 5], [3, 5]] as const) {
    const feeds = { x: zeros(batch * seq), w: zeros(batch) };
    await session.run({ feeds, dims: { batch, seq }, read: ["y", "z"] });
  }
  const names = Object.keys(fed[0]!).filter((name) => name !== "x" && name !== "w");
  const numbers = (name: string) =>
    fed.map((feeds) => [...feeds[name]!.data as unknown as BigInt64Array].map(Number));
  assertEquals(names.map(numbers), [
    [[2, 4], [2, 4], [2, 5], [3, 5]],
    [[2, 1], [2, 1], [2, 1], [3, 1]],
  ]);
  const changes = (name: string) => fed.slice(1).map((feeds, i) => feeds[name] !== fed[i]![name]);
  assertEquals(names.map(changes), [[false, true, true], [false, false, true]]);
});

Deno.test("a runtime is fed single precision in memory of its own, and what is so already uncopied", () => {
  const { runtime } = scripted({ run: (x) => Promise.resolve(x) });
  const ready = Float32Array.of(1, 0.1);
  const shared = new Float32Array(new SharedArrayBuffer(8));
  shared.set(ready);
  const fed = (data: Float32Array | Float64Array) =>
    hostTensor(runtime, { type: "f32", shape: [2], data }).data as Float32Array;
  assertEquals(fed(ready) === ready, true);
  for (const data of [shared, Float64Array.of(1, 0.1)]) {
    const found = fed(data);
    assertEquals([found, found.buffer instanceof ArrayBuffer], [ready, true]);
  }
});
