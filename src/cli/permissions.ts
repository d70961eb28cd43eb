/**
 * The permissions of a command as flags, for where `deno.json` and its sets are not at hand: another folder, or an installed package.
 *
 * @module
 */
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { packageFolder } from "../record/packages.ts";
import { ownCache } from "../fetch/own_data.ts";
import { nearPath, quoted } from "./access.ts";

/** The permissions of a command, as `deno.json` has them. */
export interface PermissionSet {
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  readonly ffi?: readonly string[];
  readonly env?: readonly string[];
  readonly net?: readonly string[];
  readonly sys?: readonly string[];
}

// These start other programs, so that they have no bounds, and are no commands of the program.
const { mutate: _mutate, bench: _bench, fuzz: _fuzz, torture: _torture, ...ownSets } =
  config.permissions;

/** The sets of the commands by their names. */
export const commandSets: Readonly<Record<string, PermissionSet>> = ownSets;

/** Where things are on this machine. */
export interface Places {
  /** Ranklab's own folder, or null where it lies in none. */
  readonly home: string | null;
  /** The host that ranklab's files come from where it lies in no folder; they are kept in {@linkcode ownCache}. Default: none. */
  readonly host?: string;
  /** The folders of the packages that hold the runtime's library and its WebAssembly; null where they are not known. */
  readonly runtime: { readonly native: string | null; readonly wasm: string | null };
}

/** Where ranklab and its packages lie. */
function placesHere(): Places {
  const home = new URL("../../", import.meta.url);
  const near = (name: Parameters<typeof packageFolder>[0]) => {
    const path = packageFolder(name);
    return path === null ? null : nearPath(path);
  };
  return {
    ...(home.protocol === "file:"
      ? { home: nearPath(fileURLToPath(home).replace(/\/$/, "")) }
      : { home: null, host: home.host }),
    runtime: { native: near("onnxruntime-node"), wasm: near("onnxruntime-web") },
  };
}

/**
 * A set as flags of `deno run`: what it reads in ranklab's folder is read there and in the current one, and the runtime's library is
 * where this machine has it (any library, where that is not known).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { permissionFlags } from "./permissions.ts";
 * const runtime = { native: "/cache/onnxruntime-node", wasm: "/cache/onnxruntime-web" };
 * assertEquals(
 *   permissionFlags({ read: ["."], write: ["results"], ffi: ["any"] }, { home: "/opt/ranklab", runtime }),
 *   [
 *     "--allow-read=.,/opt/ranklab,/cache/onnxruntime-node,/cache/onnxruntime-web",
 *     "--allow-write=results",
 *     "--allow-ffi=/cache/onnxruntime-node",
 *   ],
 * );
 * ```
 */
export function permissionFlags(
  { read, write, ffi, env, net, sys }: PermissionSet,
  { home, host, runtime }: Places,
): readonly string[] {
  const folders = [...new Set([...read ?? [], ...(home === null ? [] : [home])])];
  const packages = ffi === undefined
    ? []
    : [runtime.native, runtime.wasm].filter((path) => path !== null);
  const isWithin = (path: string) =>
    home === "." ? !isAbsolute(path) : home !== null && path.startsWith(`${home}/`);
  const lists: readonly (readonly [string, readonly string[] | undefined])[] = [
    ["read", [...folders, ...packages.filter((path) => !isWithin(path))]],
    ["write", host === undefined ? write : [...write ?? [], ownCache]],
    ["ffi", ffi === undefined ? undefined : [runtime.native ?? ""]],
    ["env", env],
    ["net", host === undefined ? net : [...net ?? [], host]],
    ["sys", sys],
  ];
  return lists.flatMap(([name, list]) =>
    list === undefined ? [] : [`--allow-${name}${list[0] === "" ? "" : `=${list.join(",")}`}`]
  );
}

/**
 * The command line of the program with a command's permissions and no others.
 *
 * @param name A command of the program.
 */
export function permissionsLine(name: string): string {
  const flags = permissionFlags(commandSets[name]!, placesHere());
  const main = new URL("./main.ts", import.meta.url);
  const path = main.protocol === "file:" ? nearPath(fileURLToPath(main)) : main.href;
  return ["deno", "run", "-q", "--unstable-worker-options", ...flags, path, name]
    .map(quoted).join(" ");
}
