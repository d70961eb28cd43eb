/**
 * The commands of the program, each loaded when it is asked for.
 *
 * @module
 */
import type { CallableCommand } from "./command.ts";
import { dirname } from "node:path";
import { findStudyFile, studyCandidates } from "../runs/plan/find_study.ts";
import { namedFiles } from "../runs/plan/study_parts.ts";
import { defaultResults } from "../runs/stored_study.ts";
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
 * A place with what it names, if it is a study: of a JSON file the files that it extends and those of tasks, ranks and wheels. What
 * a module names is known once it has run, so that its whole folder is read.
 *
 * @param results The folder of results, or null for the default one, whose settings a study may extend that is still to be tuned.
 *
 * @throws {UsageError} If a study is not there, or extends what is not.
 */
export async function withNamedFiles(
  place: Place,
  results: string | null,
): Promise<readonly Place[]> {
  const { path: name, option, isStudy = false } = place;
  if (!isStudy) return [place];
  const path = await findStudyFile(name);
  const files = path.endsWith(".ts")
    ? [dirname(path)]
    : [...studyCandidates(name, []), ...await namedFiles(path, results ?? defaultResults)];
  return [...new Set(files)].map((path) => ({ path, option }));
}
