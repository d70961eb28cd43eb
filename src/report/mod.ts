/**
 * Reports: records to tables, charts and a page.
 *
 * @module
 */
export { buildReport, type ReportOptions, tablesOf } from "./build.ts";
export type { ReportFiles, ReportTable, TableColumn, Tone } from "./types.ts";
export { methodsText } from "./methods_text.ts";
