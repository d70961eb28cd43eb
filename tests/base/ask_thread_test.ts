/** Asking a thread: its answers, its errors, and each way in which it can give none. */
import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { answerThread, AskedThread, hearThread } from "../../src/base/ask_thread.ts";
import { UsageError } from "../../src/base/input_error.ts";
import type { Deed } from "./asked_thread.ts";

function startWorker(): Worker {
  return new Worker(new URL("./asked_thread.ts", import.meta.url), { type: "module" });
}

async function withThread(check: (thread: AskedThread) => Promise<void>): Promise<void> {
  const thread = new AskedThread(startWorker(), "of a test");
  try {
    await check(thread);
  } finally {
    thread.close();
  }
}

Deno.test("questions that are open at once are answered each, with what is said before", async () => {
  await withThread(async (thread) => {
    const said: unknown[] = [];
    const never = thread.ask<string>("wait" satisfies Deed);
    never.catch(() => {});
    const answers = await Promise.all([
      thread.ask<string>("answer" satisfies Deed),
      thread.ask<void>("say" satisfies Deed, (one) => said.push(one)),
    ]);
    assertEquals(answers, ["answer", undefined]);
    assertEquals(said, ["first", "second"]);
    thread.tell("something");
    assertEquals(await thread.ask("what was told" satisfies Deed), "something");
  });
});

Deno.test("what is thrown in a thread arrives with its name, message and stack, and the thread goes on", async () => {
  await withThread(async (thread) => {
    const error = await assertRejects(() => thread.ask("throw" satisfies Deed), Error);
    assertEquals([error.name, error.message], ["RangeError", "out of range"]);
    assertStringIncludes(error.stack ?? "", "asked_thread.ts");
    const usage = await assertRejects(() => thread.ask("throw a usage error" satisfies Deed));
    assertInstanceOf(usage, UsageError);
    assertEquals(usage.message, "not like this");
    await assertRejects(() => thread.ask("throw a number" satisfies Deed), Error, "7");
    assertEquals([await thread.ask("answer" satisfies Deed), thread.isLost], ["answer", false]);
  });
});

Deno.test("an answer or a question that cannot be cloned is an error, and the thread goes on", async () => {
  await withThread(async (thread) => {
    const error = await assertRejects(() => thread.ask("post a function" satisfies Deed), Error);
    assertEquals(error.name, "DataCloneError");
    await assertRejects(() => thread.ask(() => {}), DOMException);
    assertEquals([await thread.ask("answer" satisfies Deed), thread.isLost], ["answer", false]);
  });
});

for (
  const [deed, why] of [
    ["throw later", "nobody catches this"],
    ["close", "it ended by itself"],
    ["exit", "it ended by itself"],
  ] as const
) {
  Deno.test(`a thread that is asked to ${deed} fails all questions, those that come later too`, async () => {
    await withThread(async (thread) => {
      const open = assertRejects(() => thread.ask("wait" satisfies Deed), Error, why);
      const error = await assertRejects(() => thread.ask(deed satisfies Deed), Error, why);
      assertStringIncludes(error.message, "The thread of a test gives no answer: ");
      await open;
      assertEquals(thread.isLost, true);
      await assertRejects(() => thread.ask("answer" satisfies Deed), Error, why);
    });
  });
}

Deno.test("a module that cannot be loaded as a thread is an error", async () => {
  const url = `data:application/javascript,throw new Error("not loaded")`;
  const thread = new AskedThread(new Worker(url, { type: "module" }), "of a test");
  await assertRejects(() => thread.ask("answer"), Error, "not loaded");
  thread.close();
});

Deno.test("a message that cannot be read fails what is asked, at either end", async () => {
  for (const end of ["here", "there"] as const) {
    const { port1, port2 } = new MessageChannel();
    answerThread(() => new Promise(() => {}), undefined, port2);
    const thread = new AskedThread(port1, "of a test");
    const asked = assertRejects(
      () => thread.ask("anything"),
      Error,
      "The thread of a test gives no answer: a message cannot be read",
    );
    (end === "here" ? port1 : port2).dispatchEvent(new MessageEvent("messageerror"));
    await asked;
    thread.close();
    port2.close();
  }
});

Deno.test("who passes on what is heard of a thread tells of its end", async () => {
  const { port1, port2 } = new MessageChannel();
  const worker = startWorker();
  hearThread(worker, (heard) => port2.postMessage(heard));
  port2.onmessage = ({ data }) => worker.postMessage(data);
  const thread = new AskedThread(port1, "of a test");
  assertEquals(await thread.ask("answer" satisfies Deed), "answer");
  await assertRejects(() => thread.ask("exit" satisfies Deed), Error, "it ended by itself");
  thread.close();
  worker.terminate();
  port2.close();
});
