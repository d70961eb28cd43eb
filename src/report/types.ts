/**
 * What the report room writes: charts and a page, as values.
 *
 * @module
 */
import type { Drawing } from "./charts/panels.ts";

/** A chart, with what the page says around it. */
export interface Chart {
  /** File name without ending. */
  readonly id: string;
  readonly title: string;
  /** The method that it shows alone; absent for charts of several. */
  readonly label?: string;
  readonly caption: string;
  /** Its Vega-Lite specification, with data inside, for a width in pixels. */
  readonly draw: Drawing;
}

/** A report as files: path relative to the report's folder, and text. */
export interface ReportFiles {
  /** UTF-8 texts; paths use `/`. */
  readonly files: Readonly<Record<string, string>>;
}
