/**
 * The verdicts on what a study claims: one line a claim, and one picture.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { claimRow, taskRows } from "../../analysis/claims/claim_rows.ts";
import type { ClaimsReport } from "../../analysis/claims/claims_report.ts";
import { checkText } from "../../analysis/claims/registration.ts";
import { ruleText, type VerdictLine } from "../../analysis/claims/text.ts";
import type { Answer } from "../../analysis/claims/verdict.ts";
import { gateText } from "../../analysis/significance.ts";
import { chance, interval, nothing, signed, whole } from "../../base/format.ts";
import { differenceColumn, intervalColumn, metricColumn, scoreOf, taskColumn } from "../columns.ts";
import { type Html, html } from "../html.ts";
import { charts, folded, prose, type Section } from "../section.ts";
import { number, type ReportTable, reportTable, text, type Tone } from "../table.ts";

/** How an answer is coloured. */
function answerTone(answer: unknown): Tone {
  if (answer === "supported") return "good";
  return answer === "refuted" ? "bad" : "muted";
}

const oddsText = (...chances: readonly (number | null)[]): string =>
  chances.every((each) => each === null) ? nothing : chances.map(chance).join(" / ");

/** A level in percent, as `95%` or `97.5%`. */
const levelText = (level: number): string => `${Number((100 * level).toFixed(2))}%`;

const stoppedWords =
  "the median-unbiased difference. A study that may stop early stops at large differences, and its mean is too large on average.";

/** The verdicts, one line a claim. */
function claimsTable(report: ClaimsReport | null): ReportTable {
  const rows = (report?.verdicts ?? []).map(claimRow);
  const hasNext = rows.some((row) => row.nextBetter !== null);
  const hasStopped = rows.some((row) => row.afterStopping !== null);
  const hasLevels = rows.some((row) => levelText(row.level) !== levelText(0.95));
  return reportTable(rows, {
    id: "claims",
    title: "Claims",
    note:
      "The difference is a minus b, paired by seed and averaged over tasks; its intervals hold over all looks. " +
      (hasLevels
        ? "The verdict rests on the interval at the level of “decides”: 90% for equivalence, more where claims share 5%. "
        : "") +
      (hasStopped ? `“After stopping”: ${stoppedWords} ` : "") +
      "The probabilities that a is " +
      "better than b by more than the margin, equal within it, or worse are those of a Bayesian t test over seeds (no prior but 1/σ)" +
      (hasNext
        ? "; those for a further task like these, of a hierarchical model over tasks."
        : ".") +
      " They decide nothing.",
    columns: [
      text("claim", (row) => row.claim),
      text("a", (row) => row.a),
      text("says", (row) => row.says),
      text("b", (row) => row.b),
      text("scope", (row) => row.scope),
      text("verdict", (row) => row.answer, (row) => answerTone(row.answer)),
      number("difference", (row) => signed(row.mean, 2)),
      hasStopped ? number("after stopping", (row) => signed(row.afterStopping, 2)) : null,
      number("95% interval", (row) => interval(row.low, row.high, 2)),
      hasLevels
        ? number(
          "decides",
          (row) => `${interval(row.decidingLow, row.decidingHigh, 2)} (${levelText(row.level)})`,
        )
        : null,
      text("unit", (row) => row.unit),
      number("seeds", (row) => whole(row.seeds)),
      number(
        "better / equal / worse",
        ({ better, equal, worse }) => oddsText(better, equal, worse),
      ),
      hasNext
        ? number(
          "on a further task",
          (row) => oddsText(row.nextBetter, row.nextEqual, row.nextWorse),
        )
        : null,
    ],
  });
}

/** The raw differences behind the verdicts, by task. */
function claimTasksTable(report: ClaimsReport | null): ReportTable {
  const rows = (report?.verdicts ?? []).flatMap(taskRows);
  return reportTable(rows, {
    id: "claim_tasks",
    title: "Differences of each task",
    note:
      "Score of a minus score of b on the same task, budget and seed, in the metric’s own unit, over the seeds that the verdict counts. " +
      "95% t intervals, not corrected: these decide nothing. “By itself” is what the claim’s rule says of the task alone.",
    columns: [
      text("claim", (row) => row.claim),
      taskColumn,
      metricColumn,
      number("n", (row) => whole(row.n)),
      differenceColumn,
      number("sd", (row) => scoreOf(row, row.sd)),
      intervalColumn,
      number("margin", (row) => `±${scoreOf(row, row.margin)}`),
      text("by itself", (row) => row.answer),
    ],
  });
}

/** Answers that have a class of their own in the style sheet; the others are void. */
const shown: readonly Answer[] = ["supported", "refuted", "equivalent", "undecided"];

function lineHtml(line: VerdictLine): Html {
  const { name, claim, scope, answer, wanted, number, basis, notes } = line;
  const details = [`claimed: ${claim}, ${scope}`, ...(basis === "" ? [] : [basis]), ...notes]
    .join("; ");
  const rest = wanted === "" ? [] : [html`<span class="wanted">${wanted}</span>`];
  return html`
    <li><span class="answer ${shown.includes(answer)
      ? answer
      : "void"}">${answer}</span><b>${name}</b><b class="number">${number}</b>${rest}<span class="more">${details}</span></li>
  `;
}

/** What a section of verdicts holds above its picture. */
function verdictsHtml({ lines, heading, isBeforehand }: ClaimsReport): readonly Html[] {
  return [
    isBeforehand ? html`<p class="stated">${heading}.</p>` : html`
      <p
        class="notice">${heading}. Verdicts on claims that were stated after results were seen are exploratory.</p>
    `,
    html`<ul class="verdicts">${lines.map(lineHtml)}</ul>`,
  ];
}

/** How the verdicts were reached, below their picture. */
function verdictsBasis(results: Analysis): readonly Html[] {
  const { claims } = results;
  if (claims === null) return [];
  const { family } = results.tests;
  const registered = results.claimsReport?.registered ?? null;
  return [
    html`<p class="note">${ruleText(claims.study)} ${gateText(family)}</p>`,
    ...(registered === null ? [] : [html`<p class="note">${checkText(registered)}</p>`]),
  ];
}

/** First where a study claims something. */
export const verdicts: Section = {
  title: "Verdicts",
  isPrinted: true,
  blocks: [
    prose(({ analysis: { claimsReport } }) =>
      claimsReport === null ? [] : verdictsHtml(claimsReport)
    ),
    charts(({ charts }) => charts.claims, {
      says: ({ analysis: { claimsReport } }) =>
        claimsReport?.lines.map(({ name, answer, number }) => `${name} ${answer}, ${number}`)
          .join("; "),
    }),
    charts(({ charts }) => charts.claimCourses),
    prose(({ analysis }) => verdictsBasis(analysis)),
    folded(({ claimsReport }) => claimsTable(claimsReport)),
    folded(({ claimsReport }) => claimTasksTable(claimsReport)),
  ],
  divider: {
    title: "Exploratory",
    text:
      "Nothing below was claimed before the first run. It shows where the verdicts come from and what a further study could claim. By itself it settles nothing.",
  },
};
