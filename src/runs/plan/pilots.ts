/**
 * Records from which the power of a study is computed: its own, those of a pilot that is named, or published ones.
 *
 * @module
 */
import { InputError } from "../../base/input_error.ts";
import { isDamage } from "../../record/damage.ts";
import { namesIn } from "../../record/durable.ts";
import { packSuffix } from "../../record/pack.ts";
import { readRecord } from "../../record/read_study.ts";
import { isFile, openResults, type ResultsReader, within } from "../../record/results_reader.ts";
import type { ScoredRun } from "../../analysis/claims/series.ts";
import { isOfClaim, type Pilot, tasksOfClaim } from "../../analysis/power/claim_power.ts";
import type { ArmRun } from "../../study/compare/arms.ts";
import type { ClaimsOfStudy } from "../../study/schema/claims.ts";
import { filesAtOnce, mapConcurrently } from "../pool/side_by_side.ts";
import { findResults, readStoredStudy } from "../stored_study.ts";

/** Where finished studies are that everybody has. */
export const publishedResults = "results/published";

/** What pilots are wanted for. */
export interface PilotsWanted {
  /** The study with its claims. */
  readonly study: ClaimsOfStudy;
  /** All runs that it asks for. */
  readonly planned: readonly ArmRun[];
}

/**
 * The pilot that is named, by path or by its name in the folder of results.
 *
 * @throws {UsageError} If it is not there.
 */
export async function namedPilot(
  name: string,
  results: string,
  wanted: PilotsWanted,
): Promise<readonly Pilot[]> {
  return [await readPilot(await findResults(name, results), wanted)];
}

/** A study's own records, in its folder or its pack; none where they are not there. */
export async function ownPilots(folder: string, wanted: PilotsWanted): Promise<readonly Pilot[]> {
  return await readAll([folder, folder + packSuffix], wanted);
}

/** The studies in {@linkcode publishedResults}. */
export async function publishedPilots(wanted: PilotsWanted): Promise<readonly Pilot[]> {
  const names = [...await namesIn(publishedResults)].sort();
  return await readAll(names.map((name) => `${publishedResults}/${name}`), wanted);
}

/** The pilots at some paths; what is no study's results, or cannot be read, is none. */
async function readAll(paths: readonly string[], wanted: PilotsWanted): Promise<readonly Pilot[]> {
  const pilots: Pilot[] = [];
  for (const path of paths) {
    if (!await isFile(path.endsWith(packSuffix) ? path : `${path}/study.json`)) continue;
    try {
      pilots.push(await readPilot(path, wanted));
    } catch (error) {
      // Nobody asked for these results, and the commands that read them say what is wrong with them.
      if (!isDamage(error) && !(error instanceof InputError)) throw error;
    }
  }
  return pilots;
}

async function readPilot(path: string, { study, planned }: PilotsWanted): Promise<Pilot> {
  const reader = await openResults(path);
  const stored = await readStoredStudy(reader);
  const claims = (study.claims ?? []).map((claim) => ({
    claim,
    tasks: tasksOfClaim(claim, planned),
  }));
  const places = stored.runs.filter(({ run }) =>
    claims.some(({ claim, tasks }) => isOfClaim(claim, tasks, run))
  );
  const runs = await mapConcurrently(
    places,
    filesAtOnce,
    ({ folder, run }) => recordOf(within(reader, folder), run),
  );
  return {
    path,
    planned: stored.runs.map(({ run }) => run),
    runs: runs.filter((run) => run !== null),
  };
}

/** A run's record, called as the plan calls the run; null where there is none, or none that can be read. */
async function recordOf(reader: ResultsReader, { label }: ArmRun): Promise<ScoredRun | null> {
  try {
    const record = await readRecord(reader);
    return record === null ? null : { record: { ...record, asked: { ...record.asked, label } } };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return null;
  }
}
