/**
 * What the comparisons that a study asks for show, in sentences.
 *
 * @module
 */
import { isApart, remedyOf } from "../../analysis/verdict.ts";
import { allTasks, keyOf } from "../../analysis/run_rows.ts";
import { chance } from "../../base/format.ts";
import { trainedText } from "../../analysis/comparison_rows.ts";
import { marginText } from "../columns.ts";
import { type ComparisonRow, correctionText } from "../../analysis/significance.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { differenceWords, type Finding, sentence, spreadWords } from "./finding.ts";

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
