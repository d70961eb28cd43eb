/** Test files run side by side, but tests on WebGPU take turns. */
import { assert, assertEquals } from "@std/assert";
import { sourcesIn, withoutComments } from "./sources.ts";

Deno.test("every test file that makes a WebGPU device takes its turn", async () => {
  const sources = (await sourcesIn("tests"))
    .map(({ path, text }) => ({ path, code: withoutComments(text) }))
    .filter(({ code }) => /\bimport\b[^;]*\bwebgpuExecutor\b/.test(code));
  assert(sources.length >= 3, `found ${sources.map(({ path }) => path)}`);
  const without = sources.filter(({ code }) => !/\binGpuTurn\((?!\))/.test(code));
  assertEquals(
    without.map(({ path }) => path),
    [],
    'do what is on the device within "inGpuTurn()" of tests/exec/gpu_turn.ts',
  );
});
