/**
 * A study's results as they lie in its folder or its pack: the plan, its records, and what commands made of them.
 *
 * @module
 */
import { InputError, shown } from "../base/input_error.ts";
import { parseJsonFile, unlessDamaged } from "../record/damage.ts";
import {
  folderReader,
  outputFolder,
  readerOf,
  readRun,
  type ResultsReader,
  type StoredRun,
  within,
} from "../record/results_reader.ts";
import type { ReplayedRun } from "../record/types.ts";
import { checkWeights } from "../record/checkpoint_file.ts";
import { analyse, type Analysis } from "../analysis/analysis.ts";
import type { DamagedFile, DamagedRun, ReplayResults, StudyResults } from "../analysis/results.ts";
import { comparedPairs } from "../study/compare/arms.ts";
import type { RunSpec } from "../study/types.ts";
import { registeredClaims } from "./registration.ts";
import { readEach } from "../record/read_bounded.ts";
import {
  readStoredStudy,
  type ResultsSource,
  type StoredPlace,
  type StoredStudy,
  type StudyToStore,
} from "./stored_study.ts";
import type { Parser } from "../record/parser.ts";
import { parseStudySpectra, type StudySpectra } from "../record/spectra.ts";
import { parseVerification } from "../record/verification.ts";

type OnDamage = (damaged: DamagedRun) => void;

/** The same run, called as the plan calls it now: what a study calls a run is no part of its identity. */
function asPlanned(stored: StoredRun, { label, arm, varied }: RunSpec): StoredRun {
  const { arm: _arm, varied: _varied, ...identity } = stored.record.asked;
  const asked = {
    ...identity,
    label,
    ...(arm === undefined ? {} : { arm }),
    ...(varied === undefined ? {} : { varied }),
  };
  return { ...stored, record: { ...stored.record, asked } };
}

/**
 * What each run of a plan left; null where it has no record yet, or is left out as damaged.
 *
 * @param onDamage Told of a run whose files are not what was written. Undefined: the error is thrown.
 */
async function readPlaces(
  reader: ResultsReader,
  places: readonly StoredPlace[],
  onDamage: OnDamage | undefined,
): Promise<readonly (StoredRun | null)[]> {
  const unlessLeftOut = <T>({ folder }: StoredPlace, read: () => Promise<T>) =>
    onDamage === undefined
      ? read()
      : unlessDamaged(read, (problem) => onDamage({ folder, problem }));
  const runs = await readEach(
    places,
    (place) => unlessLeftOut(place, () => readRun(within(reader, place.folder))),
  );
  // One after the other: of encoders that are trained whole, the weights of a few runs would fill the memory.
  const checked: (StoredRun | null)[] = [];
  for (const [i, place] of places.entries()) {
    const run = runs[i]!;
    const weighed = run === null ? null : await unlessLeftOut(place, async () => {
      await checkWeights(within(reader, place.folder), run.record);
      return asPlanned(run, place.run);
    });
    checked.push(weighed);
  }
  return checked;
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
  const runs = await readPlaces(reader, stored.runs, onDamage);
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
  const parts = stored.runs.map(({ replay, folder }) => {
    if (replay !== undefined) return replay;
    throw new InputError({
      file: `${reader.path}/study.json`,
      found: `no "replay" of the run "${shown(folder)}"`,
      wanted:
        "its variant, source and baseline; run deno task ablate again, which trains nothing that is there",
    });
  });
  const runs = await readPlaces(reader, stored.runs, (run) => damaged.push(run));
  return {
    ...await resultsOf(reader, stored),
    runs: runs.flatMap((run, i): readonly ReplayedRun[] =>
      run === null ? [] : [{ ...run, replay: parts[i]! }]
    ),
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
  const { name, title, description, convergence, targets, margin, axes } = stored.study;
  const damagedFiles: DamagedFile[] = [];
  const onDamage = (file: DamagedFile) => damagedFiles.push(file);
  const verified = { file: "verify/verification.json", command: "verify" } as const;
  return {
    study: {
      name,
      title: title ?? name,
      description: description ?? "",
      // Stored studies of old may have no axes.
      ...(axes?.methods === undefined ? {} : { methods: axes.methods }),
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
    claims: (stored.study.claims ?? []).length === 0 ? null : {
      study: stored.study,
      planned: stored.runs.map(({ run }) => run),
      statements: stored.claimsStated ?? [],
      ...(stored.registered === undefined
        ? {}
        : { registered: await registeredClaims(stored.registered, stored.runs) }),
    },
    verification: await readMade(reader, verified, parseVerification, onDamage),
    spectra: await readSpectra(reader, onDamage),
    damagedFiles,
  };
}

/**
 * A study's results with what they mean, and its replay ablation where there is one.
 *
 * @param source Its folder or its pack.
 *
 * @throws {UsageError} If there is no plan of a study.
 * @throws {InputError} If the plan is damaged; runs and other files that are damaged are left out.
 */
export async function readStudyResults(source: ResultsSource): Promise<Analysis> {
  const reader = await readerOf(source);
  return await resultsOfPlan(reader, await readStoredStudy(reader));
}

/** The results of a plan, whatever plan is stored beside them; see {@linkcode readStudyResults}. */
export async function resultsOfPlan(
  source: ResultsSource,
  stored: StudyToStore,
): Promise<Analysis> {
  const reader = await readerOf(source);
  const damaged: DamagedRun[] = [];
  const results = await resultsOf(reader, stored);
  const damagedFiles = [...results.damagedFiles];
  return analyse({
    ...results,
    runs: await readStudyRuns(reader, stored, (run) => damaged.push(run)),
    damaged: byFolder(damaged),
    replay: await unlessDamaged(
      () => readReplay(within(reader, "replay")),
      (problem) => damagedFiles.push({ file: "replay/study.json", command: "ablate", problem }),
    ),
    damagedFiles,
  });
}

type OnDamagedFile = (damaged: DamagedFile) => unknown;

/** A file that a command made of a study's results; null where there is none, or it is damaged, which is reported. */
async function readMade<T>(
  reader: ResultsReader,
  made: Pick<DamagedFile, "file" | "command">,
  parse: Parser<T>,
  onDamage: OnDamagedFile,
): Promise<T | null> {
  const { file } = made;
  // What was made of a packed study lies beside it, and is newer than the pack's own.
  for (const place of [folderReader(outputFolder(reader.path)), reader]) {
    const bytes = await place.read(file);
    if (bytes === null) continue;
    const path = `${place.path}/${file}`;
    return await unlessDamaged(
      () => parse(parseJsonFile(bytes, path), path),
      (problem) => onDamage({ ...made, problem }),
    );
  }
  return null;
}

/** What the last `deno task spectra` of a study found; null where there was none, or it is damaged, which is reported. */
export function readSpectra(
  reader: ResultsReader,
  onDamage: OnDamagedFile,
): Promise<StudySpectra | null> {
  const made = { file: "spectra.json", command: "spectra" } as const;
  return readMade(reader, made, parseStudySpectra, onDamage);
}
