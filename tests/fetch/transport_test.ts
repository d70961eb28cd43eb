/** Redirects and further tries, with answers that are made here. */
import { assertEquals, assertRejects } from "@std/assert";
import { FetchError, plainAdvice } from "../../src/fetch/fetch_error.ts";
import { send, tryRequest, withRetries } from "../../src/fetch/transport.ts";
import { patientTransport } from "./fake_hub.ts";

const request = { url: "http://home.invalid/0", title: "the file", advice: plainAdvice };

/** A transport whose requests are answered in order, the last answer again and again. */
function answering(...answers: readonly (() => Response)[]) {
  const asked: (readonly [string | undefined, string])[] = [];
  const retries: (readonly [string, number])[] = [];
  return {
    ...patientTransport(),
    asked,
    retries,
    fetch: (url: string, { method }: RequestInit) => {
      asked.push([method, url]);
      return Promise.resolve(answers[Math.min(asked.length, answers.length) - 1]!());
    },
    onRetry: (title: string, _problem: string, millis: number) => {
      retries.push([title, millis]);
      return Promise.resolve();
    },
  };
}

const redirect = (status: number, location: string) => () =>
  new Response(null, { status, headers: { location } });

Deno.test("statuses from 300 to 399 with a location are redirects, others are answers", async () => {
  for (const status of [299, 300, 399, 400]) {
    const transport = answering(redirect(status, "/1"), () => new Response("there"));
    const found = await tryRequest(request, transport, 1, [200, status]);
    assertEquals(
      "value" in found && found.value.response.status,
      status >= 300 && status < 400 ? 200 : status,
    );
    const followed = [["GET", "http://home.invalid/0"], ["GET", "http://home.invalid/1"]];
    assertEquals(
      transport.asked.map(String),
      followed.slice(0, transport.asked.length).map(String),
    );
  }
  const missing = answering(() => new Response(null, { status: 304 }));
  await assertRejects(() => tryRequest(request, missing, 1), FetchError, "status 304");
});

Deno.test("ten redirects are followed, and no more", async () => {
  const hops = (count: number) =>
    answering(...Array<() => Response>(count).fill(redirect(302, "/next")), () => new Response());
  const ten = hops(10);
  await send(request, ten);
  assertEquals(ten.asked.length, 11);
  const eleven = hops(11);
  await assertRejects(() => send(request, eleven), FetchError, "more than 10 redirects");
  assertEquals(eleven.asked.length, 11);
});

Deno.test("what may pass is tried again, and each wait is told", async () => {
  for (
    const [status, tries] of [[407, 1], [408, 6], [409, 1], [499, 1], [500, 6]] as const
  ) {
    const transport = answering(() => new Response(null, { status }));
    await assertRejects(() => send(request, transport), FetchError);
    assertEquals(transport.asked.length, tries, `${status}`);
    assertEquals(transport.retries.length, tries - 1);
    assertEquals(transport.retries.map(([, millis]) => millis), transport.waits);
  }
});

Deno.test("a wait of five minutes is taken, a longer one is not", async () => {
  for (const [millis, tries] of [[300_000, 2], [300_001, 1]] as const) {
    const transport = answering();
    let count = 0;
    const error = new FetchError("x", "y", { url: request.url });
    await assertRejects(
      () =>
        withRetries(
          "x",
          transport,
          () => Promise.resolve({ error, millis: (count++, millis), attempts: 2 }),
        ),
      FetchError,
    );
    assertEquals(count, tries);
  }
});

Deno.test("HEAD does not leave the host that it asks", async () => {
  const elsewhere = answering(redirect(302, "http://other.invalid/1"), () => new Response());
  const { response } = await send({ ...request, method: "HEAD" }, elsewhere);
  assertEquals([response.status, elsewhere.asked.map(String)], [302, [
    "HEAD,http://home.invalid/0",
  ]]);
  const plain = answering(redirect(302, "http://other.invalid/1"), () => new Response());
  assertEquals((await send(request, plain)).response.status, 200);
});
