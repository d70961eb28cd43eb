/**
 * Finding and reading study files.
 *
 * @module
 */
import { parseJson } from "../base/read_json.ts";
import { decodeText } from "../base/read_text.ts";
import { unknownName } from "../base/suggest.ts";
import { methods, type MethodTable } from "../methods/table.ts";
import { mostFileBytes, readBounded } from "../record/read_bounded.ts";
import { namesIn } from "../record/durable.ts";
import { parseStudy, type Study } from "../study/study.ts";
import { askApart } from "./apart.ts";
import { loadStudyModule } from "./method_modules.ts";
import { UsageError } from "../base/usage_error.ts";

/** A study and the folder that its own tasks' files are relative to. */
export interface StudyData {
  /** Checked content of the file. */
  readonly study: Study;
  /** Path by which the file was found. */
  readonly path: string;
  /** Folder of the file. */
  readonly folder: string;
}

/** A study with its methods. */
export interface StudyFile extends StudyData {
  /** The methods that it may name: those that are built in, and those that its module brings. */
  readonly methods: MethodTable;
}

/** Reads a study as data: a module runs in a thread that may read, and do nothing else. */
export async function readStudyData(name: string): Promise<StudyData> {
  const path = await findStudyFile(name);
  if (path.endsWith(".ts")) {
    return await askApart(new URL("./study_thread.ts", import.meta.url), path);
  }
  const { study, folder } = await readStudyFile(path);
  return { study, path, folder };
}

/** The study that commands take where none is named. */
export const defaultStudy = "quickstart";

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/** Where studies are looked for by name: here, and beside ranklab where it lies on the disk. */
export function studyFolders(): readonly string[] {
  const { protocol, pathname } = new URL("../../experiments", import.meta.url);
  return ["experiments", ...(protocol === "file:" ? [decodeURIComponent(pathname)] : [])];
}

/** Names of the studies in folders, of which some may not be there. */
async function studiesIn(folders: readonly string[]): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const folder of folders) {
    for (const file of await namesIn(folder)) {
      const match = /^(.+)\.(json|ts)$/.exec(file);
      if (match !== null && !file.endsWith(".schema.json")) names.add(match[1]!);
    }
  }
  return [...names].sort();
}

/**
 * The path of a study: a file, or a name in one of some folders, with or without its ending.
 *
 * @param folders Default: {@linkcode studyFolders}.
 *
 * @throws {UsageError} If there is none.
 */
export async function findStudyFile(
  name: string,
  folders: readonly string[] = studyFolders(),
): Promise<string> {
  const files = [name, `${name}.json`, `${name}.ts`];
  const candidates = ["", ...folders.map((folder) => `${folder}/`)]
    .flatMap((folder) => files.map((file) => folder + file));
  for (const path of candidates) if (await isFile(path)) return path;
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

/** What is said of a module that exports no study. */
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

/**
 * Reads a study: a JSON file, or a module whose default export it is and whose export `methods` are methods of its own.
 *
 * @throws {InputError} If a JSON file is no JSON; a {@linkcode StudyError} if it is no study.
 * @throws {UsageError} If there is no such file, or it is a module that exports no study.
 * @throws {Error} If a module cannot be loaded; see {@linkcode loadStudyModule}.
 */
export async function readStudyFile(name: string): Promise<StudyFile> {
  const path = await findStudyFile(name);
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
  if (path.endsWith(".ts")) {
    const module = await loadStudyModule(path);
    if (module.study === undefined) throw new UsageError(withoutStudy(path, module.exported));
    const study = parseStudy(module.study, `"${path}"`);
    return { study, path, folder, methods: module.methods };
  }
  const text = decodeText(await readBounded(path, mostFileBytes.json), path);
  return { study: parseStudy(parseJson(text, path), `"${path}"`), path, folder, methods };
}
