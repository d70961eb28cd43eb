/**
 * Where a command may read and write: its task in `deno.json` names a few folders, and for any other one Deno is asked.
 *
 * @module
 */
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../base/usage_error.ts";
import { outputFolder } from "../record/results_reader.ts";

/** How a command was started. */
export interface Started {
  /** The name of its permission set in `deno.json`, which is that of its task. */
  readonly task: string;
  /** The path of its main module. */
  readonly main: string;
  /** Ranklab's own folder, which every command reads. */
  readonly home: string;
  readonly args: readonly string[];
}

/** A file or folder that a command was given. */
export interface Place {
  readonly path: string;
  /** The option or argument that named it, for the error. */
  readonly option: string;
  /** Whether it is written to as well as read. Default false. */
  readonly isWritten?: boolean;
}

/** Whether a name is a path: a bare one is looked for in folders that every command may read. */
function isPath(name: string): boolean {
  return /[/\\]/.test(name);
}

/** A word of a command line as a shell takes it for one. */
export function quoted(text: string): string {
  const escaped = text.replaceAll("'", "'\\''");
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${escaped}'`;
}

/**
 * The command line that does the same and may read and write some places more.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { permittedLine } from "./access.ts";
 * const started = { task: "sweep", main: "src/cli/sweep.ts", home: ".", args: ["--results", "/data/my runs"] };
 * assertEquals(
 *   permittedLine(started, [{ path: "/data/my runs", option: "--results", isWritten: true }]),
 *   "deno run -q -P=sweep '--allow-read=.,/data/my runs' '--allow-write=/data/my runs' src/cli/sweep.ts " +
 *     "--results '/data/my runs'",
 * );
 * ```
 */
export function permittedLine(
  { task, main, home, args }: Started,
  places: readonly Place[],
): string {
  const paths = (given: readonly string[]) => [...new Set(given)].join(",");
  const written = places.filter(({ isWritten }) => isWritten).map(({ path }) => path);
  // A list on the command line takes the place of the one of the set.
  const read = `--allow-read=${paths([home, ...places.map(({ path }) => path)])}`;
  const write = written.length === 0 ? [] : [`--allow-write=${paths(written)}`];
  return ["deno", "run", "-q", `-P=${task}`, read, ...write, main, ...args].map(quoted).join(" ");
}

/** A path as it is best written from the folder of the command. */
export function nearPath(path: string): string {
  const near = relative(Deno.cwd(), path);
  return near.startsWith("..") || isAbsolute(near) ? path : near || ".";
}

function startedAs(task: string): Started {
  const main = nearPath(fileURLToPath(Deno.mainModule));
  const { protocol, pathname } = new URL("../../", import.meta.url);
  const home = protocol === "file:" ? nearPath(resolve(decodeURIComponent(pathname))) : ".";
  return { task, main, home, args: Deno.args };
}

async function isAllowed({ path, isWritten = false }: Place): Promise<boolean> {
  const names = isWritten ? ["read", "write"] as const : ["read"] as const;
  for (const name of names) {
    const { state } = await Deno.permissions.request({ name, path });
    if (state !== "granted") return false;
  }
  return true;
}

/**
 * Makes sure that a command may use the places that it was given, before anything is computed: where its task does not allow
 * that, Deno asks at a terminal.
 *
 * @param task The name of the command's task.
 * @param places Those that were named; others, and names in `experiments/` or on the hub, are no places.
 *
 * @throws {UsageError} If it may not use some; the message has the command line that may.
 */
export async function askForPlaces(task: string, places: readonly Place[]): Promise<void> {
  const refused: Place[] = [];
  for (const place of places) if (!await isAllowed(place)) refused.push(place);
  if (refused.length === 0) return;
  const named = refused.map(({ path, option, isWritten }) =>
    `${isWritten ? "write to" : "read"} "${path}", which ${option} names`
  );
  throw new UsageError(
    `Cannot ${named.join(", nor ")}: deno.json lets "deno task ${task}" ${
      refused.some(({ isWritten }) => isWritten)
        ? "write to other folders only"
        : "read its own folder only"
    }; allow it by\n  ${permittedLine(startedAs(task), places)}`,
  );
}

/** {@linkcode askForPlaces} for one place that is written to. */
export async function askToWrite(task: string, folder: string, option: string): Promise<void> {
  await askForPlaces(task, [{ path: folder, option, isWritten: true }]);
}

/** The folder of a study's file, where the paths of its tasks start; nothing for a bare name, which is looked for in `experiments/`. */
export function studyPlaces(name: string | null, option: string): readonly Place[] {
  return name !== null && isPath(name) ? [{ path: dirname(name), option }] : [];
}

/** Whether a name is that of a study's file; its results are then looked up by the study's name. */
function isStudyFile(name: string): boolean {
  return /\.(?:json|ts)$/.test(name);
}

/** Results that are read and added to: those that STUDY names by their path, and `--results`. */
export function resultsPlaces(name: string, results: string | null): readonly Place[] {
  const folder = outputFolder(name);
  const own: readonly Place[] = isStudyFile(name) || !isPath(name) ? studyPlaces(name, "STUDY") : [
    { path: folder, option: "STUDY", isWritten: true },
    ...(folder === name ? [] : [{ path: name, option: "STUDY" }]),
  ];
  return [
    ...own,
    ...(results === null ? [] : [{ path: results, option: "--results", isWritten: true }]),
  ];
}

/** What `--data` and `--model` name. */
export function inputPlaces(
  { data, model }: { readonly data: string | null; readonly model: string | null },
): readonly Place[] {
  const file = model?.replace(/(\.whl)#.*$/, "$1") ?? null;
  return [
    ...(data === null ? [] : [{ path: data, option: "--data" }]),
    ...(file === null || file.startsWith("hub:") ? [] : [{ path: file, option: "--model" }]),
  ];
}
