/**
 * The verdicts on what a study claims: one line a claim, and one picture.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import type { ClaimsReport } from "../../analysis/claims/claims_report.ts";
import { ruleText, type VerdictLine } from "../../analysis/claims/text.ts";
import type { Answer } from "../../analysis/claims/verdict.ts";
import { gateText } from "../../analysis/significance.ts";
import { type Html, html } from "../html.ts";
import { charts, folded, type Section, text } from "../section.ts";
import { claimsTable, claimTasksTable } from "../tables/claims.ts";

/** Classes of answers in the style sheet. */
const classes: Readonly<Record<Answer, string>> = {
  supported: "supported",
  refuted: "refuted",
  equivalent: "equivalent",
  undecided: "undecided",
  "more steps needed": "void",
  "not bracketed": "void",
  "nothing learned": "void",
  "runs failed": "void",
};

function lineHtml(line: VerdictLine): Html {
  const { name, claim, answer, wanted, number, basis, notes } = line;
  const details = [`claimed: ${claim}`, ...(basis === "" ? [] : [basis]), ...notes].join("; ");
  const rest = wanted === "" ? [] : [html`<span class="wanted">${wanted}</span>`];
  return html`
    <li><span class="answer ${classes[
      answer
    ]}">${answer}</span><b>${name}</b><b class="number">${number}</b>${rest}<span class="more">${details}</span></li>
  `;
}

/** What a section of verdicts holds above its picture. */
function verdictsHtml({ lines, heading, stating }: ClaimsReport): readonly Html[] {
  return [
    stating.kind === "before" ? html`<p class="stated">${heading}.</p>` : html`
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
  return [html`<p class="note">${ruleText(claims.study)} ${gateText(family)}</p>`];
}

/** First where a study claims something. */
export const verdicts: Section = {
  title: "Verdicts",
  isPrinted: true,
  blocks: [
    text(({ analysis: { claimsReport } }) =>
      claimsReport === null ? [] : verdictsHtml(claimsReport)
    ),
    charts(({ charts }) => charts.claims, {
      says: ({ analysis: { claimsReport } }) =>
        claimsReport?.lines.map(({ name, answer, number }) => `${name} ${answer}, ${number}`)
          .join("; "),
    }),
    text(({ analysis }) => verdictsBasis(analysis)),
    folded(({ claimsReport }) => claimsTable(claimsReport)),
    folded(({ claimsReport }) => claimTasksTable(claimsReport)),
  ],
  divider: {
    title: "Exploratory",
    text:
      "Nothing below was claimed before the first run. It shows where the verdicts come from and what a further study could claim. By itself it settles nothing.",
  },
};
