/**
 * The answer of a study in one sentence: which method is best at which budget, or that no difference was found.
 *
 * @module
 */
import { idleCells } from "../../analysis/convergence.ts";
import { isApart, type Verdict } from "../../analysis/verdict.ts";
import { allTasks } from "../../analysis/run_rows.ts";
import { counted, fixed, listed, whole } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import type { Ranking } from "../../analysis/ranking.ts";
import { isTested, widest } from "../../analysis/significance.ts";
import { type ScoreRow } from "../../analysis/scores.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import {
  comparedText,
  detectableTexts,
  freeTexts,
  majorityTexts,
  pairedText,
  testTexts,
} from "./basis.ts";
import { budgetsSentence, methodsText } from "./budgets.ts";
import { bestOf, type BudgetResult, type Context, contextOf, resultAt, signOf } from "./context.ts";
import { atBudget, sentence } from "./finding.ts";

/** What a reader should know first. */
export interface Answer {
  /** One sentence; before it one more where cells learned nothing. */
  readonly sentence: string;
  /** What it rests on, a sentence or two each: the test, what it could have found, the methods without a budget. */
  readonly basis: readonly string[];
}

/**
 * The answer of a study.
 *
 * The methods of a budget are compared by the ranking's signed-rank tests where there are enough blocks for them, else each
 * with the baseline by paired t tests over seeds; all that the report tests is corrected together, and only what stays
 * significant is called so.
 */
export function answerOf(results: Analysis): Answer {
  const idle = idleCells(results.cells);
  const answer = comparedOf(results);
  return idle === null ? answer : { ...answer, sentence: `${idle}. ${answer.sentence}` };
}

function comparedOf(results: Analysis): Answer {
  const { baseline } = results;
  const rankings = results.tests.rankings;
  const context = contextOf(results);
  const scored = results.scores.filter((row) => row.mean !== null && row.task !== allTasks);
  const labels = context.grid.labels.filter((label) => scored.some((row) => row.label === label));
  if (labels.length === 0) return { sentence: withoutScores(results), basis: [] };
  const majority = majorityTexts(context);
  if (labels.length === 1) return { sentence: ofOneMethod(labels[0]!, scored), basis: majority };
  const found = rankings.filter(({ methods }) => methods.length > 1)
    .map((ranking) => ({ ranking, result: resultAt(ranking, context) }));
  if (found.length === 0) {
    const { basis, ...answer } = withoutRanking(context, labels, rankings);
    return { ...answer, basis: [...majority, ...basis] };
  }
  return {
    sentence: budgetsSentence(found.map(({ result }) => result), context),
    basis: [
      ...majority,
      ...testTexts(found, context),
      ...detectableTexts(context, undecided(found.map(({ result }) => result), baseline)),
      ...freeTexts(context),
    ],
  };
}

/** The methods that do not differ significantly from the baseline at any budget. */
function undecided(
  found: readonly BudgetResult[],
  baseline: string | null,
): ReadonlySet<string> {
  const differ = new Set(
    found.flatMap(({ differences }) => differences)
      .filter(({ better, worse }) => better === baseline || worse === baseline)
      .flatMap(({ better, worse }) => [better, worse]),
  );
  return new Set(found.flatMap(({ methods }) => methods).filter((label) => !differ.has(label)));
}

function withoutScores({ runs, planned }: Analysis): string {
  if (runs.length === 0) return "No run has finished yet.";
  const failed = runs.filter(({ record }) => record.happened.outcome.state === "failed").length;
  if (failed < runs.length) return "No finished run has a score: its metric is not a number.";
  const isPart = planned.length > runs.length;
  if (runs.length === 1) return isPart ? "The only run so far failed." : "The only run failed.";
  return `All ${whole(runs.length)} runs${isPart ? " so far" : ""} failed.`;
}

/** A mean with what it rests on, for instance `accuracy 82.00 at rank 4 (mean of 3 seeds, sd 2.00)`. */
function meanText(row: ScoreRow, place = ""): string {
  const { scale, title } = metricInfo(row.metric);
  const seeds = row.sd === null
    ? "one seed"
    : `mean of ${counted(row.n, "seed")}, sd ${fixed(row.sd * scale, 2)}`;
  return `${title} ${fixed(row.mean! * scale, 2)}${place}${atBudget(row.budget)} (${seeds})`;
}

/** A study in which one method has scores: its figure at the largest budget. */
function ofOneMethod(label: string, scored: readonly ScoreRow[]): string {
  const { budget } = scored.at(-1)!;
  const rows = scored.filter((row) => row.budget === budget);
  const figures = rows.length === 1
    ? meanText(rows[0]!)
    : listed(rows.map((row) => meanText(row, ` on ${row.task}`)));
  return `Only ${label} has scores, so there is nothing to compare it with: ${figures}.`;
}

/** The answer where no two methods share a budget, or none share a task and seed. */
function withoutRanking(
  context: Context,
  labels: readonly string[],
  rankings: readonly Ranking[],
): Answer {
  const { results, baseline, rows, measure } = context;
  const best = rows.length === 0 || !context.namesBest
    ? []
    : bestOf(rows, (row) => signOf(row.metric) * row.mean!);
  const leader = best.length === 1
    ? `${best[0]!.label} has the best ${measure}${atBudget(best[0]!.budget)}, but `
    : "";
  const compared = baseline === null ? [] : widest(results.tests.paired);
  const tests = compared.filter(isTested);
  if (tests.length > 0) {
    return {
      sentence: tests.some(({ verdict }) => isApart(verdict))
        ? `${sentence(comparedText(tests, baseline!), labels)}.`
        : `${sentence(`${leader}no significant difference`, labels)} between ${
          methodsText(labels)
        } was found.`,
      basis: [
        pairedText(tests, context),
        ...detectableTexts(context, new Set(labels)),
      ],
    };
  }
  const isFor = (reason: Verdict["reason"]) =>
    compared.some((row) => row.verdict.reason === reason);
  const why = isFor("more steps needed")
    ? "More steps are needed: runs were still improving when they ended (see Convergence)."
    : isFor("not bracketed")
    ? "Wider tuning ranges are needed: settings were chosen at the edge of all that were allowed (see Tuning)."
    : compared.some(({ n }) => n === 1)
    ? `One seed in common with ${baseline} is too little for a test.`
    : isFor("same in every pair")
    ? `The difference from ${baseline} is the same with every seed, so its spread is unknown.`
    : rankings.length > 0
    ? "No task and seed has a score of every method."
    : "No two methods share a budget, and there is no plain LoRA to compare with.";
  return {
    sentence: `${sentence(`${leader}the methods`, labels)} could not be tested against each other.`,
    basis: [why],
  };
}
