/**
 * Files that a study's own tasks name by absolute paths.
 *
 * @module
 */
import { isAbsolute } from "node:path";
import { ownTasksOf } from "../runs/plan/planning.ts";
import { readStudyData } from "../runs/plan/study_file.ts";
import type { Place } from "./access.ts";

/**
 * The files that the tasks of a study name by absolute paths: data, which are read and never run.
 *
 * @param name A study's name or file; one that is no JSON is not read.
 */
export async function taskFiles(name: string): Promise<readonly Place[]> {
  if (name.endsWith(".ts")) return [];
  const { path, study } = await readStudyData(name);
  if (path.endsWith(".ts")) return [];
  const files = ownTasksOf(study).flatMap(({ splits }) => Object.values(splits).flat());
  return files.filter(({ path }) => isAbsolute(path)).map(({ path }) => ({
    path,
    option: "userTasks",
  }));
}
