import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { zipSync } from "fflate";
import { FetchError } from "../../src/fetch/fetch_error.ts";
import { fetchGlueTask } from "../../src/fetch/glue.ts";
import { type GlueArchive, glueArchives, splitMrpc } from "../../src/tasks/glue_archives.ts";
import { glueTasks } from "../../src/tasks/catalog.ts";
import { patientTransport, ranged, sha256 } from "./fake_hub.ts";

const bytesOf = (content: string) => new TextEncoder().encode(content);

async function published(name: string, bytes: Uint8Array<ArrayBuffer>) {
  const url = `http://published.invalid/${name}`;
  return { url, sizeBytes: bytes.length, sha256: await sha256(bytes) };
}

/** A server with some files by name, and a data folder. */
async function withMirror(
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  check: (
    setting: {
      readonly fetch: (archive: GlueArchive) => Promise<boolean>;
      readonly folder: string;
      readonly asked: string[];
    },
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const name = new URL(request.url).pathname.replace("/glue/", "");
    asked.push(name);
    const bytes = files.get(name);
    return bytes === undefined
      ? new Response(null, { status: 404 })
      : ranged(bytes, request.headers.get("range"));
  });
  const mirror = `http://127.0.0.1:${server.addr.port}/glue/`;
  const transport = patientTransport();
  try {
    await check({
      folder,
      asked,
      fetch: (archive) => fetchGlueTask(archive, { folder, mirror, transport }),
    });
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

const rte = new Uint8Array(zipSync({
  "RTE/train.tsv": bytesOf("train\n"),
  "RTE/dev.tsv": bytesOf("dev\n"),
  "RTE/test.tsv": bytesOf("read by nobody\n"),
}));

async function rteArchive(): Promise<GlueArchive> {
  return {
    kind: "zip",
    task: "RTE",
    archive: await published("RTE.zip", rte),
    files: ["RTE/train.tsv", "RTE/dev.tsv"],
  };
}

Deno.test("glueArchives have the files of all nine tasks, with sizes and checksums", () => {
  assertEquals(glueArchives.map(({ task }) => task), glueTasks.map(({ name }) => name));
  assertEquals(glueArchives.map(({ files }) => files).flat().length, 2 * 9 + 1);
  const all = glueArchives.flatMap((archive) =>
    archive.kind === "zip" ? [archive.archive] : [archive.pairs, archive.devIds]
  );
  assertEquals(new Set(all.map(({ sha256 }) => sha256)).size, 10);
  assertEquals(all.filter(({ sha256 }) => !/^[0-9a-f]{64}$/.test(sha256)), []);
  assertEquals(all.filter(({ url }) => !url.startsWith("https://")), []);
});

Deno.test("fetchGlueTask() unpacks what a sweep reads, once, and removes the archive", async () => {
  await withMirror(new Map([["RTE.zip", rte]]), async ({ fetch, folder, asked }) => {
    const archive = await rteArchive();
    assertEquals(await fetch(archive), true);
    assertEquals(await Deno.readTextFile(`${folder}/RTE/train.tsv`), "train\n");
    assertEquals(await Deno.readTextFile(`${folder}/RTE/dev.tsv`), "dev\n");
    assertEquals([...Deno.readDirSync(`${folder}/RTE`)].length, 2);
    assertEquals([...Deno.readDirSync(`${folder}/archives`)], []);
    assertEquals(await fetch(archive), false);
    // A file that the user put there stays.
    await Deno.writeTextFile(`${folder}/RTE/train.tsv`, "mine\n");
    await Deno.remove(`${folder}/RTE/dev.tsv`);
    assertEquals(await fetch(archive), true);
    assertEquals(await Deno.readTextFile(`${folder}/RTE/train.tsv`), "mine\n");
    assertEquals(asked, ["RTE.zip", "RTE.zip"]);
  });
});

Deno.test("fetchGlueTask() goes on with half an archive and refuses another one", async () => {
  await withMirror(new Map([["RTE.zip", rte]]), async ({ fetch, folder }) => {
    await Deno.mkdir(`${folder}/archives`);
    await Deno.writeFile(`${folder}/archives/RTE.zip.part`, rte.subarray(0, 100));
    assertEquals(await fetch(await rteArchive()), true);
  });
  const other = rte.slice();
  other[40]! ^= 1;
  await withMirror(new Map([["RTE.zip", other]]), async ({ fetch, folder }) => {
    const archive = await rteArchive();
    await assertRejects(() => fetch(archive), FetchError, "it was removed");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["archives"]);
  });
  await withMirror(new Map(), async ({ fetch }) => {
    const archive = await rteArchive();
    await assertRejects(() => fetch(archive), FetchError, "no such file (status 404)");
  });
  await withMirror(new Map([["RTE.zip", rte]]), async ({ fetch }) => {
    const archive = { ...await rteArchive(), files: ["RTE/train.tsv", "RTE/valid.tsv"] };
    await assertRejects(() => fetch(archive), InputError, 'found no "RTE/valid.tsv" in it');
  });
});

const pairs = [
  "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String",
  '1\t10\t11\tOne "quoted"\tUno',
  "0\t20\t21\tTwo\tDos",
  "1\t30\t31\tThree\tTres",
  "",
].join("\r\n");

Deno.test("MRPC is divided by the ids of its dev set", async () => {
  const devIds = "20\t21\n";
  const header = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n";
  const train = `${header}1\t10\t11\tOne "quoted"\tUno\n1\t30\t31\tThree\tTres\n`;
  const dev = `${header}0\t20\t21\tTwo\tDos\n`;
  assertEquals(splitMrpc(pairs, devIds), { train, dev });
  assertThrows(() => splitMrpc(pairs, "1\t2\n"), InputError, 'found no pair "1 2"');
  assertThrows(() => splitMrpc(pairs.replace("\tUno", ""), devIds), InputError, "line 2");
  const files = new Map([["msr.txt", bytesOf(pairs)], ["ids.tsv", bytesOf(devIds)]]);
  const archive: GlueArchive = {
    kind: "mrpc",
    task: "MRPC",
    pairs: await published("msr.txt", files.get("msr.txt")!),
    devIds: await published("ids.tsv", files.get("ids.tsv")!),
    files: ["MRPC/train.tsv", "MRPC/dev.tsv"],
  };
  await withMirror(files, async ({ fetch, folder }) => {
    assertEquals(await fetch(archive), true);
    assertEquals(await Deno.readTextFile(`${folder}/MRPC/train.tsv`), train);
    assertEquals(await Deno.readTextFile(`${folder}/MRPC/dev.tsv`), dev);
  });
});
