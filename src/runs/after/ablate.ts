/**
 * Both ablations of a study's finished runs: what adapters are worth, and what LoRA makes of the ranks that other
 * methods end with.
 *
 * @module
 */
import { readAblation } from "../../record/results_reader.ts";
import type { RunAblation } from "../../record/types.ts";
import { ablateByReplay } from "./replay_ablation.ts";
import { followed, type Watch } from "../events.ts";
import { isAblationOf } from "./layer_ablation.ts";
import { Pool, type PoolOptions, type PoolWork } from "../pool/pool.ts";
import {
  finishedRuns,
  noFinishedRun,
  type PlanAgain,
  planRecorded,
  type RecordedRun,
  runSpecOf,
  sampleByKind,
  wantOwnWeights,
} from "./recorded_run.ts";
import type { RunsResult } from "../pool/run_all.ts";
import { readSelection } from "../plan/planned_study.ts";
import { readStoredStudy, wantFolder } from "../stored_study.ts";
import { workOnRuns } from "../pool/work_on_runs.ts";

/** What an ablation receives. */
export interface AblateOptions extends PlanAgain, PoolOptions {
  /** Runs of the layer-rank ablation. Default, and null: all. */
  readonly sample?: number | null;
  /**
   * Whether LoRA is also trained again with the ranks that other methods ended with, the same in reverse, and uniform ones. Default
   * false.
   */
  readonly replay?: boolean;
  /** The part of the study that is ablated, as {@linkcode readSelection} takes it. Default: all of it. */
  readonly only?: readonly string[];
}

/** What an ablation did. */
export interface AblateResult {
  /** Runs whose adapters were removed now. */
  readonly ablated: number;
  /** Runs that had been ablated before. */
  readonly skipped: number;
  /** Runs whose weights are not there; they can be had by deleting their folders and sweeping again. */
  readonly weightless: number;
  /** Runs that are left to ablate. */
  readonly left: number;
  /** Whether the command was stopped before all was done. */
  readonly stopped: boolean;
  /** Null without a replay. */
  readonly replay: RunsResult | null;
}

/**
 * Removes adapters from every run that has ranks and no ablation yet; runs without weights are left out.
 *
 * @throws {RangeError} If that leaves none.
 */
async function ablateLayers(
  pool: Pool,
  work: PoolWork,
  recorded: readonly RecordedRun[],
): Promise<Omit<AblateResult, "replay" | "stopped">> {
  const isAblated = ({ stored: { record }, planned }: RecordedRun, ablation: RunAblation | null) =>
    ablation !== null && isAblationOf(ablation, record, planned.modules);
  const { stop, emit } = pool;
  const due = recorded.filter((run) => !isAblated(run, run.stored.ablation));
  let skipped = recorded.length - due.length;
  if (due.length === 0) return { ablated: 0, skipped, weightless: 0, left: 0 };
  if (stop.isRaised) return { ablated: 0, skipped, weightless: 0, left: due.length };
  await emit({ kind: "begun", noun: "ablations", total: due.length, skipped: 0 });
  let ablated = 0;
  let weightless = 0;
  let elsewhere = 0;
  await workOnRuns(pool, work, {
    jobs: due,
    plannedOf: ({ planned }) => planned,
    isDone: async (run) => isAblated(run, await readAblation(run.stored.folder)),
    onElsewhere: () => {
      elsewhere++;
    },
    work: (worker, run) =>
      worker.ablate(run, (share) => emit({ kind: "share", title: run.planned.title, share })),
    onResult: async ({ stored: { ablation, record }, planned: { title, modules } }, outcome) => {
      if (outcome.kind === "stopped") return false;
      if (outcome.kind === "ablated") {
        ablated++;
        await emit({ kind: "ablated", title, ablation: outcome.ablation });
        return true;
      }
      // What was removed when the weights were there counts, if that was all but the parts.
      if (ablation !== null && isAblationOf(ablation, record, modules, "older")) {
        skipped++;
        return true;
      }
      weightless++;
      if (weightless === recorded.length) throw new RangeError(outcome.message);
      await emit({ kind: "left out", title, reason: outcome.message });
      return true;
    },
    // What the others have begun is worth ending: each ablation is written as a whole.
    isStoppedByErrors: false,
  });
  const left = recorded.length - skipped - ablated - weightless - elsewhere;
  return { ablated, skipped: skipped + elsewhere, weightless, left };
}

/**
 * Both ablations of a study's finished runs.
 *
 * @throws {UntrustedCodeError} If the results name code that is not trusted; nothing has been done then.
 * @throws {UsageError} If the encoder of a run is not what it was.
 */
export async function ablateStudy(
  folder: string,
  options: AblateOptions,
  watch: Watch = {},
): Promise<AblateResult> {
  const { stop, emit } = followed(watch);
  wantFolder(folder, "ablate", "an ablation is written beside each run");
  const { sample = null, replay: hasReplay = false } = options;
  const stored = await readStoredStudy(folder);
  const isChosen = readSelection(options.only ?? [], stored.runs.map(({ run }) => run));
  const runs = (await finishedRuns(folder, stored, emit))
    .filter(({ record }) => record.happened.finalRanks !== null);
  if (!runs.some((run) => isChosen(runSpecOf(run)))) {
    const isPart = (options.only ?? []).length > 0;
    throw noFinishedRun(
      `ablate "${folder}"`,
      ` with ranks${isPart ? " in that part of the study" : ""}`,
    );
  }
  const { plan, recorded } = await planRecorded(stored, runs, options, emit, watch.fetching);
  const part = recorded.filter(({ planned }) => isChosen(planned.run));
  for (const { stored: { record, folder }, planned: { run, hashes } } of part) {
    wantOwnWeights(hashes.weights, run, record, `ablate "${folder}"`);
  }
  await using pool = new Pool({ ...options, device: options.device ?? stored.device }, {
    stop,
    emit,
  });
  const chosen = sample === null ? part : sampleByKind(
    part,
    sample,
    ({ stored: { record } }) => record.asked.label,
    0,
  );
  const title = `${stored.study.title ?? stored.study.name}: ablations of ${chosen.length} runs`;
  const work = { title, plan, results: folder, studyRuns: stored.runs.length };
  const layers = await ablateLayers(pool, work, chosen);
  const wasAsked = stop.isRaised;
  const replay = hasReplay && !wasAsked
    ? await ablateByReplay(folder, stored, { recorded, isChosen }, options, pool, watch.fetching)
    : null;
  const isCut = wasAsked && (layers.left > 0 || hasReplay);
  return { ...layers, stopped: isCut || replay?.stopped === true, replay };
}
