/**
 * Differences against a baseline, paired by task, budget and seed.
 *
 * @module
 */
import { allTasks, keyOf, type Row } from "../../analysis/run_rows.ts";
import { chance, fixed, nothing, signed, whole } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import type { Odds } from "../../stats/bayes.ts";
import type { Contrast, Decided } from "../../analysis/contrasts.ts";
import { noVerdictNote, type Verdict, verdictText } from "../../analysis/verdict.ts";
import { replayBaseline } from "../../analysis/paired_rows.ts";
import { correctionText, type PairedRow, type TestedFamily } from "../../analysis/significance.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { type Column, number, type ReportTable, reportTable, text, type Tone } from "../table.ts";
import {
  budgetColumn,
  differenceColumn,
  intervalColumn,
  methodColumn,
  metricColumn,
  type OfMetric,
  scaled,
  taskColumn,
} from "./columns.ts";

/** How a verdict is coloured. */
export function toneOf(verdict: Verdict | undefined): Tone {
  if (verdict?.kind === "better") return "good";
  if (verdict?.kind === "worse") return "bad";
  return verdict?.kind === "equivalent" ? "plain" : "muted";
}

/** A contrast after the correction. */
type DecidedContrast = Contrast & Decided;

/** A contrast as CSV files have it. */
export function contrastCells(contrast: DecidedContrast): Row {
  const { n, mean, sd, low, high, margin, effect, odds, p, corrected } = contrast;
  return {
    ...{ n, mean, sd, low, high, margin, effect },
    ...oddsCells("chance", odds),
    ...{ p, corrected },
    p_equivalent: contrast.pEquivalent,
    corrected_equivalent: contrast.correctedEquivalent,
    verdict: verdictText(contrast.verdict),
  };
}

/** Chances as CSV files have them. */
export const oddsCells = (name: string, odds: Odds | null): Row => ({
  [`${name}_better`]: odds?.better,
  [`${name}_equal`]: odds?.equal,
  [`${name}_worse`]: odds?.worse,
});

/** Chances of better, equal and worse in percent. */
export const oddsText = (odds: Odds | null): string =>
  odds === null ? nothing : [odds.better, odds.equal, odds.worse].map(percentText).join(" / ");

function percentText(share: number): string {
  const text = fixed(share * 100, 0);
  return text === "0" && share > 0 ? "<1" : text === "100" && share < 1 ? ">99" : text;
}

/** The verdict with its colour. */
export const verdictColumn = text(
  "verdict",
  ({ verdict }: { readonly verdict: Verdict }) => verdictText(verdict),
  ({ verdict }) => toneOf(verdict),
);

/** Columns that every table of contrasts ends with. */
export const contrastColumns: readonly Column<DecidedContrast & OfMetric>[] = [
  verdictColumn,
  number("n", (row) => whole(row.n)),
  differenceColumn,
  intervalColumn,
  number("g", (row) => signed(row.effect, 1)),
  number("better / equal / worse, %", (row) => oddsText(row.odds)),
  number("p different", (row) => chance(row.corrected)),
  number("p equivalent", (row) => chance(row.correctedEquivalent)),
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
  if (verdict.kind !== "undecided" || odds === null) return "";
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
      tasks: new Map(own.map((row) => [row.task, row])),
    }));
  type Line = typeof lines[number];
  return reportTable(lines, {
    id: "paired_verdicts",
    title: `Verdicts against ${baseline}`,
    note:
      `The verdict on each method against ${baseline} with the same seeds, and the mean difference. All tests of this report are ` +
      `corrected together. Equivalent: smaller than ${
        marginsText(rows)
      }. Undecided: neither a difference nor equivalence was shown; after it stands ` +
      `the most likely answer by a Bayesian t test, with its chance.`,
    csv: (line) =>
      Object.assign(
        { label: line.label, budget: line.budget },
        ...tasks.map((task) => {
          const row = line.tasks.get(task);
          return {
            [task]: row && verdictText(row.verdict),
            [`${task} difference`]: row && scaled(row, row.mean),
            [`${task} chance`]: row && chanceText(row),
          };
        }),
      ),
    columns: [
      methodColumn,
      budgetColumn,
      ...tasks.toSorted((a, b) => Number(b === allTasks) - Number(a === allTasks)).map((task) =>
        text<Line>(
          task,
          ({ tasks }) => cellText(tasks.get(task)),
          ({ tasks }) => toneOf(tasks.get(task)?.verdict),
        )
      ),
    ],
  });
}

/** A verdict with its chance and the mean difference, `undecided, 93% equal (+0.12)`. */
function cellText(row: PairedRow | undefined): string {
  if (row === undefined) return nothing;
  const difference = signed(scaled(row, row.mean), 2);
  const said = [verdictText(row.verdict), chanceText(row)].filter((text) => text !== "").join(", ");
  return difference === nothing ? said : `${said} (${difference})`;
}

function tableOfRows(
  id: string,
  rows: readonly PairedRow[],
  baseline: string | null,
  family: TestedFamily,
): ReportTable {
  return reportTable(rows, {
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
    csv: ({ task, metric, label, budget, cells, ...contrast }) => ({
      ...{ task, metric, label, budget, cells },
      ...contrastCells(contrast),
    }),
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      budgetColumn,
      ...contrastColumns,
    ],
  });
}
