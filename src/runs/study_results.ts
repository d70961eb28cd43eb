/**
 * A study's results folder: the plan that it was made from, its records, and the report.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { makeFolder, readIfThere, writeWhole } from "../record/run_folder.ts";
import { readRun, type StoredRun } from "../record/read_study.ts";
import { parseVerification } from "../record/verification_file.ts";
import { recordSchemaVersion } from "../record/types.ts";
import type { Verification } from "../record/verification.ts";
import { buildReport } from "../report/build.ts";
import type { StudyResults } from "../report/types.ts";
import type { Study } from "../study/study.ts";
import type { RunSpec } from "../study/types.ts";
import type { DataWarning } from "../tasks/data_warnings.ts";
import { type OwnMethod, ownMethodsOf } from "./method_modules.ts";
import type { PlannedRun } from "./planning.ts";
import { mapConcurrently } from "./side_by_side.ts";
import { UsageError } from "../base/usage_error.ts";

/** Runs that are read at a time. */
const readersOfRuns = 32;

/** Where results go unless `--results` says otherwise. */
export const defaultResults = "results";

/** What `study.json` in a results folder holds: the study as it was when it was last swept, and its runs. */
export interface StoredStudy {
  readonly schema: number;
  readonly study: Study;
  /** Folder of the study file, relative to where the sweep was started. */
  readonly studyFolder: string;
  readonly data: string | null;
  readonly model: string | null;
  readonly device: string;
  /** The runs' methods that are not built in; absent where all are. */
  readonly methods?: readonly OwnMethod[];
  /** What was found in the data; absent in older files. */
  readonly warnings?: readonly DataWarning[];
  readonly runs: readonly { readonly folder: string; readonly id: string; readonly run: RunSpec }[];
}

/** What a stored study says of the methods of its runs that are not built in: nothing where all are. */
export function methodsToStore(runs: readonly PlannedRun[]): Pick<StoredStudy, "methods"> {
  const methods = ownMethodsOf(runs.map(({ method }) => method));
  return methods.length === 0 ? {} : { methods };
}

/** Stores the plan of a study. */
export async function writeStoredStudy(
  folder: string,
  stored: Omit<StoredStudy, "schema">,
): Promise<void> {
  await makeFolder(folder);
  const json = { schema: recordSchemaVersion, ...stored } as unknown as Json;
  await writeWhole(`${folder}/study.json`, `${JSON.stringify(json, null, 2)}\n`);
}

/**
 * Reads the plan of a study.
 *
 * @throws {UsageError} If the folder holds none, or one of a newer schema.
 */
export async function readStoredStudy(folder: string): Promise<StoredStudy> {
  const path = `${folder}/study.json`;
  const bytes = await readIfThere(path);
  if (bytes === null) {
    throw new UsageError(
      `Cannot find "${path}": want the results of a study; run deno task sweep first`,
    );
  }
  const stored = JSON.parse(new TextDecoder().decode(bytes)) as StoredStudy;
  if (stored.schema > recordSchemaVersion) {
    throw new UsageError(
      `Cannot read "${path}": found schema ${stored.schema}, want at most ${recordSchemaVersion}; update ranklab`,
    );
  }
  return stored;
}

/**
 * The results folder that a command's argument names: a folder with `study.json`, or a study below the results folder.
 *
 * @throws {UsageError} If there is none.
 */
export async function findResults(name: string, results: string): Promise<string> {
  const bare = name.replace(/\/+$/, "");
  const stem = bare.replace(/^.*\//, "").replace(/\.(json|ts)$/, "");
  const candidates = [bare, `${results}/${bare}`, `${results}/${stem}`];
  for (const folder of candidates) {
    if (await readIfThere(`${folder}/study.json`) !== null) return folder;
  }
  throw new UsageError(
    `Cannot find results of "${name}": want a folder with study.json (looked in ${
      candidates.map((path) => `"${path}"`).join(", ")
    }); run deno task sweep first`,
  );
}

/** The records of a study's present plan; runs of earlier plans are left out. */
export async function readStudyRuns(
  folder: string,
  stored: StoredStudy,
): Promise<readonly StoredRun[]> {
  const runs = await mapConcurrently(
    stored.runs,
    readersOfRuns,
    async ({ folder: name, run: { label } }): Promise<readonly StoredRun[]> => {
      const run = await readRun(`${folder}/${name}`);
      if (run === null) return [];
      // A label is no part of a run's identity, so the plan's holds where it was changed after the run.
      const asked = { ...run.record.asked, label };
      return [{ ...run, record: { ...run.record, asked } }];
    },
  );
  return runs.flat();
}

/** What the last `deno task verify` of a study found, or null where there was none. */
async function readVerification(folder: string): Promise<Verification | null> {
  const path = `${folder}/verify/verification.json`;
  const bytes = await readIfThere(path);
  return bytes === null
    ? null
    : parseVerification(JSON.parse(new TextDecoder().decode(bytes)), path);
}

/** A study's results as the report room takes them, with its replay ablation where there is one. */
export async function readStudyResults(folder: string): Promise<StudyResults> {
  const stored = await readStoredStudy(folder);
  const hasReplay = await readIfThere(`${folder}/replay/study.json`) !== null;
  const { name, title, description } = stored.study;
  return {
    study: { name, title: title ?? name, description: description ?? "" },
    planned: stored.runs.map(({ run }) => run),
    warnings: stored.warnings ?? [],
    runs: await readStudyRuns(folder, stored),
    replay: hasReplay ? await readStudyResults(`${folder}/replay`) : null,
    verification: await readVerification(folder),
  };
}

/** Builds the report of a study's results into its folder; returns the path of the page. */
export async function writeReport(folder: string, results: StudyResults): Promise<string> {
  const { files } = await buildReport(results);
  for (const [name, text] of Object.entries(files)) {
    const path = `${folder}/report/${name}`;
    await makeFolder(path.slice(0, path.lastIndexOf("/")));
    await writeWhole(path, text);
  }
  return `${folder}/report/report.html`;
}
