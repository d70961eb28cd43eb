/**
 * The files that a study consists of: its own, found by path or name, and those that it extends.
 *
 * @module
 */
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { parseJson } from "../../base/read_json.ts";
import { decodeText } from "../../base/read_text.ts";
import { UsageError } from "../../base/input_error.ts";
import type { Method } from "../../methods/method.ts";
import type { Metric } from "../../tasks/types.ts";
import { mostFileBytes, readBounded } from "../../record/read_bounded.ts";
import { parseStudyPart } from "../../study/schema/parse.ts";
import type { StudyPart } from "../../study/schema/study.ts";
import { loadStudyModule } from "../method_modules.ts";
import { tunedFileName, tunedPath } from "../tune/tuned_file.ts";
import type { Json } from "../../base/canonical_json.ts";
import { isObject } from "../../study/schema/setting_paths.ts";
import { parseModelName } from "../../study/schema/model_name.ts";
import { unknownName } from "../../base/suggest.ts";
import { ownFetching } from "../../fetch/model_files.ts";
import { bringOwnFiles, ownPath } from "../../fetch/own_data.ts";
import { namesIn } from "../../record/durable.ts";
import { isFile } from "../../record/results_reader.ts";

/** A file that is a study or a part of one. */
export interface PartFile {
  /** As it was found, from the folder of the command. */
  readonly path: string;
  /** What it holds, not yet checked where it is the only part. */
  readonly content: unknown;
  /** Methods that it brings; none where it is no module. */
  readonly methods: readonly Method[];
  /** Metrics that it brings. */
  readonly metrics: readonly Metric[];
}

function withoutStudy(path: string, exported: readonly string[]): string {
  const found = exported.length === 0
    ? "exports nothing"
    : `exports ${exported.map((name) => `"${name}"`).join(", ")} only`;
  return `Cannot read "${path}": it ${found}, want the study as its default export, such as

import { defineStudy } from "@ranklab/ranklab";


export default defineStudy({
  name: "my-study",
  axes: { tasks: ["Topic"], methods: ["lora", "elalora"], budgets: [4], seeds: [1, 2, 3] },
});`;
}

async function readPart(path: string): Promise<PartFile> {
  if (path.endsWith(".ts")) {
    const { study, exported, methods, metrics } = await loadStudyModule(path);
    if (study === undefined) throw new UsageError(withoutStudy(path, exported));
    const own = methods.filter(({ origin }) => origin !== undefined);
    return { path, content: study, methods: own, metrics };
  }
  const text = decodeText(await readBounded(path, mostFileBytes.json), path);
  return { path, content: parseJson(text, path), methods: [], metrics: [] };
}

function extendedNames({ content, path }: PartFile): readonly string[] {
  if (typeof content !== "object" || content === null || !("extends" in content)) return [];
  const { extends: names = [] } = parseStudyPart(content, `"${path}"`);
  return typeof names === "string" ? [names] : names;
}

/** The file that the tuning of a study writes, or null where the study has no name. */
function ownTuned({ content }: PartFile, results: string): string | null {
  const name = typeof content === "object" && content !== null
    ? Reflect.get(content, "name")
    : null;
  return typeof name === "string" ? resolve(tunedPath(results, name)) : null;
}

async function findExtended(name: string, by: string): Promise<string> {
  try {
    const path = await findStudyFile(name, studyFolders(), dirname(by));
    if (by.endsWith(".json") && path.endsWith(".ts")) {
      throw new UsageError(
        `found the module "${path}", want a .json file: a module is code, which a .json file may not run; make the study ` +
          "a .ts module too",
      );
    }
    return relative(Deno.cwd(), await Deno.realPath(path)).replaceAll("\\", "/");
  } catch (error) {
    if (error instanceof UsageError) {
      const problem = name.endsWith(`/${tunedFileName}`)
        ? `it is not there yet; run deno task tune first, which chooses the settings and writes it`
        : error.message;
      throw new UsageError(`Cannot extend "${name}" in "${by}": ${problem}`, { cause: error });
    }
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new UsageError(
      `Cannot extend "${name}" in "${by}": Deno does not let this command read it; put it into the folder of the study, or ` +
        `add its folder by --allow-read`,
      { cause: error },
    );
  }
}

/**
 * The files of a study in order of increasing precedence, its own last. A file that several extend is there once, first.
 *
 * @param path Of the study's own file.
 * @param tunedIn The folder of results in which the study is tuned: the file that this will write is then left out, whether it is
 * there or not. Default: it is a part like any other.
 *
 * @throws {UsageError} If a file is not there or must not be read, a module exports no study, or files extend each other in a
 * circle; the message has the chain of files.
 * @throws {StudyError} If what a file extends is not given by name; `InputError` if a JSON file is no JSON.
 */
export async function readStudyParts(
  path: string,
  tunedIn: string | null = null,
): Promise<readonly PartFile[]> {
  const parts = new Map<string, PartFile>();
  let leftOut: string | null = null;
  const visit = async (file: string, chain: readonly string[]): Promise<void> => {
    const key = await Deno.realPath(file);
    if (parts.has(key)) return;
    const part = await readPart(file);
    const inner = [...chain, key];
    if (chain.length === 0 && tunedIn !== null) leftOut = ownTuned(part, tunedIn);
    for (const name of extendedNames(part)) {
      if (resolve(dirname(file), name) === leftOut) continue;
      const next = await findExtended(name, file);
      const start = inner.indexOf(await Deno.realPath(next));
      if (start >= 0) {
        const circle = [...inner.slice(start), inner[start]!].map((one) =>
          `"${relative(Deno.cwd(), one)}"`
        );
        throw new UsageError(
          `Cannot extend "${name}" in "${file}": found a circle, want files that do not extend themselves: ${
            circle.join(" extends ")
          }`,
        );
      }
      await visit(next, inner);
    }
    parts.set(key, part);
  };
  await visit(path, []);
  return [...parts.values()];
}

/** A part as its schema has it, with its path in messages. */
export function checkedPart({ content, path }: PartFile): StudyPart {
  return parseStudyPart(content, `"${path}"`);
}

type Moved = (path: string) => string;
type Change = (value: Json) => Json;

/** A value with what lies at a path changed; `*` is each item of a list, or each value of an object. */
function changedAt(value: Json, [key, ...rest]: readonly string[], change: Change): Json {
  if (key === undefined) return change(value);
  const inner = (own: Json) => changedAt(own, rest, change);
  if (key === "*" && Array.isArray(value)) return value.map(inner);
  if (!isObject(value)) return value;
  const keys = key === "*" ? Object.keys(value) : [key].filter((own) => Object.hasOwn(value, own));
  return { ...value, ...Object.fromEntries(keys.map((own) => [own, inner(value[own]!)])) };
}

/** A part of a study with its paths changed: files of tasks and of ranks, and wheels. */
function withPaths(part: Json, moved: Moved): Json {
  const path: Change = (value) => typeof value === "string" ? moved(value) : value;
  const files: Change = (value) =>
    Array.isArray(value) ? value.map(files) : changedAt(path(value), ["path"], path);
  const model: Change = (value) => {
    const named = typeof value === "string" ? parseModelName(value) : null;
    if (named?.kind !== "wheel") return value;
    return `wheel:${moved(named.path)}${named.folder === null ? "" : `#${named.folder}`}`;
  };
  const changes: readonly (readonly [at: string, Change])[] = [
    ["userTasks.*.files.*", files],
    ["base.model", model],
    ["deltas.*.set.model", model],
    ["axes.settings.model.*", model],
    ["axes.methods.*.ranks.file", path],
  ];
  return changes.reduce((value, [at, change]) => changedAt(value, at.split("."), change), part);
}

/**
 * A part of a study with its paths as they are written in another folder.
 *
 * @param from The folder of its file.
 * @param to The folder of the study that extends it.
 */
export function movedPaths(part: StudyPart, from: string, to: string): StudyPart {
  const [source, target] = [resolve(from), resolve(to)];
  if (source === target) return part;
  const moved: Moved = (path) =>
    isAbsolute(path) ? path : relative(target, resolve(source, path)).replaceAll("\\", "/");
  return withPaths(part as unknown as Json, moved) as unknown as StudyPart;
}

/**
 * The files of a JSON study: its own and those that it extends, with their registrations and all places in which these are looked for, and those that they
 * name, of tasks and of ranks, and wheels. Whether all of it is right is not checked.
 *
 * @param path Of the study's own file.
 * @param results The folder of results in which it may still have to be tuned.
 *
 * @throws {UsageError} If a file that it extends is not there; see {@linkcode readStudyParts}.
 */
export async function namedFiles(path: string, results: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const part of await readStudyParts(path, results)) {
    const folder = dirname(part.path);
    files.push(part.path);
    const name = isObject(part.content as Json)
      ? Reflect.get(part.content as object, "name")
      : undefined;
    if (typeof name === "string" && part.path === path) files.push(registrationPath(folder, name));
    for (const name of extendedNames(part)) files.push(...studyCandidates(name, [], folder));
    withPaths(part.content as Json, (file) => {
      files.push(isAbsolute(file) ? file : join(folder, file));
      return file;
    });
  }
  return files;
}

/** The file of a study's registration, beside the study. */
export function registrationPath(studyFolder: string, study: string): string {
  return join(studyFolder, `${study}.registration.json`);
}

/** Where studies are looked for by name: here, and among ranklab's own. */
export function studyFolders(): readonly string[] {
  return ["experiments", ownPath("experiments")];
}

/** Whether a name is a path, and not that of a study of a folder. */
function isPath(name: string): boolean {
  return /[/\\]|\.(?:json|ts)$/.test(name);
}

async function studiesIn(folders: readonly string[]): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const folder of folders) {
    for (const file of await namesIn(folder)) {
      const match = /^(.+)\.(json|ts)$/.exec(file);
      if (match !== null && !/\.(?:schema|registration)\.json$/.test(file)) names.add(match[1]!);
    }
  }
  return [...names].sort();
}

/** Where a study is looked for, in order; see {@linkcode findStudyFile}. */
export function studyCandidates(
  name: string,
  folders: readonly string[] = studyFolders(),
  from = ".",
): readonly string[] {
  const files = [name, `${name}.json`, `${name}.ts`];
  if (isAbsolute(name)) return files;
  return [from, ...folders].flatMap((folder) =>
    files.map((file) => folder === "." ? file : `${folder}/${file}`)
  );
}

/**
 * The path of a study: a file, or a name in one of some folders, with or without its ending.
 *
 * @param folders Default: {@linkcode studyFolders}.
 * @param from Where a path starts that is not absolute. Default: the folder of the command.
 *
 * @throws {UsageError} If there is none.
 */
export async function findStudyFile(
  name: string,
  folders: readonly string[] = studyFolders(),
  from = ".",
): Promise<string> {
  if (!isPath(name)) await bringOwnFiles(() => ownFetching().transport());
  for (const path of studyCandidates(name, folders, from)) if (await isFile(path)) return path;
  const known = await studiesIn(folders);
  throw new UsageError(
    known.length === 0
      ? `Cannot find the study "${name}": want a .json or .ts file; there are no studies in ${
        folders.map((folder) => `"${folder}"`).join(" or ")
      } to choose by name`
      : `Cannot find the study "${name}": want a .json or .ts file, or the name of a study in experiments/. ` +
        unknownName("study", name, known),
  );
}

/**
 * The study module that somebody names who gives a study: a `.ts` file by its path, or by its bare name in one of some folders.
 * Null where that names none; a folder beside it of the same name, such as one of results, is none.
 *
 * @param folders Default: {@linkcode studyFolders}.
 */
export async function namedModule(
  name: string,
  folders: readonly string[] = studyFolders(),
): Promise<string | null> {
  const candidates = name.endsWith(".ts")
    ? [name]
    : name.includes("/")
    ? []
    : folders.map((folder) => `${folder}/${name}.ts`);
  for (const path of candidates) if (await isFile(path)) return path;
  return null;
}
