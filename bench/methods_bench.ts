/**
 * A step of every method that has ranks against a LoRA step of equal peak rank, side by side in one process on the native
 * executor: the embedded encoder, batches of 32 texts of 64 tokens. Rank events, merges and rounds of scoring do not count.
 *
 * Methods that adapt other modules than LoRA's are held against LoRA with as many trained numbers.
 *
 * @module
 */
import { trainingRequest } from "../src/runs/training_request.ts";
import { nativeExecutor } from "../src/exec/native.ts";
import { methods } from "../src/methods/table.ts";
import type { StudyMethod } from "../src/study/schema/study.ts";
import type { StudyBudget } from "../src/study/budget/budget.ts";
import { ProgramCache } from "../src/train/programs.ts";
import { Trainer } from "../src/train/trainer.ts";
import { benchStudy, lowerQuartile, type Measurement, median, planned, runOf } from "./setup.ts";

const rank = 8;
const blocks = 10;
const blockBurnIn = 3;
const blockSteps = 10;
const goal = 1.1;

/** Options that a run of the bench's length needs. */
const options: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // Rounds of scoring take far longer than the steps that are measured.
  alora: { K1: 1000, N_A: 0 },
};

async function planOf(method: StudyMethod, budget: StudyBudget) {
  const study = await benchStudy("bench-methods", blocks * (blockBurnIn + blockSteps) + 1, rank);
  const { base, axes } = study;
  return await planned({
    ...study,
    base: { ...base, train: { ...base?.train, batchSize: 32, maxLength: 64 } },
    deltas: [],
    axes: { ...axes, tasks: ["YearsApart"], methods: [method], budgets: [budget] },
  });
}

/** Times of single steps, without what may follow them. */
async function blockOf(trainer: Trainer): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < blockBurnIn + blockSteps; i++) {
    const step = (await trainer.next()).find((event) => event.kind === "step");
    if (step !== undefined && i >= blockBurnIn) times.push(step.stepMillis);
  }
  return median(times);
}

/** Measures every method; one that cannot train on a plain task is left out. */
export async function methodsBench(
  onMeasured: (measurements: readonly Measurement[]) => Promise<void>,
): Promise<readonly Measurement[]> {
  const executor = await nativeExecutor();
  const found: Measurement[] = [];
  for (const { name, title, usesBudget, moduleParts, parseOptions } of methods) {
    if (!usesBudget || name === "lora" || name === "sdlora") continue;
    const uniform = await planOf("lora", rank);
    const { plan: loraPlan } = runOf(uniform, "lora");
    const isOnOthers = moduleParts(parseOptions(options[name] ?? {})) !== null;
    const budget = isOnOthers ? { parameters: loraPlan!.finalParameters } : rank;
    const own = await planOf({ method: name, options: options[name] ?? {} }, budget);
    const { plan, modules } = runOf(own, name);
    const peak = plan!.initial.reduce((sum, value) => sum + value, 0) / modules.length;
    const lora = isOnOthers ? uniform : await planOf("lora", peak);
    const programs = new ProgramCache(executor, 4);
    const trainerOf = async (from: typeof own, which: string) => {
      const shared = { executor, programs, inputs: from.inputs };
      return await Trainer.create(await trainingRequest(runOf(from, which), shared), null);
    };
    const sides = { own: await trainerOf(own, name), lora: await trainerOf(lora, "lora") };
    const times = { own: [] as number[], lora: [] as number[] };
    for (let block = 0; block < blocks; block++) {
      for (const side of block % 2 === 0 ? ["own", "lora"] as const : ["lora", "own"] as const) {
        times[side].push(await blockOf(sides[side]));
      }
    }
    for (const trainer of Object.values(sides)) trainer.dispose();
    await programs.clear();
    const [ours, theirs] = [lowerQuartile(times.own), lowerQuartile(times.lora)];
    const against = isOnOthers ? "as many numbers" : `rank ${peak}`;
    const measurement = {
      what: `${title} step over LoRA step of ${against}`,
      goal: `at most ${goal.toFixed(2)}`,
      measured: `${(ours / theirs).toFixed(3)} (${ours.toFixed(1)} ms, ${theirs.toFixed(1)} ms)`,
      isMet: ours / theirs <= goal,
    };
    found.push(measurement);
    await onMeasured([measurement]);
  }
  return found;
}
