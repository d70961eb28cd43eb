/** Ranklab's own files, where its modules are files and where they come from a registry. */
import { assertEquals, assertRejects } from "@std/assert";
import { FetchError } from "../../src/fetch/fetch_error.ts";
import { bringOwnFiles, ownFiles, ownPath } from "../../src/fetch/own_data.ts";
import type { Transport } from "../../src/fetch/transport.ts";
import { withFolder } from "../with_folder.ts";

const encoder = new TextEncoder();

/** A registry's answers, and what it was asked. */
function registry(answer: (path: string) => Response): {
  readonly asked: readonly string[];
  readonly transport: () => Transport;
} {
  const asked: string[] = [];
  const transport = (): Transport => ({
    fetch: (url) => {
      asked.push(url);
      return Promise.resolve(answer(url));
    },
    wait: () => Promise.resolve(),
    now: () => 0,
    onProgress: () => Promise.resolve(),
    onRetry: () => Promise.resolve(),
  });
  return { asked, transport };
}

async function inCache(check: (cache: string) => Promise<void>): Promise<void> {
  await withFolder(async (cache) => {
    await check(cache);
  });
}

const home = new URL("https://registry.example/@ranklab/ranklab/1.2.3/");

Deno.test("in a checkout, ranklab's own files are read where they lie, and nobody is asked for them", async () => {
  const { asked, transport } = registry(() => new Response());
  await bringOwnFiles(transport);
  assertEquals(asked, []);
  for (const name of ownFiles) assertEquals((await Deno.stat(ownPath(name))).isFile, true, name);
});

Deno.test("ranklab from a registry fetches its own files into the cache, each once", async () => {
  await inCache(async (cache) => {
    const { asked, transport } = registry((url) => new Response(encoder.encode(`of ${url}`)));
    const place = { home, cache };
    await bringOwnFiles(transport, place);
    assertEquals(asked, ownFiles.map((name) => `${home.href}${name}`));
    for (const name of ownFiles) {
      assertEquals(ownPath(name, place), `${cache}/${name}`);
      assertEquals(await Deno.readTextFile(`${cache}/${name}`), `of ${home.href}${name}`);
    }
    await bringOwnFiles(transport, place);
    assertEquals(asked.length, ownFiles.length);
  });
});

Deno.test("a file that the registry lacks is named, and leaves nothing that would be taken for it", async () => {
  await inCache(async (cache) => {
    const [missing] = ownFiles;
    const { transport } = registry(() => new Response(null, { status: 404 }));
    const error = await assertRejects(
      () => bringOwnFiles(transport, { home, cache }),
      FetchError,
      "found no such file (status 404)",
    );
    assertEquals(error.url, `${home.href}${missing}`);
    await assertRejects(() => Deno.stat(`${cache}/${missing}`), Deno.errors.NotFound);
  });
});
