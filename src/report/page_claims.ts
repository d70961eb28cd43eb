/**
 * The first screen of a study with claims: one line a claim, and one picture.
 *
 * @module
 */
import type { ClaimsReport } from "../analysis/claims/claims_report.ts";
import { ruleText, type VerdictLine } from "../analysis/claims/text.ts";
import type { Answer } from "../analysis/claims/verdict.ts";
import { type Html, html } from "./html.ts";
import { gateText } from "../analysis/significance.ts";
import type { Analysis } from "../analysis/analysis.ts";

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
export function verdictsHtml({ lines, heading, stating }: ClaimsReport): readonly Html[] {
  return [
    stating.kind === "before" ? html`<p class="stated">${heading}.</p>` : html`
      <p
        class="notice">${heading}. Verdicts on claims that were stated after results were seen are exploratory.</p>
    `,
    html`<ul class="verdicts">${lines.map(lineHtml)}</ul>`,
  ];
}

/** How the verdicts were reached, below their picture. */
export function verdictsBasis(results: Analysis): readonly Html[] {
  const { claims } = results;
  if (claims === null) return [];
  const { family } = results.tests;
  return [html`<p class="note">${ruleText(claims.study)} ${gateText(family)}</p>`];
}

/** What parts the verdicts from everything else. */
export const exploratory: Html = html`
  <div class="divider" id="exploratory">
    <h2>Exploratory</h2>
    <p>Nothing below was claimed before the first run. It shows where the verdicts come from and what a further study could claim. By itself it settles nothing.</p>
  </div>
`;
