/** What a thread that computes for others does with messages that no executor sends. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { FromServer, ToServer } from "../../src/exec/remote.ts";
import { serveExecutor } from "../../src/exec/serve.ts";
import { encodeProgram, input, makeProgram, mul } from "../../src/graph/mod.ts";

/** Sends messages one after the other, and calls `check` with a function that gives the answer to one. */
async function withServer(
  check: (ask: (asked: unknown, freed?: readonly number[]) => Promise<FromServer>) => Promise<void>,
  first: readonly ToServer[] = [],
): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  serveExecutor(port2);
  let id = 0;
  const ask = async (asked: unknown, freed: readonly number[] = []) => {
    const { promise, resolve } = Promise.withResolvers<FromServer>();
    port1.onmessage = ({ data }: MessageEvent<FromServer>) => resolve(data);
    port1.postMessage({ id: ++id, asked, freed });
    const answer = await promise;
    assertEquals(answer.id, id);
    return answer;
  };
  try {
    await ask({ kind: "start", threads: 1 });
    for (const message of first) port1.postMessage(message);
    await check(ask);
  } finally {
    port1.close();
    port2.close();
  }
}

const { bytes } = encodeProgram(makeProgram({ y: mul(input("x", [2]), 2) }));
const x = { type: "float32", dims: [2], data: Float32Array.of(1, 2) };

Deno.test("a thread that computes for others takes no options of the runtime, and writes no file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await withServer(async (ask) => {
      const path = `${folder}/made`;
      const options = {
        optimizedModelFilePath: path,
        enableProfiling: true,
        profileFilePrefix: path,
      };
      const { value: session } = await ask({ kind: "load", bytes, options, ...options });
      await ask({ kind: "run", session, feeds: { x }, fetches: ["y"], numbers: [9], options });
      await ask({ kind: "release", session });
      assertEquals([...Deno.readDirSync(folder)], []);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what is not there, or no message of an executor, is an error, and the thread goes on", async () => {
  const wrong = { type: "none", shape: [2], data: Float32Array.of(1, 2) };
  const first = [{ hold: wrong, number: 5 }] as unknown as readonly ToServer[];
  await withServer(async (ask) => {
    const { value: session } = await ask({ kind: "load", bytes });
    const run = { kind: "run", session, feeds: { x }, fetches: ["y"], numbers: [9] };
    const cases: readonly (readonly [unknown, string])[] = [
      [{ kind: "load", bytes: "/etc/hostname" }, "Cannot read a model"],
      [{ kind: "load", bytes: Uint8Array.of(1, 2, 3) }, "Cannot read a model"],
      [{ ...run, session: 7 }, "There is no session 7"],
      [{ ...run, feeds: { x: 5 } }, "There is no tensor 5"],
      [{ ...run, feeds: { x: { ...x, dims: [2, 2] } } }, "does not match"],
      [{ ...run, feeds: {} }, "x"],
      [{ kind: "read", numbers: [9] }, "There is no tensor 9"],
      [{ kind: "release", session: "1" }, "There is no session 1"],
    ];
    for (const [asked, said] of cases) {
      const { error } = await ask(asked);
      assertStringIncludes(error ?? "no error", said);
    }
    const { value } = await ask(run);
    assertEquals(value, [{ type: "float32", dims: [2], data: Float32Array.of(2, 4) }]);
  }, first);
});

Deno.test("a tensor in memory that others can change is copied, and one that is freed is gone", async () => {
  const data = new Int32Array(new SharedArrayBuffer(8));
  const first: readonly ToServer[] = [{ hold: { type: "i32", shape: [2], data }, number: 3 }];
  await withServer(async (ask) => {
    const read = { kind: "read", numbers: [3] };
    assertEquals((await ask(read)).value, [Int32Array.of(0, 0)]);
    data[0] = 7;
    assertEquals((await ask(read)).value, [Int32Array.of(0, 0)]);
    await ask(read, [3]);
    assertStringIncludes((await ask(read)).error ?? "", "There is no tensor 3");
  }, first);
});
