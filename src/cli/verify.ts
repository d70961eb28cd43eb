/**
 * `deno task verify [STUDY]`: makes finished runs again from their records alone, and says whether they come out the same.
 *
 * @module
 */
import { chooseExecutor } from "../exec/choose.ts";
import type { Executor } from "../exec/executor.ts";
import { readSurroundings } from "../record/provenance.ts";
import { readRun, type StoredRun } from "../record/read_study.ts";
import { makeFolder, removeTree, writeWhole } from "../record/run_folder.ts";
import { recordSchemaVersion } from "../record/types.ts";
import {
  changedInputs,
  comparePinned,
  pinnedBy,
  type RunVerification,
  type Verification,
  verifyRun,
} from "../record/verification.ts";
import { ProgramCache } from "../train/programs.ts";
import { execute } from "./execute.ts";
import type { Inputs } from "./inputs.ts";
import { isFinished, planRecorded, type RecordedRun } from "./recorded_run.ts";
import { whereOf } from "./run_record.ts";
import { sampleByKind } from "./sampling.ts";
import { defaultStudy } from "./study_file.ts";
import { defaultResults, findResults, readStoredStudy, readStudyRuns } from "./study_results.ts";
import {
  quietVulkan,
  readArguments,
  runCommand,
  say,
  showStatus,
  UsageError,
  wholeNumber,
} from "./terminal.ts";
import {
  differenceText,
  summaryText,
  verificationMarkdown,
  verificationTable,
} from "./verification_text.ts";

const defaultSample = 3;
const defaultTolerance = 1e-4;

const usage = `Usage: deno task verify [STUDY or results folder] [options]
  STUDY              a study that has been swept (default ${defaultStudy})
  --sample N         runs to make again, some of each method (default ${defaultSample})
  --all              make all finished runs again
  --seed S           draws the sample (default 0)
  --tolerance X      largest relative difference that counts as agreement (default ${defaultTolerance})
  --data DIR         folder with GLUE tasks, if it is not where the sweep found it
  --model DIR        Hugging Face folder, if it is not where the sweep found it
  --device NAME      auto, webgpu, cpu, wasm or reference (default: the one of the record)
  --threads N        threads of the CPU executors (default: as in the record)
  --results DIR      where results are (default ${defaultResults})
Exit code: 0 if all were reproduced, 1 if one was not, 3 if inputs differ so that one could not be made again`;

/** What a verification is told. */
export interface VerifyOptions {
  readonly data: string | null;
  readonly model: string | null;
  /** Null for the one of each record. */
  readonly device: string | null;
  /** Null for as many as each record says. */
  readonly threads: number | null;
  /** Runs to make again, or null for all. */
  readonly sample: number | null;
  readonly seed: number;
  readonly tolerance: number;
}

/** Executors by device and threads, each made once. */
class Executors {
  readonly #made = new Map<
    string,
    { readonly executor: Executor; readonly programs: ProgramCache }
  >();
  readonly #options: Pick<VerifyOptions, "device" | "threads">;

  constructor(options: Pick<VerifyOptions, "device" | "threads">) {
    this.#options = options;
  }

  /** What a recorded run is made again on. */
  async for({ record: { where } }: StoredRun) {
    const device = this.#options.device ?? where.device.executor;
    const threads = this.#options.threads ?? Math.max(1, where.device.threads);
    const key = `${device}/${threads}`;
    const held = this.#made.get(key);
    if (held !== undefined) return held;
    quietVulkan();
    const { executor } = await chooseExecutor(device, { threads });
    const made = { executor, programs: new ProgramCache(executor) };
    this.#made.set(key, made);
    return made;
  }

  async clear(): Promise<void> {
    for (const { programs } of this.#made.values()) await programs.clear();
  }
}

interface Setting {
  readonly folder: string;
  readonly inputs: Inputs;
  readonly executors: Executors;
  readonly surroundings: Awaited<ReturnType<typeof readSurroundings>>;
  readonly tolerance: number;
  /** For instance `[1/3 runs]`. */
  readonly place: string;
}

/** Makes one run again, unless its inputs changed, and compares. */
async function verifyOne(recorded: RecordedRun, setting: Setting): Promise<RunVerification> {
  const { stored, planned } = recorded;
  const { surroundings, tolerance, place } = setting;
  const { title } = planned;
  const { executor, programs } = await setting.executors.for(stored);
  const present = {
    where: whereOf({ surroundings, executor }, planned),
    methodVersion: planned.method.version,
    seed: planned.run.seed,
  };
  const request = { title, wanted: stored, present, tolerance };
  if (changedInputs(comparePinned(pinnedBy(stored.record), present)).length > 0) {
    return verifyRun({ ...request, found: null });
  }
  const results = `${setting.folder}/verify`;
  const own = `${results}/${planned.folder}`;
  // What an earlier verification left must not be gone on from.
  await removeTree(own);
  await execute(planned, {
    executor,
    programs,
    inputs: setting.inputs,
    surroundings,
    results,
    onStep: ({ step, totalSteps, loss }) =>
      showStatus(`${place} ${title}: step ${step}/${totalSteps}, loss ${loss.toFixed(3)}`),
    isStopping: () => false,
  });
  await showStatus("");
  const verification = verifyRun({ ...request, found: await readRun(own) });
  if (verification.verdict !== "not reproduced") await removeTree(own);
  return verification;
}

/** Makes a sample of a study's finished runs again and writes `verify/verification.json` and `.md` into its results. */
export async function verifyStudy(folder: string, options: VerifyOptions): Promise<Verification> {
  const stored = await readStoredStudy(folder);
  const finished = (await readStudyRuns(folder, stored)).filter(isFinished);
  if (finished.length === 0) {
    throw new UsageError(
      `Cannot verify "${folder}": found no finished run, want at least one; run deno task sweep first`,
    );
  }
  const chosen = options.sample === null
    ? finished
    : sampleByKind(finished, options.sample, ({ record }) => record.asked.label, options.seed);
  const { plan, recorded } = await planRecorded(stored, chosen, options);
  const surroundings = await readSurroundings();
  const executors = new Executors(options);
  const runs: RunVerification[] = [];
  try {
    for (const [i, run] of recorded.entries()) {
      const place = `[${i + 1}/${recorded.length} runs]`;
      const { tolerance } = options;
      const verification = await verifyOne(run, {
        folder,
        inputs: plan.inputs,
        executors,
        surroundings,
        tolerance,
        place,
      });
      const { title, verdict, firstBeyond } = verification;
      const where = firstBeyond === null ? "" : ` (${differenceText(firstBeyond)})`;
      await say(`${place} ${title}: ${verdict}${where}`);
      runs.push(verification);
    }
  } finally {
    await executors.clear();
  }
  const verification: Verification = {
    schema: recordSchemaVersion,
    study: stored.study.name,
    verifiedAt: new Date().toISOString(),
    tolerance: options.tolerance,
    finishedRuns: finished.length,
    sampleSeed: options.sample === null ? null : options.seed,
    runs,
  };
  await makeFolder(`${folder}/verify`);
  await writeWhole(
    `${folder}/verify/verification.json`,
    `${JSON.stringify(verification, null, 2)}\n`,
  );
  await writeWhole(`${folder}/verify/verification.md`, verificationMarkdown(verification));
  return verification;
}

/** The exit code of a verification. */
export function exitCodeOf({ runs }: Pick<Verification, "runs">): number {
  if (runs.some(({ verdict }) => verdict === "not reproduced")) return 1;
  return runs.some(({ verdict }) => verdict === "inputs differ") ? 3 : 0;
}

function toleranceOf(value: string | null): number {
  if (value === null) return defaultTolerance;
  const tolerance = Number(value);
  if (value.trim() !== "" && Number.isFinite(tolerance) && tolerance >= 0) return tolerance;
  throw new UsageError(`Option "--tolerance" is "${value}", want a number of at least 0`);
}

/** The command. */
export async function verify(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, {
    strings: ["data", "model", "device", "threads", "results", "sample", "seed", "tolerance"],
    flags: ["all", "help", "trace"],
  });
  if (parsed.flag("help")) {
    await say(usage);
    return 0;
  }
  const [name = defaultStudy, ...rest] = parsed.positional;
  if (rest.length > 0) throw new UsageError(usage);
  const sample = wholeNumber(parsed.text("sample"), "sample");
  if (parsed.flag("all") && sample !== null) {
    throw new UsageError(`Options "--all" and "--sample" are both given, want one of them`);
  }
  const folder = await findResults(name, parsed.text("results") ?? defaultResults);
  const verification = await verifyStudy(folder, {
    data: parsed.text("data"),
    model: parsed.text("model"),
    device: parsed.text("device"),
    threads: wholeNumber(parsed.text("threads"), "threads"),
    sample: parsed.flag("all") ? null : sample ?? defaultSample,
    seed: wholeNumber(parsed.text("seed"), "seed", 0) ?? 0,
    tolerance: toleranceOf(parsed.text("tolerance")),
  });
  await say(`\n${verificationTable(verification)}`);
  await say(`${summaryText(verification)}\nReport: ${folder}/verify/verification.md`);
  return exitCodeOf(verification);
}

if (import.meta.main) await runCommand(verify);
