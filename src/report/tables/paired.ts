/**
 * Differences against a baseline, paired by task, budget and seed.
 *
 * @module
 */
import { allTasks, keyOf, type Row, tableFrom } from "../../analysis/run_rows.ts";
import { chance, fixed, interval, nothing, signed, whole } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { noVerdictNote } from "../../analysis/no_verdict.ts";
import { replayBaseline } from "../../analysis/paired_rows.ts";
import { correctionText, type PairedRow, type TestedFamily } from "../../analysis/significance.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable, TableColumn, Tone } from "../types.ts";
import { budgetColumn, methodColumn, metricColumn, taskColumn } from "./columns.ts";

/** How a verdict is coloured. */
export function toneOf(verdict: unknown): Tone {
  if (verdict === "better") return "good";
  if (verdict === "worse") return "bad";
  return verdict === "equivalent" ? "plain" : "muted";
}

/** Raw columns of a contrast. */
export const contrastNames = [
  "n",
  "mean",
  "sd",
  "low",
  "high",
  "margin",
  "effect",
  "chance_better",
  "chance_equal",
  "chance_worse",
  "p",
  "corrected",
  "p_equivalent",
  "corrected_equivalent",
  "verdict",
];

const pairedNames = ["task", "metric", "label", "budget", "cells", ...contrastNames];

/** The raw columns that are not fields of a contrast by themselves. */
export function contrastCells(
  { odds, pEquivalent, correctedEquivalent }: Pick<
    PairedRow,
    "odds" | "pEquivalent" | "correctedEquivalent"
  >,
): Row {
  return {
    chance_better: odds?.better ?? null,
    chance_equal: odds?.equal ?? null,
    chance_worse: odds?.worse ?? null,
    p_equivalent: pEquivalent,
    corrected_equivalent: correctedEquivalent,
  };
}

/** Chances of better, equal and worse in percent. */
export function oddsText(row: Row, names: readonly [string, string, string]): string {
  const parts = names.map((name) => row[name]);
  if (parts.some((part) => typeof part !== "number")) return nothing;
  return parts.map((part) => percentText(part as number)).join(" / ");
}

function percentText(share: number): string {
  const text = fixed(share * 100, 0);
  return text === "0" && share > 0 ? "<1" : text === "100" && share < 1 ? ">99" : text;
}

/** Columns that every table of contrasts ends with. */
export const contrastColumns: readonly TableColumn[] = [
  {
    title: "verdict",
    align: "left",
    cell: (row) => String(row["verdict"]),
    tone: (row) => toneOf(row["verdict"]),
  },
  { title: "n", align: "right", cell: (row) => whole(row["n"]) },
  { title: "difference", align: "right", cell: (row) => signed(scaled(row, "mean"), 2) },
  {
    title: "95% interval",
    align: "right",
    cell: (row) => interval(scaled(row, "low"), scaled(row, "high"), 2),
  },
  { title: "g", align: "right", cell: (row) => signed(row["effect"], 1) },
  {
    title: "better / equal / worse, %",
    align: "right",
    cell: (row) => oddsText(row, ["chance_better", "chance_equal", "chance_worse"]),
  },
  { title: "p different", align: "right", cell: (row) => chance(row["corrected"]) },
  { title: "p equivalent", align: "right", cell: (row) => chance(row["corrected_equivalent"]) },
];

/** What the columns of a contrast mean. */
export function contrastNote(
  family: TestedFamily,
  rows: readonly Pick<PairedRow, "verdict" | "margin" | "metric">[],
): string {
  return `n counts seeds; the 95% t interval has n − 1 degrees of freedom. g is Hedges’ standardised effect. The chances are ` +
    `those of a Bayesian t test that the true mean is better by more than the margin (${
      marginsText(rows)
    }), within it, or worse. ` +
    (family.tests === 0
      ? ""
      : `The p-values, of the t test for a difference and of the two one-sided tests for equivalence, are ${
        correctionText(family)
      }. `) +
    `Better and worse: there is a difference, whatever its size. Equivalent: it is smaller than the margin. Undecided: neither a difference nor equivalence was shown, which is not the same as doing equally well.` +
    noVerdictNote(rows.map(({ verdict }) => verdict));
}

/** The margins of rows, for instance `±1 point`. */
function marginsText(rows: readonly Pick<PairedRow, "margin" | "metric">[]): string {
  const margins = [...new Set(rows.filter(({ metric }) => metric !== "").map(marginText))];
  return margins.length > 3 ? "as the study states them" : margins.join(", ");
}

/** A margin with its unit, for instance `±1 point`. */
export function marginText({ margin, metric }: Pick<PairedRow, "margin" | "metric">): string {
  const { scale, title } = metricInfo(metric);
  const size = Number((margin * scale).toPrecision(3));
  if (scale === 100) return `±${size} ${size === 1 ? "point" : "points"}`;
  return metric === "margins" ? "±1 margin" : `±${size} ${title}`;
}

/** A difference, or an end of its interval, in the report's scale. */
export const scaled = (row: Row, name: string): number | null => {
  const value = row[name];
  return typeof value === "number" ? value * metricInfo(String(row["metric"])).scale : null;
};

/** The table of {@linkcode pairedRows}. */
export function pairedTable(results: Analysis): ReportTable {
  const baseline = results.baseline;
  return tableOfRows("paired", results.tests.paired, baseline, results.tests.family);
}

/** The table of {@linkcode replayRows}. */
export function replayTable(results: Analysis): ReportTable {
  const baseline = results.replay === null ? null : replayBaseline(results.replay);
  return tableOfRows("replay_paired", results.tests.replays, baseline, results.tests.family);
}

/** What an undecided comparison most likely is, for instance `93% equal`; empty for others. */
function chanceText({ verdict, odds }: PairedRow): string {
  if (verdict !== "undecided" || odds === null) return "";
  const [name, share] = Object.entries(odds).reduce((most, each) =>
    each[1] > most[1] ? each : most
  );
  return `${percentText(share)}% ${name}`;
}

/** The verdicts of {@linkcode pairedRows} alone: a row a method and budget, a column a task. */
export function pairedVerdictsTable(results: Analysis): ReportTable {
  const rows = results.tests.paired;
  const baseline = results.baseline ?? "the baseline";
  const tasks = [...new Set(rows.map(({ task }) => task))];
  const lines = [...Map.groupBy(rows, ({ label, budget }) => keyOf(label, budget)).values()]
    .map((own) => ({
      label: own[0]!.label,
      budget: own[0]!.budget,
      ...Object.fromEntries(own.map((row) => [row.task, row.verdict])),
      ...Object.fromEntries(own.map((row) => [`${row.task} chance`, chanceText(row)])),
      ...Object.fromEntries(own.map((row) => [
        `${row.task} difference`,
        row.mean === null ? null : row.mean * metricInfo(row.metric).scale,
      ])),
    }));
  return {
    id: "paired_verdicts",
    title: `Verdicts against ${baseline}`,
    note:
      `The verdict on each method against ${baseline} with the same seeds, and the mean difference. All tests of this report are ` +
      `corrected together. Equivalent: smaller than ${
        marginsText(rows)
      }. Undecided: neither a difference nor equivalence was shown; after it stands ` +
      `the most likely answer by a Bayesian t test, with its chance.`,
    table: tableFrom(lines, [
      "label",
      "budget",
      ...tasks.flatMap((task) => [task, `${task} difference`, `${task} chance`]),
    ]),
    columns: [
      methodColumn,
      budgetColumn,
      ...tasks.toSorted((a, b) => Number(b === allTasks) - Number(a === allTasks))
        .map((task): TableColumn => ({
          title: task,
          align: "left",
          cell: (row) => {
            if (row[task] === null) return nothing;
            const difference = signed(row[`${task} difference`], 2);
            const said = [String(row[task]), String(row[`${task} chance`])]
              .filter((text) => text !== "").join(", ");
            return difference === nothing ? said : `${said} (${difference})`;
          },
          tone: (row) => toneOf(row[task]),
        })),
    ],
  };
}

function tableOfRows(
  id: string,
  rows: readonly PairedRow[],
  baseline: string | null,
  family: TestedFamily,
): ReportTable {
  return {
    id,
    title: baseline === null
      ? "Paired differences"
      : `Differences against ${baseline}, paired by seed`,
    note: baseline === null
      ? "The study has no baseline to compare with."
      : `The difference is the method’s score minus the score of ${baseline} on the same task, budget and seed, averaged over the ` +
        `task-budget combinations that both have${
          rows.some(({ metric }) => metric === "margins")
            ? " (over tasks as multiples of each task’s margin)"
            : ""
        }. ` +
        contrastNote(family, rows),
    table: tableFrom(rows.map((row): Row => ({ ...row, ...contrastCells(row) })), pairedNames),
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      budgetColumn,
      ...contrastColumns,
    ],
  };
}
