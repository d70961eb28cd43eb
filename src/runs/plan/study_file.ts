/**
 * Reading study files.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Method } from "../../methods/method.ts";
import { type MethodTable, methodTable } from "../../methods/table.ts";
import { extendedStudy, parseStudy } from "../../study/schema/parse.ts";
import { type Problem, StudyError } from "../../study/check/problems.ts";
import { type Study } from "../../study/schema/study.ts";
import { askApart } from "./apart.ts";
import { findStudyFile } from "./find_study.ts";
import { expand } from "./planning.ts";
import { checkedPart, movedPaths, type PartFile, readStudyParts } from "./study_parts.ts";

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

/**
 * Reads a study: a JSON file, or a module whose default export it is and whose export `methods` are methods of its own; laid over
 * the files that it extends.
 *
 * @param tunedIn The folder of results in which the study is to be tuned, so that it needs not have the settings yet. Default: it
 * is not tuned.
 *
 * @throws {InputError} If a JSON file is no JSON; a {@linkcode StudyError} if it is no study.
 * @throws {UsageError} If there is no such file, it is a module that exports no study, or it extends what is not there or itself.
 * @throws {Error} If a module cannot be loaded; see {@linkcode loadStudyModule}.
 */
export async function readStudyFile(
  name: string,
  tunedIn: string | null = null,
): Promise<StudyFile> {
  const path = await findStudyFile(name);
  const folder = dirname(path);
  const parts = await readStudyParts(path, tunedIn);
  const methods = methodTable(ownMethods(parts), `"${path}"`);
  const problemsOfGrid = (study: Study): readonly Problem[] => {
    try {
      expand(study, methods);
      return [];
    } catch (error) {
      if (error instanceof StudyError) return error.problems;
      throw error;
    }
  };
  if (parts.length === 1 && !isExtending(parts[0]!)) {
    const study = parseStudy(parts[0]!.content, `"${path}"`, problemsOfGrid);
    return { study, path, folder, methods };
  }
  const moved = parts.map((part) => movedPaths(checkedPart(part), dirname(part.path), folder));
  const study = parseStudy(extendedStudy(moved), `"${path}" with what it extends`, problemsOfGrid);
  return { study, path, folder, methods };
}

/** Whether a file extends others, be they left out. */
function isExtending({ content }: PartFile): boolean {
  return typeof content === "object" && content !== null && "extends" in content;
}

/** The methods of all modules, those that several bring once. */
function ownMethods(parts: readonly PartFile[]): readonly Method[] {
  const all = parts.flatMap(({ methods }) => methods);
  return all.filter((method, i) =>
    all.findIndex(({ name, origin }) =>
      name === method.name && origin?.hash === method.origin?.hash
    ) === i
  );
}
