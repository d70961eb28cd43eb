/**
 * The replay ablation of a study's results: LoRA is trained with the ranks that runs of other methods ended with.
 *
 * @module
 */
import type { Fetching } from "../../fetch/model_files.ts";
import { wantWithin } from "../../record/results_reader.ts";
import { underWay } from "../../record/under_way.ts";
import { hasGivenRanks } from "../../study/budget/ranks.ts";
import { runFolder } from "../../study/grid/run_id.ts";
import type { Pool } from "../pool/pool.ts";
import type { PlannedRun } from "../plan/planning.ts";
import { type PlanAgain, planFrom, recordedCommits, type RecordedRun } from "./recorded_run.ts";
import {
  cellOf,
  hasOwnRanks,
  replayRuns,
  type ReplaySource,
  replayStudy,
  variantRanks,
} from "./replay_ablation.ts";
import { runAll, type RunsResult } from "../pool/run_all.ts";
import type { Selection } from "../plan/selection.ts";
import { type StoredStudy, toStore, writeStoredStudy } from "../stored_study.ts";

/**
 * Runs of equal ranks compute the same and would share a folder: the variant, and a number where that is not enough, keep them
 * apart. It stands for the label.
 */
function withOwnFolders(
  runs: readonly PlannedRun[],
  variants: readonly string[],
): readonly PlannedRun[] {
  const taken = new Map<string, number>();
  return runs.map((run, i) => {
    const folder = `${runFolder({ ...run.run, label: run.run.method }, run.id)}-${variants[i]}`;
    const nth = (taken.get(folder) ?? 0) + 1;
    taken.set(folder, nth);
    return { ...run, folder: nth === 1 ? folder : `${folder}-${nth}` };
  });
}

/** A study's finished runs, and which of them are ablated now. */
interface Part {
  readonly recorded: readonly RecordedRun[];
  readonly isChosen: Selection;
}

/** What the replay makes of a finished run; nothing of one without ranks, or whose ranks were merged into its weights. */
function sourcesOf(
  { stored: { record: { id, happened } }, planned }: RecordedRun,
): readonly ReplaySource[] {
  const { initialRanks, finalRanks, storedRanks } = happened;
  if (initialRanks === null || finalRanks === null || storedRanks !== undefined) return [];
  const { run, modules, method, plan } = planned;
  const isPlanned = modules.every(({ name }, i) => initialRanks[name] === plan?.initial[i]);
  const startsEven = isPlanned && !hasGivenRanks(run) && method.plan === undefined &&
    method.rankWeights(run.options, modules) === null &&
    method.bind(run.options).estimate === undefined;
  return [{ id, run, modules, initialRanks, finalRanks, startsEven }];
}

/**
 * Trains the replay runs of the chosen cells that have not been trained yet into the folder `replay` of the results.
 *
 * @param fetching How encoders of the hub are fetched; undefined for by this process's environment and network.
 */
export async function ablateByReplay(
  folder: string,
  stored: StoredStudy,
  { recorded, isChosen }: Part,
  options: PlanAgain,
  pool: Pool,
  fetching: Fetching | undefined,
): Promise<RunsResult | null> {
  const sources = recorded.flatMap(sourcesOf).filter(hasOwnRanks);
  if (sources.length === 0) {
    await pool.tell({ kind: "nothing to replay" });
    return null;
  }
  const runs = replayRuns(sources, stored.runs.map(({ run }) => run));
  const study = replayStudy(stored.study, runs);
  const plan = await planFrom(
    { ...stored, study },
    runs.map(({ run }) => run),
    options,
    { commits: recordedCommits(recorded.map(({ stored }) => stored)), fetching },
  );
  const titles = new Map(recorded.map(({ planned: { id, title } }) => [id, title]));
  const planned = withOwnFolders(plan.runs, runs.map(({ variant }) => variant)).map((own, i) => {
    const { source, variant } = runs[i]!;
    const as = variantRanks[variant];
    const ranksFrom = { type: "run", run: source, title: titles.get(source)!, as } as const;
    return { ...own, ranksFrom };
  });
  const replayFolder = `${folder}/replay`;
  await wantWithin(folder, `${replayFolder}/${underWay}`);
  const places = {
    data: options.data ?? stored.data,
    model: options.model ?? stored.model,
    device: (await pool.device()).executor.kind,
  };
  await writeStoredStudy(replayFolder, {
    ...toStore(plan, stored.studyFolder, places),
    runs: planned.map(({ folder, id, run }, i) => {
      const { variant, source, baseline } = runs[i]!;
      return { folder, id, run, replay: { variant, source, baseline: planned[baseline]!.id } };
    }),
  });
  const cells = new Set(sources.map(({ run }) => run).filter(isChosen).map(cellOf));
  const due = planned.filter(({ run }) => cells.has(cellOf(run)));
  const title = `${study.title}: ${due.length} runs`;
  const studyRuns = stored.runs.length;
  return await runAll(pool, { title, plan, results: replayFolder, studyRuns }, due);
}
