/**
 * What the page shows, and the parts that its sections are put together from.
 *
 * @module
 */
import type { ReportCharts } from "./charts.ts";
import type { ClaimsReport } from "../analysis/claims/claims_report.ts";
import type { Answer } from "./findings/answer.ts";
import type { Finding } from "./findings/finding.ts";
import { counted } from "../base/format.ts";
import { type Html, html, type HtmlValue } from "./html.ts";
import type { LabelMeanings } from "./labels.ts";
import type { Notice } from "./notices.ts";
import { empty, figure, tableHtml } from "./page_pieces.ts";
import type { Analysis } from "../analysis/analysis.ts";
import type { ReportTable } from "./table.ts";
import type { Chart } from "./types.ts";

/** Everything the page shows. */
export interface PageContent {
  readonly results: Analysis;
  /** What the labels that the study gives stand for. */
  readonly labels: LabelMeanings;
  /** Null for a study that claims nothing. */
  readonly claims: ClaimsReport | null;
  readonly answer: Answer;
  readonly notices: readonly Notice[];
  readonly findings: readonly Finding[];
  readonly charts: ReportCharts;
  /** Keys and plots of each chart as HTML, by id. */
  readonly pictures: ReadonlyMap<string, string>;
  /** Tables by id. */
  readonly tables: ReadonlyMap<string, ReportTable>;
}

/** Rows from which a table is folded under a line that says how long it is. */
const mostOpenRows = 60;

/** Methods whose own charts stand open; those of more are folded by method. */
const mostOpenMethods = 4;

/** A part that stands under a line until a reader opens it. */
export function details(summary: HtmlValue, body: readonly Html[] | Html): Html {
  return html`<details><summary>${summary}</summary>${body}</details>`;
}

function openOrFolded(table: ReportTable, labels: LabelMeanings): Html {
  const rows = table.rows.length;
  const shown = tableHtml(table, labels);
  return rows <= mostOpenRows ? shown : details(`All ${counted(rows, "row")}`, shown);
}

/** Parts or, where there are none, a line that says so. */
export function orEmpty(parts: readonly Html[], without: HtmlValue): readonly Html[] {
  return parts.length > 0 ? parts : [empty(without)];
}

/** The tables and charts of a page, as its sections show them. */
export class PageParts {
  readonly #content: PageContent;

  constructor(content: PageContent) {
    this.#content = content;
  }

  /** Whether a table has rows. */
  has(id: string): boolean {
    return this.#table(id) !== null;
  }

  #table(id: string): ReportTable | null {
    const table = this.#content.tables.get(id);
    return table === undefined || table.rows.length === 0 ? null : table;
  }

  /** A table below its note; nothing without rows. */
  table(id: string): readonly Html[] {
    const table = this.#table(id);
    return table === null
      ? []
      : [html`<p class="note">${table.note}</p>`, openOrFolded(table, this.#content.labels)];
  }

  /** A table below its title and note; nothing without rows. */
  titled(id: string): readonly Html[] {
    const table = this.#table(id);
    return table === null ? [] : [html`<h3>${table.title}</h3>`, ...this.table(id)];
  }

  /** A table under a line with its title and its length; nothing without rows. */
  folded(id: string): readonly Html[] {
    const table = this.#table(id);
    if (table === null) return [];
    const size = counted(table.rows.length, "row");
    return [
      details(`${table.title} (${size})`, [
        html`<p class="note">${table.note}</p>`,
        tableHtml(table, this.#content.labels),
      ]),
    ];
  }

  /**
   * Charts, one below the other.
   *
   * @param result What they show, in words. Default: what their captions say.
   */
  figures(charts: readonly Chart[], result?: string): readonly Html[] {
    return charts.map((chart) => figure(chart, this.#content.pictures.get(chart.id) ?? "", result));
  }

  /** The findings that begin with a lead, as one text; absent where there are none. */
  finding(lead: string): string | undefined {
    const own = this.#content.findings.filter((finding) => finding.lead.startsWith(lead));
    return own.length === 0 ? undefined : own.map(({ lead, text }) => `${lead}: ${text}`).join(" ");
  }

  /** Charts under a line; nothing without charts. */
  foldedFigures(summary: string, charts: readonly Chart[]): readonly Html[] {
    return charts.length === 0 ? [] : [details(summary, this.figures(charts))];
  }

  /** Charts of which many are of one method each: these are folded by method where there are many methods. */
  byMethod(charts: readonly Chart[]): readonly Html[] {
    const methods = Map.groupBy(charts.filter(({ label }) => label !== undefined), (c) => c.label!);
    if (methods.size <= mostOpenMethods) return this.figures(charts);
    return [
      ...this.figures(charts.filter(({ label }) => label === undefined)),
      ...[...methods].flatMap(([label, own]) =>
        this.foldedFigures(`${label} (${counted(own.length, "chart")})`, own)
      ),
    ];
  }

  /** A command line that makes what a section lacks. */
  command(name: string): Html {
    return html`<code>deno task ${name} ${this.#content.results.study.name}</code>`;
  }

  /** What stands where there is no finished run. */
  get noRuns(): Html {
    return html`No run has finished yet. Run or continue the study with ${this.command("sweep")}.`;
  }
}
