/**
 * A study's results folder: the plan that it was made from, its records, and the report.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { isDamage, parseJsonFile } from "../record/damage.ts";
import { InputError, shown } from "../base/input_error.ts";
import { packSuffix } from "../record/pack.ts";
import {
  isFile,
  isPacked,
  openResults,
  outputFolder,
  type ResultsReader,
  within,
} from "../record/results_reader.ts";
import { makeFolder, readIfThere, writeWhole } from "../record/durable.ts";
import { readRun, type StoredRun } from "../record/read_study.ts";
import { recordSchemaVersion, type Replay, type ReplayedRun } from "../record/types.ts";
import { buildReport, type ReportOptions } from "../report/build.ts";
import type { ClaimsStatement } from "../report/claims/statement.ts";
import type { DamagedFile, DamagedRun, ReplayResults, StudyResults } from "../report/types.ts";
import { comparedPairs } from "../study/comparisons.ts";
import type { Study } from "../study/study.ts";
import type { RunSpec } from "../study/types.ts";
import type { DataWarning } from "../tasks/data_warnings.ts";
import { type CustomMethod, customMethodsOf } from "./method_modules.ts";
import { readMadeFiles, unlessDamaged } from "./made_files.ts";
import type { PlannedRun } from "./planning.ts";
import { claimsOfStored } from "./stated_claims.ts";
import { mapConcurrently } from "./side_by_side.ts";
import { parseStoredStudy } from "./stored_study_schema.ts";
import { readStudyData } from "./study_file.ts";
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
  readonly methods?: readonly CustomMethod[];
  /** What was found in the data; absent in older files. */
  readonly warnings?: readonly DataWarning[];
  /** When its claims were stated, and each time that they changed; absent where it never claimed anything. */
  readonly claimsStated?: readonly ClaimsStatement[];
  /** Seeds that some of the runs have besides those of the study, added until its claims were decided; absent where there are none. */
  readonly seedsAdded?: readonly number[];
  readonly runs: readonly StoredPlace[];
}

/** What {@linkcode writeStoredStudy} stores. */
export type StudyToStore = Omit<StoredStudy, "schema">;

/** A run of a stored study, and where it is. */
export interface StoredPlace {
  /** Its folder within the study's. */
  readonly folder: string;
  readonly id: string;
  readonly run: RunSpec;
  /** Its part in the replay ablation; absent in other studies. */
  readonly replay?: Replay;
}

/** A study's results, by the path of their folder or pack, or by a reader of them. */
export type ResultsSource = string | ResultsReader;

async function readerOf(results: ResultsSource): Promise<ResultsReader> {
  return typeof results === "string" ? await openResults(results) : results;
}

/** What a stored study says of the methods of its runs that are not built in: nothing where all are. */
export function methodsToStore(runs: readonly PlannedRun[]): Pick<StoredStudy, "methods"> {
  const methods = customMethodsOf(runs.map(({ method }) => method));
  return methods.length === 0 ? {} : { methods };
}

/** Stores the plan of a study; a file that says the same already is left as it is. */
export async function writeStoredStudy(
  folder: string,
  stored: StudyToStore,
): Promise<void> {
  const path = `${folder}/study.json`;
  const json = { schema: recordSchemaVersion, ...stored } as unknown as Json;
  const text = `${JSON.stringify(json, null, 2)}\n`;
  const present = await readIfThere(path);
  if (present !== null && new TextDecoder().decode(present) === text) return;
  await makeFolder(folder);
  await writeWhole(path, text);
}

/**
 * Reads the plan of a study.
 *
 * @param results Its folder or its pack.
 *
 * @throws {UsageError} If there is none.
 * @throws {InputError} If it is damaged, or of a newer schema.
 */
export async function readStoredStudy(results: ResultsSource): Promise<StoredStudy> {
  const reader = await readerOf(results);
  const path = `${reader.path}/study.json`;
  const bytes = await reader.read("study.json");
  if (bytes === null) {
    throw new UsageError(
      `Cannot find "${path}": want the results of a study; run deno task sweep first`,
    );
  }
  try {
    const value = parseJsonFile(bytes, path);
    parseStoredStudy(value, path);
    return value as StoredStudy;
  } catch (error) {
    if (!isDamage(error)) throw error;
    const { file, place, found, wanted, message } = error;
    throw new InputError({
      file,
      place,
      found,
      wanted,
      message: `${message}; deno task sweep with the study writes it anew`,
      cause: error,
    });
  }
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
 * @throws {UsageError} If there are none.
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
  if (found !== null) return found;
  throw new UsageError(
    `Cannot find results of "${name}": want a folder with study.json or a pack NAME${packSuffix} (looked in ${
      candidates.map((path) => `"${path}"`).join(", ")
    }); run deno task sweep first`,
  );
}

/**
 * Refuses a packed study where a command writes into it.
 *
 * @param what What is refused, such as `ablate`.
 * @param why Why it takes a folder.
 *
 * @throws {UsageError} If it is one; the message says how to unpack it.
 */
export function wantFolder(path: string, what: string, why: string): void {
  if (!isPacked(path)) return;
  throw new UsageError(
    `Cannot ${what} "${path}": found a packed study, want its folder, since ${why}; run deno task unpack ${path} first`,
  );
}

/** Told of a run whose files are not what was written. */
type OnDamage = (damaged: DamagedRun) => void;

/**
 * What a run left, or nothing where it has no record yet.
 *
 * @param onDamage Told where its files are not what was written; nothing is returned then. Undefined: the error is thrown.
 */
async function readPlace(
  reader: ResultsReader,
  { folder, run: { label, arm, varied } }: StoredPlace,
  onDamage: OnDamage | undefined,
): Promise<StoredRun | null> {
  const run = await readRun(within(reader, folder)).catch((error) => {
    if (onDamage === undefined || !isDamage(error)) throw error;
    onDamage({ folder, problem: error.message });
    return null;
  });
  if (run === null) return null;
  // What a study calls a run is no part of its identity, so the plan's holds where it was changed after the run.
  const { arm: _arm, varied: _varied, ...identity } = run.record.asked;
  const asked = {
    ...identity,
    label,
    ...(arm === undefined ? {} : { arm }),
    ...(varied === undefined ? {} : { varied }),
  };
  return { ...run, record: { ...run.record, asked } };
}

/**
 * The records of a study's present plan; runs of earlier plans are left out.
 *
 * @param results The study's folder or its pack.
 * @param onDamage Told of each run whose files are not what was written, which is left out. Default: its error is thrown.
 */
export async function readStudyRuns(
  results: ResultsSource,
  stored: Pick<StoredStudy, "runs">,
  onDamage?: OnDamage,
): Promise<readonly StoredRun[]> {
  const reader = await readerOf(results);
  const runs = await mapConcurrently(
    stored.runs,
    readersOfRuns,
    (place) => readPlace(reader, place, onDamage),
  );
  return runs.filter((run) => run !== null);
}

/**
 * The replay ablation in a folder, or null where there is none.
 *
 * @throws {InputError} If its plan is damaged, or a run does not say what it is in the ablation.
 */
async function readReplay(reader: ResultsReader): Promise<ReplayResults | null> {
  if (!await reader.has("study.json")) return null;
  const stored = await readStoredStudy(reader);
  const damaged: DamagedRun[] = [];
  const runs = await mapConcurrently(
    stored.runs,
    readersOfRuns,
    async (place): Promise<ReplayedRun | null> => {
      const { replay, folder } = place;
      if (replay === undefined) {
        throw new InputError({
          file: `${reader.path}/study.json`,
          found: `no "replay" of the run "${shown(folder)}"`,
          wanted:
            "its variant, source and baseline; run deno task ablate again, which trains nothing that is there",
        });
      }
      const run = await readPlace(reader, place, (run) => damaged.push(run));
      return run === null ? null : { ...run, replay };
    },
  );
  return {
    ...await resultsOf(reader, stored),
    runs: runs.filter((run) => run !== null),
    damaged: byFolder(damaged),
  };
}

/** Damaged runs in an order that does not depend on which was read first. */
function byFolder(damaged: readonly DamagedRun[]): readonly DamagedRun[] {
  return damaged.toSorted((a, b) => a.folder < b.folder ? -1 : 1);
}

/** A study's results but for its runs and their replay ablation. */
async function resultsOf(
  reader: ResultsReader,
  stored: StudyToStore,
): Promise<Omit<StudyResults, "runs" | "damaged" | "replay"> & { readonly replay: null }> {
  const { name, title, description, convergence, targets, margin } = stored.study;
  const damagedFiles: DamagedFile[] = [];
  const made = await readMadeFiles(reader, (file) => damagedFiles.push(file));
  return {
    study: {
      name,
      title: title ?? name,
      description: description ?? "",
      ...(convergence === undefined ? {} : { convergence }),
      ...(targets === undefined ? {} : { targets }),
      ...(margin === undefined ? {} : { margin }),
    },
    comparisons: (stored.study.comparisons ?? []).map((asked) => ({
      asked,
      pairs: comparedPairs(asked, stored.runs.map(({ run }) => run)),
    })),
    planned: stored.runs.map(({ run }) => run),
    warnings: stored.warnings ?? [],
    replay: null,
    tuned: stored.study.tuned ?? null,
    claims: claimsOfStored(stored),
    ...made,
    damagedFiles,
  };
}

/**
 * A study's results as the report room takes them, with its replay ablation where there is one.
 *
 * @param source Its folder or its pack.
 *
 * @throws {UsageError} If there is no plan of a study.
 * @throws {InputError} If the plan is damaged; runs and other files that are damaged are left out.
 */
export async function readStudyResults(source: ResultsSource): Promise<StudyResults> {
  const reader = await readerOf(source);
  return await resultsOfPlan(reader, await readStoredStudy(reader));
}

/** The results of a plan, whatever plan is stored beside them; see {@linkcode readStudyResults}. */
export async function resultsOfPlan(
  source: ResultsSource,
  stored: StudyToStore,
): Promise<StudyResults> {
  const reader = await readerOf(source);
  const damaged: DamagedRun[] = [];
  const results = await resultsOf(reader, stored);
  const damagedFiles = [...results.damagedFiles];
  return {
    ...results,
    runs: await readStudyRuns(reader, stored, (run) => damaged.push(run)),
    damaged: byFolder(damaged),
    replay: await unlessDamaged(
      { file: "replay/study.json", command: "ablate" },
      readReplay(within(reader, "replay")),
      (file) => damagedFiles.push(file),
    ),
    damagedFiles,
  };
}

/**
 * Builds the report of a study's results; returns the path of the page.
 *
 * @param source The study's folder, or its pack: then `report/` goes into a folder of its name beside it.
 * @param options What the report has besides; see {@linkcode buildReport}.
 */
export async function writeReport(
  source: string,
  results: StudyResults,
  options: ReportOptions = {},
): Promise<string> {
  const folder = outputFolder(source);
  const { files } = await buildReport(results, options);
  for (const [name, text] of Object.entries(files)) {
    const path = `${folder}/report/${name}`;
    await makeFolder(path.slice(0, path.lastIndexOf("/")));
    await writeWhole(path, text);
  }
  return `${folder}/report/report.html`;
}
