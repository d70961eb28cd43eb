/**
 * Sections of the report as values: blocks of tables, charts and text, and what is said where there is nothing to show.
 *
 * @module
 */
import type { Analysis } from "../analysis/analysis.ts";
import type { ReportCharts } from "./charts.ts";
import type { Answer } from "./findings/answer.ts";
import type { Finding } from "./findings/finding.ts";
import { type Html, html, type HtmlValue } from "./html.ts";
import type { LabelMeanings } from "./glossary.ts";
import { slugOf } from "./slug.ts";
import type { ReportTable } from "./table.ts";
import type { Chart } from "./types.ts";

/** What a report has besides. */
export interface ReportOptions {
  /** What a further table groups scores by, as {@linkcode groupedTable} takes it; it stands in the files alone. Default: nothing. */
  readonly by?: readonly string[];
  /** Whether a table has the almost stochastic order of each method and the baseline. Default false. */
  readonly hasStochasticOrder?: boolean;
}

/** What charts and text of sections are made from. */
export interface ReportParts {
  readonly analysis: Analysis;
  /** What the labels that the study gives stand for. */
  readonly labels: LabelMeanings;
  readonly charts: ReportCharts;
  readonly answer: Answer;
  readonly findings: readonly Finding[];
}

/** A table below its note: plain, below its title too, or folded under a line with its title. */
interface TableBlock {
  readonly kind: "table";
  readonly as: "plain" | "titled" | "folded";
  readonly of: (analysis: Analysis, options: ReportOptions) => ReportTable | null;
}

/** How charts are shown. */
interface ChartsLook {
  /** What they show, in words. Default: what their captions say. */
  readonly says?: (parts: ReportParts) => string | undefined;
  /** The line that they are folded under. Default: they stand open. */
  readonly folded?: string;
  /** Whether many are of one method each: these are folded by method where there are many methods. */
  readonly isByMethod?: boolean;
}

/** Charts, one below the other. */
interface ChartsBlock extends ChartsLook {
  readonly kind: "charts";
  readonly of: (parts: ReportParts) => readonly Chart[];
}

/** Text, or what no other block shows. */
interface HtmlBlock {
  readonly kind: "html";
  readonly of: (parts: ReportParts) => readonly Html[];
}

/** A piece of a section. */
type Block = TableBlock | ChartsBlock | HtmlBlock;

/** A section of the report; its file in `sections/` has the name of its title. */
export interface Section {
  readonly title: string;
  /** Its anchor. Default: from its title. */
  readonly id?: string;
  /** Whether paper has it without a reader asking for all sections. Default false. */
  readonly isPrinted?: boolean;
  /** In reading order; a list stands together as one. A section whose blocks are all empty is left out. */
  readonly blocks: readonly (Block | readonly Block[])[];
  /** Said in place of the first block where that is empty. Default: nothing. */
  readonly empty?: (analysis: Analysis) => HtmlValue;
  /** What parts it from the sections after it. Default: nothing. */
  readonly divider?: { readonly title: string; readonly text: string };
}

/** A table below its note. */
export const table = (of: TableBlock["of"]): Block => ({ kind: "table", as: "plain", of });

/** A table below its title and note. */
export const titled = (of: TableBlock["of"]): Block => ({ kind: "table", as: "titled", of });

/** A table under a line with its title and its length. */
export const folded = (of: TableBlock["of"]): Block => ({ kind: "table", as: "folded", of });

/** Charts, one below the other. */
export const charts = (of: ChartsBlock["of"], look: ChartsLook = {}): Block => ({
  kind: "charts",
  of,
  ...look,
});

/** Text, or what no other block shows. */
export const prose = (of: HtmlBlock["of"]): Block => ({ kind: "html", of });

/** A command line that makes what a section lacks. */
export const command = (name: string, { study }: Analysis): Html =>
  html`<code>deno task ${name} ${study.name}</code>`;

/** What stands where there is no finished run. */
export const noRuns = (analysis: Analysis): Html =>
  html`No run has finished yet. Run or continue the study with ${command("sweep", analysis)}.`;

/** The findings that begin with a lead, as one text; absent where there are none. */
export const finding = (lead: string) => ({ findings }: ReportParts): string | undefined => {
  const own = findings.filter((finding) => finding.lead.startsWith(lead));
  return own.length === 0 ? undefined : own.map(({ lead, text }) => `${lead}: ${text}`).join(" ");
};

/** The anchor of a section. */
export const anchorOf = ({ id, title }: Section): string => id ?? slugOf(title);

/** A block with its rows, charts or text. */
export type FilledBlock =
  | { readonly kind: "table"; readonly as: TableBlock["as"]; readonly table: ReportTable }
  | {
    readonly kind: "charts";
    readonly charts: readonly Chart[];
    readonly result: string | undefined;
    readonly block: ChartsBlock;
  }
  | { readonly kind: "html"; readonly html: readonly Html[] };

/** A section as one study fills it; each renderer walks these. */
export interface FilledSection {
  readonly section: Section;
  /** Parallel to the section's blocks, each a list. */
  readonly blocks: readonly (readonly FilledBlock[])[];
}

function filledBlock(
  block: Block,
  parts: ReportParts,
  options: ReportOptions,
): readonly FilledBlock[] {
  if (block.kind === "html") return [{ kind: "html", html: block.of(parts) }];
  if (block.kind === "table") {
    const table = block.of(parts.analysis, options);
    return table === null ? [] : [{ kind: "table", as: block.as, table }];
  }
  return [{ kind: "charts", charts: block.of(parts), result: block.says?.(parts), block }];
}

/** Fills a section. */
export function filled(
  section: Section,
  parts: ReportParts,
  options: ReportOptions,
): FilledSection {
  const blocks = section.blocks.map((own) =>
    (Array.isArray(own) ? own as readonly Block[] : [own as Block])
      .flatMap((block) => filledBlock(block, parts, options))
  );
  return { section, blocks };
}
