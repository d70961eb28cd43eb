import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { devices, type ExecutorMakers } from "../../src/exec/choice.ts";
import { chooseExecutor } from "../../src/exec/choose.ts";
import { type Executor, ExecutorError, type ExecutorKind } from "../../src/exec/executor.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { findAdapter, isSoftwareAdapter } from "../../src/exec/webgpu.ts";

/** Makers for a machine on which some devices fail; they note what was asked for. */
function machine(failing: Partial<Record<ExecutorKind, string>>) {
  const asked: string[] = [];
  const maker =
    (kind: ExecutorKind): ExecutorMakers[ExecutorKind] => ({ threads, allowSoftware }) => {
      asked.push(`${kind} ${threads}${allowSoftware ? " software" : ""}`);
      const reason = failing[kind];
      if (reason !== undefined) return Promise.reject(new ExecutorError(`No ${kind}`, reason));
      const executor = new ReferenceExecutor();
      Object.defineProperties(executor, {
        kind: { value: kind },
        name: { value: `the ${kind}` },
        threads: { value: threads },
      });
      return Promise.resolve<Executor>(executor);
    };
  const makers: ExecutorMakers = {
    webgpu: maker("webgpu"),
    cpu: maker("cpu"),
    wasm: maker("wasm"),
    reference: maker("reference"),
  };
  return { asked, makers };
}

Deno.test("chooseExecutor refuses an unknown device, listing the known and the closest", async () => {
  const { asked, makers } = machine({});
  for (
    const [device, closest] of [["webgp", "webgpu"], ["wsam", "wasm"], ["refrence", "reference"]]
  ) {
    const error = await assertRejects(() => chooseExecutor(device!, { makers }), RangeError);
    assertStringIncludes(error.message, `Unknown device "${device}": known are`);
    for (const known of devices) assertStringIncludes(error.message, `"${known}"`);
    assertStringIncludes(error.message, `Did you mean "${closest}"?`);
  }
  assertEquals(asked, [], "nothing was started");
});

Deno.test("chooseExecutor refuses a number of threads that is no positive whole number", async () => {
  const { makers } = machine({});
  for (const threads of [0, -1, 1.5, NaN]) {
    await assertRejects(
      () => chooseExecutor("cpu", { threads, makers }),
      RangeError,
      `${threads} threads`,
    );
  }
});

Deno.test("auto takes the GPU where there is a real one", async () => {
  const { asked, makers } = machine({});
  const { executor, tried, description } = await chooseExecutor("auto", { threads: 3, makers });
  assertEquals([executor.kind, tried, asked], ["webgpu", [], ["webgpu 3"]]);
  assertEquals(description, "the webgpu, 3 threads");
});

Deno.test("auto goes on to the native CPU, then to WASM, and tells what failed", async () => {
  const gpu = { webgpu: "only a software GPU" };
  const first = await chooseExecutor("auto", { threads: 2, makers: machine(gpu).makers });
  assertEquals(first.executor.kind, "cpu");
  assertEquals(first.tried, [{ device: "webgpu", reason: "No webgpu: only a software GPU" }]);

  const { asked, makers } = machine({ ...gpu, cpu: "no library" });
  const second = await chooseExecutor("auto", { threads: 2, makers });
  assertEquals(second.executor.kind, "wasm");
  assertEquals(asked, ["webgpu 2", "cpu 2", "wasm 2"]);
  assertEquals(
    second.description,
    "the wasm, 2 threads; webgpu not taken (No webgpu: only a software GPU); " +
      "cpu not taken (No cpu: no library)",
  );
});

Deno.test("auto never falls back to the interpreter, but says that it works", async () => {
  const { makers } = machine({ webgpu: "a", cpu: "b", wasm: "c" });
  const error = await assertRejects(() => chooseExecutor("auto", { makers }), ExecutorError);
  assertEquals(
    error.message,
    `Cannot use device "auto": webgpu not taken (No webgpu: a); cpu not taken (No cpu: b); ` +
      `wasm not taken (No wasm: c); "reference" works here`,
  );
});

Deno.test("a device asked for by name is taken or refused, never replaced", async () => {
  for (const device of ["webgpu", "cpu", "wasm", "reference"] as const) {
    const { asked, makers } = machine({});
    const { executor } = await chooseExecutor(device, { threads: 1, makers });
    assertEquals(executor.kind, device);
    assertEquals(asked, [device === "webgpu" ? "webgpu 1 software" : `${device} 1`]);
  }
  const { asked, makers } = machine({ webgpu: "no adapter", cpu: "no library" });
  const error = await assertRejects(
    () => chooseExecutor("webgpu", { threads: 1, makers }),
    ExecutorError,
  );
  assertEquals(
    error.message,
    `Cannot use device "webgpu": No webgpu: no adapter; "wasm" works here`,
  );
  assertEquals(asked, ["webgpu 1 software", "cpu 1", "wasm 1"]);
});

Deno.test("an error that is no executor's failure is not taken for one", async () => {
  const makers = {
    ...machine({}).makers,
    webgpu: () => Promise.reject(new TypeError("a mistake in the code")),
  };
  await assertRejects(() => chooseExecutor("auto", { makers }), TypeError, "a mistake in the code");
});

const adapter = await findAdapter();
const hasRealGpu = adapter !== null && !isSoftwareAdapter(adapter.info);

Deno.test({
  name: `auto on this machine passes over ${adapter === null ? "the missing" : "the software"} GPU${
    hasRealGpu ? " (this machine has a real one)" : ""
  }`,
  ignore: hasRealGpu,
  fn: async () => {
    const { executor, tried, description } = await chooseExecutor("auto", { threads: 1 });
    assertEquals(executor.kind, "cpu");
    assertEquals(tried.map(({ device }) => device), ["webgpu"]);
    assertStringIncludes(description, "webgpu not taken (Cannot make a WebGPU executor: ");
  },
});

Deno.test("chooseExecutor says where its options belong", async () => {
  await assertRejects(
    () => chooseExecutor({} as never),
    TypeError,
    "found {}, want one of auto, webgpu, cpu, wasm, reference; options are the second argument",
  );
});

Deno.test("drivers do not complain of a runtime folder that is not set, and it stays as it was", async () => {
  const code = 'import { findAdapter } from "./src/exec/webgpu.ts"; await findAdapter();' +
    'console.log(JSON.stringify(Deno.env.get("XDG_RUNTIME_DIR")));';
  const { stdout, stderr } = await new Deno.Command("deno", {
    args: ["eval", "-q", code],
    cwd: new URL("../..", import.meta.url),
    env: { XDG_RUNTIME_DIR: "", NO_COLOR: "1" },
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(new TextDecoder().decode(stdout), '""\n');
});
