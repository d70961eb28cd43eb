/**
 * The settings that were tuned: what was chosen, from how many trials, at what cost, and what lies at the edge of its range.
 *
 * @module
 */
import { canonicalJson } from "../../base/canonical_json.ts";
import { budgetOf } from "../../study/budget/budget.ts";
import { shortNames, valueText } from "../../study/schema/setting_paths.ts";
import {
  type NotBracketed,
  notBracketedOf,
  type Tuned,
  type TunedFor,
} from "../../study/schema/tuned.ts";
import { allTasks, budgetName, type Row, tableFrom } from "../../analysis/run_rows.ts";
import {
  counted,
  duration,
  fixed,
  listed,
  nothing,
  significant,
  whole,
} from "../../base/format.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { untunedLabels } from "../../analysis/tuned_runs.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable, TableColumn } from "../types.ts";
import { budgetColumn, methodColumn, taskColumn } from "./columns.ts";

/** Names of the searches as people read them. */
const searches: Readonly<Record<Tuned["search"], string>> = {
  random: "random search",
  grid: "a grid",
  asha: "random search with successive halving (ASHA)",
};

/** The task that a choice is for. */
function taskName({ task }: TunedFor): string {
  return task ?? allTasks;
}

/** The budget that a choice is for. */
function budgetText({ budget }: TunedFor): string {
  return budget === undefined ? "all budgets" : budgetName(budgetOf(budget));
}

/** What settings were chosen for: `lora`, `lora on RTE, rank 4`. */
export function tunedForText({ method, task, budget }: TunedFor): string {
  const at = budget === undefined ? "" : `, ${budgetName(budgetOf(budget))}`;
  return `${method}${task === undefined ? "" : ` on ${task}`}${at}`;
}

/** A setting at an edge in words: `train.learningRate 0.1, the highest that was allowed`. */
export function edgeText({ path, value, edge }: NotBracketed): string {
  return `${path} ${value}, the ${edge === "low" ? "lowest" : "highest"} that was allowed`;
}

/** What a tuning took beside the runs of the study. */
function tuningCostText({ seconds, runs }: Tuned, studyMillis: number | null): string {
  const own = `Tuning took ${duration(1000 * seconds)} of machine time in ${counted(runs, "run")}`;
  return studyMillis === null ? own : `${own}; the runs of the study took ${duration(studyMillis)}`;
}

function noteOf(tuned: Tuned, studyMillis: number | null): string {
  const { search, trials, seeds, heldOut } = tuned;
  const named = listed(seeds.map(String));
  return `Settings were chosen by ${searches[search]}: ${
    counted(trials, "trial")
  } for each row below at first, with ` +
    `${seeds.length === 1 ? "seed" : "seeds"} ${named}. Trials were evaluated on ${
      significant(100 * heldOut)
    } % of the training split, which they did not train on, and never on the evaluation split. ` +
    `${
      tuningCostText(tuned, studyMillis)
    }. A setting is bracketed if lower and higher values were tried and did worse.`;
}

/** The rows of the table: a choice each. */
function rowsOf(tuned: Tuned): readonly Row[] {
  return tuned.best.map((choice): Row => {
    const { method, budget, metric, score, trials, values } = choice;
    const edges = notBracketedOf(
      tuned,
      { method, ...(budget === undefined ? {} : { budget }) },
      choice.task ?? "",
    );
    return {
      task: taskName(choice),
      label: method,
      budget: budgetText(choice),
      ...Object.fromEntries(
        Object.entries(values).map(([path, value]) => [path, canonicalJson(value)]),
      ),
      metric,
      score,
      trials: trials.length,
      failed: trials.filter(({ score }) => score === null).length,
      stopped: trials.filter(({ share }) => share !== undefined).length,
      notBracketed: edges.map(({ path, edge }) => `${path} (${edge})`).join(", "),
    };
  });
}

/** The settings that vary, in the order of the choices. */
function pathsOf({ best }: Tuned): readonly string[] {
  return [...new Set(best.flatMap(({ values }) => Object.keys(values)))];
}

/** The table of what was chosen; without rows where nothing was tuned. */
export function tuningTable(results: Analysis): ReportTable {
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
  const paths = tuned === null ? [] : pathsOf(tuned);
  const names = shortNames(paths);
  const rows = tuned === null ? [] : rowsOf(tuned);
  const hasStopped = rows.some(({ stopped }) => stopped !== 0);
  return {
    id: "tuning",
    title: "Chosen settings",
    note: tuned === null ? "" : noteOf(tuned, studyMillis),
    table: tableFrom(rows, [
      "task",
      "label",
      "budget",
      ...paths,
      "metric",
      "score",
      "trials",
      "failed",
      "stopped",
      "notBracketed",
    ]),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      ...paths.map((path): TableColumn => ({
        title: names.get(path)!,
        align: "right",
        cell: (row) => valueCell(row[path]),
      })),
      {
        title: "held-out score",
        align: "right",
        cell: (row) =>
          `${fixed(Number(row["score"]) * metricInfo(String(row["metric"])).scale, 2)} ${
            metricTitle(String(row["metric"]))
          }`,
      },
      { title: "trials", align: "right", cell: (row) => whole(row["trials"]) },
      ...(hasStopped
        ? [
          {
            title: "stopped early",
            align: "right",
            cell: (row: Row) => whole(row["stopped"]),
          } as const,
        ]
        : []),
      { title: "failed", align: "right", cell: (row) => whole(row["failed"]) },
      {
        title: "bracketed",
        align: "left",
        cell: (row) => row["notBracketed"] === "" ? "yes" : `no: ${row["notBracketed"]}`,
        tone: (row) => row["notBracketed"] === "" ? "plain" : "bad",
      },
    ],
  };
}

function valueCell(value: unknown): string {
  return typeof value === "string" ? valueText(JSON.parse(value)) : nothing;
}
