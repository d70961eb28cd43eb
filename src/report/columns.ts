/**
 * Columns that many tables have.
 *
 * @module
 */
import type { Analysis } from "../analysis/analysis.ts";
import type { Contrast, Decided } from "../analysis/contrasts.ts";
import { metricInfo, metricTitle } from "../analysis/metrics.ts";
import { type Row } from "../analysis/run_rows.ts";
import { majorityLabel } from "../analysis/scores.ts";
import { correctionText, type PairedRow, type TestedFamily } from "../analysis/significance.ts";
import { noVerdictNote, type Verdict, verdictText } from "../analysis/verdict.ts";
import { chance, fixed, interval, nothing, signed, whole } from "../base/format.ts";
import type { Odds } from "../stats/bayes.ts";
import { type Column, number, text, type Tone } from "./table.ts";

/** The task. */
export const taskColumn = text("task", ({ task }: { readonly task: string }) => task);

/** How reports call the method with its options. */
export const methodColumn = text("method", ({ label }: { readonly label: string }) => label);

/** The budget's name. */
export const budgetColumn = text("budget", ({ budget }: { readonly budget: string }) => budget);

/** A row whose numbers are of a metric. */
interface OfMetric {
  readonly metric: string;
}

/** The metric with its direction. */
export const metricColumn = text("metric", ({ metric }: OfMetric) => metricTitle(metric));

/** A number of a metric in the report's scale; null where there is none. */
export function scaled({ metric }: OfMetric, value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : value * metricInfo(metric).scale;
}

/** A number of a metric as people read it. */
export const scoreOf = (row: OfMetric, value: number | null | undefined): string =>
  fixed(scaled(row, value), 2);

/** A score with its metric, `81.90 accuracy ↑`. */
export function scoreWithMetric(row: OfMetric, score: number | null): string {
  return score === null ? nothing : `${scoreOf(row, score)} ${metricTitle(row.metric)}`;
}

/** Mean differences of a metric. */
export const differenceColumn = number(
  "difference",
  (row: OfMetric & { readonly mean: number | null }) => signed(scaled(row, row.mean), 2),
);

/** Intervals of a metric, or of its differences. */
export const intervalColumn = number(
  "95% interval",
  (row: OfMetric & { readonly low: number | null; readonly high: number | null }) =>
    interval(scaled(row, row.low), scaled(row, row.high), 2),
);

/** The majority's score of each row's task, or its own; null where no record has one. */
export function majorityColumn({ majority: scores }: Analysis):
  | Column<
    OfMetric & { readonly task: string; readonly majority?: number | null }
  >
  | null {
  return scores.size === 0 ? null : number(
    majorityLabel,
    (row) => scoreOf(row, row.majority ?? scores.get(row.task)),
    () => "muted",
  );
}

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

export function percentText(share: number): string {
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
export function marginsText(rows: readonly Pick<PairedRow, "margin" | "metric">[]): string {
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
