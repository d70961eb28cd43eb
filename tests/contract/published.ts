/** The finished studies of the repository, packed or as folders. */
import { openResults, type ResultsReader } from "../../src/record/results_reader.ts";
import { findResults } from "../../src/runs/plan/study_file.ts";
import { readStoredStudy, type StoredStudy } from "../../src/runs/stored_study.ts";

/** Where they are. */
export const publishedFolder = decodeURIComponent(
  new URL("../../results/published", import.meta.url).pathname,
);

/** The names of the studies, in order. A folder that holds only what a report left beside a pack counts once. */
export async function publishedStudies(): Promise<readonly string[]> {
  const names = new Set<string>();
  for await (const { name } of Deno.readDir(publishedFolder)) {
    if (name !== "README.md") names.add(name.replace(/\.ranklab\.zip$/, ""));
  }
  return [...names].sort();
}

/** A study's plan, and a reader of its files. */
export async function readPublished(
  name: string,
): Promise<{ readonly stored: StoredStudy; readonly reader: ResultsReader }> {
  const reader = await openResults(await findResults(name, publishedFolder));
  return { stored: await readStoredStudy(reader), reader };
}
