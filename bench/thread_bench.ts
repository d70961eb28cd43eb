/**
 * A step whose runtime is in another thread, as where a study brings code, against one in the same thread.
 *
 * @module
 */
import { nativeExecutor } from "../src/exec/native.ts";
import { remoteExecutor } from "../src/exec/remote.ts";
import { trainingRequest } from "../src/runs/training_request.ts";
import { launchComputing } from "../src/runs/pool/threads.ts";
import { ProgramCache } from "../src/train/programs.ts";
import { Trainer } from "../src/train/trainer.ts";
import { takeTurns } from "./pairs.ts";
import { benchStudy, lowerQuartile, type Measurement, median, planned, runOf } from "./setup.ts";

const turns = 6;
const turnSteps = 6;

/** Batches of a usual fine-tuning, and the quickstart's small ones. */
const shapes = [{ task: "YearsApart", batchSize: 32, maxLength: 64 }, {
  task: "Topic",
  batchSize: 16,
  maxLength: 48,
}] as const;

/** Measures LoRA steps; their losses must be equal to the bit. */
export async function threadBench(): Promise<readonly Measurement[]> {
  const threads = navigator.hardwareConcurrency;
  const computing = launchComputing();
  const { port1, port2 } = new MessageChannel();
  computing.postMessage({ port: port2 }, [port2]);
  const executors = [await remoteExecutor(port1, threads), await nativeExecutor(threads)];
  const measurements: Measurement[] = [];
  for (const { task, batchSize, maxLength } of shapes) {
    const study = await benchStudy("bench-thread", (turns + 1) * turnSteps + 1, 8);
    const train = { ...study.base?.train, batchSize, maxLength };
    const axes = { ...study.axes, tasks: [task] };
    const plan = await planned({ ...study, base: { ...study.base, train }, axes });
    const [ours, other] = await Promise.all(executors.map(async (executor) => {
      const context = { executor, programs: new ProgramCache(executor), inputs: plan.inputs };
      const request = await trainingRequest(runOf(plan, "lora"), context);
      const trainer = await Trainer.create(request, null);
      const losses: number[] = [];
      const turn = async () => {
        const times: number[] = [];
        for (let step = 0; step < turnSteps; step++) {
          const started = performance.now();
          for (const event of await trainer.next()) {
            if (event.kind === "step") losses.push(event.loss);
          }
          times.push(performance.now() - started);
        }
        return median(times);
      };
      await turn();
      return { turn, losses };
    }));
    const times = await takeTurns({ ours: ours!.turn, other: other!.turn }, turns);
    const [far, near] = [lowerQuartile(times.ours), lowerQuartile(times.other)];
    const isEqual = ours!.losses.every((loss, i) => loss === other!.losses[i]);
    measurements.push({
      what: `LoRA step with the runtime in another thread, ${batchSize} x ${maxLength} tokens`,
      goal: "equal losses",
      measured: `${(far / near).toFixed(3)} (${far.toFixed(2)} ms, ${near.toFixed(2)} ms)`,
      isMet: isEqual && ours!.losses.length > 0,
    });
  }
  computing.terminate();
  return measurements;
}
