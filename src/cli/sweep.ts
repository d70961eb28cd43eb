/**
 * `deno task sweep [STUDY]`: runs what a study asks for and has not finished yet, then reports.
 *
 * @module
 */
import { chooseExecutor } from "../exec/choose.ts";
import { methodsText } from "../report/text_table.ts";
import { readRecord } from "../record/run_folder.ts";
import { readSurroundings } from "../record/provenance.ts";
import type { RunRecord } from "../record/types.ts";
import { ProgramCache } from "../train/programs.ts";
import { execute, type ExecutionContext, type RunProgress } from "./execute.ts";
import { expand, type PlannedRun, planRuns, type StudyPlan } from "./planning.ts";
import { planText } from "./plan_text.ts";
import { defaultStudy, readStudyFile, type StudyFile } from "./study_file.ts";
import {
  defaultResults,
  readStudyResults,
  writeReport,
  writeStoredStudy,
} from "./study_results.ts";
import {
  complain,
  quietVulkan,
  readArguments,
  runCommand,
  say,
  showStatus,
  wholeNumber,
} from "./terminal.ts";

const usage = `Usage: deno task sweep [STUDY] [options]
  STUDY              a .json or .ts file, or a name in experiments/ (default ${defaultStudy})
  --data DIR         folder with GLUE tasks (DIR/RTE/train.tsv ...)
  --model DIR        Hugging Face folder for studies whose model is "folder"
  --device NAME      auto, webgpu, cpu, wasm or reference (default auto)
  --threads N        threads of the CPU executors (default: all)
  --results DIR      where results go (default ${defaultResults})
  --retry-failed     run again what failed before
  --dry-run          check and print the plan, run nothing
  --no-report        leave the report for deno task report`;

/** What a sweep is told. */
export interface SweepOptions {
  readonly data: string | null;
  readonly model: string | null;
  readonly device: string;
  readonly threads: number | null;
  readonly results: string;
  readonly retryFailed: boolean;
  readonly report: boolean;
}

/** How a sweep ended. */
export interface SweepResult {
  readonly folder: string;
  readonly finished: number;
  readonly failed: number;
  readonly skipped: number;
  /** Whether it was stopped before all runs were done. */
  readonly stopped: boolean;
  /** Share of the wall time of the runs that was spent in the executor. */
  readonly executorShare: number;
}

function clock(millis: number): string {
  const seconds = Math.round(millis / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${String(seconds % 60).padStart(2, "0")}s`;
}

/** One line about a run that has been recorded. */
function summaryOf(title: string, record: RunRecord): string {
  const { outcome, best, last, keep, primaryMetric, time, ranksMoved } = record.happened;
  if (outcome.state === "failed") return `${title}: failed (${outcome.cause}): ${outcome.message}`;
  const value = (keep === "best" ? best : last)?.metrics[primaryMetric];
  const moved = ranksMoved > 0 ? `, ${ranksMoved} ranks moved` : "";
  return `${title}: ${primaryMetric} ${value?.toFixed(3)} in ${clock(time.wallMillis)}${moved}`;
}

/** Stops a sweep at the next step when the user asks for it; a second time ends the process at once. */
function listenForStop(): { readonly isStopping: () => boolean; readonly dispose: () => void } {
  let asked = false;
  const onSignal = () => {
    if (asked) Deno.exit(130);
    asked = true;
    complain("\nStopping after this step; what is finished is kept (again to stop at once)");
  };
  Deno.addSignalListener("SIGINT", onSignal);
  Deno.addSignalListener("SIGTERM", onSignal);
  return {
    isStopping: () => asked,
    dispose: () => {
      Deno.removeSignalListener("SIGINT", onSignal);
      Deno.removeSignalListener("SIGTERM", onSignal);
    },
  };
}

/** Shows where a sweep stands, at most a few times a second. */
class Status {
  #shownAt = 0;
  #loggedAt = performance.now();
  readonly #began = performance.now();
  readonly #total: number;
  #done = 0;
  /** Runs that this sweep has executed, for the estimate. */
  #executed = 0;

  constructor(total: number) {
    this.#total = total;
  }

  skip(): void {
    this.#done++;
  }

  executed(): void {
    this.#done++;
    this.#executed++;
  }

  async show(title: string, { step, totalSteps, loss }: RunProgress): Promise<void> {
    const now = performance.now();
    if (now - this.#shownAt < 200) return;
    this.#shownAt = now;
    const part = step / totalSteps;
    const left = (now - this.#began) / (this.#executed + part) *
      (this.#total - this.#done - part);
    const line = `[${this.#done}/${this.#total} runs] ${title}: step ${step}/${totalSteps}, ` +
      `loss ${loss.toFixed(3)}, ETA ${clock(left)}`;
    await showStatus(line);
    if (!Deno.stderr.isTerminal() && now - this.#loggedAt > 10_000) {
      this.#loggedAt = now;
      await complain(line);
    }
  }

  progress(): string {
    return `[${this.#done}/${this.#total} runs]`;
  }
}

function isToRun(record: RunRecord | null, id: string, retryFailed: boolean): boolean {
  return record === null || record.id !== id ||
    (retryFailed && record.happened.outcome.state === "failed");
}

/** Runs planned runs one after the other into a results folder. */
export async function runAll(
  runs: readonly PlannedRun[],
  context: Omit<ExecutionContext, "onStep" | "isStopping" | "surroundings" | "programs">,
  retryFailed: boolean,
): Promise<Omit<SweepResult, "folder">> {
  const programs = new ProgramCache(context.executor);
  const surroundings = await readSurroundings();
  const status = new Status(runs.length);
  const stop = listenForStop();
  const counts = { finished: 0, failed: 0, skipped: 0, stopped: false };
  let runMillis = 0;
  const busyBefore = context.executor.busyMillis;
  try {
    for (const planned of runs) {
      const existing = await readRecord(`${context.results}/${planned.folder}`);
      if (!isToRun(existing, planned.id, retryFailed)) {
        counts.skipped++;
        status.skip();
        continue;
      }
      const started = performance.now();
      const result = await execute(planned, {
        ...context,
        programs,
        surroundings,
        onStep: (progress) => status.show(planned.title, progress),
        isStopping: stop.isStopping,
      });
      runMillis += performance.now() - started;
      if (result.kind === "stopped") {
        counts.stopped = true;
        break;
      }
      status.executed();
      const isFinished = result.record.happened.outcome.state === "finished";
      counts[isFinished ? "finished" : "failed"]++;
      await showStatus("");
      await say(`${status.progress()} ${summaryOf(planned.title, result.record)}`);
      if (stop.isStopping()) {
        counts.stopped = true;
        break;
      }
    }
  } finally {
    stop.dispose();
    await programs.clear();
  }
  const busy = context.executor.busyMillis - busyBefore;
  return { ...counts, executorShare: runMillis === 0 ? 1 : busy / runMillis };
}

/** Runs a study: everything is checked first, finished runs are skipped, and the report is written at the end. */
export async function sweepStudy(file: StudyFile, options: SweepOptions): Promise<SweepResult> {
  const { study } = file;
  const plan: StudyPlan = await planRuns(study, expand(study), {
    data: options.data,
    model: options.model,
    study: file.folder,
  });
  const folder = `${options.results}/${study.name}`;
  quietVulkan();
  const choice = await chooseExecutor(options.device, {
    ...(options.threads === null ? {} : { threads: options.threads }),
  });
  await writeStoredStudy(folder, {
    study,
    studyFolder: file.folder,
    data: options.data,
    model: options.model,
    device: options.device,
    runs: plan.runs.map(({ folder, id, run }) => ({ folder, id, run })),
  });
  await say(`${study.title ?? study.name}: ${plan.runs.length} runs on ${choice.description}`);
  const counts = await runAll(
    plan.runs,
    { executor: choice.executor, inputs: plan.inputs, results: folder },
    options.retryFailed,
  );
  return { folder, ...counts };
}

/** The command. */
export async function sweep(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, {
    strings: ["data", "model", "device", "threads", "results"],
    flags: ["retry-failed", "dry-run", "no-report", "help", "trace"],
  });
  if (parsed.flag("help")) {
    await say(usage);
    return 0;
  }
  const [name = defaultStudy, ...rest] = parsed.positional;
  if (rest.length > 0) {
    await complain(usage);
    return 2;
  }
  const file = await readStudyFile(name);
  const options: SweepOptions = {
    data: parsed.text("data"),
    model: parsed.text("model"),
    device: parsed.text("device") ?? "auto",
    threads: wholeNumber(parsed.text("threads"), "threads"),
    results: parsed.text("results") ?? defaultResults,
    retryFailed: parsed.flag("retry-failed"),
    report: !parsed.flag("no-report"),
  };
  if (parsed.flag("dry-run")) {
    await say(await planText(file, options));
    return 0;
  }
  const began = performance.now();
  const result = await sweepStudy(file, options);
  const { finished, failed, skipped, stopped, folder } = result;
  await say(
    `${finished} finished, ${failed} failed, ${skipped} done before, in ${
      clock(performance.now() - began)
    } (${Math.round(100 * result.executorShare)} % of the runs' time in the executor)`,
  );
  if (stopped) {
    await say("Stopped; the same command goes on from here");
    return 130;
  }
  const results = await readStudyResults(folder);
  await say(`\n${methodsText(results)}`);
  if (options.report) await say(`Report: ${await writeReport(folder)}`);
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) await runCommand(sweep);
