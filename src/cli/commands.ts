/**
 * The commands of the program, each loaded when it is asked for.
 *
 * @module
 */
import type { CallableCommand } from "./command.ts";
import { isAbsolute } from "node:path";
import { ownTasksOf } from "../runs/plan/planning.ts";
import { readStudyData } from "../runs/plan/study_file.ts";
import type { Place } from "./access.ts";

export { hubCache } from "../fetch/hub.ts";

/** Loads each command by its name; the others are not loaded, so that each starts as fast as it does alone. */
export const commandLoaders: Readonly<Record<string, () => Promise<CallableCommand>>> = {
  sweep: async () => (await import("./sweep.ts")).sweep,
  plan: async () => (await import("./plan.ts")).plan,
  tune: async () => (await import("./tune.ts")).tune,
  report: async () => (await import("./report.ts")).report,
  ablate: async () => (await import("./ablate.ts")).ablate,
  spectra: async () => (await import("./spectra.ts")).spectra,
  verify: async () => (await import("./verify.ts")).verify,
  export: async () => (await import("./export.ts")).exportCommand,
  import: async () => (await import("./import.ts")).importCommand,
  pack: async () => (await import("./pack.ts")).pack,
  unpack: async () => (await import("./unpack.ts")).unpack,
  models: async () => (await import("./models.ts")).models,
  data: async () => (await import("./data.ts")).data,
  schema: async () => (await import("./schema.ts")).schema,
};

/** All commands of the program, in the order of its help. */
export async function programCommands(): Promise<readonly CallableCommand[]> {
  return await Promise.all(Object.values(commandLoaders).map((load) => load()));
}

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
