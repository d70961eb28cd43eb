/**
 * `deno task ablate [STUDY]`: what each layer's and module's adapter is worth, and what LoRA makes of ElaLoRA's ranks.
 *
 * @module
 */
import { chooseExecutor } from "../exec/choose.ts";
import { readSurroundings } from "../record/provenance.ts";
import type { RunAblation } from "../record/types.ts";
import { commandOf } from "./command.ts";
import { deviceOption, movedFolders, resultsOption, sweptArgument } from "./command_parts.ts";
import { LaneStatus, scoreText } from "./lane_status.ts";
import type { Lane } from "../runs/lanes.ts";
import { isAblationOf } from "../runs/layer_ablation.ts";
import { kindOf, type Opening, openLanes } from "../runs/open_lanes.ts";
import { isFinished, planRecorded, type RecordedRun, runSpecOf } from "../runs/recorded_run.ts";
import { sampleByKind } from "../runs/sampling.ts";
import { ablateByReplay, type AblationDevice } from "../runs/ablate_by_replay.ts";
import type { RunsResult } from "../runs/run_all.ts";
import { onlyOption, readSelection } from "../runs/selection.ts";
import { WorkQueue, workSideBySide } from "../runs/side_by_side.ts";
import { StopFlag } from "../runs/stop_flag.ts";
import { listenForStop, stoppedExitCode, stoppedText } from "./stop.ts";
import { defaultStudy } from "../runs/study_file.ts";
import {
  defaultResults,
  findResults,
  readStoredStudy,
  readStudyResults,
  readStudyRuns,
  writeReport,
} from "../runs/study_results.ts";
import { UsageError } from "../base/usage_error.ts";
import { clearStatus, quietVulkan, runCommand, say, sayWrapped, wholeNumber } from "./terminal.ts";
import { askToWrite } from "./write_access.ts";

/** What an ablation is told. */
export interface AblateOptions {
  readonly data: string | null;
  readonly model: string | null;
  /** Null for the sweep's. */
  readonly device: string | null;
  /** Runs at a time, or null for the default of the device. */
  readonly jobs: number | null;
  /** Threads of each run, or null for an equal part of the cores. */
  readonly threads: number | null;
  /** Runs of the layer-rank ablation, or null for all. */
  readonly sample: number | null;
  readonly replay: boolean;
  /** The part of the study that is ablated, as {@linkcode readSelection} takes it. Default: all of it. */
  readonly only?: readonly string[];
}

/** What an ablation did. */
export interface AblateResult {
  /** Runs whose adapters were removed now, and runs that had been ablated before. */
  readonly ablated: number;
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

/** What an ablation found, in a few words. */
function findingsOf({ metric, baseline, removals, truncations = [] }: RunAblation): string {
  const layers = removals.filter(({ kind }) => kind === "layer");
  const worst = layers.reduce((most, next) => next.loss > most.loss ? next : most, layers[0]!);
  const cuts = truncations.map(({ rank, metric: left }) => `${scoreText(metric, left)} at ${rank}`);
  const cut = cuts.length === 0 ? "" : `; cut to fewer ranks, ${cuts.join(", ")}`;
  const without = `${scoreText(metric, worst.metric)} without ${worst.name}`;
  return `${scoreText(metric, baseline)}, ${without}${cut}`;
}

/**
 * Removes adapters from every run that has ranks and no ablation yet; runs without weights are left out.
 *
 * @throws {RangeError} If that leaves none.
 */
async function ablateLayers(
  recorded: readonly RecordedRun[],
  open: (opening: Opening) => Promise<readonly Lane[]>,
  stop: StopFlag,
): Promise<Omit<AblateResult, "replay" | "stopped">> {
  const due = recorded.filter(({ stored: { ablation, record }, planned }) =>
    ablation === null || !isAblationOf(ablation, record, planned.modules)
  );
  const skipped = recorded.length - due.length;
  if (due.length === 0) return { ablated: 0, skipped, weightless: 0, left: 0 };
  const surroundings = await readSurroundings();
  const lanes = await open({ stop, surroundings, pieces: due.length });
  const status = new LaneStatus("ablations", due.length);
  let ablated = 0;
  let weightless = 0;
  const listener = listenForStop(stop, {
    onStop: () =>
      `Stopping. Ablated and kept: ${
        skipped + ablated
      } runs; those under way start again later.\n` +
      "(Ctrl-C again ends at once.)",
    onExit: () => "Ended at once. Finished ablations are kept.",
  });
  const ablateIn = (lane: Lane) => (run: RecordedRun) =>
    lane.ablate(run, (share) =>
      status.report(run.planned.title, {
        share,
        text: `${Math.floor(share * 100)} % of the removals`,
      }));
  try {
    await workSideBySide(new WorkQueue(due, ({ planned }) => kindOf(planned)), {
      lanes: lanes.map(ablateIn),
      onResult: async ({ planned: { title } }, outcome) => {
        if (outcome.kind === "stopped") return false;
        status.done(title);
        if (outcome.kind === "ablated") {
          ablated++;
          await status.tell(title, findingsOf(outcome.ablation));
          return !stop.isRaised;
        }
        weightless++;
        if (weightless === recorded.length) throw new RangeError(outcome.message);
        await status.tell(title, `left out. ${outcome.message}`);
        return !stop.isRaised;
      },
      // What the others have begun is worth ending: each ablation is written as a whole.
      onError: () => {},
    });
  } finally {
    await clearStatus();
    listener.dispose();
    for (const lane of lanes) await lane.close();
  }
  return { ablated, skipped, weightless, left: due.length - ablated - weightless };
}

/**
 * Both ablations of a study's finished runs.
 *
 * @param stop Asks for a stop; signals raise it. Default: one of its own.
 */
export async function ablateStudy(
  folder: string,
  options: AblateOptions,
  stop: StopFlag = new StopFlag(),
): Promise<AblateResult> {
  const stored = await readStoredStudy(folder);
  const isChosen = readSelection(options.only ?? [], stored.runs.map(({ run }) => run));
  const runs = (await readStudyRuns(folder, stored)).filter((run) =>
    isFinished(run) && run.record.happened.finalRanks !== null
  );
  if (!runs.some((run) => isChosen(runSpecOf(run)))) {
    throw new UsageError(
      `Cannot ablate "${folder}": found no finished run with ranks${
        options.only === undefined || options.only.length === 0 ? "" : " in that part of the study"
      }, want at least one; run deno task sweep first`,
    );
  }
  const { plan, recorded } = await planRecorded(stored, runs, options);
  quietVulkan();
  const choice = await chooseExecutor(options.device ?? stored.device, {
    ...(options.threads === null ? {} : { threads: options.threads }),
  });
  const { jobs, threads } = options;
  const device: AblationDevice = {
    executor: choice.executor,
    stop,
    lanesFor: (plan, title, results) => (opening) =>
      openLanes({
        ...opening,
        title,
        device: choice,
        jobs,
        threads,
        studyRuns: stored.runs.length,
        plan,
        results,
      }),
  };
  const part = recorded.filter(({ planned }) => isChosen(planned.run));
  const chosen = options.sample === null ? part : sampleByKind(
    part,
    options.sample,
    ({ stored: { record } }) => record.asked.label,
    0,
  );
  const title = `${stored.study.title ?? stored.study.name}: ablations of ${chosen.length} runs`;
  const layers = await ablateLayers(chosen, device.lanesFor(plan, title, folder), stop);
  const wasAsked = stop.isRaised;
  const replay = options.replay && !wasAsked
    ? await ablateByReplay(folder, stored, { recorded, isChosen }, options, device)
    : null;
  const isCut = wasAsked && (layers.left > 0 || options.replay);
  return { ...layers, stopped: isCut || replay?.stopped === true, replay };
}

/** The command. */
export const ablate = commandOf({
  name: "ablate",
  summary:
    "Removes the adapter of each layer and module of finished runs in turn, and trains LoRA with ElaLoRA's final " +
    "ranks, with the same reversed in depth, and with uniform ones",
  takes: "[STUDY]",
  explained: [sweptArgument],
  options: [
    onlyOption,
    { name: "no-replay", text: "only remove adapters, train nothing again" },
    {
      name: "sample",
      value: "N",
      text: "remove adapters from N runs only, some of each method (default: all)",
    },
    ...movedFolders,
    deviceOption("as the sweep"),
    {
      name: "jobs",
      value: "N",
      text: "runs ablated at a time (default: on the native CPU one a core, elsewhere one)",
    },
    {
      name: "threads",
      value: "N",
      text:
        "threads of the CPU executors for each run (default: the cores shared out among the jobs)",
    },
    resultsOption,
    { name: "no-report", text: "leave the report for deno task report" },
  ],
  examples: [
    { line: "deno task ablate", text: `the study ${defaultStudy}, after deno task sweep` },
    {
      line: "deno task ablate glue-minilm --only task=RTE --sample 4 --no-replay",
      text: "four runs of a task, without training any",
    },
  ],
}, async (parsed) => {
  const [name = defaultStudy] = parsed.positional;
  const folder = await findResults(name, parsed.text("results") ?? defaultResults);
  await askToWrite("ablate", folder, "STUDY or --results");
  const { ablated, skipped, weightless, left, stopped, replay } = await ablateStudy(folder, {
    data: parsed.text("data"),
    model: parsed.text("model"),
    device: parsed.text("device"),
    jobs: wholeNumber(parsed.text("jobs"), "jobs"),
    threads: wholeNumber(parsed.text("threads"), "threads"),
    sample: wholeNumber(parsed.text("sample"), "sample"),
    replay: !parsed.flag("no-replay"),
    only: parsed.list("only"),
  });
  const leftOut = weightless === 0 ? "" : `, ${weightless} left out for want of their weights`;
  await say(`${ablated} ablated, ${skipped} done before${leftOut}`);
  if (replay !== null) {
    await say(
      `Replay: ${replay.finished} finished, ${replay.failed} failed, ${replay.skipped} done before`,
    );
  }
  if (stopped) {
    await sayWrapped(
      replay === null
        ? `Stopped: ${left} runs are left to ablate; the same command goes on from here`
        : stoppedText(
          replay.finished + replay.failed + replay.skipped,
          replay.total,
          replay.stoppedRuns,
        ),
    );
    return stoppedExitCode;
  }
  if (!parsed.flag("no-report")) {
    await say(`Report: ${await writeReport(folder, await readStudyResults(folder))}`);
  }
  return (replay?.failed ?? 0) > 0 ? 1 : 0;
});

if (import.meta.main) await runCommand(ablate);
