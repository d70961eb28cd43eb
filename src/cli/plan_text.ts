/**
 * A study's plan as text: runs, budgets, parameters, and the time that earlier runs let one expect.
 *
 * @module
 */
import type { Fetching } from "../fetch/model_files.ts";
import { plannedClaims, plannedClaimsText } from "../analysis/claims/planned_claims.ts";
import { counted } from "../base/format.ts";
import { type PlanOptions as StudyPlanOptions, planStudy } from "../runs/plan/planned_study.ts";
import type { StudyFile } from "../runs/plan/study_file.ts";
import { givenModelText } from "../study/schema/model_name.ts";
import { foundRuns, kindsOf, type RunKind } from "./plan_kinds.ts";
import { kindsTable, longRunText, timeLeftText } from "./plan_table.ts";
import { tuningLines, tuningPlan } from "./plan_tuning.ts";
import { type PowerAsked, powerShown } from "./power_shown.ts";
import { warningText } from "./terminal_watch.ts";

/** What the plan depends on besides the study. */
export interface PlanOptions extends StudyPlanOptions {
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
  const plan = await planStudy(file, options, fetching);
  const { study, givenModel, grid, folder, part: runs, warnings } = plan;
  const tuning = tuningPlan({ study, methods: file.methods }, options.mostRuns);
  const kinds = kindsOf(await foundRuns(runs, folder), plan.inputs);
  const power = await powerShown(plan, options);
  if (options.json === true) {
    const values = [
      ...(givenModel === null ? [] : [{ kind: "encoder", given: givenModel }]),
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
    ...(givenModel === null ? [] : [givenModelText(givenModel)]),
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
