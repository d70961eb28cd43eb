/**
 * The answer first, then what a reader must know of the numbers, and all findings.
 *
 * @module
 */
import { type Html, html } from "../html.ts";
import { type Notice, noticesOf } from "../notices.ts";
import { charts, type Section, text } from "../section.ts";

/** Lines of a notice that stand open. */
const mostNoticeLines = 3;

function noticeHtml({ text, lines }: Notice): Html {
  if (lines.length === 0) return html`<p class="notice">${text}</p>`;
  const items = html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
  return lines.length <= mostNoticeLines
    ? html`<div class="notice">${text}${items}</div>`
    : html`<details class="notice"><summary>${text}</summary>${items}</details>`;
}

/** The answer with its chart. */
export const summary: Section = {
  title: "Summary",
  isPrinted: true,
  blocks: [
    text(({ answer, analysis }) => [
      html`<p class="answer">${answer.sentence}</p>`,
      ...noticesOf(analysis).map(noticeHtml),
    ]),
    // The others stand in the section of scores.
    charts(({ charts }) => charts.metric.slice(0, 1), { says: ({ answer }) => answer.sentence }),
    text(({ answer: { basis }, findings }) => {
      const lines = findings.map(({ lead, text }) => html`<li><b>${lead}:</b> ${text}</li>`);
      return [
        ...(basis.length === 0
          ? []
          : [html`<ul class="basis">${basis.map((text) => html`<li>${text}</li>`)}</ul>`]),
        html`
          <details>
            <summary>All findings (${findings.length})</summary>
            <ul class="findings">${lines}</ul>
          </details>
        `,
      ];
    }),
  ],
};
