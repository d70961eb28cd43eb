/**
 * The permissions of a command as flags, for where `deno.json` and its sets are not at hand: another folder, or an installed package.
 *
 * @module
 */
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { packageFolder } from "../record/provenance.ts";
import { ownCache } from "../fetch/own_data.ts";
import { nearPath, type Place } from "./access.ts";

/** The permissions of a command, as `deno.json` has them. */
interface PermissionSet {
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  readonly ffi?: readonly string[];
  readonly env?: readonly string[];
  readonly net?: readonly string[];
  readonly sys?: readonly string[];
  /** Never: modules come from ranklab's folder and what it has of packages. */
  readonly import?: boolean;
}

// The program itself, and tools that start other programs, have no bounds.
const {
  ranklab: _program,
  mutate: _mutate,
  bench: _bench,
  fuzz: _fuzz,
  torture: _torture,
  ...ownSets
} = config.permissions;

/** The names of the commands that the program starts. */
export const programNames: readonly string[] = Object.entries(config.tasks)
  .filter(([name, line]) => line.endsWith(` src/cli/main.ts ${name}`)).map(([name]) => name);

/** The sets of the commands by their names. */
export const commandSets: Readonly<Record<string, PermissionSet>> = ownSets;

interface Places {
  /** Ranklab's own folder, or null where it lies in none. */
  readonly home: string | null;
  /** The host that ranklab's files come from where it lies in no folder; they are kept in {@linkcode ownCache}. Default: none. */
  readonly host?: string;
  /** The folders of the packages that hold the runtime's library and its WebAssembly; null where they are not known. */
  readonly runtime: { readonly native: string | null; readonly wasm: string | null };
}

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

/** A list as Deno's flags take it, where a comma in a name stands twice. */
function listed(list: readonly string[]): string {
  return [...new Set(list)].map((name) => name.replaceAll(",", ",,")).join(",");
}

/** A set with the places that a command's arguments name. */
export function withPlaces(
  set: PermissionSet,
  places: readonly Place[],
): PermissionSet {
  const paths = (isAsked: (place: Place) => boolean) =>
    places.filter(isAsked).map(({ path }) => path);
  const written = paths(({ isWritten }) => isWritten === true);
  return {
    ...set,
    read: [...set.read ?? [], ...paths(() => true)],
    ...(written.length === 0 ? {} : { write: [...set.write ?? [], ...written] }),
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
    list === undefined ? [] : [`--allow-${name}${list[0] === "" ? "" : `=${listed(list)}`}`]
  );
}

/** Deno's arguments that start a command with its own permissions and the places that its arguments name. */
export function commandLine(
  name: string,
  args: readonly string[],
  places: readonly Place[],
): readonly string[] {
  const here = placesHere();
  const main = new URL(`./${name}.ts`, import.meta.url);
  const path = main.protocol === "file:" ? nearPath(fileURLToPath(main)) : main.href;
  const set = withPlaces(commandSets[name]!, places);
  // A checkout has all that it needs once the program has started; Deno would ask registries for what a study imports.
  const offline = here.home === null ? [] : ["--cached-only", "--deny-import"];
  const flags = ["-q", "--unstable-worker-options", ...offline, ...permissionFlags(set, here)];
  return ["run", ...flags, path, ...args];
}
