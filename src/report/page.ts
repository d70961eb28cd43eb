/**
 * The report as one HTML page: style, tables and pictures inside, nothing loaded from elsewhere, no scripts.
 *
 * @module
 */
import type { ReportCharts } from "./charts.ts";
import { gridOf, noBudget, rowsOf } from "./facts.ts";
import type { Finding } from "./findings.ts";
import { counted, whole } from "./format.ts";
import { Html, html, type HtmlValue } from "./html.ts";
import { pageStyle } from "./page_style.ts";
import type { Chart, ReportTable, StudyResults, Tone } from "./types.ts";

/** Everything the page shows. */
export interface PageContent {
  readonly results: StudyResults;
  readonly findings: readonly Finding[];
  readonly charts: ReportCharts;
  /** SVG text of each chart, by id. */
  readonly pictures: ReadonlyMap<string, string>;
  /** Tables by id. */
  readonly tables: ReadonlyMap<string, ReportTable>;
}

/** Rows of a table that the page shows; more stand in the files beside it. */
export const mostPageRows = 1000;

/** Pictures wider than this (in pixels) scroll sideways instead of shrinking beyond legibility. */
const mostPictureWidth = 1500;

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: readonly Html[];
}

function toned(text: string, tone: Tone): HtmlValue {
  return tone === "plain" ? text : html`<span class="${tone}">${text}</span>`;
}

/** A table of the page; cells of the first column that repeat the row above fade. */
export function tableHtml(table: ReportTable): Html {
  const all = rowsOf(table.table);
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
      const content = toned(text, column.tone?.(row) ?? "plain");
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
      ? html`<th class="right" scope="col">${column.title}</th>`
      : html`<th scope="col">${column.title}</th>`
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
        <thead>
          <tr>${heads}</tr>
        </thead>
        <tbody>
    ${lines(body)}</tbody>
      </table>
    </div>${rest}
  `;
}

const lines = (pieces: readonly Html[]): Html =>
  new Html(pieces.map((piece) => piece.text + "\n").join(""));

const empty = (text: HtmlValue): Html => html`<p class="empty">${text}</p>`;

function figure(chart: Chart, svg: string): Html {
  const width = Number(/ width="([\d.]+)"/.exec(svg)?.[1] ?? 0);
  const kind = width > mostPictureWidth ? "chart wide" : "chart";
  return html`
    <figure id="${chart.id}">
      <h3>${chart.title}</h3>
      <div class="${kind}" role="img" aria-label="${chart.title}">${new Html(svg)}</div>
      <figcaption>${chart.caption} <a href="charts/${chart.id}.svg">SVG</a></figcaption>
    </figure>
  `;
}

/** Builds the page. */
export function pageOf(content: PageContent): string {
  const { results } = content;
  const sections = sectionsOf(content);
  const links = sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`);
  const page = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${results.study.title} – ranklab</title>
        <style>${new Html(pageStyle)}</style>
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
          </nav>
          <main>
    ${lines(sections.map(({ id, title, body }) =>
      html`<section id="${id}"><h2>${title}</h2>
${lines(body)}</section>`
    ))}</main>
          <footer>Every number is computed from the records of <code>results/${results.study
            .name}</code>; tables and charts lie beside this page as Markdown, CSV and SVG.</footer>
        </div>
      </body>
    </html>
  `;
  return page.text + "\n";
}

function factList(results: StudyResults): Html {
  const grid = gridOf(results);
  const finished =
    results.runs.filter((r) => r.record.happened.outcome.state === "finished").length;
  const wallMillis = results.runs.reduce((sum, r) => sum + r.record.happened.time.wallMillis, 0);
  const budgets = grid.budgets.filter((budget) => budget !== noBudget).length;
  const facts: readonly (readonly [string, string])[] = [
    [`${whole(finished)} / ${whole(results.planned)}`, "runs finished"],
    [whole(grid.tasks.length), grid.tasks.length === 1 ? "task" : "tasks"],
    [whole(grid.labels.length), grid.labels.length === 1 ? "method" : "methods"],
    [whole(budgets), budgets === 1 ? "budget" : "budgets"],
    [whole(grid.seeds.length), grid.seeds.length === 1 ? "seed" : "seeds"],
    [hours(wallMillis), "of runs"],
  ];
  return html`<ul class="facts">${
    facts.map(([value, what]) => html`<li><b>${value}</b><span>${what}</span></li>`)
  }</ul>`;
}

function hours(millis: number): string {
  const minutes = millis / 60000;
  return minutes < 90 ? `${whole(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}

function sectionsOf(content: PageContent): readonly Section[] {
  const { results, charts } = content;
  const figures = (list: readonly Chart[]) =>
    list.map((chart) => figure(chart, content.pictures.get(chart.id) ?? ""));
  const tableOf = (id: string): ReportTable | null => {
    const table = content.tables.get(id);
    return table === undefined || table.table.numRows() === 0 ? null : table;
  };
  /** The note and the table, or what to do to get one. */
  const shown = (id: string, without: HtmlValue): readonly Html[] => {
    const table = tableOf(id);
    return table === null
      ? [empty(without)]
      : [html`<p class="note">${table.note}</p>`, tableHtml(table)];
  };
  const titled = (id: string): readonly Html[] => {
    const table = tableOf(id);
    return table === null ? [] : [html`<h3>${table.title}</h3>`, ...shown(id, "")];
  };
  const untitled = (id: string): readonly Html[] => tableOf(id) === null ? [] : shown(id, "");
  const folded = (id: string): readonly Html[] => {
    const table = tableOf(id);
    if (table === null) return [];
    const size = counted(table.table.numRows(), "row");
    return [html`<details><summary>${table.title} (${size})</summary>${shown(id, "")}</details>`];
  };
  const or = (list: readonly Html[], without: HtmlValue) =>
    list.length > 0 ? list : [empty(without)];
  const command = (name: string) => html`<code>deno task ${name} ${results.study.name}</code>`;
  const noRuns = html`No run has finished yet. Run or continue the study with ${command("sweep")}.`;
  const noRanks = "No finished run of this study changed its ranks; AdaLoRA and ElaLoRA do.";
  return [
    {
      id: "summary",
      title: "Summary",
      body: [
        html`<ul class="findings">${
          content.findings.map(({ lead, text }) => html`<li><b>${lead}:</b> ${text}</li>`)
        }</ul>`,
      ],
    },
    { id: "metric", title: "Metric against budget", body: or(figures(charts.metric), noRuns) },
    { id: "methods", title: "Methods", body: [...shown("methods", noRuns), ...folded("scores")] },
    // Most studies have no sequence, and their page says nothing of them.
    ...(tableOf("sequences") === null ? [] : [{
      id: "sequences",
      title: "Sequences of tasks",
      body: [
        ...shown("sequences", noRuns),
        ...figures(charts.sequences),
        ...folded("sequence_accuracies"),
      ],
    }]),
    {
      id: "ranking",
      title: "Ranking",
      body: [
        ...or(
          figures(charts.ranking),
          "A ranking needs two methods that have a score on the same task and seed.",
        ),
        ...untitled("ranking"),
        ...titled("ranking_tests"),
        ...folded("ranking_pairs"),
      ],
    },
    {
      id: "differences",
      title: "Paired differences",
      body: [
        ...shown("paired", "Differences need a method to compare with: add LoRA to the study."),
        ...folded("paired_examples"),
      ],
    },
    {
      id: "ranks",
      title: "Ranks",
      body: or([...figures(charts.ranks), ...figures(charts.trajectories)], noRanks),
    },
    {
      id: "importance",
      title: "Importance",
      body: or(
        figures(charts.importance),
        "No run logged importance scores; AdaLoRA and ElaLoRA do.",
      ),
    },
    {
      id: "ablation",
      title: "Layer-rank ablation",
      body: [
        ...or(
          figures(charts.ablation),
          html`No run was ablated yet: ${
            command("ablate")
          } removes each layer’s and each module’s adapter in turn and evaluates again.`,
        ),
        ...titled("ablation"),
        ...folded("removals"),
      ],
    },
    {
      id: "replay-ablation",
      title: "Replay ablation",
      body: [
        ...or(
          figures(charts.replay),
          html`No replay was run yet: ${
            command("ablate")
          } trains LoRA again with ElaLoRA’s final ranks, with those reversed in depth, and with uniform ranks.`,
        ),
        ...titled("replay_methods"),
        ...titled("replay_paired"),
      ],
    },
    {
      id: "cost",
      title: "Cost",
      body: [...or(figures(charts.cost), noRuns), ...titled("cost"), ...titled("budgets")],
    },
    { id: "loss-curves", title: "Losses", body: or(figures(charts.loss), noRuns) },
    {
      id: "reproducibility",
      title: "Reproducibility",
      body: [
        html`<p>${
          command("verify")
        } runs a sample of these runs again and compares metrics, losses and ranks.</p>`,
        ...shown("provenance", noRuns),
      ],
    },
    {
      id: "failed",
      title: "Failed runs",
      body: results.runs.length > 0 && tableOf("failed") === null
        ? [empty(content.tables.get("failed")?.note ?? "")]
        : shown("failed", noRuns),
    },
    { id: "runs", title: "All runs", body: or(folded("runs"), noRuns) },
  ];
}
