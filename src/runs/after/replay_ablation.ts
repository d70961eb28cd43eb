/**
 * The replay ablation: LoRA trained again with the ranks that other methods ended with, with the same ranks reversed in depth,
 * and with uniform ranks.
 *
 * @module
 */
import { findMethod } from "../../methods/table.ts";
import { underWay } from "../../record/lease.ts";
import { wantWithin } from "../../record/results_reader.ts";
import type { ReplayVariant } from "../../record/types.ts";
import { evenRanks, type Ranks, totalRank, transformedRanks } from "../../study/budget/given.ts";
import { hasGivenRanks } from "../../study/budget/ranks.ts";
import type { Study } from "../../study/schema/study.ts";
import type { ModuleShape, RanksAs, RunSpec } from "../../study/types.ts";
import type { Fetching } from "../../fetch/model_files.ts";
import { runFolder } from "../../study/grid/run_id.ts";
import type { Pool } from "../pool/pool.ts";
import { rankSourceOf } from "../plan/ranks.ts";
import type { PlannedRun } from "../plan/planned_run.ts";
import { type PlanAgain, planFrom, type RecordedRun } from "./recorded_run.ts";
import { runAll, type RunsResult } from "../pool/run_all.ts";
import type { Selection } from "../plan/planned_study.ts";
import { type StoredStudy, toStore, writeStoredStudy } from "../stored_study.ts";

/** A finished run whose ranks are not those that any method would have had under its budget. */
interface ReplaySource {
  readonly id: string;
  readonly run: RunSpec;
  readonly modules: readonly ModuleShape[];
  readonly initialRanks: Ranks;
  readonly finalRanks: Ranks;
  /** Whether the initial ranks are those of the budget, spread evenly. */
  readonly startsEven: boolean;
}

interface ReplayRun {
  readonly variant: ReplayVariant;
  /** Id of the run that the ranks, or their total, come from. */
  readonly source: string;
  /** The place among the runs of the one with uniform ranks that it is compared with. */
  readonly baseline: number;
  readonly run: RunSpec;
}

/** What each variant makes of the final ranks of its source. */
const variantRanks: Readonly<Record<ReplayVariant, RanksAs>> = {
  final: "same",
  reversed: "reversed",
  uniform: "uniform",
};

/** Ranks as even as they go with the same total: those that the budget gave, unless the total is another one now. */
function uniformRanks(
  { modules, initialRanks, finalRanks, startsEven }: ReplaySource,
): Ranks {
  const total = totalRank(finalRanks);
  return startsEven && totalRank(initialRanks) === total ? initialRanks : evenRanks(modules, total);
}

/**
 * Whether a run has ranks to replay: some, and other ones than uniform ones of their total, which it was not simply given.
 */
export function hasOwnRanks(source: ReplaySource): boolean {
  const { run, modules, initialRanks, finalRanks } = source;
  const isSame = (other: Ranks) => modules.every(({ name }) => other[name] === finalRanks[name]);
  return totalRank(finalRanks) > 0 && !isSame(uniformRanks(source)) &&
    !(hasGivenRanks(run) && isSame(initialRanks));
}

/** How a run of a study is told from others but for its method. */
function cellOf({ task, budget, seed }: RunSpec): string {
  return JSON.stringify([task, budget?.type, budget?.value, seed]);
}

/** Whether another run of the study is plain LoRA in a run's cell. */
function isPlainLora(other: RunSpec, cell: string): boolean {
  return other.method === "lora" && cellOf(other) === cell && !hasGivenRanks(other);
}

/** The settings of a run's replays: those of the study's LoRA, with the modules of the run. */
function replaySettings(
  { run, modules }: ReplaySource,
  twin: RunSpec | undefined,
): RunSpec["settings"] {
  const adapted = new Set(modules.map(({ part }) => part));
  const { settings } = run;
  return {
    ...(twin ?? run).settings,
    model: settings.model,
    adapter: { modules: settings.adapter.modules.filter((part) => adapted.has(part)) },
  };
}

/**
 * The runs of a replay ablation: three a source, all with the source's total rank, task, seed and budget.
 *
 * Options and training settings are those of the study's first LoRA run in the same cell; a study without LoRA gives
 * LoRA's default options and the source's settings. Sources of a cell with the same total share the uniform run.
 *
 * @param studyRuns All runs of the study.
 * @throws {RangeError} If total ranks differ.
 */
export function replayRuns(
  sources: readonly ReplaySource[],
  studyRuns: readonly RunSpec[],
): readonly ReplayRun[] {
  const lora = findMethod("lora");
  const groupOf = ({ run, modules, finalRanks }: ReplaySource) =>
    JSON.stringify([cellOf(run), totalRank(finalRanks), modules.map(({ name }) => name)]);
  const runs: ReplayRun[] = [];
  /** Places of the runs with uniform ranks, by what shares them. */
  const uniform = new Map<string, number>();
  const cells = new Set<string>();
  for (const source of sources) {
    const { id, run, modules, finalRanks } = source;
    const cell = cellOf(run);
    const twin = studyRuns.find((other) => isPlainLora(other, cell));
    const base = {
      study: `${run.study}-replay`,
      task: run.task,
      ...(run.sequence === undefined ? {} : { sequence: run.sequence }),
      method: lora.name,
      methodVersion: lora.version,
      options: twin?.options ?? lora.parseOptions({}),
      budget: run.budget,
      seed: run.seed,
      settings: replaySettings(source, twin),
    };
    const group = groupOf(source);
    const shared = uniform.get(group);
    // Where one of them began with the even ranks of the budget, those are meant.
    const even = sources.find((other) => groupOf(other) === group && other.startsEven) ?? source;
    const uniformLabel = `LoRA, uniform ranks${cells.has(cell) ? ` (total of ${run.label})` : ""}`;
    const asked = (variant: ReplayVariant) =>
      transformedRanks(variantRanks[variant], modules, finalRanks, run.seed);
    const ranks: readonly (readonly [ReplayVariant, string, Ranks])[] = [
      ["final", `LoRA, ranks of ${run.label}`, asked("final")],
      ["reversed", `LoRA, reversed ranks of ${run.label}`, asked("reversed")],
      ...(shared === undefined ? [["uniform", uniformLabel, uniformRanks(even)] as const] : []),
    ];
    const baseline = shared ?? runs.length + ranks.length - 1;
    uniform.set(group, baseline);
    cells.add(cell);
    const total = totalRank(finalRanks);
    for (const [variant, label, own] of ranks) {
      if (totalRank(own) !== total) {
        throw new RangeError(
          `Cannot replay the ranks of "${run.label}": found a total of ${
            totalRank(own)
          } for "${label}", want ${total}`,
        );
      }
      runs.push({ variant, source: id, baseline, run: { ...base, label, ranks: own } });
    }
  }
  return runs;
}

/** The study that the replay's results folder holds: its name, its axes, the user's own tasks and the sequences. */
export function replayStudy(study: Study, runs: readonly ReplayRun[]): Study {
  const labels = [...new Set(runs.map(({ run }) => run.label))];
  return {
    name: `${study.name}-replay`,
    title: `Replay of final ranks: ${study.title ?? study.name}`,
    description:
      "LoRA trained again with the final ranks of other methods, with the same ranks reversed in depth, and with uniform ranks.",
    ...(study.base === undefined ? {} : { base: study.base }),
    ...(study.userTasks === undefined ? {} : { userTasks: study.userTasks }),
    ...(study.sequences === undefined ? {} : { sequences: study.sequences }),
    axes: { ...study.axes, methods: labels.map((label) => ({ method: "lora", label })) },
  };
}

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
  const startsEven = isPlanned && rankSourceOf(planned) === "budget" &&
    method.rankWeights(run.options, modules) === null;
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
    await pool.emit({ kind: "nothing to replay" });
    return null;
  }
  const runs = replayRuns(sources, stored.runs.map(({ run }) => run));
  const study = replayStudy(stored.study, runs);
  const plan = await planFrom(
    { ...stored, study },
    runs.map(({ run }) => run),
    options,
    recorded.map(({ stored }) => stored),
    fetching,
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
