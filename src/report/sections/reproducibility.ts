/**
 * Whether runs were repeated, and what they were trained with.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { whole } from "../../base/format.ts";
import type { RunRecord } from "../../record/types.ts";
import { html } from "../html.ts";
import { command, prose, type Section, table, titled } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { verificationTable, verificationText } from "../verification.ts";

function factsOfRecord({ asked, where }: RunRecord): readonly (readonly [string, string])[] {
  const { executor, name, threads } = where.device;
  return [
    ["ranklab", where.ranklab],
    ["git commit", where.gitCommit ?? "not a git checkout"],
    ...(where.hashes.source === undefined
      ? []
      : [["ranklab's source", where.hashes.source] as const]),
    ["deno", where.deno],
    ...(where.v8 === undefined ? [] : [["v8", where.v8] as const]),
    ["platform", where.platform],
    ["device", `${executor}: ${name}, ${threads} ${threads === 1 ? "thread" : "threads"}`],
    ["seed", String(asked.seed)],
    ["method version", `${asked.method} ${asked.methodVersion}`],
    ...(where.method === undefined
      ? []
      : [["method source", `${asked.method} ${where.method.hash}`] as const]),
    ...(where.metrics ?? []).map(({ name, hash }) => ["metric source", `${name} ${hash}`] as const),
    ["weights", where.hashes.weights],
    ["tokenizer", where.hashes.tokenizer],
    ["lock file", where.hashes.lock ?? "none"],
    ...Object.entries(where.hashes.data).map(([path, hash]) => [`data ${path}`, hash] as const),
    ...Object.entries(where.hashes.libraries ?? {}).map(([name, hash]) =>
      [`library ${name}`, hash] as const
    ),
    ...Object.entries(where.packages).map(([name, version]) =>
      [`package ${name}`, version] as const
    ),
  ];
}

/** Every distinct value with the number of runs it holds for: a second value of one thing is worth a look. */
function provenanceTable(results: Analysis): ReportTable {
  const counts = new Map<string, Map<string, number>>();
  for (const { record } of results.runs) {
    for (const [what, value] of factsOfRecord(record)) {
      const values = counts.get(what) ?? new Map<string, number>();
      values.set(value, (values.get(value) ?? 0) + 1);
      counts.set(what, values);
    }
  }
  const rows = [...counts].flatMap(([what, values]) =>
    [...values].map(([value, runs]) => ({ what, value, runs }))
  );
  return reportTable(rows, {
    id: "provenance",
    title: "Versions, devices and hashes",
    note: "Every distinct value with the number of runs that have it. Hashes are SHA-256.",
    columns: [
      text("what", (row) => row.what),
      text("value", (row) => row.value),
      number("runs", (row) => whole(row.runs)),
    ],
  });
}

/** Verified runs, versions, devices and hashes. */
export const reproducibility: Section = {
  title: "Reproducibility",
  isPrinted: true,
  empty: (analysis) =>
    html`Not verified yet: ${
      command("verify", analysis)
    } repeats a sample of these runs and compares losses, metrics, ranks and predictions.`,
  blocks: [
    prose(({ analysis }) => {
      const verified = verificationText(analysis);
      return verified === null ? [] : [html`<p>${verified}</p>`];
    }),
    table(verificationTable),
    titled(provenanceTable),
  ],
};
