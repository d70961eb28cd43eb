/**
 * An ElaLoRA step against a LoRA step of equal rank, side by side in one process on the native executor.
 *
 * Both trainers see the same batches. They take turns in blocks of steps, and who goes first alternates, so that whatever
 * else the machine does falls on both; the ratio is that of the lower quartiles over the blocks.
 *
 * @module
 */
import { trainingRequest } from "../src/runs/training_request.ts";
import type { Executor } from "../src/exec/executor.ts";
import { nativeExecutor } from "../src/exec/native.ts";
import { ProgramCache } from "../src/train/programs.ts";
import { Trainer } from "../src/train/trainer.ts";
import { benchStudy, lowerQuartile, type Measurement, median, planned, runOf } from "./setup.ts";

const rank = 8;
const burnIn = 10;
const blocks = 16;
const blockBurnIn = 3;
/** Steps of a block that count; a multiple of the steps between rank events. */
const blockSteps = 10;

/** Two sizes of work: a usual fine-tuning batch, for which the goal is set, and the quickstart's small ones. */
const shapes = [
  {
    batch: "32 x 64 tokens",
    task: "YearsApart",
    batchSize: 32,
    maxLength: 64,
    goal: 1.05,
  },
  {
    batch: "the quickstart's",
    task: "Topic",
    batchSize: 16,
    maxLength: 48,
    goal: null,
  },
] as const;

/** Milliseconds of one training step, and of the step with the rank event after it. */
interface StepTime {
  readonly step: number;
  readonly whole: number;
}

const unmeasured: StepTime = { step: NaN, whole: NaN };

async function timeOf(trainer: Trainer): Promise<StepTime> {
  const started = performance.now();
  const [first] = await trainer.next();
  const whole = performance.now() - started;
  return { step: first?.kind === "step" ? first.stepMillis : NaN, whole };
}

/** A block of steps: the median time of a step, and the mean with rank events; the first steps of the block do not count. */
async function blockOf(trainer: Trainer): Promise<StepTime> {
  for (let i = 0; i < blockBurnIn; i++) await timeOf(trainer);
  const times: StepTime[] = [];
  for (let i = 0; i < blockSteps; i++) times.push(await timeOf(trainer));
  return {
    step: median(times.map(({ step }) => step)),
    whole: times.reduce((sum, { whole }) => sum + whole, 0) / times.length,
  };
}

/** Measures steps of every shape; the goal of the ratio is 1.05. */
export async function stepBench(): Promise<readonly Measurement[]> {
  const executor = await nativeExecutor();
  const measurements: Measurement[] = [];
  for (const shape of shapes) measurements.push(...await benchShape(executor, shape));
  return measurements;
}

async function benchShape(
  executor: Executor,
  { batch, task, batchSize, maxLength, goal }: (typeof shapes)[number],
): Promise<readonly Measurement[]> {
  // One step more than is taken, so that the evaluation at the end never comes.
  const study = await benchStudy(
    "bench-steps",
    burnIn + blocks * (blockBurnIn + blockSteps) + 1,
    rank,
  );
  const plan = await planned({
    ...study,
    base: { ...study.base, train: { ...study.base?.train, batchSize, maxLength } },
    axes: { ...study.axes, tasks: [task] },
  });
  const programs = new ProgramCache(executor, 4);
  const trainerOf = async (method: string) =>
    await Trainer.create(
      await trainingRequest(runOf(plan, method), { executor, programs, inputs: plan.inputs }),
      null,
    );
  const lora = await trainerOf("lora");
  const elalora = await trainerOf("elalora");
  // In blocks, since the threads of the runtime that ran last go on spinning for a while and would slow the other.
  const times: { readonly lora: StepTime; readonly elalora: StepTime }[] = [];
  for (let i = 0; i < burnIn; i++) for (const trainer of [lora, elalora]) await timeOf(trainer);
  for (let block = 0; block < blocks; block++) {
    const pair = { lora: unmeasured, elalora: unmeasured };
    const order = block % 2 === 0 ? ["lora", "elalora"] as const : ["elalora", "lora"] as const;
    for (const name of order) pair[name] = await blockOf(name === "lora" ? lora : elalora);
    times.push(pair);
  }
  lora.dispose();
  elalora.dispose();
  await programs.clear();
  // Other work on the machine only adds time, so the quicker blocks tell most about the code.
  const quick = (of: "lora" | "elalora") => lowerQuartile(times.map((pair) => pair[of].step));
  const ratio = quick("elalora") / quick("lora");
  const total = (of: "lora" | "elalora") => times.reduce((sum, pair) => sum + pair[of].whole, 0);
  const withEvents = total("elalora") / total("lora");
  return [
    {
      what: `ElaLoRA step over LoRA step, rank ${rank}, batches of ${batch}`,
      goal: goal === null ? "-" : `at most ${goal}`,
      measured: `${ratio.toFixed(3)} (${quick("elalora").toFixed(1)} ms, ${
        quick("lora").toFixed(1)
      } ms)`,
      isMet: goal === null ? null : ratio <= goal,
    },
    {
      what: "the same over the whole run, rank events included",
      goal: "-",
      measured: withEvents.toFixed(3),
      isMet: null,
    },
  ];
}
