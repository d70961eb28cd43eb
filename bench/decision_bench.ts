/**
 * Machine time per decided claim: `deno run -P=bench bench/decision_bench.ts RESULTS…`.
 *
 * RESULTS are folders or packs of studies with claims. The time is the sum over all recorded runs, failed ones too, of the wall
 * time that each took (with one run a core that is core time), and what the tuning took that the study extends. Decided are
 * claims that are supported, refuted or equivalent. A study that decides nothing has no such figure.
 *
 * @module
 */
import { textTable } from "../src/base/text_table.ts";
import { type ClaimsReport } from "../src/analysis/claims/claims_report.ts";
import type { StudyResults } from "../src/analysis/results.ts";
import { readStudyResults } from "../src/runs/study_results.ts";

const decided: readonly string[] = ["supported", "refuted", "equivalent"];

/** What the decisions of one study cost. */
interface DecisionCost {
  readonly study: string;
  readonly runs: number;
  readonly runSeconds: number;
  /** Of the tuning whose settings it has; 0 without one. */
  readonly tuningSeconds: number;
  readonly claims: number;
  readonly decided: number;
}

function costOf(results: StudyResults, { verdicts }: ClaimsReport): DecisionCost {
  const { study, runs, tuned } = results;
  const millis = runs.reduce((sum, { record }) => sum + record.happened.time.wallMillis, 0);
  return {
    study: study.name,
    runs: runs.length,
    runSeconds: millis / 1000,
    tuningSeconds: tuned?.seconds ?? 0,
    claims: verdicts.length,
    decided: verdicts.filter(({ answer }) => decided.includes(answer)).length,
  };
}

async function costAt(source: string): Promise<DecisionCost> {
  const results = await readStudyResults(source);
  const report = results.claimsReport;
  if (report === null) {
    throw new TypeError(
      `Cannot tell what decisions cost: found no claims in the study of "${source}"`,
    );
  }
  return costOf(results, report);
}

const seconds = (value: number) => `${value.toFixed(0)} s`;

if (Deno.args.length === 0) {
  throw new TypeError(
    "Cannot tell what decisions cost: found no argument, want folders of results",
  );
}
const rows: string[][] = [];
for (const source of Deno.args) {
  const cost = await costAt(source);
  const total = cost.runSeconds + cost.tuningSeconds;
  rows.push([
    cost.study,
    String(cost.runs),
    seconds(cost.runSeconds),
    seconds(cost.tuningSeconds),
    `${cost.decided} of ${cost.claims}`,
    cost.decided === 0 ? "-" : seconds(total / cost.decided),
  ]);
}
const headings = ["study", "runs", "time of runs", "of tuning", "decided", "per decided claim"];
await Deno.stdout.write(new TextEncoder().encode(textTable(headings, rows)));
