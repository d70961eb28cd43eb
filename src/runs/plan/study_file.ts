/**
 * Reading study files.
 *
 * @module
 */
import { dirname } from "node:path";
import { methodTable } from "../../methods/table.ts";
import { extendedStudy, parseStudy } from "../../study/schema/parse.ts";
import { type Problem, StudyError } from "../../study/check/problems.ts";
import { type Study } from "../../study/schema/study.ts";
import type { MethodOrigin } from "../../study/types.ts";
import { metricTable } from "../../tasks/own_metrics.ts";
import type { StudyCode } from "../method_modules.ts";
import { askApart } from "./apart.ts";
import {
  checkedPart,
  findStudyFile,
  movedPaths,
  type PartFile,
  readStudyParts,
} from "./study_parts.ts";
import { expand } from "./planning.ts";
import { UsageError } from "../../base/input_error.ts";
import { packSuffix } from "../../record/pack.ts";
import { isFile, wantWithin } from "../../record/results_reader.ts";

/** A study and the folder that its own tasks' files are relative to. */
export interface StudyData {
  /** Checked content of the file. */
  readonly study: Study;
  /** Path by which the file was found. */
  readonly path: string;
  /** Folder of the file. */
  readonly folder: string;
}

/** A study with the methods that it may name, and the metrics that its module brings. */
export interface StudyFile extends StudyData, StudyCode {}

/** Reads a study as data: a module runs in a thread that may read, and do nothing else. */
export async function readStudyData(name: string): Promise<StudyData> {
  const path = await findStudyFile(name);
  if (path.endsWith(".ts")) {
    const url = new URL("./study_thread.ts", import.meta.url);
    return await askApart(url, `that reads "${path}"`, path);
  }
  const { study, folder } = await readStudyFile(path);
  return { study, path, folder };
}

/** The study that commands take where none is named. */
export const defaultStudy = "quickstart";

/**
 * Reads a study: a JSON file, or a module whose default export it is and whose exports `methods` and `metrics` are of its own;
 * laid over the files that it extends.
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
  const methods = methodTable(ownOnce(parts.flatMap((part) => part.methods)), `"${path}"`);
  const metrics = metricTable(ownOnce(parts.flatMap((part) => part.metrics)), `"${path}"`);
  const problemsOfGrid = (study: Study): readonly Problem[] => {
    try {
      expand(study, methods, undefined, metrics);
      return [];
    } catch (error) {
      if (error instanceof StudyError) return error.problems;
      throw error;
    }
  };
  if (parts.length === 1 && !isExtending(parts[0]!)) {
    const study = parseStudy(parts[0]!.content, `"${path}"`, problemsOfGrid);
    return { study, path, folder, methods, metrics };
  }
  const moved = parts.map((part) => movedPaths(checkedPart(part), dirname(part.path), folder));
  const study = parseStudy(extendedStudy(moved), `"${path}" with what it extends`, problemsOfGrid);
  return { study, path, folder, methods, metrics };
}

/** Whether a file extends others, be they left out. */
function isExtending({ content }: PartFile): boolean {
  return typeof content === "object" && content !== null && "extends" in content;
}

/** What all modules bring, what several bring once. */
function ownOnce<T extends { readonly name: string; readonly origin?: MethodOrigin }>(
  all: readonly T[],
): readonly T[] {
  return all.filter((own, i) =>
    all.findIndex(({ name, origin }) => name === own.name && origin?.hash === own.origin?.hash) ===
      i
  );
}

/** The first of some paths at which results are, a folder before a pack of its name; or null. */
async function firstResults(candidates: readonly string[]): Promise<string | null> {
  for (const path of candidates) {
    if (path.endsWith(packSuffix)) {
      if (await isFile(path)) return path;
      continue;
    }
    if (await isFile(`${path}/study.json`)) return path;
    if (await isFile(path + packSuffix)) return path + packSuffix;
  }
  return null;
}

/**
 * The results that a command's argument names: a folder with `study.json` or a packed study, by its path or by its name below the
 * results folder, or the file of a study, by that study's name there. A folder goes before a pack of its name.
 *
 * @throws {UsageError} If there are none, or a link at a name below the results folder leads out of it.
 */
export async function findResults(name: string, results: string): Promise<string> {
  const bare = name.replace(/\/+$/, "");
  const stem = bare.replace(/^.*\//, "").replace(/\.(json|ts)$/, "");
  // The plan in a folder of results is no study's file.
  const isPlan = /(?:^|\/)study\.json$/.test(bare);
  const isStudy = /\.(?:json|ts)$/.test(bare) && !isPlan && await isFile(bare);
  const candidates = isStudy
    ? [`${results}/${(await readStudyData(bare)).study.name}`]
    : [bare, `${results}/${bare}`, `${results}/${stem}`];
  const found = await firstResults(candidates);
  if (found !== null) {
    if (!found.startsWith(bare)) await wantWithin(results, found);
    return found;
  }
  throw new UsageError(
    `Cannot find results of "${name}": want a folder with study.json or a pack NAME${packSuffix} (looked in ${
      [...new Set(candidates)].map((path) => `"${path}"`).join(", ")
    }); run deno task sweep first`,
  );
}
