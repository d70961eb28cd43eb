/**
 * A study's results folder: the plan that it was made from, its records, and the report.
 *
 * @module
 */
import * as z from "zod";
import type { Json } from "../base/canonical_json.ts";
import { isDamage, parseJsonFile } from "../record/damage.ts";
import { NewerSchemaError, parserOf } from "../record/schema.ts";
import { packSuffix } from "../record/pack.ts";
import {
  folderReader,
  isFile,
  isPacked,
  openResults,
  outputFolder,
  type ResultsReader,
  within,
} from "../record/results_reader.ts";
import { makeFolder, readIfThere, writeWhole } from "../record/durable.ts";
import { readRun, type StoredRun } from "../record/read_study.ts";
import type { Parser } from "../record/schema.ts";
import { parseStudySpectra, type StudySpectra } from "../record/spectra.ts";
import { parseVerification } from "../record/verification_file.ts";
import { recordSchemaVersion, type Replay, type ReplayedRun } from "../record/types.ts";
import { buildReport } from "../report/build.ts";
import type { DamagedRun, ReplayResults, StudyResults } from "../report/types.ts";
import type { Study } from "../study/study.ts";
import type { RunSpec } from "../study/types.ts";
import type { DataWarning } from "../tasks/data_warnings.ts";
import { type CustomMethod, customMethodsOf } from "./method_modules.ts";
import type { PlannedRun } from "./planning.ts";
import { mapConcurrently } from "./side_by_side.ts";
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
  readonly runs: readonly StoredPlace[];
}

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
  stored: Omit<StoredStudy, "schema">,
): Promise<void> {
  const path = `${folder}/study.json`;
  const json = { schema: recordSchemaVersion, ...stored } as unknown as Json;
  const text = `${JSON.stringify(json, null, 2)}\n`;
  const present = await readIfThere(path);
  if (present !== null && new TextDecoder().decode(present) === text) return;
  await makeFolder(folder);
  await writeWhole(path, text);
}

/** What everything that reads a stored study counts on. */
const parseStoredStudy = parserOf(
  z.looseObject({
    schema: z.int().min(1),
    study: z.looseObject({ name: z.string() }),
    studyFolder: z.string(),
    data: z.string().nullable(),
    model: z.string().nullable(),
    device: z.string(),
    runs: z.array(z.looseObject({
      folder: z.string(),
      id: z.string(),
      run: z.looseObject({
        task: z.string(),
        method: z.string(),
        label: z.string(),
        arm: z.exactOptional(z.string()),
        varied: z.exactOptional(z.record(z.string(), z.json())),
        seed: z.int(),
        settings: z.looseObject({}),
      }),
    })),
  }),
  true,
);

/**
 * Reads the plan of a study.
 *
 * @param results Its folder or its pack.
 *
 * @throws {UsageError} If there is none, a damaged one, or one of a newer schema.
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
    if (error instanceof NewerSchemaError) throw new UsageError(error.message, { cause: error });
    if (!isDamage(error)) throw error;
    throw new UsageError(`${error.message}; deno task sweep with the study writes it anew`, {
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
  stored: StoredStudy,
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

/** A file that a command made of a study's results, or null where there is none. */
async function readMade<T>(
  reader: ResultsReader,
  name: string,
  parse: Parser<T>,
): Promise<T | null> {
  // What was made of a packed study lies beside it, and is newer than the pack's own.
  const beside = folderReader(outputFolder(reader.path));
  for (const place of [beside, reader]) {
    const bytes = await place.read(name);
    if (bytes === null) continue;
    const path = `${place.path}/${name}`;
    return parse(parseJsonFile(bytes, path), path);
  }
  return null;
}

/** What the last `deno task spectra` of a study found, or null where there was none. */
export async function readSpectra(results: ResultsSource): Promise<StudySpectra | null> {
  return await readMade(await readerOf(results), "spectra.json", parseStudySpectra);
}

/**
 * The replay ablation in a folder, or null where there is none.
 *
 * @throws {UsageError} If a run does not say what it is in the ablation.
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
        throw new UsageError(
          `Cannot read "${reader.path}/study.json": found no "replay" of the run "${folder}", want its variant, source ` +
            `and baseline; run deno task ablate again, which trains nothing that is there`,
        );
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
  stored: StoredStudy,
): Promise<Omit<StudyResults, "runs" | "damaged" | "replay"> & { readonly replay: null }> {
  const { name, title, description } = stored.study;
  return {
    study: { name, title: title ?? name, description: description ?? "" },
    planned: stored.runs.map(({ run }) => run),
    warnings: stored.warnings ?? [],
    replay: null,
    verification: await readMade(reader, "verify/verification.json", parseVerification),
    spectra: await readSpectra(reader),
  };
}

/**
 * A study's results as the report room takes them, with its replay ablation where there is one.
 *
 * @param results Its folder or its pack.
 */
export async function readStudyResults(results: ResultsSource): Promise<StudyResults> {
  const reader = await readerOf(results);
  const stored = await readStoredStudy(reader);
  const damaged: DamagedRun[] = [];
  return {
    ...await resultsOf(reader, stored),
    runs: await readStudyRuns(reader, stored, (run) => damaged.push(run)),
    damaged: byFolder(damaged),
    replay: await readReplay(within(reader, "replay")),
  };
}

/**
 * Builds the report of a study's results; returns the path of the page.
 *
 * @param source The study's folder, or its pack: then `report/` goes into a folder of its name beside it.
 */
export async function writeReport(source: string, results: StudyResults): Promise<string> {
  const folder = outputFolder(source);
  const { files } = await buildReport(results);
  for (const [name, text] of Object.entries(files)) {
    const path = `${folder}/report/${name}`;
    await makeFolder(path.slice(0, path.lastIndexOf("/")));
    await writeWhole(path, text);
  }
  return `${folder}/report/report.html`;
}
