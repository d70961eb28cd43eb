/**
 * Verifying a study: finished runs are repeated from their records alone and compared number by number.
 *
 * @module
 */
import { UsageError } from "../../base/usage_error.ts";
import { readEnvironment } from "../../record/provenance.ts";
import { outputFolder, wantWithin } from "../../record/results_reader.ts";
import { makeFolder, writeWhole } from "../../record/durable.ts";
import { recordSchemaVersion } from "../../record/types.ts";
import type { RunVerification, Verification } from "../../record/verification.ts";
import { underWay } from "../../record/under_way.ts";
import { verificationMarkdown } from "../../report/verification_markdown.ts";
import { stopFlagOf, teller, type Watch } from "../events.ts";
import { Pool, type PoolOptions } from "../pool/pool.ts";
import { finishedRuns, type PlanAgain, planRecorded, type RecordedRun } from "./recorded_run.ts";
import { sampleByKind } from "./sampling.ts";
import { StoppedError } from "../pool/stop_flag.ts";
import { readStoredStudy } from "../stored_study.ts";
import { groupsOf, verifyGroup } from "./verify_group.ts";

/** What a verification is told. */
export interface VerifyOptions extends PlanAgain, PoolOptions {
  /** Runs to repeat, or null for all. */
  readonly sample: number | null;
  /** Draws the sample; has no effect on the runs themselves. */
  readonly seed: number;
  /** Largest relative difference that counts as agreement, at least 0; 0 asks for equal bits. */
  readonly tolerance: number;
}

/**
 * Repeats a sample of a study's finished runs and writes `verify/verification.json` and `.md` into its results.
 *
 * @param results The study's folder, or its pack: then `verify/` goes into a folder of its name beside it.
 *
 * @throws {UntrustedCodeError} If the results name code that is not trusted; nothing has been done then.
 * @throws {StoppedError} If it was stopped before all were compared; nothing is written then.
 */
export async function verifyStudy(
  results: string,
  options: VerifyOptions,
  watch: Watch = {},
): Promise<Verification> {
  const poolWatch = { stop: stopFlagOf(watch), tell: teller(watch) };
  const { stop, tell } = poolWatch;
  const folder = `${outputFolder(results)}/verify`;
  await wantWithin(outputFolder(results), `${folder}/${underWay}`);
  const stored = await readStoredStudy(results);
  const finished = await finishedRuns(results, stored, tell);
  if (finished.length === 0) {
    throw new UsageError(
      `Cannot verify "${results}": found no finished run, want at least one; run deno task sweep first`,
    );
  }
  const chosen = options.sample === null
    ? finished
    : sampleByKind(finished, options.sample, ({ record }) => record.asked.label, options.seed);
  const { plan, recorded } = await planRecorded(stored, chosen, options, watch.fetching);
  const environment = await readEnvironment();
  const verified = new Map<RecordedRun, RunVerification>();
  await tell({ kind: "begun", noun: "runs", total: recorded.length, skipped: 0 });
  for (const group of groupsOf(recorded, options)) {
    if (stop.isRaised) break;
    const { device, threads } = group;
    await using pool = new Pool({ ...options, device, threads }, poolWatch);
    await verifyGroup(group.runs, {
      pool,
      work: {
        title: `${stored.study.title ?? stored.study.name}: ${group.runs.length} runs again`,
        plan,
        results: folder,
      },
      environment,
      tolerance: options.tolerance,
      onVerified: async (run, verification) => {
        verified.set(run, verification);
        await tell({ kind: "verified", title: verification.title, verification });
      },
    });
  }
  if (verified.size < recorded.length) {
    throw new StoppedError(
      `Stopped: ${verified.size} of ${recorded.length} runs were compared; nothing is written, and the same ` +
        "command starts again",
    );
  }
  const runs = recorded.map((run) => verified.get(run)!);
  const verification: Verification = {
    schema: recordSchemaVersion,
    study: stored.study.name,
    verifiedAt: new Date().toISOString(),
    tolerance: options.tolerance,
    finishedRuns: finished.length,
    sampleSeed: options.sample === null ? null : options.seed,
    runs,
  };
  await makeFolder(folder);
  await writeWhole(`${folder}/verification.json`, `${JSON.stringify(verification, null, 2)}\n`);
  await writeWhole(`${folder}/verification.md`, verificationMarkdown(verification));
  return verification;
}
