/**
 * The runs of a plan as a table: budgets, parameters, steps and times of each kind.
 *
 * @module
 */
import { counted } from "../base/format.ts";
import { textTable } from "../base/text_table.ts";
import type { PlannedRun } from "../runs/plan/planned_run.ts";
import { budgetKey } from "../study/budget/budget.ts";
import { cellTitle } from "../study/grid/run_id.ts";
import type { CountRange, PlannedCounts } from "../study/types.ts";
import { readRecord } from "../record/results_reader.ts";
import type { RunRecord } from "../record/types.ts";
import { rankSourceOf, stepsOf } from "../runs/plan/ranks.ts";
import { evaluationSteps } from "../study/grid/steps.ts";
import type { Inputs } from "../runs/inputs.ts";
import { readEach } from "../record/read_bounded.ts";
import { plannedCounts } from "../study/check/runs.ts";
import { meanOf } from "../stats/statistics.ts";

/** A count, the two numbers between which it will lie, or `?`. */
function rangeText(range: CountRange | null): string {
  if (range === null) return "?";
  const { least, most } = range;
  return least === most
    ? least.toLocaleString("en")
    : `${least.toLocaleString("en")}-${most.toLocaleString("en")}`;
}

/** Where runs that differ in their seeds only take their ranks from, as far as it differs from them. */
function sourceText(group: readonly PlannedRun[], all: readonly PlannedRun[]): string {
  const pairs = group.flatMap(({ run }) => {
    const source = all.find(({ id }) => id === run.ranksFrom?.run);
    return source === undefined ? [] : [{ run, source: source.run }];
  });
  const { run, source } = pairs.find(({ run, source }) => source.seed !== run.seed) ?? pairs[0]!;
  const { task, label, budget, seed } = source;
  const as = run.ranksFrom!.as;
  const isSameBudget = budget === null || run.budget === null ||
    budgetKey(budget) === budgetKey(run.budget);
  const parts = [
    ...(task === run.task ? [] : [task]),
    label,
    ...(isSameBudget ? [] : [budgetKey(budget)]),
    ...(seed === run.seed ? [] : [`seed ${seed}`]),
  ];
  return `from ${parts.join(", ")}${as === "same" ? "" : ` ${as}`}`;
}

/** The cells of initial ranks and of requested, initial, peak and final parameters. */
function budgetCells(
  { first, counts }: RunKind,
  all: readonly PlannedRun[],
): readonly string[] {
  const { plan, run } = first;
  if (plan === null || counts === null) return ["-", "-", "-", "-", "-"];
  const { initial, requested } = plan;
  const source = rankSourceOf(first);
  if (source === "run") {
    const { task, label, budget } = run;
    const group = all.filter(({ run: own }) =>
      own.task === task && own.label === label && own.budget?.value === budget?.value &&
      own.budget?.type === budget?.type
    );
    return [sourceText(group, all), "?", "?", "?", "?"];
  }
  const lowest = Math.min(...initial);
  const highest = Math.max(...initial);
  return [
    source === "estimate"
      ? "from data"
      : lowest === highest
      ? String(lowest)
      : `${lowest}-${highest}`,
    requested.toLocaleString("en"),
    ...[counts.initial, counts.peak, counts.final].map(rangeText),
  ];
}

function rangeNotes(counts: readonly (PlannedCounts | null)[]): readonly string[] {
  const all = counts.flatMap((own) => own === null ? [] : [own.initial, own.peak, own.final]);
  return [
    ...(all.some((range) => range !== null && range.least !== range.most)
      ? [
        "n-m: the count will lie between the two: the run decides which ranks it keeps, and a rank costs more in a wide module",
      ]
      : []),
    ...(all.includes(null) ? ["?: not known before the run"] : []),
  ];
}

function capNotes(kinds: readonly RunKind[]): readonly string[] {
  return kinds.some(({ first }) => first.run.settings.train.until !== undefined)
    ? [
      "≤ n: the run ends where its score on held-out examples has not risen any more, after n steps at most; times are of all n",
    ]
    : [];
}

function durationText(millis: number): string {
  if (millis < 60_000) return `${(millis / 1000).toFixed(0)} s`;
  const minutes = millis / 60_000;
  if (minutes < 120) return `${minutes.toFixed(1)} min`;
  return minutes < 48 * 60
    ? `${(minutes / 60).toFixed(1)} hours`
    : `${(minutes / 60 / 24).toFixed(1)} days`;
}

const columns = [
  "task",
  "method",
  "budget",
  "initial rank",
  "requested",
  "initial",
  "peak",
  "final",
  "steps",
  "done",
  "time each",
];

/**
 * A table with a row a kind, and below it what its marks mean.
 *
 * @param all All runs of the plan, those that are not shown too.
 * @param width Columns of the terminal, or null for no limit.
 */
export function kindsTable(
  kinds: readonly RunKind[],
  all: readonly PlannedRun[],
  width: number | null,
): string {
  const rows = kinds.map((kind) => {
    const { first: { run }, steps, seeds, done, stepMillis } = kind;
    return [
      run.task,
      run.label,
      run.budget === null ? "-" : `${run.budget.type} ${run.budget.value}`,
      ...budgetCells(kind, all),
      run.settings.train.until === undefined ? String(steps) : `≤ ${steps}`,
      `${done}/${seeds}`,
      stepMillis === null ? "unknown" : durationText(stepMillis * steps),
    ];
  });
  const notes = [...rangeNotes(kinds.map(({ counts }) => counts)), ...capNotes(kinds)];
  return textTable(columns, rows, width) + notes.map((note) => `${note}\n`).join("");
}

/** The time that the runs take that are not done, or that it is not known. */
export function timeLeftText(kinds: readonly RunKind[]): string {
  const open = kinds.filter(({ seeds, done }) => done < seeds);
  if (open.some(({ stepMillis }) => stepMillis === null)) {
    return "unknown until a run of each task has finished (times are measured, not guessed)";
  }
  const left = open.reduce(
    (sum, { seeds, done, steps, stepMillis }) => sum + (seeds - done) * steps * stepMillis!,
    0,
  );
  return `${durationText(left)}, one run at a time`;
}

/** Steps of a run from which on a plan says what they mean in time, whether or not any has been measured. */
const manySteps = 1_000_000;

/** A warning of the run with the most steps, where they are very many; nothing else. */
export function longRunText(kinds: readonly RunKind[]): readonly string[] {
  const [longest] = kinds.toSorted((a, b) => b.steps - a.steps);
  if (longest === undefined || longest.steps < manySteps) return [];
  const { first: { run }, steps, stepMillis } = longest;
  const time = durationText(steps * (stepMillis ?? 1));
  return [
    `Warning: ${cellTitle(run)} has ${steps.toLocaleString("en")} steps. ` +
    (stepMillis === null
      ? `Even at one millisecond each, a run takes ${time}.`
      : `At ${stepMillis.toFixed(1)} ms each, as measured, a run takes ${time}.`),
  ];
}

/** Evaluations that a run should have, two in each fifth of its steps: of fewer, noise decides whether it had converged. */
const leastEvaluations = 10;

/** A warning of runs that are evaluated too rarely, where there are some; nothing else. */
export function rareEvaluationText(kinds: readonly RunKind[]): readonly string[] {
  const rare = kinds.filter(({ evaluations }) =>
    evaluations !== null && evaluations < leastEvaluations
  );
  const [first, ...others] = rare.toSorted((a, b) => a.evaluations! - b.evaluations!);
  if (first === undefined) return [];
  const beside = others.length === 0 ? "" : `, and ${counted(others.length, "other kind")} of run`;
  return [
    `Warning: ${cellTitle(first.first.run)}${beside}: ${
      counted(first.evaluations!, "evaluation")
    } a run, wanted at least ${leastEvaluations} (train.evaluateEvery): of fewer, noise decides whether training had converged.`,
  ];
}

/** Runs that differ in their seeds only. */
export interface RunKind {
  readonly first: PlannedRun;
  /** Optimiser steps of each run, at most. */
  readonly steps: number;
  /** Evaluations of each run; null where its convergence is not judged by them: sequences, and runs that their plateau ends. */
  readonly evaluations: number | null;
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
interface FoundRun {
  readonly planned: PlannedRun;
  readonly record: Pick<RunRecord, "id" | "happened"> | null;
}

/** Whether a run has its record; one that was planned otherwise has another id. */
function isDone({ planned, record }: FoundRun): boolean {
  return record?.id === planned.id;
}

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
      evaluations: run.sequence !== undefined || run.settings.train.until !== undefined
        ? null
        : evaluationSteps(run.settings, inputs.examplesOf(run.task)).length,
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
