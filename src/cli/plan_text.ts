/**
 * A study's plan as text: runs, budgets, parameters, and the time that earlier runs let one expect.
 *
 * @module
 */
import type { Fetching } from "../fetch/model_files.ts";
import { readRecord } from "../record/read_study.ts";
import { tuningLines, tuningPlan } from "./plan_tuning.ts";
import { plannedClaims, plannedClaimsText } from "../report/claims/planned_claims.ts";
import { namesIn } from "../record/durable.ts";
import { withOverrides } from "../study/overrides.ts";
import { budgetKey } from "../study/run_id.ts";
import type { CountRange, PlannedCounts } from "../study/types.ts";
import { plannedCounts } from "../study/validate.ts";
import { stepsOf } from "../runs/asked_ranks.ts";
import { readSelection } from "../runs/selection.ts";
import { filesAtOnce, mapConcurrently } from "../runs/side_by_side.ts";
import { textTable } from "../base/text_table.ts";
import { addedRunsIn, gridWith, withoutChanged } from "../runs/added_runs.ts";
import { expand, type PlannedRun, planRuns, withPresentFolders } from "../runs/planning.ts";
import type { StudyFile } from "../runs/study_file.ts";
import { studyWarnings } from "../runs/study_warnings.ts";
import { type PowerAsked, powerShown } from "./power_shown.ts";
import { warningText } from "./terminal_watch.ts";

/** What the plan depends on besides the study. */
export interface PlanOptions {
  readonly data: string | null;
  readonly model: string | null;
  readonly results: string;
  /** The part of the study that is shown, as {@linkcode readSelection} takes it. Default: all of it. */
  readonly only?: readonly string[];
  /** Settings of all runs, as {@linkcode withOverrides} takes them. Default: none. */
  readonly set?: readonly string[];
  /** Runs of the study at most. Default 10,000. */
  readonly mostRuns?: number;
  /** Columns of the terminal, or null for no limit. Default null. */
  readonly width?: number | null;
  /** Whether the power of its claims is computed, and from which results besides those that are looked for. Default: it is not. */
  readonly power?: PowerAsked | null;
  /** Whether each kind of run is a line of JSON in place of a table's row. Default false. */
  readonly json?: boolean;
}

interface Group {
  readonly first: PlannedRun;
  readonly steps: number;
  seeds: number;
  done: number;
  /** Wall time of runs of this kind that are finished, in milliseconds. */
  readonly millis: number[];
}

/** A count, the two numbers between which it will lie, or `?`. */
export function rangeText(range: CountRange | null): string {
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

function budgetText(
  planned: PlannedRun,
  counts: PlannedCounts | null,
  all: readonly PlannedRun[],
): readonly string[] {
  const { plan, run, method } = planned;
  if (plan === null || counts === null) return ["-", "-", "-", "-", "-"];
  const { initial, requested } = plan;
  if (run.ranksFrom !== undefined) {
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
    method.bind(run.options).estimate !== undefined && run.ranks === null
      ? "from data"
      : lowest === highest
      ? String(lowest)
      : `${lowest}-${highest}`,
    requested.toLocaleString("en"),
    ...[counts.initial, counts.peak, counts.final].map(rangeText),
  ];
}

/** What ranges and unknown counts in the table mean, as far as there are any. */
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

/** What steps at most mean, where a run may end before. */
function capNotes(kinds: readonly Group[]): readonly string[] {
  return kinds.some(({ first }) => first.run.settings.train.until !== undefined)
    ? [
      "≤ n: the run ends where its score on held-out examples has not risen any more, after n steps at most; times are of all n",
    ]
    : [];
}

/** A kind of run as a line of JSON: runs that differ in their seeds only. */
function planLine(
  { first: { run, plan }, steps, seeds, done }: Group,
  counts: PlannedCounts | null,
  stepMillis: number | null,
): string {
  return JSON.stringify({
    kind: "planned",
    task: run.task,
    label: run.label,
    ...(run.arm === undefined ? {} : { arm: run.arm, varied: run.varied }),
    method: run.method,
    budget: run.budget,
    initialRanks: plan?.initial ?? null,
    requested: plan?.requested ?? null,
    parameters: counts,
    steps,
    ...(run.settings.train.until === undefined ? {} : { until: run.settings.train.until }),
    runs: seeds,
    done,
    millisEach: stepMillis === null ? null : stepMillis * steps,
  });
}

function minutes(millis: number): string {
  return millis < 60_000
    ? `${(millis / 1000).toFixed(0)} s`
    : `${(millis / 60_000).toFixed(1)} min`;
}

/**
 * The plan of a study as a table; everything is checked on the way.
 *
 * Times come from finished runs of the same kind, or of another kind on the same task; without any the plan says so.
 *
 * @param fetching How encoders of the hub are fetched. Default: by this process's environment and network.
 *
 * @throws {StudyError} With every problem that would stop the study.
 */
export async function planText(
  file: Pick<StudyFile, "study" | "folder" | "methods">,
  options: PlanOptions,
  fetching?: Fetching,
): Promise<string> {
  const { methods } = file;
  const study = withOverrides(file.study, options.set ?? [], methods);
  const folders = { ...options, study: file.folder };
  const all = expand(study, methods, options.mostRuns);
  const tuning = tuningPlan({ study, methods }, options.mostRuns);
  const results = `${options.results}/${study.name}`;
  const added = await addedRunsIn(results);
  const grid = gridWith(study, all, added.seeds, added.ids, methods);
  const isChosen = readSelection(options.only ?? [], grid);
  const plan = withoutChanged(
    await planRuns(study, grid, folders, methods, fetching),
    all,
    added,
  );
  const { inputs } = plan;
  const runs = withPresentFolders(plan.runs, await namesIn(results))
    .filter(({ run }) => isChosen(run));
  const records = await mapConcurrently(
    runs,
    filesAtOnce,
    ({ folder }) => readRecord(`${results}/${folder}`),
  );
  const groups = new Map<string, Group>();
  for (const [i, planned] of runs.entries()) {
    const { run, id } = planned;
    const record = records[i] ?? null;
    const key = JSON.stringify([run.task, run.label, run.budget]);
    const steps = stepsOf(run, inputs);
    const group = groups.get(key) ?? { first: planned, steps, seeds: 0, done: 0, millis: [] };
    group.seeds++;
    if (record?.id === id) {
      group.done++;
      group.millis.push(record.happened.time.wallMillis / record.happened.steps);
    }
    groups.set(key, group);
  }
  const kinds = [...groups.values()];
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const stepMillis = (group: Group): number | null => {
    if (group.millis.length > 0) return mean(group.millis);
    const near = kinds.filter(({ first }) => first.run.task === group.first.run.task)
      .flatMap(({ millis }) => millis);
    return near.length === 0 ? null : mean(near);
  };
  const tables = {
    examplesOf: (task: string) => inputs.examplesOf(task),
    modulesOf: (model: string) => inputs.modulesOf(model),
  };
  const counts = kinds.map(({ first: { method, run, plan } }) =>
    plannedCounts(method, run, plan, tables)
  );
  const where = { study, all: grid, inputs, own: results, results: options.results };
  const power = await powerShown(where, options);
  if (options.json === true) {
    const lines = kinds.map((group, i) => planLine(group, counts[i]!, stepMillis(group)));
    const warnings = (await studyWarnings(runs, inputs)).map((warning) =>
      JSON.stringify({ kind: "warning", warning })
    );
    const claims = plannedClaims(study, grid).map((claim) =>
      JSON.stringify({ kind: "claim", ...claim })
    );
    const tunings = tuning === null ? [] : [JSON.stringify({ kind: "tuning", ...tuning })];
    return [...warnings, ...lines, ...tunings, ...claims, ...power].join("\n");
  }
  let left: number | null = 0;
  const rows = kinds.map((group, i) => {
    const { first, steps, seeds, done } = group;
    const each = stepMillis(group);
    left = left === null || (each === null && done < seeds)
      ? null
      : left + (seeds - done) * steps * (each ?? 0);
    return [
      first.run.task,
      first.run.label,
      first.run.budget === null ? "-" : `${first.run.budget.type} ${first.run.budget.value}`,
      ...budgetText(first, counts[i]!, plan.runs),
      first.run.settings.train.until === undefined ? String(steps) : `≤ ${steps}`,
      `${done}/${seeds}`,
      each === null ? "unknown" : minutes(each * steps),
    ];
  });
  const table = textTable(
    [
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
    ],
    rows,
    options.width ?? null,
  );
  const total = left === null
    ? "unknown until a run of each task has finished (times are measured, not guessed)"
    : `${minutes(left)}, one run at a time`;
  const warnings = (await studyWarnings(runs, inputs)).map(warningText);
  return `${study.title ?? study.name}\n${runs.length} ${
    runs.length === 1 ? "run" : "runs"
  }; adapter parameters as requested, initial, peak, final\n\n` +
    [
      table + [...rangeNotes(counts), ...capNotes(kinds)].map((note) => `${note}\n`).join(""),
      `Time left: ${total}`,
      ...tuningLines(tuning, study, grid),
      ...plannedClaimsText(study, grid),
      ...power,
      ...warnings,
    ]
      .join("\n");
}
