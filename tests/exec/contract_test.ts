import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type DeviceTensor, type Executor, ExecutorError } from "../../src/exec/executor.ts";
import * as g from "../../src/graph/mod.ts";
import type { HostTensor, OpName } from "../../src/graph/mod.ts";
import { remoteSubject, subjects, testEach } from "./executors.ts";

const all = [...await subjects(2), await remoteSubject(2)];

function floats(shape: readonly number[], values: readonly number[]): HostTensor {
  return { type: "f32", shape, data: Float32Array.from(values) };
}

function doubling() {
  return g.makeProgram({ y: g.mul(g.input("x", [3]), 2) });
}

async function numbers(executor: Executor, tensor: DeviceTensor): Promise<number[]> {
  const { data } = await executor.read(tensor);
  return Array.from(data as ArrayLike<number | bigint>, Number);
}

testEach(all, "uploads and reads back each element type and shape", async (executor) => {
  const hosts: readonly HostTensor[] = [
    floats([2, 3], [1, -2, 3.5, 0, 1e-30, 6e7]),
    floats([], [7]),
    floats([5], [1, 2, 3, 4, 5]),
    floats([0, 3], []),
    { type: "i32", shape: [3], data: Int32Array.of(1, -2, 2 ** 31 - 1) },
    { type: "i64", shape: [2], data: BigInt64Array.of(1n, -(2n ** 62n)) },
  ];
  for (const host of hosts) {
    const tensor = executor.upload(host);
    assertEquals(tensor.executor, executor.kind);
    assertEquals([tensor.type, [...tensor.shape]], [host.type, [...host.shape]]);
    const back = await executor.read(tensor);
    assertEquals([back.type, [...back.shape]], [host.type, [...host.shape]]);
    assertEquals([...back.data], [...host.data]);
    executor.dispose(tensor);
  }
});

testEach(all, "holds a copy: changes on the host do not reach the device", async (executor) => {
  const data = Float32Array.of(1, 2, 3);
  const tensor = executor.upload({ type: "f32", shape: [3], data });
  data[0] = 9;
  const back = await executor.read(tensor);
  assertEquals([...back.data], [1, 2, 3]);
  back.data[1] = 9;
  assertEquals(await numbers(executor, tensor), [1, 2, 3]);
  executor.dispose(tensor);
});

testEach(all, "feeds what a run kept to the next one", async (executor) => {
  const session = await executor.load(doubling(), { resident: ["y"] });
  let x = executor.upload(floats([3], [1, -2, 0.5]));
  for (let step = 0; step < 3; step++) {
    const { kept } = await session.run({ feeds: { x }, dims: {}, keep: ["y"] });
    executor.dispose(x);
    x = kept["y"]!;
  }
  assertEquals(await numbers(executor, x), [8, -16, 4]);
  await session.release();
  assertEquals(await numbers(executor, x), [8, -16, 4], "the tensor outlives its session");
  executor.dispose(x);
});

testEach(all, "feeds what one session kept to another", async (executor) => {
  const first = await executor.load(doubling(), { resident: ["y"] });
  const second = await executor.load(
    g.makeProgram({ z: g.reduceSum(g.input("y", [3])) }),
  );
  const x = executor.upload(floats([3], [1, 2, 3]));
  const { kept } = await first.run({ feeds: { x }, dims: {}, keep: ["y"] });
  await first.release();
  const { read } = await second.run({ feeds: { y: kept["y"]! }, dims: {}, read: ["z"] });
  assertEquals([...read["z"]!.data], [12]);
  executor.dispose(kept["y"]!);
  executor.dispose(x);
  await second.release();
});

testEach(all, "keeps and reads the same output in one run", async (executor) => {
  const session = await executor.load(doubling(), { resident: ["y"] });
  const request = { feeds: { x: floats([3], [1, 2, 3]) }, dims: {}, keep: ["y"], read: ["y"] };
  const { kept, read } = await session.run(request);
  assertEquals([...read["y"]!.data], [2, 4, 6]);
  assertEquals(await numbers(executor, kept["y"]!), [2, 4, 6]);
  executor.dispose(kept["y"]!);
  await session.release();
});

testEach(
  all,
  "an output that is an input unchanged lives on without the input",
  async (executor) => {
    const session = await executor.load(g.makeProgram({ y: g.input("x", [3]) }), {
      resident: ["y"],
    });
    const x = executor.upload(floats([3], [1, 2, 3]));
    const { kept } = await session.run({ feeds: { x }, dims: {}, keep: ["y"] });
    executor.dispose(x);
    assertEquals(await numbers(executor, kept["y"]!), [1, 2, 3]);
    executor.dispose(kept["y"]!);
    await session.release();
  },
);

testEach(all, "symbolic dimensions may change from run to run", async (executor) => {
  const x = g.input("x", ["batch", 2]);
  const flat = g.reshape(x, ["2*batch"]);
  const mean = g.div(g.reduceSum(flat), g.sizeOf(["batch"]));
  const session = await executor.load(g.makeProgram({ flat, mean }), { resident: ["flat"] });
  for (const batch of [3, 1, 5]) {
    const values = Array.from({ length: 2 * batch }, (_, i) => i + 1);
    const { kept, read } = await session.run({
      feeds: { x: floats([batch, 2], values) },
      dims: { batch },
      keep: ["flat"],
      read: ["mean"],
    });
    // The sum of 1 … 2b over b is 2b + 1.
    assertEquals([...read["mean"]!.data], [2 * batch + 1]);
    assertEquals([...kept["flat"]!.shape], [2 * batch]);
    assertEquals(await numbers(executor, kept["flat"]!), values);
    executor.dispose(kept["flat"]!);
  }
  await session.release();
});

testEach(all, "integers go in and come out", async (executor) => {
  const ids = g.input("ids", ["n"], "i32");
  const rows = g.gather(g.constant(floats([3, 2], [10, 11, 20, 21, 30, 31])), ids);
  const session = await executor.load(g.makeProgram({ rows, twice: g.add(ids, ids) }));
  const { read } = await session.run({
    feeds: { ids: executor.upload({ type: "i32", shape: [2], data: Int32Array.of(2, 0) }) },
    dims: { n: 2 },
    read: ["rows", "twice"],
  });
  assertEquals([...read["rows"]!.data], [30, 31, 10, 11]);
  assertEquals([read["twice"]!.type, ...read["twice"]!.data], ["i32", 4, 0]);
  await session.release();
});

testEach(all, "splits into and joins sixty resident pieces", async (executor) => {
  const sizes = Array.from({ length: 60 }, (_, i) => 1 + i % 3);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const pieces = g.split(g.input("x", [total]), sizes, 0);
  const outputs = Object.fromEntries(pieces.map((piece, i) => [`piece${i}`, g.mul(piece, i)]));
  const program = g.makeProgram({ ...outputs, joined: g.concat(Object.values(outputs), 0) });
  const names = [...program.outputs.keys()];
  const session = await executor.load(program, { resident: names });
  const x = executor.upload(floats([total], new Array(total).fill(1)));
  const { kept } = await session.run({ feeds: { x }, dims: {}, keep: names });
  assertEquals(
    await numbers(executor, kept["joined"]!),
    sizes.flatMap((size, i) => new Array<number>(size).fill(i)),
  );
  assertEquals(await numbers(executor, kept["piece59"]!), [59, 59, 59]);
  for (const tensor of [x, ...Object.values(kept)]) executor.dispose(tensor);
  await session.release();
});

testEach(all, "runs that are started together each give their own result", async (executor) => {
  const session = await executor.load(doubling());
  const results = await Promise.all(
    [1, 2, 3].map((value) =>
      session.run({ feeds: { x: floats([3], [value, 0, -value]) }, dims: {}, read: ["y"] })
    ),
  );
  assertEquals(results.map(({ read }) => read["y"]!.data[0]), [2, 4, 6]);
  await session.release();
});

testEach(all, "refuses a request that does not fit the program, and works on", async (executor) => {
  const session = await executor.load(doubling(), { resident: [] });
  const x = floats([3], [1, 2, 3]);
  const foreign: DeviceTensor = {
    executor: executor.kind === "cpu" ? "wasm" : "cpu",
    type: "f32",
    shape: [3],
  };
  const requests = [
    [{ feeds: {}, dims: {}, read: ["y"] }, `Input "x" of the program was not fed`],
    [{ feeds: { X: x }, dims: {}, read: ["y"] }, `fed were: "X"`],
    [{ feeds: { x: floats([2], [1, 2]) }, dims: {} }, `was fed f32 [2], want f32 [3]`],
    [
      { feeds: { x: { ...x, type: "i32", data: Int32Array.of(1, 2, 3) } as HostTensor }, dims: {} },
      `was fed i32 [3], want f32 [3]`,
    ],
    [{ feeds: { x: foreign }, dims: {}, read: ["y"] }, `read it there and upload it here`],
    [{ feeds: { x }, dims: {}, read: ["z"] }, `The program has no output "z" (it has: "y")`],
    [{ feeds: { x }, dims: {}, keep: ["y"] }, `name it in "resident"`],
  ] as const;
  for (const [request, message] of requests) {
    const error = await assertRejects(() => session.run(request), TypeError);
    assertStringIncludes(error.message, message);
  }
  const { read } = await session.run({ feeds: { x }, dims: {}, read: ["y"] });
  assertEquals([...read["y"]!.data], [2, 4, 6]);
  await session.release();
});

testEach(all, "says so when it cannot run a program, and works on", async (executor) => {
  const x = g.input("x", [3]);
  const unknown = g.makeTensor("Vanish" as OpName, [x], {}, [3], "f32");
  await assertRejects(async () => {
    const session = await executor.load(g.makeProgram({ y: unknown }));
    await session.run({ feeds: { x: floats([3], [1, 2, 3]) }, dims: {}, read: ["y"] });
  }, ExecutorError);
  const session = await executor.load(doubling());
  const { read } = await session.run({
    feeds: { x: floats([3], [1, 2, 3]) },
    dims: {},
    read: ["y"],
  });
  assertEquals([...read["y"]!.data], [2, 4, 6]);
  await session.release();
});

testEach(
  all,
  "a released session refuses to run; releasing twice is harmless",
  async (executor) => {
    const session = await executor.load(doubling());
    await session.release();
    await session.release();
    const request = { feeds: { x: floats([3], [1, 2, 3]) }, dims: {}, read: ["y"] };
    const error = await assertRejects(() => session.run(request), ExecutorError);
    assertStringIncludes(error.message, "the session was released");
  },
);

testEach(
  all,
  "a tensor disposed of cannot be used; disposing twice is harmless",
  async (executor) => {
    const session = await executor.load(doubling(), { resident: ["y"] });
    const x = executor.upload(floats([3], [1, 2, 3]));
    const { kept } = await session.run({ feeds: { x }, dims: {}, keep: ["y"] });
    for (const tensor of [x, kept["y"]!]) {
      executor.dispose(tensor);
      executor.dispose(tensor);
      await assertRejects(() => executor.read(tensor), Error, "disposed");
      await assertRejects(
        () => session.run({ feeds: { x: tensor }, dims: {}, read: ["y"] }),
        Error,
        "disposed",
      );
    }
    await session.release();
  },
);
