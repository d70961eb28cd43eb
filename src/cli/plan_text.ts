/**
 * A study's plan as text: runs, budgets, parameters, and the time that earlier runs let one expect.
 *
 * @module
 */
import type { Fetching } from "../fetch/model_files.ts";
import { namesIn } from "../record/durable.ts";
import { plannedClaims, plannedClaimsText } from "../analysis/claims/planned_claims.ts";
import { counted } from "../base/format.ts";
import { addedRunsIn, gridWith, withoutChanged } from "../runs/plan/added_runs.ts";
import { expand, planRuns, withPresentFolders } from "../runs/plan/planning.ts";
import { readSelection } from "../runs/plan/selection.ts";
import type { StudyFile } from "../runs/plan/study_file.ts";
import { studyWarnings } from "../runs/plan/study_warnings.ts";
import { givenModelText } from "../study/schema/model_name.ts";
import { withGivenModel, withOverrides } from "../study/grid/overrides.ts";
import { foundRuns, kindsOf, type RunKind } from "./plan_kinds.ts";
import { kindsTable, longRunText, timeLeftText } from "./plan_table.ts";
import { tuningLines, tuningPlan } from "./plan_tuning.ts";
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

/** A kind of run as a value for programs. */
function kindJson({ first: { run, plan }, steps, seeds, done, counts, stepMillis }: RunKind) {
  return {
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
  };
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
  const stated = withOverrides(file.study, options.set ?? [], methods);
  const study = withGivenModel(stated, options.model);
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
  const kinds = kindsOf(await foundRuns(runs, results), inputs);
  const where = { study, all: grid, inputs, own: results, results: options.results };
  const power = await powerShown(where, options);
  const warnings = await studyWarnings(runs, inputs);
  if (options.json === true) {
    const values = [
      ...(study === stated ? [] : [{ kind: "encoder", given: options.model }]),
      ...warnings.map((warning) => ({ kind: "warning", warning })),
      ...kinds.map(kindJson),
      ...(tuning === null ? [] : [{ kind: "tuning", ...tuning }]),
      ...plannedClaims(study, grid).map((claim) => ({ kind: "claim", ...claim })),
    ];
    return [...values.map((value) => JSON.stringify(value)), ...power].join("\n");
  }
  return [
    study.title ?? study.name,
    `${counted(runs.length, "run")}; adapter parameters as requested, initial, peak, final`,
    ...(study === stated ? [] : [givenModelText(options.model!)]),
    "",
    kindsTable(kinds, plan.runs, options.width ?? null),
    `Time left: ${timeLeftText(kinds)}`,
    ...longRunText(kinds),
    ...tuningLines(tuning, study, grid),
    ...plannedClaimsText(study, grid),
    ...power,
    ...warnings.map(warningText),
  ].join("\n");
}
