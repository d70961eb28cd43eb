/**
 * A worker of the WebAssembly bench: one executor with a trainer, which takes steps when it is told to.
 *
 * @module
 */
import { trainingRequest } from "../src/runs/training_request.ts";
import { nativeExecutor } from "../src/exec/native.ts";
import { wasmExecutor } from "../src/exec/wasm.ts";
import { ProgramCache } from "../src/train/programs.ts";
import { Trainer } from "../src/train/trainer.ts";
import { benchStudy, median, planned, runOf } from "./setup.ts";

/** What a worker receives: first which executor it is, then how many steps to take. */
export type WasmBenchRequest =
  | { readonly kind: "start"; readonly executor: "cpu" | "wasm"; readonly threads: number }
  | { readonly kind: "steps"; readonly count: number };

/** What it answers: the executor's name and threads, then the median step. */
export type WasmBenchReply =
  | { readonly kind: "started"; readonly name: string; readonly threads: number }
  | { readonly kind: "steps"; readonly stepMillis: number };

/** The part of a worker's global scope that is used. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<WasmBenchRequest>) => Promise<void>) | null;
  postMessage(reply: WasmBenchReply): void;
}

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

if ("WorkerGlobalScope" in globalThis) {
  const scope = self as unknown as WorkerScope;
  let trainer: Trainer | null = null;
  scope.onmessage = async ({ data }) => {
    if (data.kind === "start") {
      const made = await trainerOn(data.executor, data.threads);
      trainer = made.trainer;
      const { name, threads } = made.executor;
      scope.postMessage({ kind: "started", name, threads });
      return;
    }
    const times: number[] = [];
    for (let i = 0; i < data.count; i++) {
      const [event] = await trainer!.next();
      if (event?.kind === "step") times.push(event.stepMillis);
    }
    scope.postMessage({ kind: "steps", stepMillis: median(times) });
  };
}
