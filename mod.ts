/**
 * ranklab: studies of low-rank adaptation (LoRA, AdaLoRA, ElaLoRA and their relatives) that train on whatever runtime is there.
 *
 * What people call daily is here; each room of `src/` has an entry of its own for the rest:
 *
 * - `@ranklab/ranklab/study`: studies as data, the grid, budgets to ranks, run ids
 * - `@ranklab/ranklab/tasks`: tasks, readers, tokenizers, batches, metrics
 * - `@ranklab/ranklab/graph`: ONNX operators, gradients, the interpreter, programs
 * - `@ranklab/ranklab/models`: encoders and their weights
 * - `@ranklab/ranklab/methods`: adapters and rank policies
 * - `@ranklab/ranklab/exec`: executors
 * - `@ranklab/ranklab/train`: the training loop; it reaches neither files nor charts
 * - `@ranklab/ranklab/record`: records of runs
 * - `@ranklab/ranklab/analysis`: scores, pairs, claims, verdicts and convergence of a study
 * - `@ranklab/ranklab/report`: tables, charts and the page
 * - `@ranklab/ranklab/runs`: training, sweeping, ablating and verifying without a terminal
 * - `@ranklab/ranklab/web`: training in a browser tab
 *
 * @example One method trained on one task, and asked
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { train } from "./mod.ts";
 *
 * const steps: number[] = [];
 * const settings = { steps: 3, batchSize: 8, learningRate: 1e-2, devLimit: 32 };
 * for await (const event of train({ method: "lora", task: "Topic", budget: 2, train: settings })) {
 *   if (event.kind === "step") steps.push(event.step);
 *   if (event.kind !== "done") continue;
 *   const [prediction] = await event.model.predict(["a bird that swims"]);
 *   assertEquals(event.model.peftFiles().has("adapter_model.safetensors"), true);
 *   assertEquals(prediction!.probabilities.length, 8);
 *   await event.model.dispose();
 * }
 * assertEquals(steps, [1, 2, 3]);
 * ```
 *
 * @example A study as a value, swept into a folder, read as records and as a table
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defineStudy, readStudyResults, runTable, sweepStudy } from "./mod.ts";
 *
 * const study = defineStudy({
 *   name: "small",
 *   base: { train: { steps: 2, batchSize: 8, devLimit: 32 } },
 *   axes: { tasks: ["Topic"], methods: ["head", "lora"], budgets: [2], seeds: [1] },
 * });
 * const results = await Deno.makeTempDir();
 * const titles: string[] = [];
 * const { folder, finished } = await sweepStudy(study, { results, jobs: 1 }, {
 *   onEvent: (event) => {
 *     if (event.kind === "recorded") titles.push(event.title);
 *   },
 * });
 * const read = await readStudyResults(folder);
 * assertEquals([finished, titles.length, read.runs.length], [2, 2, 2]);
 * assertEquals(runTable(read).numRows(), 2);
 * await Deno.remove(results, { recursive: true });
 * ```
 *
 * @module
 */

// Studies.
export {
  type Axes,
  type Delta,
  type ExtendingStudy,
  type Study,
  type StudyMethod,
} from "./src/study/schema/study.ts";
export { defineStudy, parseStudy } from "./src/study/schema/parse.ts";
export type { StudyBudget } from "./src/study/budget/budget.ts";
export { StudyError } from "./src/study/check/problems.ts";
export { InputError, type InputProblem } from "./src/base/input_error.ts";
export { UsageError } from "./src/base/input_error.ts";

// What a study does.
export * from "./src/runs/mod.ts";

// Methods of one's own.
export { defineMethod, type Method, type MethodDefinition } from "./src/methods/method.ts";
export { findMethod, methods, type MethodTable, methodTable } from "./src/methods/table.ts";

// Metrics of one's own.
export { defineMetric, type MetricDefinition } from "./src/tasks/own_metrics.ts";
export type { Metric } from "./src/tasks/types.ts";

// Devices.
export type { Choice } from "./src/exec/choice.ts";
export { chooseExecutor, type ChooseOptions } from "./src/exec/choose.ts";
export type { Executor } from "./src/exec/executor.ts";
export { type Checkpoint, DivergenceError } from "./src/train/run_types.ts";

// Results.
export { analyse, type Analysis } from "./src/analysis/analysis.ts";
export type {
  ForeignClaims,
  ForeignOptions,
  ForeignScore,
} from "./src/analysis/foreign/foreign_score.ts";
export type { RunRecord } from "./src/record/types.ts";
export { buildReport, type ReportOptions, tablesOf } from "./src/report/build.ts";
export { runTable } from "./src/analysis/run_rows.ts";
export type { StudyResults } from "./src/analysis/results.ts";
export type { ReportTable } from "./src/report/table.ts";
