/**
 * The plan in a study's results folder, `study.json`: how it is read and written, and what a new one keeps of an earlier one.
 *
 * @module
 */
import * as z from "zod";
import type { Json } from "../base/canonical_json.ts";
import { InputError, UsageError } from "../base/input_error.ts";
import { isDamage, parseJsonFile, unlessDamaged } from "../record/damage.ts";
import { isReadOnly, makeFolder, readIfThere, writeWhole } from "../record/durable.ts";
import { isPacked, readerOf, type ResultsReader } from "../record/results_reader.ts";
import { recordSchemaVersion, type Replay } from "../record/types.ts";
import type { ClaimsStatement, Registered } from "../analysis/claims/statement.ts";
import { convergenceSchema, type Study } from "../study/schema/study.ts";
import { runTitle } from "../study/grid/run_id.ts";
import type { CustomCode, RunSpec } from "../study/types.ts";
import type { DataWarning } from "../tasks/data_warnings.ts";
import type { Tell } from "./events.ts";
import { customNamesOf, type StudyPlan } from "./plan/planned_run.ts";
import { parserOf } from "../record/parser.ts";
import { checkUnedited, registrationSchema, statementShape } from "./registration.ts";
import { claimsSchema, decideSchema, marginSchema } from "../study/schema/claims.ts";
import { comparisonsSchema } from "../study/compare/arms.ts";

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
  readonly methods?: readonly CustomCode[];
  /** The metrics of their tasks that are not built in; absent where all are. */
  readonly metrics?: readonly CustomCode[];
  /** What was found in the data; absent in older files. */
  readonly warnings?: readonly DataWarning[];
  /** When its claims were stated, and each time that they changed; absent where it never claimed anything. */
  readonly claimsStated?: readonly ClaimsStatement[];
  /** How its claims were registered; absent where they were not. */
  readonly registered?: Registered;
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

/** What a plan is made with; what is absent or null is stored as that. */
interface StoredPlaces {
  readonly data?: string | null;
  readonly model?: string | null;
  readonly device?: string | null;
}

/**
 * What is stored of a plan.
 *
 * @param studyFolder Where the paths of the study's own tasks and wheels start.
 * @param more What else is stored. Default: nothing.
 */
export function toStore(
  { study, runs }: Pick<StudyPlan, "study" | "runs">,
  studyFolder: string,
  { data = null, model = null, device }: StoredPlaces,
  more: Pick<StudyToStore, "warnings" | "claimsStated" | "registered" | "seedsAdded"> = {},
): StudyToStore {
  const { methods, metrics } = customNamesOf(runs);
  return {
    study,
    studyFolder,
    data,
    model,
    device: device ?? "auto",
    ...(methods.length === 0 ? {} : { methods }),
    ...(metrics.length === 0 ? {} : { metrics }),
    ...more,
    runs: runs.map(({ folder, id, run }) => ({ folder, id, run })),
  };
}

/** Stores the plan of what is to be made; where the folder is read-only, that is told, and an error only for what is to be made. */
export async function storePlan(
  folder: string,
  stored: StudyToStore,
  emit: Tell,
): Promise<void> {
  try {
    await writeStoredStudy(folder, stored);
  } catch (error) {
    if (!isReadOnly(error)) throw error;
    await emit({ kind: "not written", path: `${folder}/study.json`, message: error.message });
  }
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
    const stored = value as StoredStudy;
    if (stored.registered !== undefined) {
      checkUnedited(stored.registered.registration, path, "registered.registration.");
    }
    return stored;
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

const text = z.string();

/** A folder in the study's, so that no file of results leads to another place. */
const folderName = text.regex(
  /^(?!\.{1,2}$)[^/\\\0]+$/,
  "want the name of a folder without a path",
);

const { hash, arms, ...rest } = statementShape;

// In the order in which they are written, so that a file which says the same stays as it is.
const statementsSchema: z.ZodType<readonly ClaimsStatement[]> = z.array(
  z.object({
    hash,
    at: z.iso.datetime(),
    arms,
    begun: z.exactOptional(z.int().min(0)),
    ...rest,
  }),
);

const registeredSchema = z.looseObject({
  file: text,
  sha256: text,
  committed: z.object({ commit: text, at: z.iso.datetime(), path: text, sha256: text }).nullable(),
  registration: registrationSchema,
});

const customCode = z.looseObject({ name: text, study: text, module: text, hash: text });

/** What everything that reads a stored study counts on. */
const parseStoredStudy = parserOf(
  z.looseObject({
    schema: z.int().min(1),
    study: z.looseObject({
      name: text,
      title: z.exactOptional(text),
      description: z.exactOptional(text),
      userTasks: z.exactOptional(z.array(z.json())),
      sequences: z.exactOptional(z.record(text, z.array(text))),
      axes: z.exactOptional(
        z.looseObject({
          seeds: z.array(z.int()).min(1),
          methods: z.exactOptional(z.array(z.union([
            text,
            z.looseObject({
              method: text,
              label: z.exactOptional(text),
              options: z.exactOptional(z.record(text, z.json())),
              ranks: z.exactOptional(z.json()),
            }),
          ]))),
        }),
      ),
      margin: z.exactOptional(marginSchema),
      claims: z.exactOptional(claimsSchema),
      decide: z.exactOptional(decideSchema),
      convergence: z.exactOptional(convergenceSchema),
      comparisons: z.exactOptional(comparisonsSchema),
    }).refine(({ claims, axes }) => claims === undefined || axes !== undefined, {
      error: "found claims without axes, want the seeds that they are about",
    }),
    studyFolder: text,
    data: text.nullable(),
    model: text.nullable(),
    device: text,
    methods: z.exactOptional(z.array(customCode)),
    metrics: z.exactOptional(z.array(customCode)),
    warnings: z.exactOptional(z.array(z.looseObject({
      task: text,
      kind: text,
      count: z.int(),
      of: z.int(),
      text,
    }))),
    claimsStated: z.exactOptional(statementsSchema),
    registered: z.exactOptional(registeredSchema),
    seedsAdded: z.exactOptional(z.array(z.int())),
    runs: z.array(z.looseObject({
      folder: folderName,
      id: text,
      run: z.looseObject({
        task: text,
        sequence: z.exactOptional(z.array(text)),
        method: text,
        label: text,
        arm: z.exactOptional(text),
        varied: z.exactOptional(z.record(text, z.json())),
        budget: z.looseObject({ type: text, value: z.number() }).nullable(),
        seed: z.int(),
        settings: z.looseObject({}),
      }),
      replay: z.exactOptional(z.looseObject({ variant: text, source: text, baseline: text })),
    })),
  }),
  true,
);

/** What the plan in a folder says, or null where there is none, or none that can be read: a damaged one is written anew. */
async function earlierPlan<T>(folder: string, schema: z.ZodType<T>): Promise<T | null> {
  const path = `${folder}/study.json`;
  const bytes = await readIfThere(path);
  if (bytes === null) return null;
  return await unlessDamaged(() => schema.safeParse(parseJsonFile(bytes, path)).data ?? null);
}

/** When the claims of the study in a folder were stated so far; runs that began before show that they were not before them. */
export async function claimsStatedIn(folder: string): Promise<readonly ClaimsStatement[]> {
  const stated = z.looseObject({ claimsStated: statementsSchema });
  return (await earlierPlan(folder, stated))?.claimsStated ?? [];
}

/** How the claims of the study in a folder were registered so far; null where they were not. */
export async function registeredIn(folder: string): Promise<Registered | null> {
  const stored = z.looseObject({ registered: registeredSchema });
  const found = (await earlierPlan(folder, stored))?.registered;
  return found === undefined ? null : found as unknown as Registered;
}

/** What `study.json` says of added runs. */
interface AddedRuns {
  readonly seeds: readonly number[];
  /** Ids of the runs with these seeds, by title. */
  readonly ids: ReadonlyMap<string, string>;
}

const addedSchema = z.looseObject({
  seedsAdded: z.array(z.int()),
  runs: z.array(z.looseObject({
    id: z.string(),
    run: z.looseObject({
      task: z.string(),
      label: z.string(),
      budget: z.object({
        type: z.enum(["rank", "parameters", "peak", "stored", "meanTrained"]),
        value: z.number(),
      }).nullable(),
      seed: z.int(),
    }),
  })),
});

/** The runs that were added to the study in a folder; where its plan is lost they are added again, for the same reasons. */
export async function addedRunsIn(folder: string): Promise<AddedRuns> {
  const { seedsAdded: seeds, runs } = await earlierPlan(folder, addedSchema) ??
    { seedsAdded: [], runs: [] };
  const own = runs.filter(({ run }) => seeds.includes(run.seed));
  return { seeds, ids: new Map(own.map(({ run, id }) => [runTitle(run), id])) };
}
