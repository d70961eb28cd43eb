/**
 * Where a run was trained and with what: versions, commit, device.
 *
 * @module
 */
import config from "../../deno.json" with { type: "json" };
import { digestOf, hashBytes, hashParts } from "../base/hash.ts";
import { namesIn, readIfThere } from "./durable.ts";
import { filesBelow } from "./results_reader.ts";
import type { RecordedEnvironment } from "./types.ts";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);

/** The text of a file, or null where there is none, or the folder is not on this machine. */
async function textAt(path: string, folder: URL = root): Promise<string | null> {
  if (folder.protocol !== "file:") return null;
  const bytes = await readIfThere(decodeURIComponent(new URL(path, folder).pathname));
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/**
 * The commit that is checked out, read from git's own files; null outside of a checkout.
 *
 * @param checkout Default ranklab's own folder.
 */
export async function gitCommit(checkout: URL = root): Promise<string | null> {
  const head = (await textAt(".git/HEAD", checkout))?.trim();
  if (head === undefined) return null;
  if (!head.startsWith("ref: ")) return head;
  const ref = head.slice("ref: ".length);
  const loose = (await textAt(`.git/${ref}`, checkout))?.trim();
  if (loose !== undefined) return loose;
  const packed = await textAt(".git/packed-refs", checkout);
  const line = packed?.split("\n").find((candidate) => candidate.endsWith(` ${ref}`));
  return line?.split(" ")[0] ?? null;
}

/**
 * SHA-256 of a source folder, that is of each TypeScript file in it with its path.
 *
 * @param folder Default ranklab's own `src`: the hash tells whether what ran is the commit that was checked out.
 *
 * @returns Null if it is no folder on disk, as when ranklab is imported from a registry.
 */
export async function sourceFolderHash(
  folder: URL = new URL("src/", root),
): Promise<string | null> {
  if (folder.protocol !== "file:") return null;
  const path = fileURLToPath(folder).replace(/\/$/, "");
  const files = (await filesBelow(path, "")).filter((file) => file.endsWith(".ts"));
  const parts = files.map(async (file) => {
    const name = file.split("/").map(encodeURIComponent).join("/");
    return [name, hashBytes(await Deno.readFile(`${path}/${file}`))] as const;
  });
  return hashParts(Object.fromEntries(await Promise.all(parts)));
}

/** What does not change from run to run of a sweep. */
export type Environment = Omit<RecordedEnvironment, "device" | "hashes"> & {
  readonly lock: string | null;
  readonly source: string | null;
  /** SHA-256 of each file of the native runtime, none where they are not known; of records of runs that it computed. */
  readonly libraries: Readonly<Record<string, string>>;
};

/** Reads the environment: ranklab's version, the commit, Deno, the packages that the import map pins, and the native runtime. */
export async function readEnvironment(): Promise<Environment> {
  const folder = runtimeFolder();
  const lock = await textAt("deno.lock");
  const packages = Object.fromEntries(
    Object.entries(config.imports).flatMap(([name, specifier]) => {
      const version = /^npm:.+@([^@]+)$/.exec(specifier)?.[1];
      return version === undefined ? [] : [[name, version]];
    }),
  );
  return {
    ranklab: config.version,
    gitCommit: await gitCommit(),
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    packages,
    platform: `${Deno.build.os} ${Deno.build.arch}`,
    lock: lock === null ? null : hashBytes(lock),
    source: await sourceFolderHash(),
    libraries: folder === null ? {} : await libraryHashes(folder),
  };
}

const libraryName = /\.(?:node|dll|dylib|so(?:\.[0-9.]+)?)$/;

/** SHA-256 of each library in a folder, by its file's name. */
export async function libraryHashes(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = [...await namesIn(folder)].filter((name) => libraryName.test(name)).sort();
  const hashes: Record<string, string> = {};
  for (const name of names) hashes[name] = await digestOf(await Deno.readFile(`${folder}/${name}`));
  return hashes;
}

/** The folder of the runtime's library for this machine, or null where it is not known or may not be read. */
function runtimeFolder(): string | null {
  const path = packageFolder("onnxruntime-node");
  const { os, arch } = Deno.build;
  const folder = path === null ? null : [
    path,
    "bin/napi-v6",
    os === "windows" ? "win32" : os,
    arch === "x86_64" ? "x64" : "arm64",
  ].join("/");
  const isReadable = folder !== null &&
    Deno.permissions.querySync({ name: "read", path: folder }).state === "granted";
  return isReadable ? folder : null;
}

/**
 * The folder of a package, or null where Deno does not say: in an installed ranklab without a `node_modules`.
 *
 * @param name As `deno.json` imports it.
 */
export function packageFolder(name: keyof typeof config.imports): string | null {
  const url = import.meta.resolve(config.imports[name]);
  if (!url.startsWith("file:")) return null;
  const path = fileURLToPath(url);
  const tail = `/${name}/`;
  return path.slice(0, path.lastIndexOf(tail) + tail.length - 1);
}
