/**
 * Where a run was made and with what: versions, commit, device.
 *
 * @module
 */
import { hashBytes } from "../base/hash.ts";
import { readIfThere } from "./run_folder.ts";
import type { Where } from "./types.ts";

const root = new URL("../../", import.meta.url);

async function textAt(path: string): Promise<string | null> {
  const bytes = await readIfThere(decodeURIComponent(new URL(path, root).pathname));
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/** The commit that is checked out, read from git's own files; null outside of a checkout. */
export async function gitCommit(): Promise<string | null> {
  const head = (await textAt(".git/HEAD"))?.trim();
  if (head === undefined) return null;
  if (!head.startsWith("ref: ")) return head;
  const ref = head.slice("ref: ".length);
  const loose = (await textAt(`.git/${ref}`))?.trim();
  if (loose !== undefined) return loose;
  const packed = await textAt(".git/packed-refs");
  const line = packed?.split("\n").find((candidate) => candidate.endsWith(` ${ref}`));
  return line?.split(" ")[0] ?? null;
}

/** What does not change from run to run of a sweep. */
export type Surroundings = Omit<Where, "device" | "hashes"> & { readonly lock: string | null };

/** Reads the surroundings: ranklab's version, the commit, Deno, and the packages that the import map pins. */
export async function readSurroundings(): Promise<Surroundings> {
  const config = JSON.parse(await textAt("deno.json") ?? "{}") as {
    readonly version?: string;
    readonly imports?: Readonly<Record<string, string>>;
  };
  const lock = await textAt("deno.lock");
  const packages = Object.fromEntries(
    Object.entries(config.imports ?? {}).flatMap(([name, specifier]) => {
      const version = /^npm:.+@([^@]+)$/.exec(specifier)?.[1];
      return version === undefined ? [] : [[name, version]];
    }),
  );
  return {
    ranklab: config.version ?? "unknown",
    gitCommit: await gitCommit(),
    gitDirty: null,
    deno: Deno.version.deno,
    packages,
    platform: `${Deno.build.os} ${Deno.build.arch}`,
    lock: lock === null ? null : hashBytes(lock),
  };
}
