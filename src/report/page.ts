/**
 * The report as one HTML page: style, tables and pictures inside, nothing loaded from elsewhere, no scripts.
 *
 * @module
 */
import { noBudget } from "../analysis/run_rows.ts";
import { whole } from "../base/format.ts";
import { Html, html } from "./html.ts";
import { isEmpty, lines } from "./page_pieces.ts";
import { exploratory } from "./page_claims.ts";
import type { PageContent } from "./page_parts.ts";
import { printedIds, sectionsOf, verdictsId } from "./page_sections.ts";
import { claimsStyle, pageStyle } from "./page_style.ts";
import type { Analysis } from "../analysis/analysis.ts";

/** Builds the page. */
export function pageOf(content: PageContent): string {
  const { results } = content;
  const sections = sectionsOf(content);
  const links = sections.filter(({ body }) => !isEmpty(body)).flatMap(({ id, title }) => [
    html`<li><a href="#${id}">${title}</a></li>`,
    ...(id === verdictsId
      ? [html`<li class="part"><a href="#exploratory">Exploratory</a></li>`]
      : []),
  ]);
  const page = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${results.study.title} – ranklab</title>
        <style>${new Html(content.claims === null ? pageStyle : pageStyle + claimsStyle)}</style>
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
    ${lines(sections.flatMap(({ id, title, body }) => [
      html`
        <section id="${id}" class="${printedIds.has(id) ? "printed" : "further"}"><h2>${title}</h2>
        ${lines(body)}</section>
      `,
      ...(id === verdictsId ? [exploratory] : []),
    ]))}</main>
          <footer>Every number is computed from the records of <code>results/${results.study
            .name}</code>; tables and charts lie beside this page as Markdown, CSV and SVG.</footer>
        </div>
      </body>
    </html>
  `;
  return page.text + "\n";
}

function factList(results: Analysis): Html {
  const grid = results.grid;
  const finished =
    results.runs.filter((r) => r.record.happened.outcome.state === "finished").length;
  const wallMillis = results.runs.reduce((sum, r) => sum + r.record.happened.time.wallMillis, 0);
  const budgets = grid.budgets.filter((budget) => budget !== noBudget).length;
  const facts: readonly (readonly [string, string])[] = [
    [`${whole(finished)} / ${whole(results.planned.length)}`, "runs finished"],
    [whole(grid.tasks.length), grid.tasks.length === 1 ? "task" : "tasks"],
    [whole(grid.labels.length), grid.labels.length === 1 ? "method" : "methods"],
    [whole(budgets), budgets === 1 ? "budget" : "budgets"],
    [whole(grid.seeds.length), grid.seeds.length === 1 ? "seed" : "seeds"],
    [runTime(wallMillis), "run time"],
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
