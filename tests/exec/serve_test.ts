/** What a thread that computes for others does with messages that no executor sends. */
import { assertEquals, assertRejects } from "@std/assert";
import { AskedThread } from "../../src/base/ask_thread.ts";
import type { Told } from "../../src/exec/remote.ts";
import { serveExecutor } from "../../src/exec/serve.ts";
import { encodeProgram, input, makeProgram, mul } from "../../src/graph/mod.ts";
import { withFolder } from "../with_folder.ts";

/** Calls `check` with a thread that was started and told something. */
async function withServer(
  told: readonly unknown[],
  check: (thread: AskedThread) => Promise<void>,
): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  serveExecutor(port2);
  const thread = new AskedThread(port1, "of a test");
  try {
    await thread.ask({ kind: "start", threads: 1 });
    for (const one of told) thread.tell(one);
    await check(thread);
  } finally {
    thread.close();
    port2.close();
  }
}

const { bytes } = encodeProgram(makeProgram({ y: mul(input("x", [2]), 2) }));
const x = { type: "float32", dims: [2], data: Float32Array.of(1, 2) };

Deno.test("a thread that computes for others takes no options of the runtime, and writes no file", async () => {
  await withFolder(async (folder) => {
    await withServer([], async (thread) => {
      const path = `${folder}/made`;
      const options = {
        optimizedModelFilePath: path,
        enableProfiling: true,
        profileFilePrefix: path,
      };
      const session = await thread.ask({ kind: "load", bytes, options, ...options });
      const run = { kind: "run", session, feeds: { x }, fetches: ["y"], numbers: [9], options };
      await thread.ask(run);
      await thread.ask({ kind: "release", session });
      assertEquals([...Deno.readDirSync(folder)], []);
    });
  });
});

Deno.test("what is not there, or no message of an executor, is an error, and the thread goes on", async () => {
  const wrong = { type: "none", shape: [2], data: Float32Array.of(1, 2) };
  await withServer([{ kind: "hold", number: 5, tensor: wrong }, {}], async (thread) => {
    const session = await thread.ask({ kind: "load", bytes });
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
    for (const [asked, said] of cases) await assertRejects(() => thread.ask(asked), Error, said);
    const made = { type: "float32", dims: [2], data: Float32Array.of(2, 4) };
    assertEquals(await thread.ask(run), [made]);
  });
});

Deno.test("a tensor in memory that others can change is copied, and one that is freed is gone", async () => {
  const data = new Int32Array(new SharedArrayBuffer(8));
  const tensor = { type: "i32", shape: [2], data } as const;
  await withServer([{ kind: "hold", number: 3, tensor } satisfies Told], async (thread) => {
    const read = () => thread.ask({ kind: "read", numbers: [3] });
    assertEquals(await read(), [Int32Array.of(0, 0)]);
    data[0] = 7;
    assertEquals(await read(), [Int32Array.of(0, 0)]);
    thread.tell({ kind: "free", numbers: [3] } satisfies Told);
    await assertRejects(read, Error, "There is no tensor 3");
  });
});
