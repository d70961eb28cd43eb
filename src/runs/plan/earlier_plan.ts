/**
 * What an earlier plan in a results folder says that a new one keeps: when claims were stated, and the seeds that were added until
 * they were decided. Added runs belong to the plan for as long as the study asks for the same runs with these seeds.
 *
 * @module
 */
import * as z from "zod";
import { isDamage, parseJsonFile } from "../../record/damage.ts";
import { readIfThere } from "../../record/durable.ts";
import type { ClaimedSeeds, ClaimsStatement } from "../../analysis/claims/statement.ts";
import { hashJson } from "../../base/hash.ts";
import { claimPairs } from "../../study/compare/pairs.ts";
import { runContent, runTitle } from "../../study/grid/run_id.ts";
import type { Study } from "../../study/schema/study.ts";
import type { GridRun, RunSpec } from "../../study/types.ts";
import { type PlannedRun, presentNames, type StudyPlan } from "./planned_run.ts";
import { expand } from "./planning.ts";
import { statementsSchema } from "../stored_study.ts";
import type { MethodTable } from "../../methods/table.ts";
import { withFurtherSeeds } from "../../study/compare/added_seeds.ts";

/** What the plan in a folder says, or null where there is none, or none that can be read: a damaged one is written anew. */
async function earlierPlan<T>(folder: string, schema: z.ZodType<T>): Promise<T | null> {
  const path = `${folder}/study.json`;
  const bytes = await readIfThere(path);
  if (bytes === null) return null;
  try {
    return schema.safeParse(parseJsonFile(bytes, path)).data ?? null;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return null;
  }
}

/** When the claims of the study in a folder were stated so far; runs that began before show that they were not before them. */
export async function claimsStatedIn(folder: string): Promise<readonly ClaimsStatement[]> {
  const stated = z.looseObject({ claimsStated: statementsSchema });
  return (await earlierPlan(folder, stated))?.claimsStated ?? [];
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

const runFolderEnd = /-seed[0-9]+-[0-9a-f]{8}$/;

/** Runs in a folder of results that were begun, those of earlier plans among them. */
export async function runsBegunIn(folder: string): Promise<number> {
  return [...await presentNames(folder)].filter((name) => runFolderEnd.test(name)).length;
}

/** What `study.json` says of added runs. */
export interface AddedRuns {
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

/**
 * The grid of a study with further seeds: all that it asks for, and of the further ones those that are chosen.
 *
 * @param all The study's grid.
 * @param chosen Titles of runs with these seeds.
 */
export function gridWith(
  study: Study,
  all: readonly GridRun[],
  seeds: readonly number[],
  chosen: Pick<ReadonlySet<string>, "has">,
  methods: MethodTable,
): readonly GridRun[] {
  if (seeds.length === 0) return all;
  const own = new Set(all.map(runTitle));
  const further = furtherGrid(study, seeds, methods).filter((run) => {
    const title = runTitle(run);
    return !own.has(title) && chosen.has(title);
  });
  return [...all, ...further];
}

/** Every combination of a study, with its seeds and further ones. */
export function furtherGrid(
  study: Study,
  seeds: readonly number[],
  methods: MethodTable,
): readonly GridRun[] {
  // Only a part of it is made; the study's own grid has been counted.
  return expand(withFurtherSeeds(study, seeds), methods, Infinity);
}

/** A plan without added runs that are other runs than those that were added, as their settings have changed since. */
export function withoutChanged(
  plan: StudyPlan,
  all: readonly GridRun[],
  { ids }: AddedRuns,
): StudyPlan {
  const own = new Set(all.map(runTitle));
  const isKept = ({ title, id }: PlannedRun) => own.has(title) || ids.get(title) === id;
  return { ...plan, runs: plan.runs.filter(isKept) };
}

/** The seeds of a plan's runs that the study itself does not ask for, as `study.json` has them; nothing where there are none. */
export function seedsToStore(
  { study, runs }: Pick<StudyPlan, "study" | "runs">,
): { readonly seedsAdded?: readonly number[] } {
  const seeds = new Set(runs.map(({ run }) => run.seed));
  const added = [...seeds].filter((seed) => !study.axes.seeds.includes(seed))
    .sort((a, b) => a - b);
  return added.length === 0 ? {} : { seedsAdded: added };
}
