/**
 * Reports: records to tables, charts and a page.
 *
 * @module
 */
export { buildReport, type ReportOptions, tablesOf } from "./build.ts";
export type { Column, ReportTable, Tone } from "./table.ts";
export type { ReportFiles } from "./types.ts";
export { methodsText } from "./methods_text.ts";
