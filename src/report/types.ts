/**
 * What the report room writes: tables, charts and a page, as values.
 *
 * @module
 */
import type { ColumnTable } from "arquero";
import type { Row } from "../analysis/run_rows.ts";
import type { Key } from "./markers.ts";

/** A column as people read it. */
export interface TableColumn {
  /** Column heading. */
  readonly title: string;
  /** `right` for numbers, so that digits stand below each other. */
  readonly align: "left" | "right";
  /** Text of a row's cell, rounded and with its unit. */
  readonly cell: (row: Row) => string;
  /** How the page colours the cell; default plain. */
  readonly tone?: (row: Row) => Tone;
}

/** `good` and `bad` carry a verdict, `muted` says that there is nothing to read. */
export type Tone = "plain" | "good" | "bad" | "muted";

/** A table: raw values (written as CSV) and the columns people read (Markdown, HTML, terminal). */
export interface ReportTable {
  /** File name without ending. */
  readonly id: string;
  /** Heading above the table. */
  readonly title: string;
  /** What a reader must know to read it, one or two sentences. */
  readonly note: string;
  /** Unrounded values, one row a line of the table. */
  readonly table: ColumnTable;
  /** What people see, from left to right; CSV files have all columns of `table` instead. */
  readonly columns: readonly TableColumn[];
}

/** One plot of a chart. */
export interface Panel {
  readonly title: string;
  /** Lines below the title. */
  readonly lines: readonly string[];
  /** Vega-Lite specification of the plot, without title, facets and legends. */
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Plots that belong together, with what the page says around them. */
export interface Chart {
  /** File name without ending. */
  readonly id: string;
  readonly title: string;
  /** The method that it shows alone; absent for charts of several. */
  readonly label?: string;
  readonly caption: string;
  /** What colours, shapes and dashes stand for. */
  readonly keys: readonly Key[];
  /** The plots, in reading order; the page sets as many side by side as it has room for. */
  readonly panels: readonly Panel[];
  /** The same plots for screens on which `panels` would be too wide; default `panels`. */
  readonly narrowPanels?: readonly Panel[];
  /** Most plots in a row. */
  readonly columns: number;
}

/** A report as files: path relative to the report's folder, and text. */
export interface ReportFiles {
  /** UTF-8 texts; paths use `/`. */
  readonly files: Readonly<Record<string, string>>;
}
