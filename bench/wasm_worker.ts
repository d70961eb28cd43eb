/**
 * A worker of the WebAssembly bench: one executor with a trainer, which takes steps when it is told to.
 *
 * @module
 */
import { answerThread } from "../src/base/ask_thread.ts";
import { trainingRequest } from "../src/runs/training_request.ts";
import { nativeExecutor } from "../src/exec/native.ts";
import { wasmExecutor } from "../src/exec/wasm.ts";
import { ProgramCache } from "../src/train/programs.ts";
import { Trainer } from "../src/train/trainer.ts";
import { benchStudy, median, planned, runOf } from "./setup.ts";

/** What a worker is asked: first to start an executor, then how long a step takes, as the median of some. */
export type WasmBenchAsked =
  | { readonly kind: "start"; readonly executor: "cpu" | "wasm"; readonly threads: number }
  | { readonly kind: "steps"; readonly count: number };

const rank = 8;

async function trainerOn(name: "cpu" | "wasm", threads: number) {
  const executor = name === "cpu" ? await nativeExecutor(threads) : await wasmExecutor(threads);
  const study = await benchStudy("bench-wasm", 100_000, rank);
  const plan = await planned({
    ...study,
    base: { ...study.base, train: { ...study.base?.train, batchSize: 32, maxLength: 64 } },
    axes: { ...study.axes, tasks: ["YearsApart"] },
  });
  const programs = new ProgramCache(executor);
  const request = await trainingRequest(runOf(plan, "lora"), {
    executor,
    programs,
    inputs: plan.inputs,
  });
  return { executor, trainer: await Trainer.create(request, null) };
}

let trainer: Trainer | null = null;

answerThread(async (asked: WasmBenchAsked) => {
  if (asked.kind === "start") {
    const made = await trainerOn(asked.executor, asked.threads);
    trainer = made.trainer;
    const { name, threads } = made.executor;
    return { name, threads };
  }
  const times: number[] = [];
  for (let i = 0; i < asked.count; i++) {
    const [event] = await trainer!.next();
    if (event?.kind === "step") times.push(event.stepMillis);
  }
  return median(times);
});
