import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { ExecutorError } from "../../src/exec/executor.ts";
import { wasmExecutor } from "../../src/exec/wasm.ts";

const { Worker } = globalThis;
const first = await wasmExecutor(2);

Deno.test("threads are started as before once the runtime has started", () => {
  assertStrictEquals(globalThis.Worker, Worker);
});

Deno.test("wasmExecutor computes with the threads that were asked for", () => {
  assertEquals(first.threads, 2);
});

Deno.test("wasmExecutor is made again with as many threads, refused with more or fewer", async () => {
  assertEquals((await wasmExecutor(2)).threads, 2);
  for (const threads of [1, 3]) {
    const error = await assertRejects(() => wasmExecutor(threads), ExecutorError);
    assertStringIncludes(error.message, `with ${threads} threads`);
    assertStringIncludes(error.message, "runs it with 2 already");
  }
});
