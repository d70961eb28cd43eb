/** Test files run side by side, but for those that use WebGPU: they take turns. */
import { assert, assertEquals } from "@std/assert";
import { sourcesIn, withoutComments } from "./sources.ts";

Deno.test("every test file that makes a WebGPU device takes its turn", async () => {
  const sources = (await sourcesIn("tests"))
    .map(({ path, text }) => ({ path, code: withoutComments(text) }))
    .filter(({ code }) => /\bimport\b[^;]*\bwebgpuExecutor\b/.test(code));
  assert(sources.length >= 3, `found ${sources.map(({ path }) => path)}`);
  const without = sources.filter(({ code }) => !code.includes("await adapterInTurn()"));
  assertEquals(
    without.map(({ path }) => path),
    [],
    'take the adapter from "adapterInTurn()" of tests/exec/gpu_turn.ts',
  );
});
