/**
 * From a record back to a run that can be planned: nothing but the record is asked; and samples of such runs.
 *
 * @module
 */
import { RecordFormatError } from "../../record/parser.ts";
import type { Fetching } from "../../fetch/model_files.ts";
import type { StoredRun } from "../../record/results_reader.ts";
import type { RunRecord } from "../../record/types.ts";
import { settingsSchema } from "../../study/schema/settings.ts";
import { tasksOf } from "../../study/grid/steps.ts";
import type { RunSpec } from "../../study/types.ts";
import type { DamagedRun } from "../../analysis/results.ts";
import { withRecordedRanks } from "../plan/ranks.ts";
import type { Tell } from "../events.ts";
import { loadCustomCode, type Trust } from "../method_modules.ts";
import type { PlannedRun, StudyPlan } from "../plan/planned_run.ts";
import { ownTasksOf, planRuns } from "../plan/planning.ts";
import type { ResultsSource, StoredStudy } from "../stored_study.ts";
import { readStudyRuns } from "../study_results.ts";
import { RandomStream } from "../../base/random.ts";
import { UsageError } from "../../base/input_error.ts";
import type { InputFolders } from "../inputs.ts";

/** What recorded runs are planned again with. */
export interface PlanAgain {
  /** Folder with GLUE's tasks where it is not where the sweep had it. Default, and null: the sweep's. */
  readonly data?: string | null;
  /** Folder, wheel or `hub:` name of the encoder where it is not where the sweep had it. Default, and null: the sweep's. */
  readonly model?: string | null;
  /** Which code that the results name may run. Default: none. */
  readonly trust?: Trust;
}

/** A recorded run together with its plan. */
export interface RecordedRun {
  readonly stored: StoredRun;
  readonly planned: PlannedRun;
}

/**
 * The run that a record asked for.
 *
 * @throws {RecordFormatError} If its settings are not complete.
 */
export function runSpecOf({ record, folder }: Pick<StoredRun, "record" | "folder">): RunSpec {
  const run = record.asked.run as unknown as RunSpec;
  const settings = settingsSchema.safeParse(run.settings);
  if (!settings.success) {
    const issue = settings.error.issues[0];
    const key = ["asked", "run", "settings", ...issue?.path ?? []].map(String).join(".");
    throw new RecordFormatError(
      `${folder}/record.json`,
      key,
      "settings that are not whole",
      issue?.message ?? "wrong value",
    );
  }
  return run;
}

/**
 * Refuses another encoder than that of a recorded run.
 *
 * @param found SHA-256 of its weights.
 * @param doing What it is wanted for, as in `export "results/mine/a-run"`.
 *
 * @throws {UsageError} If these are not the record's.
 */
export function wantOwnWeights(
  found: string,
  { settings: { model } }: RunSpec,
  { where: { hashes: { weights }, ranklab, gitCommit } }: RunRecord,
  doing: string,
): void {
  if (found === weights) return;
  const advice = model.startsWith("embedded")
    ? `the embedded encoder has changed since ranklab ${ranklab} (commit ${
      gitCommit ?? "unknown"
    }), which made the run`
    : "give the right one by --model DIR";
  throw new UsageError(
    `Cannot ${doing}: found a base model with hash ${found}, want ${weights} as its record says; ${advice}`,
  );
}

/** A study's finished runs in the order of its plan; runs that are damaged are reported and left out. */
export async function finishedRuns(
  results: ResultsSource,
  stored: StoredStudy,
  emit: Tell,
): Promise<readonly StoredRun[]> {
  const damaged: DamagedRun[] = [];
  const runs = await readStudyRuns(results, stored, (run) => damaged.push(run));
  for (const run of damaged) await emit({ kind: "damaged", run });
  return runs.filter(({ record }) => record.happened.outcome.state === "finished");
}

/** What a command says that finds no run it could work on. */
export function noFinishedRun(doing: string, which = ""): UsageError {
  return new UsageError(
    `Cannot ${doing}: found no finished run${which}, want at least one; run deno task sweep first`,
  );
}

/**
 * Where what some runs read is now.
 *
 * @param from The recorded runs that they come from: hub models are taken at the commits that these used.
 */
export function foldersAgain(
  stored: StoredStudy,
  runs: readonly RunSpec[],
  { data = null, model = null }: Pick<PlanAgain, "data" | "model">,
  from: readonly StoredRun[],
): InputFolders {
  const isModelRead = runs.some(({ settings }) => settings.model === "folder");
  return {
    commits: Object.fromEntries(from.flatMap((run) => {
      const { model } = run.record.where;
      return model?.source === "hub" ? [[runSpecOf(run).settings.model, model.commit]] : [];
    })),
    data: data ?? stored.data,
    model: model ?? (isModelRead ? stored.model : null),
    study: stored.studyFolder,
  };
}

/**
 * Plans runs again with what they read, as it is now.
 *
 * @param from As {@linkcode foldersAgain} takes them.
 * @param fetching How encoders of the hub are fetched; undefined for by this process's environment and network.
 *
 * @throws {StudyError} If data or model cannot be read.
 * @throws {UntrustedCodeError} If code would have to run that is not trusted.
 * @throws {UsageError} If a method or metric that is not built in cannot be loaded as it was.
 */
export async function planFrom(
  stored: StoredStudy,
  runs: readonly RunSpec[],
  again: PlanAgain,
  from: readonly StoredRun[],
  fetching: Fetching | undefined,
): Promise<StudyPlan> {
  const named = new Set(runs.map(({ method }) => method));
  const tasks = new Set(runs.flatMap(tasksOf));
  const evaluated = ownTasksOf(stored.study, [], false).filter(({ name }) => tasks.has(name));
  const own = {
    methods: (stored.methods ?? []).filter(({ name }) => named.has(name)),
    metrics: (stored.metrics ?? []).filter(({ name }) =>
      evaluated.some(({ metrics }) => metrics.includes(name))
    ),
  };
  const { methods, metrics } = await loadCustomCode(own, again.trust ?? []);
  const declared = ownTasksOf(stored.study, metrics, false);
  const folders = foldersAgain(stored, runs, again, from);
  return await planRuns(stored.study, runs, folders, methods, fetching, declared);
}

/** Plans recorded runs again, each beside its record. */
export async function planRecorded(
  stored: StoredStudy,
  runs: readonly StoredRun[],
  again: PlanAgain,
  emit: Tell,
  fetching?: Fetching,
): Promise<{ readonly plan: StudyPlan; readonly recorded: readonly RecordedRun[] }> {
  const plan = await planFrom(stored, runs.map(runSpecOf), again, runs, fetching);
  const unused = (again.data ?? null) === null
    ? null
    : plan.inputs.unusedData(plan.runs.map(({ run }) => run));
  if (unused !== null) await emit({ kind: "unused data", given: unused });
  const recorded = runs.map((run, i) => {
    const { asked: { ranksFrom = null }, happened: { initialRanks } } = run.record;
    const planned = { ...plan.runs[i]!, ranksFrom };
    return { stored: run, planned: withRecordedRanks(planned, initialRanks) };
  });
  return { plan, recorded };
}

/**
 * Draws `count` of the values, in their own order: one of each kind first, as far as the count goes, then of any kind.
 *
 * @param kindOf For instance a run's method.
 * @param seed The same seed draws the same sample.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const drawn = sampleByKind(["a1", "a2", "a3", "b1"], 2, (value) => value.charAt(0), 7);
 * assertEquals(drawn.map((value) => value.charAt(0)), ["a", "b"]);
 * ```
 */
export function sampleByKind<T>(
  values: readonly T[],
  count: number,
  kindOf: (value: T) => string,
  seed: number,
): readonly T[] {
  const order = RandomStream.fromSeed(seed).fork("sample").permutation(values.length);
  const nthOfKind = new Map<string, number>();
  const ranked = order.map((index, place) => {
    const kind = kindOf(values[index]!);
    const nth = nthOfKind.get(kind) ?? 0;
    nthOfKind.set(kind, nth + 1);
    return { index, round: Math.min(nth, 1), place };
  });
  const chosen = ranked.toSorted((a, b) => a.round - b.round || a.place - b.place).slice(0, count);
  return chosen.map(({ index }) => index).sort((a, b) => a - b).map((index) => values[index]!);
}
