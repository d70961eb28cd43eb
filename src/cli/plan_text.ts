/**
 * A study's plan as text: runs, budgets, parameters, and the time that earlier runs let one expect.
 *
 * @module
 */
import type { Fetching } from "../fetch/model_files.ts";
import { plannedClaims, plannedClaimsText } from "../analysis/claims/planned_claims.ts";
import { counted, listed, said } from "../base/format.ts";
import {
  type PlannedStudy,
  type PlanOptions as StudyPlanOptions,
  planStudy,
  type SweptStudy,
} from "../runs/plan/planned_study.ts";
import {
  foundRuns,
  kindsOf,
  kindsTable,
  longRunText,
  rareEvaluationText,
  type RunKind,
  timeLeftText,
} from "./plan_table.ts";
import { eventText, type LineEvent } from "./event_text.ts";
import { beyondPlan, powerJson, powerText, type Undecidable } from "../analysis/power/text.ts";
import { findResults } from "../runs/plan/study_file.ts";
import { studyPower, undecidableClaims } from "../runs/plan/study_power.ts";
import type { Json } from "../base/canonical_json.ts";
import { hashJson } from "../base/hash.ts";
import { untunedLabels } from "../analysis/tuned_runs.ts";
import { oneSeedText, trialsText } from "../report/sections/tuning.ts";
import { plannedTuning, trialRuns } from "../runs/tune/tune_study.ts";
import type { Study } from "../study/schema/study.ts";
import { tuneDefaults, type TuneSearch, type TuneTrials } from "../study/schema/tune.ts";
import type { RunSpec } from "../study/types.ts";

/** What the plan depends on besides the study. */
export interface PlanOptions extends StudyPlanOptions {
  /** Columns of the terminal, or null for no limit. Default null. */
  readonly width?: number | null;
  /** Whether the power of its claims is computed, and from which results besides those that are looked for. Default: it is not. */
  readonly power?: PowerAsked | null;
  /** Whether each kind of run is a line of JSON in place of a table's row. Default false. */
  readonly json?: boolean;
}

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
  file: SweptStudy,
  options: PlanOptions,
  fetching?: Fetching,
): Promise<string> {
  const plan = await planStudy(file, options, fetching);
  const { study, givenModel, grid, folder, part: runs, warnings } = plan;
  const tuning = tuningPlan({ ...file, study }, options.mostRuns);
  const kinds = kindsOf(await foundRuns(runs, folder), plan.inputs);
  const power = await powerOf(plan, options.power ?? null);
  const encoder: readonly LineEvent[] = givenModel === null
    ? []
    : [{ kind: "encoder", given: givenModel }];
  const unused = plan.inputs.unusedData(plan.all);
  const warned: readonly LineEvent[] = [
    ...(unused === null ? [] : [{ kind: "unused data", given: unused } as const]),
    ...warnings.map((warning) => ({ kind: "warning", warning } as const)),
  ];
  if (options.json === true) {
    return [
      ...encoder,
      ...warned,
      ...kinds.map(kindJson),
      ...(tuning === null ? [] : [{ kind: "tuning", ...tuning }]),
      ...plannedClaims(study, grid).map((claim) => ({ kind: "claim", ...claim })),
      ...power.hard,
      ...powerJson(power.powers),
    ].map((value) => JSON.stringify(value)).join("\n");
  }
  return [
    study.title ?? study.name,
    `${counted(runs.length, "run")}; adapter parameters as requested, initial, peak, final`,
    ...encoder.map(eventText),
    "",
    kindsTable(kinds, plan.runs, options.width ?? null),
    `Time left: ${timeLeftText(kinds)}`,
    ...longRunText(kinds),
    ...rareEvaluationText(kinds),
    ...tuningLines(tuning, study, grid),
    ...plannedClaimsText(study, grid),
    ...power.lines,
    ...[...power.hard, ...warned].map(eventText),
  ].join("\n");
}

/** What is wanted of a study's power: all of it, by the records of a pilot or by those that are found. */
export interface PowerAsked {
  /** Results by path or name, or null for those that are found. */
  readonly pilot: string | null;
  /** What the study was asked for by, a name or a file. Default its name. */
  readonly study?: string;
}

/** The power of a plan's claims where it is wanted, and those that will hardly be decided. */
async function powerOf(planned: PlannedStudy, asked: PowerAsked | null) {
  const event = (undecidable: Undecidable): LineEvent => ({
    kind: "hardly decidable",
    undecidable,
  });
  if (asked === null) {
    // The plan of each claim says where its look comes too late.
    const hard = (await undecidableClaims(planned, true)).map(event);
    return { powers: [], hard, lines: [] };
  }
  const { study: { name, axes: { seeds } }, folder } = planned;
  const isNamed = asked.pilot !== null;
  const pilot = asked.pilot === null ? null : await findResults(asked.pilot, planned.results);
  const { powers, areClaimed } = await studyPower(planned, pilot);
  const beyond = areClaimed ? powers.map((own) => beyondPlan(own, { own: folder, isNamed })) : [];
  return {
    powers,
    hard: beyond.filter((one) => one !== null).map(event),
    lines: powerText(powers, { study: asked.study ?? name, seeds, areClaimed }),
  };
}

interface TuningPlan {
  /** Choices that are made: one for each method, and for each task and budget where those have their own. */
  readonly choices: number;
  /** Trials of each choice at first. */
  readonly trials: TuneTrials;
  /** Seeds of the trials. */
  readonly seeds: readonly number[];
  readonly search: TuneSearch;
  /** Runs of these trials; of halved ones, few are trained to their end. */
  readonly runs: number;
}

/**
 * The tuning of a study; null where it has none.
 *
 * @throws {StudyError} If its `tune` block is wrong, with all problems found.
 */
function tuningPlan(
  file: Omit<SweptStudy, "folder">,
  mostRuns: number | undefined,
): TuningPlan | null {
  if (file.study.tune === undefined) return null;
  const { tune, combinations } = plannedTuning(file, mostRuns);
  const { trials, seeds, search = tuneDefaults.search } = tune;
  return {
    choices: combinations.length,
    trials,
    seeds,
    search,
    runs: trialRuns(tune, combinations),
  };
}

/** The tuning of a study in a line or two; none where it has none. */
export function tuningLines(
  plan: TuningPlan | null,
  { tune, tuned }: Pick<Study, "tune" | "tuned">,
  planned: readonly RunSpec[],
): readonly string[] {
  if (plan === null) return [];
  const { choices, trials, seeds, search, runs } = plan;
  const size = `${trialsText(trials)} (${search}) of each of ${counted(choices, "choice")}, ${
    counted(runs, "run")
  } at first`;
  const warning = oneSeedText(seeds);
  return said(`Tuning: ${size}${stateOf(tune, tuned, planned)}`, warning !== "" && `  ${warning}`);
}

/** How far the tuning of a study is. */
function stateOf(
  tune: Study["tune"],
  tuned: Study["tuned"],
  planned: readonly RunSpec[],
): string {
  if (tuned === undefined) {
    return ", by deno task tune; the study does not have its settings yet";
  }
  if (tuned.hash !== hashJson(tune as unknown as Json)) {
    return "; the study has settings that were chosen before its tune block was changed: run deno task tune again";
  }
  const without = untunedLabels({ tuned, planned });
  const except = without.length === 0 ? "" : `, but not for all runs of ${listed(without)}`;
  return `; the study has the settings that it chose${except}`;
}
