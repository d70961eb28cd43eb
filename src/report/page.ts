/**
 * The report as one HTML page: style, tables and pictures inside, nothing loaded from elsewhere, no scripts.
 *
 * @module
 */
import type { Analysis } from "../analysis/analysis.ts";
import { noBudget } from "../analysis/run_rows.ts";
import { counted, whole } from "../base/format.ts";
import { explained, type LabelMeanings } from "./glossary.ts";
import { Html, html, type HtmlValue } from "./html.ts";
import { claimsStyle, pageStyle } from "./page_style.ts";
import { anchorOf, type FilledBlock, type FilledSection, type ReportParts } from "./section.ts";
import { slugOf } from "./slug.ts";
import type { ReportTable, Tone } from "./table.ts";
import type { Chart } from "./types.ts";

/** What blocks are shown with. */
interface Shown {
  readonly labels: LabelMeanings;
  /** Keys and plots of each chart as HTML, by its id. */
  readonly pictures: ReadonlyMap<string, string>;
}

/**
 * Builds the page.
 *
 * @param pictures Each chart as HTML, by its id.
 */
export function pageOf(
  { analysis: results, labels }: ReportParts,
  filledSections: readonly FilledSection[],
  pictures: ReadonlyMap<string, string>,
): string {
  const bodies = filledSections.map((filled) => ({
    ...filled.section,
    id: anchorOf(filled.section),
    body: bodyOf(filled, results, { labels, pictures }),
  })).filter(({ body }) => body.length > 0);
  const links = bodies.filter(({ body }) => !isEmpty(body)).flatMap(({ id, title, divider }) => [
    html`<li><a href="#${id}">${title}</a></li>`,
    ...(divider === undefined ? [] : [
      html`<li class="part"><a href="#${slugOf(divider.title)}">${divider.title}</a></li>`,
    ]),
  ]);
  const page = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${results.study.title} – ranklab</title>
        <style>${new Html(results.claims === null ? pageStyle : pageStyle + claimsStyle)}</style>
      </head>
      <body>
        <div class="layout">
          <header>
    <div class="kind">ranklab report · ${results.study.name}</div>
    <h1>${results.study.title}</h1>
    <p>${results.study.description}</p>
    ${factList(results)}
          </header>
          <nav aria-label="Contents">
            <ol>${links}</ol>
            <label><input type="checkbox" id="print-all"> Print all sections</label>
          </nav>
          <main>
    ${lines(bodies.flatMap(({ id, title, body, isPrinted = false, divider }) => [
      html`
        <section id="${id}" class="${isPrinted ? "printed" : "further"}"><h2>${title}</h2>
        ${lines(body)}</section>
      `,
      ...(divider === undefined ? [] : [
        html`
          <div class="divider" id="${slugOf(divider.title)}">
            <h2>${divider.title}</h2>
            <p>${divider.text}</p>
          </div>
        `,
      ]),
    ]))}</main>
          <footer>Every number is computed from ${sourceOf(
            results,
          )}; tables lie beside this page as Markdown and CSV, charts as SVG and as Vega-Lite specifications.</footer>
        </div>
      </body>
    </html>
  `;
  return page.text + "\n";
}

/** What numbers are computed from. */
const sourceOf = ({ foreign, study }: Analysis): HtmlValue =>
  foreign === undefined
    ? html`the records of <code>results/${study.name}</code>`
    : "the scores of the files that are named above";

function factList(results: Analysis): Html {
  const grid = results.grid;
  const finished =
    results.runs.filter((r) => r.record.happened.outcome.state === "finished").length;
  const wallMillis = results.runs.reduce((sum, r) => sum + r.record.happened.time.wallMillis, 0);
  const budgets = grid.budgets.filter((budget) => budget !== noBudget).length;
  const facts: readonly (readonly [string, string])[] = [
    results.foreign === undefined
      ? [`${whole(finished)} / ${whole(results.planned.length)}`, "runs finished"]
      : [whole(finished), finished === 1 ? "run" : "runs"],
    [whole(grid.tasks.length), grid.tasks.length === 1 ? "task" : "tasks"],
    [whole(grid.labels.length), grid.labels.length === 1 ? "method" : "methods"],
    [whole(budgets), budgets === 1 ? "budget" : "budgets"],
    [whole(grid.seeds.length), grid.seeds.length === 1 ? "seed" : "seeds"],
    ...(results.foreign === undefined ? [[runTime(wallMillis), "run time"] as const] : []),
    ...(results.verification === null ? [] : [
      [
        `${whole(results.verification.runs.length)} of ${whole(results.verification.finishedRuns)}`,
        "runs verified",
      ] as const,
    ]),
  ];
  return html`<ul class="facts">${
    facts.map(([value, what]) => html`<li><b>${value}</b> <span>${what}</span></li>`)
  }</ul>`;
}

function runTime(millis: number): string {
  const minutes = millis / 60000;
  if (minutes < 1) return `${whole(millis / 1000)} s`;
  return minutes < 90 ? `${whole(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}

/** What a section shows; its sentence in place of the first block where that is empty. */
function bodyOf(
  { section, blocks }: FilledSection,
  results: Analysis,
  shown: Shown,
): readonly Html[] {
  const [first = [], ...further] = blocks.map((own) =>
    own.flatMap((block) => blockHtml(block, shown))
  );
  const lead = first.length === 0 && section.empty !== undefined
    ? [html`<p class="empty">${section.empty(results)}</p>`]
    : first;
  return [...lead, ...further.flat()];
}

function blockHtml(block: FilledBlock, { labels, pictures }: Shown): readonly Html[] {
  if (block.kind === "html") return block.html;
  if (block.kind === "table") return tableBlockHtml(block.table, block.as, labels);
  const { charts, result, block: { folded, isByMethod = false } } = block;
  const figures = (own: readonly Chart[]) =>
    own.map((chart) => figure(chart, pictures.get(chart.id) ?? "", result));
  if (charts.length === 0) return [];
  if (folded !== undefined) return [details(folded, figures(charts))];
  const methods = Map.groupBy(charts.filter(({ label }) => label !== undefined), (c) => c.label!);
  if (!isByMethod || methods.size <= mostOpenMethods) return figures(charts);
  return [
    ...figures(charts.filter(({ label }) => label === undefined)),
    ...[...methods].map(([label, own]) =>
      details(`${label} (${counted(own.length, "chart")})`, figures(own))
    ),
  ];
}

function tableBlockHtml(
  table: ReportTable,
  as: "plain" | "titled" | "folded",
  labels: LabelMeanings,
): readonly Html[] {
  const size = table.rows.length;
  if (size === 0) return [];
  const note = html`<p class="note">${table.note}</p>`;
  const rows = counted(size, "row");
  const shown = tableHtml(table, labels);
  if (as === "folded") return [details(`${table.title} (${rows})`, [note, shown])];
  return [
    ...(as === "titled" ? [html`<h3>${table.title}</h3>`] : []),
    note,
    size <= mostOpenRows ? shown : details(`All ${rows}`, shown),
  ];
}

/** Rows from which a table is folded under a line that says how long it is. */
const mostOpenRows = 60;

/** Methods whose own charts stand open; those of more are folded by method. */
const mostOpenMethods = 4;

/** A part that stands under a line until a reader opens it. */
function details(summary: HtmlValue, body: readonly Html[] | Html): Html {
  return html`<details><summary>${summary}</summary>${body}</details>`;
}

/** Rows of a table that the page shows; more stand in the files beside it. */
const mostPageRows = 1000;

function toned(text: HtmlValue, tone: Tone): HtmlValue {
  return tone === "plain" ? text : html`<span class="${tone}">${text}</span>`;
}

/** A table of the page; cells of the first column that repeat the row above fade, labels of the study are explained. */
function tableHtml(table: ReportTable, labels: LabelMeanings): Html {
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
const lines = (pieces: readonly Html[]): Html =>
  new Html(pieces.map((piece) => piece.text + "\n").join(""));

/** Whether a section says only that there is nothing to show. */
const isEmpty = (body: readonly Html[]): boolean =>
  body.every(({ text }) => text.startsWith('<p class="empty">'));

/**
 * A chart with its title and caption.
 *
 * @param picture The drawing as HTML.
 * @param result What it shows, for those who do not see it. Default: its caption alone says something.
 */
function figure(chart: Chart, picture: string, result: string = chart.caption): Html {
  return html`
    <figure id="${chart.id}">
      <h3>${chart.title}</h3>
      <div class="chart" role="img" aria-label="${chart.title}: ${result}">${new Html(
        picture,
      )}</div>
      <figcaption>${chart.caption} <a href="charts/${chart.id}.svg">SVG</a> <a href="charts/${chart
        .id}.vl.json">Vega-Lite</a></figcaption>
    </figure>
  `;
}
