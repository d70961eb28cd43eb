/**
 * What was chosen from how many trials.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { allTasks, budgetName } from "../../analysis/run_rows.ts";
import { specificationCurve, specificationRows } from "../../analysis/claims/specifications.ts";
import { untunedLabels } from "../../analysis/tuned_runs.ts";
import { canonicalJson } from "../../base/canonical_json.ts";
import {
  counted,
  duration,
  interval,
  listed,
  nothing,
  said,
  signed,
  significant,
  whole,
} from "../../base/format.ts";
import { budgetOf } from "../../study/budget/budget.ts";
import { shortNames, valueText } from "../../study/schema/setting_paths.ts";
import {
  type NotBracketed,
  notBracketedOf,
  type Tuned,
  type TunedFor,
} from "../../study/schema/tuned.ts";
import type { TuneTrials } from "../../study/schema/tune.ts";
import { charts, folded, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { budgetColumn, methodColumn, scoreWithMetric, taskColumn } from "../columns.ts";

/** Names of the searches as people read them. */
const searches: Readonly<Record<Tuned["search"], string>> = {
  random: "random search",
  grid: "a grid",
  asha: "random search with successive halving (ASHA)",
};

/** What settings were chosen for: `lora`, `lora on RTE, rank 4`. */
export function tunedForText({ method, task, budget }: TunedFor): string {
  const at = budget === undefined ? "" : `, ${budgetName(budgetOf(budget))}`;
  return `${method}${task === undefined ? "" : ` on ${task}`}${at}`;
}

/** A setting at an edge in words: `train.learningRate 0.1, the highest that was allowed`. */
export function edgeText({ path, value, edge }: NotBracketed): string {
  return `${path} ${value}, the ${edge === "low" ? "lowest" : "highest"} that was allowed`;
}

/** How many trials of a choice there are in words: `12 trials`, `4 trials for each setting`. */
export function trialsText(trials: TuneTrials): string {
  return typeof trials === "number"
    ? counted(trials, "trial")
    : `${counted(trials.perSetting, "trial")} for each setting`;
}

/** What trials of one seed are worth, by `bench/tuning_bench.ts`; empty where they have more. */
export function oneSeedText(seeds: readonly number[]): string {
  return seeds.length > 1
    ? ""
    : "Trials have one seed: of two methods that are the same, tuned apart, 37 to 66 % get different settings then, and a study of " +
      "12 seeds calls one of them better in 21 %; leave tune.seeds out for two seeds.";
}

/** What a tuning took beside the runs of the study. */
function tuningCostText({ seconds, runs }: Tuned, studyMillis: number | null): string {
  const own = `Tuning took ${duration(1000 * seconds)} of machine time in ${counted(runs, "run")}`;
  return studyMillis === null ? own : `${own}; the runs of the study took ${duration(studyMillis)}`;
}

function noteOf(tuned: Tuned, studyMillis: number | null): string {
  const { search, trials, seeds, heldOut } = tuned;
  const named = listed(seeds.map(String));
  const text =
    `Settings were chosen by ${searches[search]}: ${
      trialsText(trials)
    } for each row below at first, with ` +
    `${seeds.length === 1 ? "seed" : "seeds"} ${named}. Trials were evaluated on ${
      significant(100 * heldOut)
    } % of the training split, which they did not train on, and never on the evaluation split. ` +
    `${
      tuningCostText(tuned, studyMillis)
    }. A setting is bracketed if lower and higher values were tried and did worse.`;
  return said(text, oneSeedText(seeds)).join(" ");
}

/** The rows of the table: a choice each. */
function rowsOf(tuned: Tuned) {
  return tuned.best.map((choice) => {
    const { method, budget, metric, score, trials, values } = choice;
    const edges = notBracketedOf(
      tuned,
      { method, ...(budget === undefined ? {} : { budget }) },
      choice.task ?? "",
    );
    return {
      task: choice.task ?? allTasks,
      label: method,
      budget: budget === undefined ? "all budgets" : budgetName(budgetOf(budget)),
      ...{ values, metric, score },
      trials: trials.length,
      failed: trials.filter(({ score }) => score === null).length,
      stopped: trials.filter(({ share }) => share !== undefined).length,
      notBracketed: edges.map(({ path, edge }) => `${path} (${edge})`).join(", "),
    };
  });
}

/** The table of what was chosen; without rows where nothing was tuned. */
function tuningTable(results: Analysis): ReportTable {
  const { tuned, runs } = results;
  const millis = runs.reduce((sum, { record: { happened } }) => sum + happened.time.wallMillis, 0);
  const table = choicesTable(tuned, millis);
  const untuned = untunedLabels(results);
  return untuned.length === 0 ? table : {
    ...table,
    note: `${table.note} Runs whose settings were not tuned: ${listed(untuned)}.`,
  };
}

/**
 * The table of what was chosen.
 *
 * @param tuned Null gives a table without rows.
 * @param studyMillis What the runs of the study took, or null where that is not known.
 */
export function choicesTable(tuned: Tuned | null, studyMillis: number | null): ReportTable {
  const rows = tuned === null ? [] : rowsOf(tuned);
  // The settings that vary, in the order of the choices.
  const paths = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))];
  const names = shortNames(paths);
  const hasStopped = rows.some(({ stopped }) => stopped !== 0);
  return reportTable(rows, {
    id: "tuning",
    title: "Chosen settings",
    note: tuned === null ? "" : noteOf(tuned, studyMillis),
    csv: ({ task, label, budget, values, ...row }) => ({
      ...{ task, label, budget },
      ...Object.fromEntries(
        paths.map((path) => [path, path in values ? canonicalJson(values[path]!) : null]),
      ),
      ...row,
    }),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      ...paths.map((path) =>
        number<typeof rows[number]>(
          names.get(path)!,
          ({ values: { [path]: value } }) => value === undefined ? nothing : valueText(value),
        )
      ),
      number("held-out score", (row) => scoreWithMetric(row, row.score)),
      number("trials", (row) => whole(row.trials)),
      hasStopped ? number("stopped early", (row) => whole(row.stopped)) : null,
      number("failed", (row) => whole(row.failed)),
      text(
        "bracketed",
        (row) => row.notBracketed === "" ? "yes" : `no: ${row.notBracketed}`,
        (row) => row.notBracketed === "" ? "plain" : "bad",
      ),
    ],
  });
}

/** The difference of each claim at the settings beside the tuned ones. */
function specificationsTable(results: Analysis): ReportTable {
  const rows = specificationRows(results).map(({ a, b, ...row }) => ({
    ...row,
    a: a.position,
    aValues: a.values,
    b: b.position,
    bValues: b.values,
  }));
  const missing = (results.claims?.study.claims ?? []).flatMap((claim) => {
    const { missing } = specificationCurve(results.tuned, results.claims!, claim);
    return missing === "" ? [] : [`${claim.name}: none, since ${missing}`];
  });
  return reportTable(rows, {
    id: "specifications",
    title: "Claims at the settings beside the tuned ones",
    note: said(
      "Differences a minus b of the trials, in margins, paired by seed and averaged over tasks: at the chosen settings of both arms, and at the nearest " +
        "lower and higher value that was tried of each setting. 95% t intervals with one spread for all pairs of a claim and budget; they suppose that scores vary alike there. " +
        "The chosen pair was chosen for scoring well. Where the sign changes between neighbours, the claim rests on which settings the trials happened to choose.",
      missing.length > 0 && `${missing.join(". ")}.`,
    ).join(" "),
    columns: [
      text("claim", (row) => row.claim),
      budgetColumn,
      text("a", (row) => row.a),
      text("settings of a", (row) => row.aValues),
      text("b", (row) => row.b),
      text("settings of b", (row) => row.bValues),
      number("seeds", (row) => row.n === 0 ? "a trial failed" : whole(row.n)),
      number("difference", (row) => signed(row.mean, 2)),
      number("interval", (row) => interval(row.low, row.high, 2)),
      text("chosen", (row) => row.isChosen ? "yes" : ""),
    ],
  });
}

/** The settings that were tuned. */
export const tuning: Section = {
  title: "Tuning",
  blocks: [
    table(tuningTable),
    charts(({ charts }) => charts.tuning),
    folded(specificationsTable),
  ],
};
