/**
 * What the harness costs: time from command to first training step, and the executor's share of a sweep.
 *
 * @module
 */
import { execute } from "../src/runs/execute.ts";
import { trainingRequest } from "../src/runs/training_request.ts";
import { sweepStudy } from "../src/runs/sweep.ts";
import { chooseExecutor } from "../src/exec/choose.ts";
import { methods } from "../src/methods/table.ts";
import { readEnvironment } from "../src/record/provenance.ts";
import { ProgramCache } from "../src/train/programs.ts";
import { benchResults, benchStudy, type Measurement, median, planned, runOf } from "./setup.ts";

/** Removes what an earlier benchmark left, so that nothing is skipped. */
async function clear(name: string): Promise<void> {
  try {
    await Deno.remove(`${benchResults}/${name}`, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Time from the start of this process to the end of its first training step; must be called before anything else.
 *
 * The steps on the way are those of a sweep: the study is planned, the device chosen, the programs built and loaded.
 */
export async function firstStepBench(): Promise<Measurement> {
  const name = "bench-first-step";
  await clear(name);
  const plan = await planned(await benchStudy(name, 100, 4));
  const { executor } = await chooseExecutor("auto");
  const programs = new ProgramCache(executor);
  let seconds = NaN;
  const result = await execute(runOf(plan, "elalora"), {
    executor,
    programs,
    inputs: plan.inputs,
    environment: await readEnvironment(),
    results: `${benchResults}/${name}`,
    jobs: 1,
    // performance.now() counts from the start of the process.
    onStep: () => {
      seconds = performance.now() / 1000;
      return Promise.resolve();
    },
    isStopping: () => true,
  });
  await programs.clear();
  if (result.kind === "recorded" && result.record.happened.outcome.state === "failed") {
    throw new Error(`The first step failed: ${result.record.happened.outcome.message}`);
  }
  return {
    what: "command to first training step",
    goal: "at most 5 s",
    measured: `${seconds.toFixed(2)} s`,
    isMet: seconds <= 5,
  };
}

/** Methods of the quickstart, each a cell of it. */
const cellMethods = ["head", "lora", "adalora", "elalora"] as const;

/** Times that the programs of a cell are made; the median counts, and the first is shown beside it. */
const cellRounds = 7;

/** Seconds until the programs of a cell of the quickstart are built, optimised, encoded and opened. */
export async function cellProgramsBench(): Promise<readonly Measurement[]> {
  const study = await benchStudy("bench-programs", 100, 4);
  const plan = await planned({ ...study, axes: { ...study.axes, methods: cellMethods } });
  const { executor } = await chooseExecutor("cpu");
  const measurements: Measurement[] = [];
  for (const method of cellMethods) {
    const times: number[] = [];
    for (let round = 0; round < cellRounds; round++) {
      const programs = new ProgramCache(executor);
      const request = await trainingRequest(runOf(plan, method), {
        executor,
        programs,
        inputs: plan.inputs,
      });
      const began = performance.now();
      await programs.load(request.programKey, request.assembly);
      times.push((performance.now() - began) / 1000);
      await programs.clear();
    }
    const middle = median(times);
    measurements.push({
      what: `programs of a cell, ${method}`,
      goal: "at most 0.1 s",
      measured: `${middle.toFixed(3)} s (first ${times[0]!.toFixed(3)} s)`,
      isMet: middle <= 0.1,
    });
  }
  return measurements;
}

/** Share of a small sweep's wall time that is spent in the executor. */
export async function executorShareBench(): Promise<Measurement> {
  const name = "bench-sweep";
  await clear(name);
  const study = await benchStudy(name, 100, 4, 3);
  const { executorShare, finished } = await sweepStudy(
    { study, folder: "experiments", methods },
    {
      data: null,
      model: null,
      device: "cpu",
      jobs: 1,
      threads: null,
      results: benchResults,
      retryFailed: false,
    },
  );
  if (finished !== 6) throw new Error(`The sweep finished ${finished} runs, want 6`);
  return {
    what: "share of a sweep's time in the executor",
    goal: "at least 95 %",
    measured: `${(100 * executorShare).toFixed(1)} %`,
    isMet: executorShare >= 0.95,
  };
}
