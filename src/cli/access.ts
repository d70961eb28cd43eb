/**
 * Where a command may read and write: its set in `deno.json` names a few folders; it is started with those that its arguments name too.
 *
 * @module
 */
import { dirname, isAbsolute, join, relative } from "node:path";
import { UsageError } from "../base/input_error.ts";
import { outputFolder } from "../record/results_reader.ts";
import type { Arguments } from "./terminal.ts";

/** A file or folder that a command was given. */
export interface Place {
  readonly path: string;
  /** The option or argument that named it, for the error. */
  readonly option: string;
  /** Whether it is written to as well as read. Default false. */
  readonly isWritten?: boolean;
  /** Whether it is a study, by its file or by its name in `experiments/`: what it names is read too. Default false. */
  readonly isStudy?: boolean;
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

/** A path as it is best written from the folder of the command. */
export function nearPath(path: string): string {
  const near = relative(Deno.cwd(), path);
  return near.startsWith("..") || isAbsolute(near) ? path : near || ".";
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
 * Makes sure that a command may use the places that it was given, before anything is computed: where it was not started with
 * them, Deno asks at a terminal.
 *
 * @param name The command's name.
 * @param places Those that were named; others, and names in `experiments/` or on the hub, are no places.
 *
 * @throws {UsageError} If it may not use some.
 */
export async function askForPlaces(name: string, places: readonly Place[]): Promise<void> {
  const refused: Place[] = [];
  for (const place of places) {
    if (!(place.isStudy && !isPath(place.path)) && !await isAllowed(place)) refused.push(place);
  }
  if (refused.length === 0) return;
  const named = refused.map(({ path, option, isWritten }) =>
    `${isWritten ? "write to" : "read"} "${path}", which ${option} names`
  );
  throw new UsageError(
    `Cannot ${named.join(", nor ")}: this process was started without that permission; ` +
      `"deno task ${name}" starts it with what its arguments name`,
  );
}

/** {@linkcode askForPlaces} for one place that is written to. */
export async function askToWrite(task: string, folder: string, option: string): Promise<void> {
  await askForPlaces(task, [{ path: folder, option, isWritten: true }]);
}

/** A study that an argument names, by its file or by its name in `experiments/`. */
export function studyPlaces(name: string | null, option: string): readonly Place[] {
  return name === null ? [] : [{ path: name, option, isStudy: true }];
}

/** Whether a name is that of a study's file; its results are then looked up by the study's name. */
function isStudyFile(name: string): boolean {
  return /\.(?:json|ts)$/.test(name);
}

/** Results that are read and added to: those that STUDY names by their path, and `--results`. */
export function resultsPlaces(name: string, results: string | null): readonly Place[] {
  const folder = outputFolder(name);
  const inFolder: readonly Place[] = isPath(name)
    ? [
      { path: folder, option: "STUDY", isWritten: true },
      ...(folder === name ? [] : [{ path: name, option: "STUDY" }]),
    ]
    : [];
  const own = isStudyFile(name) ? studyPlaces(name, "STUDY") : inFolder;
  return [
    ...own,
    ...(results === null ? [] : [{ path: results, option: "--results", isWritten: true }]),
  ];
}

/** What an option names, where it is given. */
export function placesAt(
  { text }: Pick<Arguments, "text">,
  option: string,
  isWritten = false,
): readonly Place[] {
  const path = text(option);
  return path === null ? [] : [{ path, option: `--${option}`, isWritten }];
}

/** What `--data` and `--model` name. */
export function inputPlaces(parsed: Pick<Arguments, "text">): readonly Place[] {
  const models = placesAt(parsed, "model").map(({ path, ...place }) => ({
    ...place,
    path: path.replace(/(\.whl)#.*$/, "$1"),
  }));
  return [...placesAt(parsed, "data"), ...models.filter(({ path }) => !path.startsWith("hub:"))];
}

/** Wheels that `--set model=` names, from the folder of the study. */
function wheelPlaces({ positional: [study = ""], list }: Arguments): readonly Place[] {
  return list("set").flatMap((setting) => {
    const [, path] = /^model=wheel:([^#]+)/.exec(setting) ?? [];
    if (path === undefined) return [];
    return [{ path: isAbsolute(path) ? path : join(dirname(study), path), option: "--set" }];
  });
}

/** What a study's file, its inputs and `--results` name, for a study whose runs are planned or made. */
export function sweepPlaces(parsed: Arguments, isWritten: boolean): readonly Place[] {
  return [
    ...studyPlaces(parsed.positional[0] ?? null, "STUDY"),
    ...wheelPlaces(parsed),
    ...inputPlaces(parsed),
    ...placesAt(parsed, "results", isWritten),
  ];
}
