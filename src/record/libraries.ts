/**
 * The hashes of the runtime's native library, which computes what the CPU executor computes.
 *
 * @module
 */
import { namesIn } from "./durable.ts";
import { packageFolder } from "./packages.ts";

/** Names of libraries, on every platform. */
const libraryName = /\.(?:node|dll|dylib|so(?:\.[0-9.]+)?)$/;

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** SHA-256 of each library in a folder, by its file's name. */
export async function libraryHashes(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = [...await namesIn(folder)].filter((name) => libraryName.test(name)).sort();
  const hashes: Record<string, string> = {};
  for (const name of names) hashes[name] = await sha256(await Deno.readFile(`${folder}/${name}`));
  return hashes;
}

/** The folder of the runtime's library for this machine, or null where it is not known or may not be read. */
export function runtimeFolder(): string | null {
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
