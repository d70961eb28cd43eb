/**
 * A stored study's claims, and when they were stated.
 *
 * @module
 */
import * as z from "zod";
import { isDamage, parseJsonFile } from "../../record/damage.ts";
import { readIfThere } from "../../record/durable.ts";
import type {
  ClaimedSeeds,
  ClaimsStatement,
  StatedClaims,
} from "../../analysis/claims/statement.ts";
import { hashJson } from "../../base/hash.ts";
import { claimPairs } from "../../study/compare/pairs.ts";
import { runContent } from "../../study/grid/run_id.ts";
import type { Study } from "../../study/schema/study.ts";
import type { RunSpec } from "../../study/types.ts";
import { presentNames } from "./planning.ts";
import { statementsSchema } from "../stored_study_schema.ts";

/** What is read of a stored study. */
interface Stored {
  readonly study: Study;
  readonly claimsStated?: readonly ClaimsStatement[];
  readonly runs: readonly { readonly run: RunSpec }[];
}

/** What a stored study claims, and since when; null where it claims nothing. */
export function claimsOfStored({ study, claimsStated, runs }: Stored): StatedClaims | null {
  return (study.claims ?? []).length === 0
    ? null
    : { study, planned: runs.map(({ run }) => run), statements: claimsStated ?? [] };
}

/** When the claims of the study in a folder were stated so far: never, where there is no plan or none that can be read. */
export async function claimsStatedIn(folder: string): Promise<readonly ClaimsStatement[]> {
  const path = `${folder}/study.json`;
  const bytes = await readIfThere(path);
  if (bytes === null) return [];
  try {
    const stated = z.looseObject({ claimsStated: statementsSchema });
    return stated.safeParse(parseJsonFile(bytes, path)).data?.claimsStated ?? [];
  } catch (error) {
    // A plan that is damaged is written anew; runs that began before show that its claims were not stated before them.
    if (!isDamage(error)) throw error;
    return [];
  }
}

/**
 * SHA-256 of what the arms of a study's claims compute: their runs of the first seed of the axis, without labels. Seeds that are
 * added leave it as it is; another setting, option or version of a method does not.
 */
export function claimedArmsHash(study: Study, runs: readonly RunSpec[]): string {
  const first = Math.min(...study.axes.seeds);
  const firsts = runs.filter(({ seed }) => seed === first);
  const contents = (study.claims ?? []).flatMap((claim) =>
    claimPairs(claim, firsts).flatMap(({ a, b }) => [a, b].map((run) => hashJson(runContent(run))))
  );
  return hashJson([...new Set(contents)].toSorted());
}

/** Digits of a hash that tell what the runs of a seed compute from anything else they could. */
const seedDigits = 8;

/** The runs that each claim of a study counts, an entry a seed: a seed that is skipped, or has other settings, changes it. */
export function claimedSeeds(study: Study, runs: readonly RunSpec[]): ClaimedSeeds {
  return Object.fromEntries((study.claims ?? []).map((claim) => {
    const seeds = Map.groupBy(claimPairs(claim, runs), ({ seed }) => seed);
    const entries = [...seeds].toSorted(([a], [b]) => a - b).map(([seed, pairs]) => {
      const contents = pairs.map(({ a, b }) => hashJson([runContent(a), runContent(b)]));
      return `${seed}:${hashJson(contents.toSorted()).slice(0, seedDigits)}`;
    });
    return [claim.name, entries];
  }));
}

/** How the names of runs' folders end. */
const runFolderEnd = /-seed[0-9]+-[0-9a-f]{8}$/;

/** Runs in a folder of results that were begun, those of earlier plans among them. */
export async function runsBegunIn(folder: string): Promise<number> {
  return [...await presentNames(folder)].filter((name) => runFolderEnd.test(name)).length;
}
