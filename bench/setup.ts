/**
 * What the benchmarks share: the quickstart's settings with other axes, and medians.
 *
 * @module
 */
import type { PlannedRun, StudyPlan } from "../src/runs/plan/planned_run.ts";
import { expand, planRuns } from "../src/runs/plan/planning.ts";
import { readStudyFile } from "../src/runs/plan/study_file.ts";
import { methods } from "../src/methods/table.ts";
import type { Study } from "../src/study/schema/study.ts";

/** One line of the table that `deno task bench` prints. */
export interface Measurement {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  readonly isMet: boolean | null;
}

/** Where the benchmarks' runs are written. */
export const benchResults = ".cache/bench";

/** The quickstart on its first task, with LoRA and ElaLoRA at one rank and `seeds` seeds (default 1). */
export async function benchStudy(
  name: string,
  steps: number,
  rank: number,
  seeds = 1,
): Promise<Study> {
  const { study } = await readStudyFile("quickstart");
  const { base = {} } = study;
  return {
    ...study,
    name,
    base: { ...base, train: { ...base.train, steps, evaluateEvery: null, evaluateEpochs: false } },
    axes: {
      tasks: study.axes.tasks.slice(0, 1),
      methods: ["lora", "elalora"],
      budgets: [rank],
      seeds: Array.from({ length: seeds }, (_, i) => i + 1),
    },
  };
}

/** A study's runs, ready to start. */
export async function planned(study: Study): Promise<StudyPlan> {
  return await planRuns(study, expand(study, methods), {
    data: null,
    model: null,
    study: "experiments",
  }, methods);
}

/**
 * The only run of a method.
 *
 * @throws {RangeError} If the plan has none.
 */
export function runOf(plan: StudyPlan, method: string): PlannedRun {
  const run = plan.runs.find(({ run }) => run.method === method);
  if (run === undefined) throw new RangeError(`The plan has no run of "${method}"`);
  return run;
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The number below which a quarter of some numbers lie. */
export function lowerQuartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 4)]!;
}
