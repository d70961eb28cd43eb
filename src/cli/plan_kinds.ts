/**
 * The runs of a plan by kind, with what earlier runs let one expect of their time.
 *
 * @module
 */
import { readRecord } from "../record/read_study.ts";
import type { RunRecord } from "../record/types.ts";
import { stepsOf } from "../runs/plan/asked_ranks.ts";
import type { Inputs } from "../runs/inputs.ts";
import type { PlannedRun } from "../runs/plan/planning.ts";
import { readEach } from "../record/read_bounded.ts";
import type { PlannedCounts } from "../study/types.ts";
import { plannedCounts } from "../study/check/runs.ts";
import { meanOf } from "../stats/mean.ts";

/** Runs that differ in their seeds only. */
export interface RunKind {
  readonly first: PlannedRun;
  /** Optimiser steps of each run, at most. */
  readonly steps: number;
  readonly seeds: number;
  /** Runs that have their records. */
  readonly done: number;
  /** Adapter parameters of each run; null for a method without ranks. */
  readonly counts: PlannedCounts | null;
  /**
   * Wall time of a step in milliseconds: the mean of finished runs of this kind, else of those on the same task; null without any.
   */
  readonly stepMillis: number | null;
}

/** A planned run, and what is recorded of it; null where nothing is. */
export interface FoundRun {
  readonly planned: PlannedRun;
  readonly record: Pick<RunRecord, "id" | "happened"> | null;
}

/** Whether a run has its record; one that was planned otherwise has another id. */
function isDone({ planned, record }: FoundRun): boolean {
  return record?.id === planned.id;
}

/** The mean wall time of a step over runs that are done; null where none took a step. */
function meanStepMillis(found: readonly FoundRun[]): number | null {
  const millis = found.filter(isDone).flatMap(({ record }) => {
    const { steps, time } = record!.happened;
    return steps === 0 ? [] : [time.wallMillis / steps];
  });
  return millis.length === 0 ? null : meanOf(millis);
}

/** The kinds of some runs, in the order of their first runs. */
export function kindsOf(
  found: readonly FoundRun[],
  inputs: Pick<Inputs, "examplesOf" | "modulesOf">,
): readonly RunKind[] {
  const byTask = Map.groupBy(found, ({ planned: { run } }) => run.task);
  const byKind = Map.groupBy(
    found,
    ({ planned: { run: { task, label, budget } } }) => JSON.stringify([task, label, budget]),
  );
  const tables = {
    examplesOf: (task: string) => inputs.examplesOf(task),
    modulesOf: (model: string) => inputs.modulesOf(model),
  };
  return [...byKind.values()].map((own): RunKind => {
    const first = own[0]!.planned;
    const { method, run, plan } = first;
    return {
      first,
      steps: stepsOf(run, inputs),
      seeds: own.length,
      done: own.filter(isDone).length,
      counts: plannedCounts(method, run, plan, tables),
      stepMillis: meanStepMillis(own) ?? meanStepMillis(byTask.get(run.task)!),
    };
  });
}

/** Planned runs with what is recorded of them in the study's results folder. */
export async function foundRuns(
  runs: readonly PlannedRun[],
  results: string,
): Promise<readonly FoundRun[]> {
  return await readEach(runs, async (planned) => ({
    planned,
    record: await readRecord(`${results}/${planned.folder}`),
  }));
}
