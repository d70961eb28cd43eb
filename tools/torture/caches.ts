/**
 * Caches of encoders on full and on read-only disks: a fetch fails with a message and leaves nothing that counts as an encoder, goes
 * on when there is room, and what is there is read where nobody may write. Sweeps write to no cache.
 *
 * @module
 */
import { cachedSnapshot, fetchSnapshot, type HubModel } from "../../src/fetch/hub.ts";
import {
  fakeRepository,
  type HubFile,
  patientTransport,
  withFakeHub,
} from "../../tests/fetch/fake_hub.ts";
import { type Figures, type Ground, Tally } from "./campaign.ts";
import { run, start } from "./processes.ts";
import { torturedModel } from "./tortured_study.ts";

const model: HubModel = { kind: "hub", repository: fakeRepository, revision: "main" };

const names = ["config.json", "vocab.txt", "model.safetensors"] as const;

/** Fetches the tests' encoder from a hub on this machine. */
export async function fetchTiny(cache: string): Promise<void> {
  const files = names.map((name): readonly [string, HubFile] => [name, {
    bytes: Deno.readFileSync(`${torturedModel}/${name}`),
    isLarge: name === "model.safetensors",
  }]);
  await withFakeHub(new Map(files), async ({ url }) => {
    await fetchSnapshot({ endpoint: url, token: null, cache }, model, patientTransport());
  });
}

/** Whether a cache has the encoder; notes where it has another one. */
async function isCached(tally: Tally, where: string, cache: string): Promise<boolean> {
  const snapshot = await cachedSnapshot({ cache }, model);
  if (snapshot === null) return false;
  for (const name of names) {
    const [found, wanted] = [snapshot.folder, torturedModel]
      .map((folder) => Deno.readFileSync(`${folder}/${name}`));
    const isSame = found!.length === wanted!.length &&
      found!.every((byte, i) => byte === wanted![i]);
    if (!isSame) tally.fault(where, `${name}: other content`);
  }
  tally.count("encoders compared");
  return true;
}

/** Fetches to so many small disks, of random sizes, and to the same disks when nobody may write there. */
export async function fillCaches(ground: Ground, disks: number): Promise<Figures> {
  const tally = new Tally();
  const at = `${ground.home}/small`;
  await Deno.mkdir(at, { recursive: true });
  const fetching = (cache: string) =>
    start(ground.command({ kind: "fetch", results: ground.wanted, out: cache })).ended;
  for (let disk = 0; disk < disks; disk++) {
    const where = `cache, disk ${disk}`;
    const wantMessage = async (what: string, cache: string) => {
      const { code, complaints } = await fetching(cache);
      if (code === 0) tally.count("disks that were large enough");
      else if (/Cannot write ".*": .*(?:space|Read-only)/.test(complaints)) tally.count(what);
      else tally.fault(`${where}, ${what}`, `exit ${code}: ${complaints}`);
      if (await isCached(tally, `${where}, ${what}`, cache) !== (code === 0)) {
        tally.fault(`${where}, ${what}`, `exit ${code}, and the cache says otherwise`);
      }
    };
    await run("mount", "-t", "tmpfs", "-o", `size=${4 + 4 * ground.random.int(9)}k`, "tmpfs", at);
    try {
      await wantMessage("fetches to a full disk", `${at}/a`);
      await run("mount", "-o", "remount,size=64m", at);
      ground.checkEnd(tally, `${where}, with room`, await fetching(`${at}/a`));
      if (!await isCached(tally, where, `${at}/a`)) tally.fault(where, "not fetched with room");
      await run("mount", "-o", "remount,ro", at);
      await wantMessage("fetches to a read-only disk", `${at}/b`);
      if (ground.checkEnd(tally, `${where}, all there`, await fetching(`${at}/a`))) {
        tally.count("read-only caches that have all");
      }
    } finally {
      await run("umount", at);
    }
  }
  return tally;
}
