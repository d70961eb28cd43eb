/**
 * Sweeping a study: what it asks for is planned, checked, stored and made.
 *
 * @module
 */
import { checkDevice } from "../exec/choice.ts";
import { chooseExecutor } from "../exec/choose.ts";
import type { Fetching } from "../fetch/model_files.ts";
import { methods as builtIn, type MethodTable } from "../methods/table.ts";
import { isReadOnly } from "../record/durable.ts";
import { withGivenModel, withOverrides } from "../study/grid/overrides.ts";
import { withStatement } from "../analysis/claims/stated.ts";
import type { Undecidable } from "../analysis/power/text.ts";
import { StudyError } from "../study/check/problems.ts";
import { parseStudy } from "../study/schema/parse.ts";
import { type Study } from "../study/schema/study.ts";
import type { GridRun } from "../study/types.ts";
import type { DataWarning } from "../tasks/data_warnings.ts";
import { stopFlagOf, teller, type Watch, type WorkEvent } from "./events.ts";
import { KeptWorkers } from "./pool/kept_workers.ts";
import { openWorkers } from "./pool/open_workers.ts";
import { addedRunsIn, gridWith, seedsToStore, withoutChanged } from "./plan/added_runs.ts";
import {
  expand,
  type PlannedRun,
  planRuns,
  type StudyPlan,
  whereTheyAre,
} from "./plan/planning.ts";
import { problemsOfPart } from "./plan/rank_order.ts";
import { runAll, type RunsResult, unfinished } from "./pool/run_all.ts";
import { readSelection } from "./plan/selection.ts";
import { leasesOf, type LeaseTimeout } from "./pool/lease_timeout.ts";
import {
  claimedArmsHash,
  claimedSeeds,
  claimsStatedIn,
  runsBegunIn,
} from "./plan/stated_claims.ts";
import {
  defaultResults,
  methodsToStore,
  type StudyToStore,
  writeStoredStudy,
} from "./stored_study.ts";
import { undecidableClaims } from "./plan/study_power.ts";
import { studyWarnings } from "./plan/study_warnings.ts";
import { addUntilDecided, checkUntilDecided } from "./until_decided.ts";

/** What a sweep is told. */
export interface SweepOptions extends LeaseTimeout {
  /** The folder that the study's own folder of results goes into. Default `results`. */
  readonly results?: string;
  /** The folder with GLUE's tasks. Default: none. */
  readonly data?: string | null;
  /** A Hugging Face folder, a wheel or a `hub:` name for studies whose model is `folder`, or that state none. Default: none. */
  readonly model?: string | null;
  /** `auto`, `webgpu`, `cpu`, `wasm` or `reference`. Default `auto`. */
  readonly device?: string;
  /** Runs at a time. Default, and null: as many as suit the device. */
  readonly jobs?: number | null;
  /** Threads of each run. Default, and null: an equal part of the cores. */
  readonly threads?: number | null;
  /** Whether runs that failed are trained again. Default false. */
  readonly retryFailed?: boolean;
  /** Milliseconds from one checkpoint of a run to the next. Default: 20,000, or more where checkpoints take long. */
  readonly checkpointMillis?: number;
  /** The part of the study that is run, as {@linkcode readSelection} takes it. Default: all of it. */
  readonly only?: readonly string[];
  /** Settings of all runs, as {@linkcode withOverrides} takes them; the stored study has them. Default: none. */
  readonly set?: readonly string[];
  /** Runs of the study at most. Default 10,000. */
  readonly mostRuns?: number;
  /** Whether seeds are added after those of the study until its claims are decided; not with `only`. Default false. */
  readonly untilDecided?: boolean;
}

/** How a sweep ended. */
export interface SweepResult extends RunsResult {
  /** The study's results folder. */
  readonly folder: string;
}

/** A study, and what it is swept with. */
export interface SweptStudy {
  /** As {@linkcode parseStudy} or {@linkcode readStudyFile} gave it. */
  readonly study: Study;
  /** Where the paths of its own tasks and wheels start. */
  readonly folder: string;
  /** The methods that it may name. */
  readonly methods: MethodTable;
}

/** What a caller gives as a study; one alone has its paths start here, and names methods that are built in. */
export function sweptStudyOf(given: Study | SweptStudy): SweptStudy {
  return "axes" in given ? { study: parseStudy(given), folder: ".", methods: builtIn } : given;
}

/**
 * Trains the runs of a study that are not finished yet; everything is checked first.
 *
 * @param swept A study, or one with the folder that its paths start from and the methods that it may name.
 *
 * @throws {StudyError} With all problems found; nothing has run then.
 * @throws {UsageError} If the device or a part of the study is not known.
 */
export async function sweepStudy(
  swept: Study | SweptStudy,
  options: SweepOptions = {},
  watch: Watch = {},
): Promise<SweepResult> {
  const source = sweptStudyOf(swept);
  const tell = teller(watch);
  const stop = stopFlagOf(watch);
  const sweep = await plannedSweep(source, options, watch.fetching);
  const { givenModel, all, folder, plan, runs, warnings, undecidable } = sweep;
  if (givenModel !== null) await tell({ kind: "encoder", given: givenModel });
  for (const warning of warnings) await tell({ kind: "warning", warning });
  for (const found of undecidable) await tell({ kind: "hardly decidable", undecidable: found });
  const store = await storeOf(sweep, source.folder, options, tell);
  const workers = workersOf(sweep, options, tell);
  const make = (runs: readonly PlannedRun[]) =>
    runAll({
      runs,
      results: folder,
      retryFailed: options.retryFailed ?? false,
      leases: leasesOf(options),
      stop,
      tell,
      openWorkers: (opening) => workers.forRound(opening),
    });
  try {
    await store(plan);
    const counts = await make(runs);
    if (options.untilDecided !== true || counts.stopped) return { folder, ...counts };
    const { methods } = source;
    return {
      folder,
      ...await addUntilDecided({ all, plan, counts, folder, methods, store, make, stop, tell }),
    };
  } finally {
    await workers.close();
  }
}

/** A sweep that may start. */
interface PlannedSweep {
  /** With the settings that the caller gives. */
  readonly study: Study;
  /** The encoder that it takes from `--model` without saying so; null where it says. */
  readonly givenModel: string | null;
  /** Its own grid. */
  readonly all: readonly GridRun[];
  /** Its results folder. */
  readonly folder: string;
  /** All its runs, those that were added until claims were decided among them. */
  readonly plan: StudyPlan;
  /** The part of it that is made. */
  readonly runs: readonly PlannedRun[];
  readonly warnings: readonly DataWarning[];
  /** Claims that the plan will hardly decide. */
  readonly undecidable: readonly Undecidable[];
}

/** Plans a sweep and checks all of it; nothing is written. */
async function plannedSweep(
  { study: given, folder: home, methods }: SweptStudy,
  options: SweepOptions,
  fetching: Fetching | undefined,
): Promise<PlannedSweep> {
  const { data = null, model = null, device = "auto", only = [] } = options;
  const { results = defaultResults, retryFailed = false, untilDecided = false } = options;
  const stated = withOverrides(given, options.set ?? [], methods);
  const study = withGivenModel(stated, model);
  checkDevice(device);
  if (untilDecided) checkUntilDecided(study, only);
  const all = expand(study, methods, options.mostRuns);
  const folder = `${results}/${study.name}`;
  const added = await addedRunsIn(folder);
  const grid = gridWith(study, all, added.seeds, added.ids, methods);
  const isChosen = readSelection(only, grid);
  const planned = await planRuns(study, grid, { data, model, study: home }, methods, fetching);
  const plan = await whereTheyAre(withoutChanged(planned, all, added), folder);
  const runs = plan.runs.filter(({ run }) => isChosen(run));
  const leftOut = await problemsOfPart(
    await unfinished(runs, folder, retryFailed),
    runs,
    plan.runs,
    async (planned) => (await unfinished([planned], folder, false)).length === 0,
  );
  if (leftOut.length > 0) throw new StudyError("Cannot start these runs", leftOut);
  const undecidable = await undecidableClaims(
    { study, all: grid, inputs: plan.inputs, own: folder, results },
    untilDecided,
  );
  const warnings = await studyWarnings(runs, plan.inputs);
  const givenModel = study === stated ? null : model;
  return { study, givenModel, all, folder, plan, runs, warnings, undecidable };
}

/**
 * What stores a plan of a sweep, and gives what was stored.
 *
 * @param home Where the paths of the study's own tasks and wheels start.
 */
async function storeOf(
  { study, folder, plan: { runs }, warnings }: PlannedSweep,
  home: string,
  { data = null, model = null, device = "auto" }: SweepOptions,
  tell: (event: WorkEvent) => Promise<void>,
): Promise<(plan: StudyPlan) => Promise<StudyToStore>> {
  const before = await claimsStatedIn(folder);
  const now = {
    at: new Date().toISOString(),
    arms: claimedArmsHash(study, runs.map(({ run }) => run)),
    begun: await runsBegunIn(folder),
  };
  return async (plan) => {
    const seeds = claimedSeeds(study, plan.runs.map(({ run }) => run));
    const stated = withStatement(study, before, { ...now, seeds });
    const stored = {
      study,
      studyFolder: home,
      data,
      model,
      device,
      ...methodsToStore(plan.runs),
      warnings,
      ...(stated.length === 0 ? {} : { claimsStated: stated }),
      ...seedsToStore(plan),
      runs: plan.runs.map(({ folder, id, run }) => ({ folder, id, run })),
    };
    await storePlan(folder, stored, tell);
    return stored;
  };
}

/** The workers of a sweep, opened when the first run needs one. */
function workersOf(
  { study, folder, plan, runs }: PlannedSweep,
  { device = "auto", jobs = null, threads = null, checkpointMillis }: SweepOptions,
  tell: (event: WorkEvent) => Promise<void>,
): KeptWorkers {
  return new KeptWorkers(async (opening) =>
    await openWorkers({
      ...opening,
      title: `${study.title ?? study.name}: ${runs.length} runs`,
      tell,
      device: await chooseExecutor(device, threads === null ? {} : { threads }),
      jobs,
      threads,
      studyRuns: plan.runs.length,
      plan,
      results: folder,
      ...(checkpointMillis === undefined ? {} : { checkpointMillis }),
    })
  );
}

/** Stores the plan of what is to be made; where the folder is read-only, that is told, and an error only for what is to be made. */
export async function storePlan(
  folder: string,
  stored: StudyToStore,
  tell: (event: WorkEvent) => Promise<void>,
): Promise<void> {
  try {
    await writeStoredStudy(folder, stored);
  } catch (error) {
    if (!isReadOnly(error)) throw error;
    await tell({ kind: "not written", path: `${folder}/study.json`, message: error.message });
  }
}
