/**
 * Builds the report of a made-up study of about ten thousand runs and prints how long it took and how large it is.
 *
 * @module
 */
import { analyse } from "../src/analysis/analysis.ts";
import { buildReport } from "../src/report/build.ts";
import { fixtureStudy } from "../tests/analysis/fixture.ts";

const tasks = ["cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"]
  .map((name) => [name, "accuracy"] as const);
const study = fixtureStudy({
  tasks,
  budgets: [1, 2, 3, 4, 6, 8, 12, 16],
  seeds: Array.from({ length: 45 }, (_, i) => i + 1),
  steps: 60,
  events: 8,
  examples: 20,
  hasAblation: true,
});
const start = performance.now();
const { files } = await buildReport(analyse(study));
const seconds = (performance.now() - start) / 1000;
const bytes = Object.values(files).reduce((sum, text) => sum + text.length, 0);
const page = files["report.html"]?.length ?? 0;
await Deno.stdout.write(new TextEncoder().encode(
  `${study.runs.length} runs: ${seconds.toFixed(2)} s, ${Object.keys(files).length} files, ` +
    `${(bytes / 1e6).toFixed(1)} MB, page ${(page / 1e6).toFixed(1)} MB\n`,
));
