/**
 * The results that a command reads and adds to.
 *
 * @module
 */
import { outputFolder } from "../record/results_reader.ts";
import { defaultResults, findResults } from "../runs/stored_study.ts";
import { defaultStudy } from "../runs/plan/study_file.ts";
import { askToWrite, inputPlaces, type Place, resultsPlaces } from "./access.ts";
import type { Arguments } from "./terminal.ts";

/** The places that the arguments of a command on swept results name. */
export function sweptPlaces(parsed: Arguments): readonly Place[] {
  return [
    ...resultsPlaces(parsed.positional[0] ?? defaultStudy, parsed.text("results")),
    ...inputPlaces(parsed),
  ];
}

/**
 * Finds the results of the study that a command was given, and makes sure that it may add to them.
 *
 * @param command The name of the command's task.
 *
 * @returns STUDY as it was given or by default, and the folder or pack of its results.
 *
 * @throws {UsageError} If there are none, or the command may not use a place that it was given.
 */
export async function sweptFolder(
  command: string,
  parsed: Arguments,
): Promise<{ readonly name: string; readonly folder: string }> {
  const [name = defaultStudy] = parsed.positional;
  const results = parsed.text("results");
  const folder = await findResults(name, results ?? defaultResults);
  await askToWrite(command, outputFolder(folder), "STUDY or --results");
  return { name, folder };
}
