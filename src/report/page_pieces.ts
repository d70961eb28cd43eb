/**
 * What sections of the page are made of: tables and figures.
 *
 * @module
 */
import { whole } from "../base/format.ts";
import { explained } from "./glossary.ts";
import { Html, html, type HtmlValue } from "./html.ts";
import type { LabelMeanings } from "./labels.ts";
import type { ReportTable, Tone } from "./table.ts";
import type { Chart } from "./types.ts";

/** Rows of a table that the page shows; more stand in the files beside it. */
const mostPageRows = 1000;

function toned(text: HtmlValue, tone: Tone): HtmlValue {
  return tone === "plain" ? text : html`<span class="${tone}">${text}</span>`;
}

/**
 * A table of the page; cells of the first column that repeat the row above fade.
 *
 * @param labels Labels of the study, which are explained where they stand.
 */
export function tableHtml(table: ReportTable, labels: LabelMeanings): Html {
  const all = table.rows;
  const rows = all.slice(0, mostPageRows);
  const { columns } = table;
  const firsts = rows.map((row) => columns[0]?.cell(row) ?? "");
  const isBlocked = new Set(firsts).size < firsts.length;
  const body = rows.map((row, i) => {
    const isRepeat = isBlocked && i > 0 && firsts[i] === firsts[i - 1];
    const cells = columns.map((column, c) => {
      const text = column.cell(row);
      const classes = [
        column.align === "right" ? "right" : "",
        c === 0 && isRepeat ? "repeat" : "",
        text.length > 70 ? "wrap" : "",
      ].filter((name) => name !== "").join(" ");
      const meaning = labels.has(text) ? explained(text, labels) : text;
      const content = toned(meaning, column.tone(row));
      return classes === ""
        ? html`<td>${content}</td>`
        : html`<td class="${classes}">${content}</td>`;
    });
    return isBlocked && i > 0 && !isRepeat
      ? html`<tr class="block">${cells}</tr>`
      : html`<tr>${cells}</tr>`;
  });
  const heads = columns.map((column) =>
    column.align === "right"
      ? html`<th class="right" scope="col">${explained(column.title)}</th>`
      : html`<th scope="col">${explained(column.title)}</th>`
  );
  const rest = all.length > rows.length
    ? [
      html`
        <p
          class="note">${whole(rows.length)} of ${whole(
            all.length,
          )} rows; all are in <a href="tables/${table.id}.csv">tables/${table.id}.csv</a>.</p>
      `,
    ]
    : [];
  return html`
    <div class="scroll">
      <table>
        <caption>${table.title} <a href="tables/${table.id}.csv">CSV</a></caption>
        <thead>
          <tr>${heads}</tr>
        </thead>
        <tbody>
    ${lines(body)}</tbody>
      </table>
    </div>${rest}
  `;
}

/** Pieces on a line each. */
export const lines = (pieces: readonly Html[]): Html =>
  new Html(pieces.map((piece) => piece.text + "\n").join(""));

/** Whether a section says only that there is nothing to show. */
export const isEmpty = (body: readonly Html[]): boolean =>
  body.every(({ text }) => text.startsWith('<p class="empty">'));

/** What stands where there is nothing to show. */
export const empty = (text: HtmlValue): Html => html`<p class="empty">${text}</p>`;

/**
 * A chart with its title and caption.
 *
 * @param picture The chart's keys and plots as HTML.
 * @param result What it shows, for those who do not see it. Default: its caption alone says something.
 */
export function figure(chart: Chart, picture: string, result: string = chart.caption): Html {
  return html`
    <figure id="${chart.id}">
      <h3>${chart.title}</h3>
      <div class="chart" role="img" aria-label="${chart.title}: ${result}">${new Html(
        picture,
      )}</div>
      <figcaption>${chart.caption} <a href="charts/${chart.id}.svg">SVG</a></figcaption>
    </figure>
  `;
}
