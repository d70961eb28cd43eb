/**
 * Runs that can start, and the folders in which they lie already.
 *
 * @module
 */
import type { Method } from "../../methods/method.ts";
import { namesIn } from "../../record/durable.ts";
import { runsUnderWay, underWay } from "../../record/lease.ts";
import type { ModelOrigin, RanksOrigin } from "../../record/types.ts";
import { type InputHashes, isFolderOf, runTitle } from "../../study/grid/run_id.ts";
import type { Study } from "../../study/schema/study.ts";
import type {
  CustomCode,
  GridRun,
  MethodOrigin,
  ModuleShape,
  RankPlan,
  RunSpec,
} from "../../study/types.ts";
import type { Inputs } from "../inputs.ts";

/** A run that can start. */
export interface PlannedRun {
  readonly run: RunSpec;
  readonly id: string;
  /** Name of its folder within the study's results. */
  readonly folder: string;
  readonly title: string;
  readonly method: Method;
  /** The metrics of its task, or of the tasks of its sequence, that are not built in. */
  readonly metrics: readonly CustomCode[];
  /** Null for methods without ranks; that of the budget while the ranks of another run are not known. */
  readonly plan: RankPlan | null;
  /** Where its initial ranks come from; null where they follow from the budget. */
  readonly ranksFrom: RanksOrigin | null;
  /** The folder, within the study's results, of the run that its ranks are still to be read from; null where they are known. */
  readonly ranksFolder: string | null;
  /** Adapted modules in model order; empty for methods without ranks. */
  readonly modules: readonly ModuleShape[];
  readonly hashes: InputHashes;
  /** Null for the embedded encoder and for plain folders. */
  readonly origin: ModelOrigin | null;
}

/** A study's runs, with what they read. */
export interface StudyPlan {
  readonly study: Study;
  readonly runs: readonly PlannedRun[];
  readonly inputs: Inputs;
}

/** The methods or metrics among some that are not built in. */
export function customCodeOf(
  used: readonly { readonly name: string; readonly origin?: MethodOrigin }[],
): readonly CustomCode[] {
  return used.flatMap(({ name, origin }) => origin === undefined ? [] : [{ name, ...origin }]);
}

/** The code of a study's own that some runs need. */
export interface CustomNames {
  readonly methods: readonly CustomCode[];
  readonly metrics: readonly CustomCode[];
}

/** The methods of some runs, and the metrics of their tasks, that are not built in, each once. */
export function customNamesOf(
  runs: readonly Pick<PlannedRun, "method" | "metrics">[],
): CustomNames {
  const once = (own: readonly CustomCode[]) => [
    ...new Map(own.map((one) => [one.name, one])).values(),
  ];
  return {
    methods: once(customCodeOf(runs.map(({ method }) => method))),
    metrics: once(runs.flatMap(({ metrics }) => metrics)),
  };
}

/**
 * Runs with the names of the folders that they have already: a folder keeps the name that it was given first, whatever becomes
 * of the label that is a part of it.
 *
 * @param present Names in the results folder.
 */
export function withPresentFolders(
  runs: readonly PlannedRun[],
  present: ReadonlySet<string>,
): readonly PlannedRun[] {
  const byEnd = Map.groupBy([...present].sort(), (name) => name.slice(name.lastIndexOf("-") + 1));
  const renamed = new Map<string, string>();
  const named = runs.map((planned) => {
    const { run, id, folder } = planned;
    if (present.has(folder)) return planned;
    const near = byEnd.get(folder.slice(folder.lastIndexOf("-") + 1)) ?? [];
    const known = near.find((name) => isFolderOf(run, id, name));
    if (known === undefined) return planned;
    renamed.set(folder, known);
    return { ...planned, folder: known };
  });
  return named.map((planned) => {
    const { ranksFolder } = planned;
    const known = ranksFolder === null ? undefined : renamed.get(ranksFolder);
    return known === undefined ? planned : { ...planned, ranksFolder: known };
  });
}

/** Names of what is in a study's results folder, and of the runs that were begun there. */
export async function presentNames(results: string): Promise<ReadonlySet<string>> {
  const begun = runsUnderWay(await namesIn(`${results}/${underWay}`));
  return new Set([...await namesIn(results), ...begun]);
}

/** A plan whose runs lie in the folders that they have already, finished or begun; see {@linkcode withPresentFolders}. */
export async function whereTheyAre(plan: StudyPlan, results: string): Promise<StudyPlan> {
  return { ...plan, runs: withPresentFolders(plan.runs, await presentNames(results)) };
}

/**
 * A plan without added runs that are other runs than those that were added, as their settings have changed since.
 *
 * @param all The runs that the study asks for itself.
 * @param ids Of the added runs, by title.
 */
export function withoutChanged(
  plan: StudyPlan,
  all: readonly GridRun[],
  ids: ReadonlyMap<string, string>,
): StudyPlan {
  const own = new Set(all.map(runTitle));
  const isKept = ({ title, id }: PlannedRun) => own.has(title) || ids.get(title) === id;
  return { ...plan, runs: plan.runs.filter(isKept) };
}
