/**
 * What the report room writes: charts and a page, as values.
 *
 * @module
 */
import type { Key } from "./markers.ts";

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
