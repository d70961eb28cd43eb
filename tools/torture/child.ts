/**
 * The process that a campaign kills: one command on the campaign's study, given as JSON in the first argument.
 *
 * @module
 */
import { methods } from "../../src/methods/table.ts";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import type { WorkEvent } from "../../src/runs/events.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { writeReport } from "../../src/runs/write_report.ts";
import { sweepStudy } from "../../src/runs/sweep.ts";
import { verifyStudy } from "../../src/runs/after/verify.ts";
import { exportAll } from "./exports.ts";
import { fetchTiny } from "./caches.ts";
import { type ChildCommand, torturedModel, torturedStudy } from "./tortured_study.ts";

const { kind, home, results, jobs, leaseTimeout, out = "" } = JSON.parse(
  Deno.args[0]!,
) as ChildCommand;
const folder = `${results}/${torturedStudy.name}`;

/** Says what of the work others must know. */
function onEvent(event: WorkEvent): void {
  const told = ["begun", "recorded", "anew", "left", "taken over", "done elsewhere", "done twice"];
  if (!told.includes(event.kind)) return;
  const line = "record" in event ? { kind: event.kind, title: event.title } : event;
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
}

const common = { data: null, model: torturedModel, jobs, threads: 1, leaseTimeout };

if (kind === "sweep") {
  const { failed } = await sweepStudy(
    { study: torturedStudy, folder: home, methods },
    { ...common, device: "cpu", results, checkpointMillis: 20 },
    { onEvent },
  );
  if (failed > 0) throw new Error(`${failed} runs failed`);
} else if (kind === "ablate") {
  const { replay } = await ablateStudy(
    folder,
    { ...common, device: "cpu", sample: null, replay: true },
    { onEvent },
  );
  if ((replay?.failed ?? 0) > 0) throw new Error("Runs of the replay failed");
} else if (kind === "verify") {
  const { runs } = await verifyStudy(
    folder,
    { ...common, device: "cpu", sample: 2, seed: 0, tolerance: 0 },
    { onEvent },
  );
  const other = runs.find(({ verdict }) => verdict !== "bit-equal");
  if (other !== undefined) throw new Error(`${other.title}: ${other.verdict} ${other.message}`);
} else if (kind === "export") await exportAll(folder, out);
else if (kind === "fetch") await fetchTiny(out);
else {
  const read = await readStudyResults(folder);
  if (read.damaged.length > 0) throw new Error(read.damaged.map((run) => run.problem).join("\n"));
  await writeReport(folder, read);
}
