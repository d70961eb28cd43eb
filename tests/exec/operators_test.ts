import { assertEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { interpret } from "../../src/graph/mod.ts";
import { cases, feedsOf, programOf } from "../graph/cases.ts";

/** Fails where two lists differ by more than `tolerance` relative to the larger of 1 and the wanted number. */
function assertClose(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number, what: string) {
  assertEquals(found.length, wanted.length, what);
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(found[i]! - wanted[i]!) / Math.max(1, Math.abs(wanted[i]!));
    if (!(error <= tolerance)) throw new Error(`${what}[${i}]: found ${found[i]}, want ${wanted[i]}`);
  }
}

async function checkOperators(executor: Executor) {
  for (const test of cases) {
    const program = programOf(test);
    const feeds = feedsOf(test);
    const wanted = interpret(program, feeds);
    const session = await executor.load(program);
    const { read } = await session.run({ feeds, dims: {}, read: [...program.outputs.keys()] });
    for (const [name, values] of Object.entries(wanted)) {
      assertEquals([...read[name]!.shape], [...values.shape], `${test.name}: shape of ${name}`);
      assertClose(read[name]!.data as Float32Array, values.data, 2e-5, `${test.name}: ${name}`);
    }
    await session.release();
  }
}

Deno.test("every operator and gradient agrees between the native executor and the interpreter", async () => {
  await checkOperators(await nativeExecutor());
});
