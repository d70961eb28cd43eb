/**
 * The answer first, then what a reader must know of the numbers, and all findings.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { earlyCells } from "../../analysis/convergence.ts";
import { flaggedRuns } from "../../analysis/run_flags.ts";
import { counted, whole } from "../../base/format.ts";
import { type Html, html } from "../html.ts";
import { charts, prose, type Section } from "../section.ts";
import { edgeText, tunedForText } from "./tuning.ts";

/** One warning, with a line for each thing that it holds for. */
interface Notice {
  readonly text: string;
  readonly lines: readonly string[];
}

/** Settings that were chosen at the edge of all that were allowed. */
function unbracketed(tuned: Analysis["tuned"]): readonly Notice[] {
  const own = tuned?.notBracketed ?? [];
  if (own.length === 0) return [];
  return [{
    text:
      `${counted(own.length, "chosen setting")} ${
        own.length === 1 ? "is" : "are"
      } not bracketed: the best value lies at the edge of all that were allowed, so that a better one may lie beyond and ` +
      "there is no verdict on the method. Widen the limits in tune.vary and tune again.",
    lines: own.map((edge) => `${tunedForText(edge)}: ${edgeText(edge)}`),
  }];
}

/** The warnings of a study, none where all is well. */
export function noticesOf(results: Analysis): readonly Notice[] {
  const { runs, planned, damaged, damagedFiles, warnings, verification, tuned } = results;
  const failed = runs.filter(({ record }) => record.happened.outcome.state === "failed").length;
  const missing = planned.length - runs.length - damaged.length;
  const parted = (verification?.runs ?? []).filter(({ verdict }) => verdict === "not reproduced");
  const early = earlyCells(results.cells);
  const notice = (text: string, lines: readonly string[] = []) => ({ text, lines });
  return [
    ...(failed === 0 ? [] : [
      notice(
        `${whole(failed)} of ${counted(runs.length, "run")} failed and ${
          failed === 1 ? "counts" : "count"
        } in no mean.`,
      ),
    ]),
    ...(damaged.length === 0 ? [] : [
      notice(
        `${whole(damaged.length)} of ${counted(planned.length, "planned run")} ${
          damaged.length === 1 ? "is" : "are"
        } damaged and left out; delete the folder and sweep again to make the run anew.`,
        damaged.map(({ folder, problem }) => `Run ${folder} damaged: ${problem}`),
      ),
    ]),
    ...damagedFiles.map(({ file, command, problem }) =>
      notice(
        `${file} is damaged and left out; deno task ${command} makes it anew.`,
        [problem],
      )
    ),
    ...(missing <= 0 ? [] : [
      notice(
        `${whole(missing)} of ${counted(planned.length, "planned run")} ${
          missing === 1 ? "has" : "have"
        } not been made yet.`,
      ),
    ]),
    ...(early === null ? [] : [notice(`${early.summary}.`, early.lines)]),
    ...unbracketed(tuned),
    ...flaggedRuns(runs).map(({ summary, lines }) => notice(`${summary}.`, lines)),
    ...(warnings.length === 0 ? [] : [
      warnings.length === 1 ? notice(warnings[0]!.text) : notice(
        `${whole(warnings.length)} warnings about the data.`,
        warnings.map(({ text }) => text),
      ),
    ]),
    ...(parted.length === 0 ? [] : [
      notice(
        `${counted(parted.length, "verified run")} could not be reproduced.`,
        parted.map(({ title }) => title),
      ),
    ]),
  ];
}

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
    prose(({ answer, analysis }) => [
      html`<p class="answer">${answer.sentence}</p>`,
      ...noticesOf(analysis).map(noticeHtml),
    ]),
    // The others stand in the section of scores.
    charts(({ charts }) => charts.metric.slice(0, 1), { says: ({ answer }) => answer.sentence }),
    prose(({ answer: { basis }, findings }) => {
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
