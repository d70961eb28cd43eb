import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Checksum, checksumOf, ensureFile } from "../../src/fetch/download.ts";
import { FetchError, hubAdvice, plainAdvice } from "../../src/fetch/fetch_error.ts";
import { waitMillis } from "../../src/fetch/transport.ts";
import { brokenAfter, patientTransport, ranged, sha256 } from "./fake_hub.ts";

type Download = Parameters<typeof ensureFile>[0];

/** More than one report of progress. */
const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7 + (i >> 8)) % 251);

interface Served {
  readonly url: string;
  readonly ranges: (string | null)[];
  readonly folder: string;
  readonly download: Download;
}

/** A server that answers with `answer`, and a download from it into a folder of its own. */
async function served(
  answer: (request: Request, count: number) => Response,
  check: (served: Served) => Promise<void>,
): Promise<void> {
  const ranges: (string | null)[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    ranges.push(request.headers.get("range"));
    return answer(request, ranges.length);
  });
  const folder = await Deno.makeTempDir();
  const url = `http://127.0.0.1:${server.addr.port}/file`;
  const checksum: Checksum = { kind: "sha256", hex: await sha256(bytes) };
  const download: Download = {
    url,
    title: "the file",
    advice: plainAdvice,
    path: `${folder}/a/file`,
    part: `${folder}/b/file.part`,
    sizeBytes: bytes.length,
    checksum,
  };
  try {
    await check({ url, ranges, folder, download });
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

const rangeOf = (request: Request) => request.headers.get("range");

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("ensureFile() fetches a file once, with progress, and asks nothing when it is there", async () => {
  await served((request) => ranged(bytes, rangeOf(request)), async ({ ranges, download }) => {
    const transport = patientTransport();
    assertEquals(await ensureFile(download, transport), true);
    assertEquals(await Deno.readFile(download.path), bytes);
    assertEquals(await exists(download.part), false);
    assertEquals(transport.progress.at(-1), {
      title: "the file",
      bytes: bytes.length,
      totalBytes: bytes.length,
    });
    assert(transport.progress.length > 1);
    assertEquals(await ensureFile(download, transport), false);
    assertEquals(ranges, [null]);
  });
});

Deno.test("of two that fetch a file at once the second goes on where the first found it damaged", async () => {
  const wrong = bytes.toReversed();
  await served(
    (request, count) => ranged(count === 1 ? wrong : bytes, rangeOf(request)),
    async ({ ranges, download }) => {
      const outcomes = await Promise.allSettled(
        [1, 2, 3].map(() => ensureFile(download, patientTransport())),
      );
      const [refused, ...others] = outcomes.toSorted((a, b) => a.status < b.status ? 1 : -1);
      assert(refused?.status === "rejected" && refused.reason instanceof FetchError);
      assertStringIncludes(refused.reason.message, "sha256");
      const made = others.map((outcome) => outcome.status === "fulfilled" && outcome.value);
      assertEquals(made.toSorted(), [false, true], `${JSON.stringify(outcomes)}`);
      assertEquals(await Deno.readFile(download.path), bytes);
      assertEquals([ranges.length, await exists(download.part)], [2, false]);
    },
  );
});

Deno.test("ensureFile() goes on where the connection broke, by itself and in the next process", async () => {
  const cut = 1_000_000;
  await served(
    (request, count) => count === 1 ? brokenAfter(bytes, cut) : ranged(bytes, rangeOf(request)),
    async ({ ranges, download }) => {
      const transport = patientTransport();
      await ensureFile(download, transport);
      assertEquals(await Deno.readFile(download.path), bytes);
      assertEquals(ranges, [null, `bytes=${cut}-`]);
      assertEquals(transport.waits, [1000]);
    },
  );
  await served(
    (request) => ranged(bytes, rangeOf(request)),
    async ({ ranges, download, folder }) => {
      await Deno.mkdir(`${folder}/b`);
      await Deno.writeFile(download.part, bytes.subarray(0, 12_345));
      await ensureFile(download, patientTransport());
      assertEquals(await Deno.readFile(download.path), bytes);
      assertEquals(ranges, ["bytes=12345-"]);
    },
  );
});

Deno.test("ensureFile() starts anew where a server ignores ranges or has less than what is there", async () => {
  // Of what is there nothing stays, be it shorter or longer than the file, also where no checksum would tell.
  for (const checksum of [null, { kind: "sha256", hex: await sha256(bytes) }] as const) {
    for (const there of [500, bytes.length + 9]) {
      await served(() => new Response(bytes), async ({ download, folder }) => {
        await Deno.mkdir(`${folder}/b`);
        await Deno.writeFile(download.part, new Uint8Array(there));
        await ensureFile({ ...download, checksum }, patientTransport());
        assertEquals(await Deno.readFile(download.path), bytes);
      });
    }
  }
  await served(
    (request) => ranged(bytes, rangeOf(request)),
    async ({ download, folder, ranges }) => {
      await Deno.mkdir(`${folder}/b`);
      await Deno.writeFile(download.part, new Uint8Array(bytes.length + 9));
      await ensureFile(download, patientTransport());
      assertEquals(await Deno.readFile(download.path), bytes);
      assertEquals(ranges, [`bytes=${bytes.length + 9}-`, null]);
    },
  );
});

Deno.test("ensureFile() keeps half a file that never gets longer, and says how to go on", async () => {
  const half = bytes.subarray(0, 600);
  await served(
    (_, count) =>
      count === 1 ? new Response(half) : new Response(new Uint8Array(0), {
        status: 206,
        headers: { "content-range": `bytes 600-599/${bytes.length}` },
      }),
    async ({ download, ranges }) => {
      const error = await assertRejects(
        () => ensureFile(download, patientTransport()),
        FetchError,
        `found half a file, 600 bytes, want ${bytes.length}; what arrived is kept, run this again`,
      );
      assert(error.message.startsWith('Cannot fetch "the file": '));
      assertEquals(ranges.length, 6);
      assertEquals(await Deno.readFile(download.part), half);
      assertEquals(await exists(download.path), false);
    },
  );
});

Deno.test("a file of no known size is as long as its answer says, or as what arrives", async () => {
  const totals = async (answer: (request: Request) => Response, there = 0) => {
    let found: (number | null)[] = [];
    await served(answer, async ({ download, folder }) => {
      await Deno.mkdir(`${folder}/b`);
      if (there > 0) await Deno.writeFile(download.part, bytes.subarray(0, there));
      const transport = patientTransport();
      await ensureFile({ ...download, sizeBytes: null, checksum: null }, transport);
      assertEquals(await Deno.readFile(download.path), bytes);
      found = [...new Set(transport.progress.map(({ totalBytes }) => totalBytes))];
    });
    return found;
  };
  assertEquals(await totals(() => new Response(bytes)), [bytes.length]);
  assertEquals(await totals(() => new Response(new Blob([bytes]).stream())), [null]);
  assertEquals(await totals((request) => ranged(bytes, rangeOf(request)), 700), [bytes.length]);
  const open = { "content-range": `bytes 700-${bytes.length - 1}/*` };
  const rest = () =>
    new Response(new Blob([bytes.subarray(700)]).stream(), { status: 206, headers: open });
  assertEquals(await totals(rest, 700), [null]);
});

Deno.test("a part that is whole is taken without a request", async () => {
  await served(() => new Response(null, { status: 500 }), async ({ download, folder, ranges }) => {
    await Deno.mkdir(`${folder}/b`);
    await Deno.writeFile(download.part, bytes);
    assertEquals(await ensureFile(download, patientTransport()), true);
    assertEquals([await Deno.readFile(download.path), ranges], [bytes, []]);
  });
});

Deno.test("a download sends its own headers with the range that is missing", async () => {
  const agents: (string | null)[] = [];
  await served((request) => {
    agents.push(request.headers.get("user-agent"));
    return ranged(bytes, rangeOf(request));
  }, async ({ download, folder, ranges }) => {
    await Deno.mkdir(`${folder}/b`);
    await Deno.writeFile(download.part, bytes.subarray(0, 5));
    await ensureFile({ ...download, headers: { "user-agent": "mine" } }, patientTransport());
    assertEquals([agents, ranges], [["mine"], ["bytes=5-"]]);
  });
});

Deno.test("a refusal is told by its status", () => {
  const plain = (status: number) => plainAdvice({ status, errorCode: null });
  for (const status of [401, 403]) assertStringIncludes(plain(status), "that anyone may read");
  for (const status of [404, 410]) assertStringIncludes(plain(status), "no such file");
  for (const status of [400, 402, 409, 411, 500]) assertStringIncludes(plain(status), "want 200");
  const hub = hubAdvice({ token: null, title: "someone/tiny" });
  assertStringIncludes(hub({ status: 404, errorCode: "EntryNotFound" }), "no such file at this");
  assertStringIncludes(hub({ status: 404, errorCode: null }), "no such model");
  assertStringIncludes(hub({ status: 410, errorCode: null }), "no such file (status 410)");
});

Deno.test("ensureFile() removes a file whose checksum or size is wrong", async () => {
  await served(() => new Response(bytes), async ({ download }) => {
    const wrong: Download = { ...download, checksum: { kind: "sha256", hex: "0".repeat(64) } };
    await assertRejects(
      () => ensureFile(wrong, patientTransport()),
      FetchError,
      `found sha256 ${await sha256(bytes)}, want ${"0".repeat(64)}; it was removed, run this again`,
    );
    assertEquals([await exists(wrong.path), await exists(wrong.part)], [false, false]);
    const longer: Download = { ...download, sizeBytes: bytes.length - 1 };
    await assertRejects(
      () => ensureFile(longer, patientTransport()),
      FetchError,
      `found ${bytes.length} bytes, want ${bytes.length - 1}`,
    );
    assertEquals(await exists(longer.part), false);
  });
});

Deno.test("ensureFile() waits as long as it is told on 429, backs off on 5xx, and gives up in the end", async () => {
  await served((_, count) => {
    if (count === 1) return new Response(null, { status: 429, headers: { "retry-after": "7" } });
    return count < 4 ? new Response("busy", { status: 503 }) : new Response(bytes);
  }, async ({ download }) => {
    const transport = patientTransport();
    await ensureFile(download, transport);
    assertEquals(transport.waits, [7000, 2000, 4000]);
  });
  await served(() => new Response(null, { status: 429 }), async ({ download, ranges }) => {
    const error = await assertRejects(
      () => ensureFile(download, patientTransport()),
      FetchError,
      "found too many requests (status 429)",
    );
    assertEquals([error.status, ranges.length], [429, 6]);
  });
});

Deno.test("ensureFile() does not try again what will not change", async () => {
  for (const [status, message] of [[404, "no such file"], [403, "status 403"]] as const) {
    await served(() => new Response(null, { status }), async ({ download, ranges }) => {
      await assertRejects(() => ensureFile(download, patientTransport()), FetchError, message);
      assertEquals(ranges.length, 1);
    });
  }
});

Deno.test("a host that this process may not reach is named with the permission", async () => {
  await served(() => new Response(bytes), async ({ download }) => {
    const elsewhere = { ...download, url: "http://example.invalid/file" };
    await assertRejects(
      () => ensureFile(elsewhere, patientTransport()),
      FetchError,
      "--allow-net=example.invalid",
    );
  });
});

Deno.test("checksumOf() gives git's hash of a file, and SHA-256", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "hello world\n");
  // git hash-object and sha256sum of the same text.
  assertEquals(await checksumOf(path, "git-sha1"), "3b18e512dba79e4c8300dd08aeb37f8e728b8dad");
  assertEquals(
    await checksumOf(path, "sha256"),
    "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447",
  );
  await Deno.remove(path);
});

Deno.test("waitMillis() takes seconds, dates, and doubles up to a minute", () => {
  const now = Date.parse("Wed, 21 Oct 2015 07:28:00 GMT");
  assertEquals(waitMillis("Wed, 21 Oct 2015 07:28:05 GMT", 3, now), 5000);
  assertEquals(waitMillis("Wed, 21 Oct 2015 07:00:00 GMT", 3, now), 0);
  assertEquals(waitMillis("soon", 3, now), 4000);
  assertEquals([1, 2, 3, 9].map((n) => waitMillis(null, n, 0)), [1000, 2000, 4000, 60_000]);
});
