import { assertEquals } from "@std/assert";
import { interpret } from "../../src/graph/mod.ts";
import { cases, feedsOf, programOf } from "../graph/cases.ts";
import { subjects, testEach } from "./executors.ts";
import { assertClose } from "../graph/numbers.ts";

/** Relative to the larger of 1 and the number; single precision against double. */
const tolerance = 2e-5;

const compiled = (await subjects()).filter(({ kind }) => kind !== "reference");

testEach(compiled, "every operator and gradient agrees with the interpreter", async (executor) => {
  for (const test of cases) {
    const program = programOf(test);
    const feeds = feedsOf(test);
    const wanted = interpret(program, feeds);
    const session = await executor.load(program);
    const { read } = await session.run({ feeds, dims: {}, read: [...program.outputs.keys()] });
    for (const [name, values] of Object.entries(wanted)) {
      const what = `${test.name}: ${name}`;
      assertEquals([...read[name]!.shape], [...values.shape], what);
      assertClose(read[name]!.data as Float32Array, values.data, tolerance, what);
    }
    await session.release();
  }
});
