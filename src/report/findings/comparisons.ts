/**
 * What the paired differences against the baseline show, in sentences.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { trainedText } from "../../analysis/comparison_rows.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { allBudgets } from "../../analysis/paired_rows.ts";
import { allTasks, type Grid, keyOf } from "../../analysis/run_rows.ts";
import {
  type ComparisonRow,
  correctionText,
  type PairedRow,
  widest,
} from "../../analysis/significance.ts";
import { isApart, remedyOf, type VerdictKind } from "../../analysis/verdict.ts";
import { chance, counted, joined, listed, said, whole } from "../../base/format.ts";
import { marginText } from "../columns.ts";
import { manyLabels } from "../charts/theme.ts";
import {
  cellWords,
  differenceWords,
  type Finding,
  inAll,
  inAny,
  scopeText,
  sentence,
  spreadWords,
} from "./finding.ts";

/** Where a comparison was made, and what came out. */
function resultText(compared: ComparisonRow, correction: string): string {
  const { task, metric, mean, verdict, corrected, correctedEquivalent, ...row } = compared;
  const place = sentence(task === allTasks ? "on average over tasks" : `on ${task}`);
  if (mean === null) return `${place}, no seed has the scores of both.`;
  const difference = differenceWords(mean, metric);
  if (row.n === 1) return `${place}, the difference is ${difference} (one seed, so no test).`;
  const spread = spreadWords(row, metric);
  if (verdict.kind === "void") {
    const { needs } = remedyOf([verdict.reason]);
    return `${place}, no verdict: runs need ${needs}. The difference is ${difference} (${spread}).`;
  }
  if (verdict.kind === "equivalent") {
    return `${place}, equivalent within ${marginText(compared)}: ${difference} (${spread}, p ${
      chance(correctedEquivalent)
    }, ${correction}).`;
  }
  if (verdict.kind === "untested") {
    return `${place}, the difference is ${difference} in every pair, so it has no test.`;
  }
  const found = isApart(verdict) ? verdict.kind : "no significant difference";
  return `${place}, ${found}: ${difference} (${spread}, p ${chance(corrected)}, ${correction}).`;
}

/** What the two arms trained, from the row of the widest scope. */
function priceText({ a, b }: ComparisonRow): string {
  return a.trained === null || b.trained === null
    ? ""
    : ` Trained adapter parameters: ${trainedText(a)} against ${trainedText(b)}.`;
}

/** One finding a comparison that the study asks for. */
export function askedFindings(results: Analysis): readonly Finding[] {
  const rows = results.tests.comparisons;
  const correction = correctionText(results.tests.family);
  return [...Map.groupBy(rows, ({ a, b }) => keyOf(a.arm, b.arm)).values()].map((own) => ({
    lead: `Asked for: ${own[0]!.a.arm} against ${own[0]!.b.arm}`,
    text: `${own.map((row) => resultText(row, correction)).join(" ")}${priceText(own.at(-1)!)}`,
  }));
}

/** A method's difference from the baseline in one sentence. */
function differenceSentence(row: PairedRow, baseline: string): string {
  const scope = `${sentence(scopeText(row))},`;
  if (row.mean === null) {
    return `${scope} no seed has the scores of ${row.label} and ${baseline} in all ${row.cells} combinations.`;
  }
  const difference = differenceWords(row.mean, row.metric);
  const { kind, reason } = row.verdict;
  if (kind === "void") {
    const { needs } = remedyOf([reason]);
    return `${scope} the difference is ${difference}, and ${needs} are needed for a verdict.`;
  }
  if (row.n === 1) return `${scope} the difference is ${difference} (one seed, so no test).`;
  if (reason === "same in every pair") {
    if (row.mean === 0) {
      return `${scope} the scores are equal with each of ${counted(row.n, "seed")}.`;
    }
    return `${scope} the difference is ${difference} with each of ${
      counted(row.n, "seed")
    }, so its spread is unknown.`;
  }
  const verdict = kind === "undecided"
    ? `does not differ significantly from ${baseline}, nor was equivalence shown`
    : kind === "equivalent"
    ? `is equivalent to ${baseline} within ${marginText(row)}`
    : `is ${kind} than ${baseline}`;
  return `${scope} ${row.label} ${verdict}: ${difference} (${spreadWords(row, row.metric)}).`;
}

/** How many task-budget combinations are better, worse and neither; null where one sentence has said it. */
function countsSentence(rows: readonly PairedRow[], baseline: string): string | null {
  const cells = rows.filter((row) => row.task !== allTasks && row.budget !== allBudgets);
  if (cells.length < 2) return null;
  const words = cellWords(cells);
  const open = cells.filter(({ verdict }) => verdict.kind === "void");
  const early = open.length;
  const { needs } = remedyOf(open.map(({ verdict }) => verdict.reason));
  if (early === cells.length) {
    return `${sentence(needs)} are needed ${inAll(early, words)}.`;
  }
  const tested = cells.filter(({ verdict }) => !["untested", "void"].includes(verdict.kind));
  if (tested.length === 0) {
    return `None of the ${whole(cells.length)} ${words.many} could be tested by itself.`;
  }
  const count = (kind: VerdictKind) => tested.filter(({ verdict }) => verdict.kind === kind).length;
  const [better, worse] = [count("better"), count("worse")];
  const equivalent = count("equivalent");
  const alike = tested.length - better - worse - equivalent;
  const untested = cells.length - tested.length - early;
  const left = said(
    early > 0 && `${whole(early)} more ${early === 1 ? "needs" : "need"} ${needs}`,
    untested > 0 && `${whole(untested)} more could not be tested`,
  );
  const rest = left.length === 0 ? "" : ` (${left.join(", ")})`;
  const n = tested.length;
  if (better === n) return `Better than ${baseline} ${inAll(n, words)}${rest}.`;
  if (worse === n) return `Worse than ${baseline} ${inAll(n, words)}${rest}.`;
  if (equivalent === n) return `Equivalent to ${baseline} ${inAll(n, words)}${rest}.`;
  if (alike === n) {
    return `No significant difference from ${baseline} ${inAny(n, words)}${rest}.`;
  }
  const { preposition, many } = words;
  const than = ` than ${baseline}`;
  const parts = said(
    better > 0 && `better${than} ${preposition} ${whole(better)}`,
    worse > 0 && `worse${better > 0 ? "" : than} ${preposition} ${whole(worse)}`,
    equivalent > 0 && `equivalent ${preposition} ${whole(equivalent)}`,
    alike > 0 && `not significantly different ${preposition} ${whole(alike)}`,
  );
  return `${sentence(joined(parts))} of ${whole(n)} ${many}${rest}.`;
}

/** One finding a method against the baseline; of many methods one for all. */
export function comparisons(
  results: Analysis,
  grid: Grid,
  baseline: string,
): readonly Finding[] {
  const rows = results.tests.paired;
  if (grid.labels.length >= manyLabels) {
    return manyComparisons(rows, grid, baseline, correctionText(results.tests.family));
  }
  return grid.labels.flatMap((label) => {
    const own = rows.filter((row) => row.label === label);
    if (own.length === 0) return [];
    const counts = countsSentence(own, baseline);
    return [{
      lead: `${label} against ${baseline}, paired by seed`,
      text: said(...widest(own).map((row) => differenceSentence(row, baseline)), counts).join(" "),
    }];
  });
}

/** The widest comparison of each of many methods, by verdict. */
function manyComparisons(
  rows: readonly PairedRow[],
  grid: Grid,
  baseline: string,
  correction: string,
): readonly Finding[] {
  const wide = grid.labels.flatMap((label) => widest(rows.filter((row) => row.label === label)))
    .filter(({ n }) => n > 1);
  if (wide.length === 0) return [];
  const hasTasks = new Set(wide.map((row) => row.task)).size > 1;
  const size = (row: PairedRow) => Math.abs(row.mean! * metricInfo(row.metric).scale);
  const own = (kind: VerdictKind) =>
    wide.filter(({ verdict }) => verdict.kind === kind).toSorted((a, b) => size(b) - size(a));
  const named = (verdict: "better" | "worse") => {
    const found = own(verdict);
    if (found.length === 0) return `None is ${verdict} than ${baseline}.`;
    const names = found.map((row) =>
      `${row.label}${hasTasks ? ` on ${row.task}` : ""} (${differenceWords(row.mean!, row.metric)})`
    );
    return `${sentence(verdict)} than ${baseline}: ${listed(names)}.`;
  };
  const [alike, equivalent] = [own("undecided").length, own("equivalent").length];
  const open = own("void");
  return [{
    lead: `Methods against ${baseline}, paired by seed`,
    text: said(
      named("better"),
      named("worse"),
      equivalent > 0 &&
        `Equivalent: ${whole(equivalent)} of ${counted(wide.length, "comparison")}.`,
      alike > 0 &&
        `No significant difference: ${whole(alike)} of ${counted(wide.length, "comparison")}.`,
      open.length > 0 &&
        `${sentence(remedyOf(open.map(({ verdict }) => verdict.reason)).needs)} needed: ${
          whole(open.length)
        } of ${counted(wide.length, "comparison")}.`,
      `Verdicts rest on tests, ${correction}.`,
    ).join(" "),
  }];
}

/** What training again with the ranks found shows. */
export function replays(results: Analysis): readonly Finding[] {
  if (results.replay === null) return [];
  const uniform = results.replay.baseline;
  if (uniform === null) return [];
  const rows = results.tests.replays;
  return results.replay.grid.labels.flatMap((label) => {
    const own = rows.filter((row) => row.label === label);
    return own.length === 0 ? [] : [{
      lead: `Replayed: ${label} against ${uniform}`,
      text: widest(own).map((row) => differenceSentence(row, uniform)).join(" "),
    }];
  });
}
