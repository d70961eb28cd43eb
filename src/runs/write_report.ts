/**
 * The report of a study's results, as files beside them.
 *
 * @module
 */
import { makeFolder, writeWhole } from "../record/durable.ts";
import { outputFolder, wantWithin } from "../record/results_reader.ts";
import { buildReport, type ReportOptions } from "../report/build.ts";
import type { Analysis } from "../analysis/analysis.ts";

/**
 * Builds the report of a study's results; returns the path of the page.
 *
 * @param source The study's folder, or its pack: then `report/` goes into a folder of its name beside it.
 * @param options What the report has besides; see {@linkcode buildReport}.
 */
export async function writeReport(
  source: string,
  results: Analysis,
  options: ReportOptions = {},
): Promise<string> {
  const folder = outputFolder(source);
  await wantWithin(folder, `${folder}/report`);
  const { files } = await buildReport(results, options);
  for (const [name, text] of Object.entries(files)) {
    const path = `${folder}/report/${name}`;
    const parent = path.slice(0, path.lastIndexOf("/"));
    await wantWithin(folder, parent);
    await makeFolder(parent);
    await writeWhole(path, text);
  }
  return `${folder}/report/report.html`;
}
