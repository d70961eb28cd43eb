/**
 * How a sweep fares with many runs: `deno run -P=bench bench/scale_bench.ts [jobs] [resume] [report]`, all three by default.
 *
 * `jobs` times the same small sweeps with one run at a time on all cores and with one run a core, `resume` a sweep over
 * ten thousand finished runs, `report` reading them and building their report.
 *
 * @module
 */
import { readStudyResults } from "../src/runs/study_results.ts";
import { sweepStudy } from "../src/runs/sweep.ts";
import { readStudyFile } from "../src/runs/plan/study_file.ts";
import { say } from "../src/cli/terminal.ts";
import { textTable } from "../src/base/text_table.ts";
import { methods } from "../src/methods/table.ts";
import { buildReport } from "../src/report/build.ts";
import type { Study } from "../src/study/schema/study.ts";
import { largeStudyFile, largeStudyName, writeFinishedStudy } from "./finished_study.ts";
import { AskedThread } from "../src/base/ask_thread.ts";
import type { ResumeResult } from "./resume_worker.ts";
import { benchResults, benchStudy, median } from "./setup.ts";

const cores = navigator.hardwareConcurrency;

/** Times that each way of sharing the cores gets its turn. */
const rounds = 3;

const seconds = (millis: number) => `${(millis / 1000).toFixed(2)} s`;

async function removeResults(name: string): Promise<void> {
  try {
    await Deno.remove(`${benchResults}/${name}`, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function timed<T>(
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly millis: number }> {
  const began = performance.now();
  const value = await work();
  return { value, millis: performance.now() - began };
}

/** Milliseconds of a whole sweep on the native CPU, workers and programs included. */
async function sweepMillis(study: Study, jobs: number): Promise<number> {
  await removeResults(study.name);
  const { value, millis } = await timed(() =>
    sweepStudy({ study, folder: "experiments", methods }, {
      data: null,
      model: null,
      device: "cpu",
      jobs,
      threads: Math.max(1, Math.floor(cores / jobs)),
      results: benchResults,
      retryFailed: false,
    })
  );
  if (value.failed > 0 || value.stopped) {
    throw new Error(`A sweep with ${jobs} jobs did not finish`);
  }
  return millis;
}

/** A sweep of the quickstart's second task, whose texts are long, with larger batches and few steps. */
async function longTexts(): Promise<Study> {
  const study = await benchStudy("bench-jobs-long", 20, 4, 4);
  const { study: { axes: { tasks } } } = await readStudyFile("quickstart");
  const train = { ...study.base?.train, batchSize: 32, maxLength: 128 };
  return { ...study, base: { ...study.base, train }, axes: { ...study.axes, tasks: [tasks[1]!] } };
}

async function jobsBench(): Promise<void> {
  const studies = [
    { shape: "the quickstart's", study: await benchStudy("bench-jobs", 100, 4, 4) },
    { shape: "32 x 128 tokens", study: await longTexts() },
  ];
  const rows: string[][] = [];
  for (const { shape, study } of studies) {
    const one: number[] = [];
    const each: number[] = [];
    for (let round = 0; round < rounds; round++) {
      one.push(await sweepMillis(study, 1));
      each.push(await sweepMillis(study, cores));
    }
    const ratio = median(one.map((millis, i) => millis / each[i]!));
    rows.push([shape, seconds(median(one)), seconds(median(each)), ratio.toFixed(2)]);
  }
  await say(
    `\n${
      textTable([
        "sweep of 8 runs, batches",
        `1 job x ${cores} threads`,
        `${cores} jobs x 1 thread`,
        "ratio (above 1: jobs are faster)",
      ], rows).trimEnd()
    }`,
  );
}

/** Time of a sweep in a worker that starts cold, from its creation on: modules are loaded, as in a process. */
async function sweepInWorker(): Promise<ResumeResult & { readonly millis: number }> {
  const { value, millis } = await timed(async () => {
    const worker = new Worker(new URL("./resume_worker.ts", import.meta.url), { type: "module" });
    const thread = new AskedThread(worker, "that sweeps");
    try {
      return await thread.ask<ResumeResult>("sweep");
    } finally {
      thread.close();
    }
  });
  return { ...value, millis };
}

async function resumeBench(): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const { skipped, finished, millis } = await sweepInWorker();
    if (finished > 0) throw new Error(`The sweep made ${finished} runs, want all done before`);
    await say(
      `Sweep over ${skipped} finished runs: nothing to do after ${
        seconds(millis)
      } (goal: at most 2 s)`,
    );
  }
}

async function reportBench(): Promise<void> {
  const read = await timed(() => readStudyResults(`${benchResults}/${largeStudyName}`));
  const built = await timed(() => buildReport(read.value));
  await say(
    `Report of ${read.value.runs.length} runs: ${
      seconds(read.millis + built.millis)
    } (goal: at most 10 s), ` +
      `of which reading took ${seconds(read.millis)}`,
  );
}
const asked = Deno.args.length === 0 ? ["jobs", "resume", "report"] : Deno.args;
if (asked.includes("jobs")) await jobsBench();
if (asked.includes("resume") || asked.includes("report")) {
  await removeResults(largeStudyName);
  await writeFinishedStudy(await largeStudyFile(), benchResults, {
    steps: 100,
    events: 8,
    examples: 60,
  });
}
if (asked.includes("resume")) await resumeBench();
if (asked.includes("report")) await reportBench();
Deno.exit(0);
