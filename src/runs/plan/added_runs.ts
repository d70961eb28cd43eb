/**
 * Runs that a study's results have besides its grid: seeds that were added until its claims were decided.
 *
 * They belong to the plan for as long as the study asks for the same runs with these seeds.
 *
 * @module
 */
import * as z from "zod";
import { isDamage, parseJsonFile } from "../../record/damage.ts";
import { readIfThere } from "../../record/durable.ts";
import type { MethodTable } from "../../methods/table.ts";
import { withFurtherSeeds } from "../../study/compare/added_seeds.ts";
import { runTitle } from "../../study/grid/run_id.ts";
import type { Study } from "../../study/schema/study.ts";
import type { GridRun } from "../../study/types.ts";
import { expand, type PlannedRun, type StudyPlan } from "./planning.ts";

/** What `study.json` says of added runs. */
export interface AddedRuns {
  readonly seeds: readonly number[];
  /** Ids of the runs with these seeds, by title. */
  readonly ids: ReadonlyMap<string, string>;
}

const noneAdded: AddedRuns = { seeds: [], ids: new Map() };

const storedSchema = z.looseObject({
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

/** The runs that were added to the study in a folder; none where there is no plan or none that can be read. */
export async function addedRunsIn(folder: string): Promise<AddedRuns> {
  const path = `${folder}/study.json`;
  const bytes = await readIfThere(path);
  if (bytes === null) return noneAdded;
  try {
    const { data } = storedSchema.safeParse(parseJsonFile(bytes, path));
    if (data === undefined) return noneAdded;
    const { seedsAdded: seeds, runs } = data;
    const own = runs.filter(({ run }) => seeds.includes(run.seed));
    return { seeds, ids: new Map(own.map(({ run, id }) => [runTitle(run), id])) };
  } catch (error) {
    // A plan that is damaged is written anew; seeds are then added again, for the same reasons.
    if (!isDamage(error)) throw error;
    return noneAdded;
  }
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
