/**
 * Sweeping a study: what it asks for is planned, checked, stored and made.
 *
 * @module
 */
import { checkDevice } from "../exec/choice.ts";
import { withStatement } from "../analysis/claims/stated.ts";
import { StudyError } from "../study/check/problems.ts";
import type { Study } from "../study/schema/study.ts";
import { followed, type Tell, type Watch } from "./events.ts";
import { type PlannedRun, presentNames, type StudyPlan } from "./plan/planned_run.ts";
import type { ClaimedSeeds } from "../analysis/claims/statement.ts";
import { hashJson } from "../base/hash.ts";
import { claimPairs } from "../study/compare/arms.ts";
import { runContent } from "../study/grid/run_id.ts";
import type { RunSpec } from "../study/types.ts";
import {
  type PlannedStudy,
  type PlanOptions,
  planStudy,
  type SweptStudy,
  sweptStudyOf,
} from "./plan/planned_study.ts";
import { problemsOfPart } from "./plan/selection.ts";
import { undecidableClaims } from "./plan/study_power.ts";
import { Pool, type PoolOptions } from "./pool/pool.ts";
import { runAll, type RunsResult, unfinished } from "./pool/run_all.ts";
import { claimsStatedIn, storePlan, type StudyToStore, toStore } from "./stored_study.ts";
import { addUntilDecided, checkUntilDecided } from "./until_decided.ts";

/** What a sweep receives. */
export interface SweepOptions extends PlanOptions, PoolOptions {
  /** Whether runs that failed are trained again. Default false. */
  readonly retryFailed?: boolean;
  /** Whether seeds are added after those of the study until its claims are decided; not with `only`. Default false. */
  readonly untilDecided?: boolean;
}

/** How a sweep ended. */
export interface SweepResult extends RunsResult {
  /** The study's results folder. */
  readonly folder: string;
}

/**
 * Trains the runs of a study that are not finished yet; everything is checked first.
 *
 * @param swept A study, or one with the folder that its paths start from and the methods that it may name.
 *
 * @throws {StudyError} With all problems found; nothing has run then.
 * @throws {UsageError} If the device or a part of the study is not known, or a link leads out of `results`.
 */
export async function sweepStudy(
  swept: Study | SweptStudy,
  options: SweepOptions = {},
  watch: Watch = {},
): Promise<SweepResult> {
  const source = sweptStudyOf(swept);
  const { retryFailed = false, untilDecided = false } = options;
  const { stop, emit } = followed(watch);
  checkDevice(options.device ?? "auto");
  if (untilDecided) checkUntilDecided(source.study, options.only ?? []);
  const plan = await planStudy(source, options, watch.fetching);
  const { study, givenModel, folder, part, warnings } = plan;
  await checkPart(plan, retryFailed);
  const undecidable = await undecidableClaims(plan, untilDecided);
  if (givenModel !== null) await emit({ kind: "encoder", given: givenModel });
  const unused = plan.inputs.unusedData(plan.all);
  if (unused !== null) await emit({ kind: "unused data", given: unused });
  for (const warning of warnings) await emit({ kind: "warning", warning });
  for (const found of undecidable) await emit({ kind: "hardly decidable", undecidable: found });
  const store = await storeOf(plan, source.folder, options, emit);
  await using pool = new Pool(options, { stop, emit });
  const work = {
    title: `${study.title ?? study.name}: ${part.length} runs`,
    plan,
    results: folder,
    studyRuns: plan.runs.length,
  };
  const make = (runs: readonly PlannedRun[]) => runAll(pool, work, runs, retryFailed);
  await store(plan);
  const counts = await make(part);
  if (!untilDecided || counts.stopped) return { folder, ...counts };
  const { methods, metrics = [] } = source;
  const code = { methods, metrics };
  return { folder, ...await addUntilDecided({ plan, counts, code, store, make, stop, emit }) };
}

/** @throws {StudyError} If a run of the part that is swept takes its ranks from one that is neither in it nor recorded. */
async function checkPart(
  { part, runs, folder }: PlannedStudy,
  retryFailed: boolean,
): Promise<void> {
  const leftOut = await problemsOfPart(
    await unfinished(part, folder, retryFailed),
    part,
    runs,
    async (planned) => (await unfinished([planned], folder, false)).length === 0,
  );
  if (leftOut.length > 0) throw new StudyError("Cannot start these runs", leftOut);
}

/**
 * What stores a plan of a sweep, and gives what was stored.
 *
 * @param home Where the paths of the study's own tasks and wheels start.
 */
async function storeOf(
  { study, folder, runs, warnings }: PlannedStudy,
  home: string,
  options: SweepOptions,
  emit: Tell,
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
    const stored = toStore(plan, home, options, {
      warnings,
      ...(stated.length === 0 ? {} : { claimsStated: stated }),
      ...seedsToStore(plan),
    });
    await storePlan(folder, stored, emit);
    return stored;
  };
}

/**
 * SHA-256 of what the arms of a study's claims compute: their runs of the first seed of the axis, without labels. Seeds that are
 * added leave it as it is; another setting, option or version of a method does not.
 */
function claimedArmsHash(study: Study, runs: readonly RunSpec[]): string {
  const first = Math.min(...study.axes.seeds);
  const firsts = runs.filter(({ seed }) => seed === first);
  const contents = (study.claims ?? []).flatMap((claim) =>
    claimPairs(claim, firsts).flatMap(({ a, b }) => [a, b].map((run) => hashJson(runContent(run))))
  );
  return hashJson([...new Set(contents)].toSorted());
}

/** Digits of a hash that tell what the runs of a seed compute from anything else they could. */
const seedDigits = 8;

/** The runs that each claim of a study counts, an entry a seed: a seed that is skipped, or has other settings, changes it. */
function claimedSeeds(study: Study, runs: readonly RunSpec[]): ClaimedSeeds {
  return Object.fromEntries((study.claims ?? []).map((claim) => {
    const seeds = Map.groupBy(claimPairs(claim, runs), ({ seed }) => seed);
    const entries = [...seeds].toSorted(([a], [b]) => a - b).map(([seed, pairs]) => {
      const contents = pairs.map(({ a, b }) => hashJson([runContent(a), runContent(b)]));
      return `${seed}:${hashJson(contents.toSorted()).slice(0, seedDigits)}`;
    });
    return [claim.name, entries];
  }));
}

const runFolderEnd = /-seed[0-9]+-[0-9a-f]{8}$/;

/** Runs in a folder of results that were begun, those of earlier plans among them. */
async function runsBegunIn(folder: string): Promise<number> {
  return [...await presentNames(folder)].filter((name) => runFolderEnd.test(name)).length;
}

/** The seeds of a plan's runs that the study itself does not ask for, as `study.json` has them; nothing where there are none. */
function seedsToStore(
  { study, runs }: Pick<StudyPlan, "study" | "runs">,
): { readonly seedsAdded?: readonly number[] } {
  const seeds = new Set(runs.map(({ run }) => run.seed));
  const added = [...seeds].filter((seed) => !study.axes.seeds.includes(seed))
    .sort((a, b) => a - b);
  return added.length === 0 ? {} : { seedsAdded: added };
}
