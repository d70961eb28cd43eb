/**
 * Reports: records to tables, charts and a page.
 *
 * @module
 */
export { buildReport, tablesOf } from "./build.ts";
export type {
  DamagedFile,
  DamagedRun,
  PlannedRun,
  ReplayResults,
  ReportFiles,
  ReportTable,
  Row,
  RunResults,
  StudyResults,
  TableColumn,
  Tone,
} from "./types.ts";
export { methodsText } from "./methods_text.ts";
