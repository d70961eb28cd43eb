/**
 * Sweeping a study: what it asks for is planned, checked, stored and made.
 *
 * @module
 */
import { checkDevice } from "../exec/choice.ts";
import { claimedRuns, withStatement } from "../analysis/claims/stated.ts";
import { StudyError } from "../study/check/problems.ts";
import { type RunProblem, toldOnce } from "../study/check/runs.ts";
import type { Study } from "../study/schema/study.ts";
import { followed, type StopFlag, type Tell, type Watch } from "./events.ts";
import { type PlannedRun, presentNames, type StudyPlan, whereTheyAre } from "./plan/planned_run.ts";
import { claimPairs } from "../study/compare/arms.ts";
import { runTitle } from "../study/grid/run_id.ts";
import type { GridRun } from "../study/types.ts";
import {
  type PlannedStudy,
  type PlanOptions,
  planStudy,
  type SweptStudy,
  sweptStudyOf,
} from "./plan/planned_study.ts";
import { undecidableClaims } from "./plan/study_power.ts";
import { Pool, type PoolOptions } from "./pool/pool.ts";
import { runAll, type RunsResult, summed, unfinished } from "./pool/run_all.ts";
import { registeredAt } from "./registration.ts";
import { registrationPath } from "./plan/study_parts.ts";
import {
  claimsStatedIn,
  registeredIn,
  storePlan,
  type StudyToStore,
  toStore,
} from "./stored_study.ts";
import { UsageError } from "../base/input_error.ts";
import type { StudyCode } from "./method_modules.ts";
import { looksOf } from "../analysis/claims/claims_report.ts";
import { seedsWanted } from "../analysis/claims/claims_report.ts";
import type { ClaimVerdict } from "../analysis/claims/verdict.ts";
import { pointKey, sourceOf } from "../study/grid/points.ts";
import type { Claim } from "../study/schema/claims.ts";
import { furtherGrid, planWith, withFurther } from "./plan/planning.ts";
import { resultsOfPlan } from "./study_results.ts";

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
  const chosen = new Set(part.map(({ id }) => id));
  const problems: RunProblem[] = [];
  for (const { run } of await unfinished(part, folder, retryFailed)) {
    const { ranksFrom } = run;
    if (ranksFrom === undefined || chosen.has(ranksFrom.run)) continue;
    const source = runs.find(({ id }) => id === ranksFrom.run);
    if (source !== undefined && (await unfinished([source], folder, false)).length === 0) continue;
    problems.push({
      run,
      where: "ranks",
      message:
        `found that run "${
          source?.title ?? ranksFrom.run
        }", which its ranks come from, is not finished and is ` +
        "left out by --only; choose it too, or sweep it first",
    });
  }
  if (problems.length > 0) throw new StudyError("Cannot start these runs", toldOnce(problems));
}

/**
 * What stores a plan of a sweep, and gives what was stored.
 *
 * @param home Where the paths of the study's own tasks and wheels start.
 */
async function storeOf(
  { study, folder, warnings }: PlannedStudy,
  home: string,
  options: SweepOptions,
  emit: Tell,
): Promise<(plan: StudyPlan) => Promise<StudyToStore>> {
  const before = await claimsStatedIn(folder);
  const registered = await registeredAt(
    registrationPath(home, study.name),
    await registeredIn(folder),
  );
  const at = new Date().toISOString();
  const begun = await runsBegunIn(folder);
  return async (plan) => {
    const { arms, seeds } = claimedRuns(study, plan.runs.map(({ run }) => run));
    const stated = withStatement(study, before, { at, arms, begun, seeds });
    const stored = toStore(plan, home, options, {
      warnings,
      ...(stated.length === 0 ? {} : { claimsStated: stated }),
      ...(registered === null ? {} : { registered }),
      ...seedsToStore(plan),
    });
    await storePlan(folder, stored, emit);
    return stored;
  };
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

interface AddingSetting {
  /** The study's runs with those that were added before; all are made. */
  readonly plan: PlannedStudy;
  readonly counts: RunsResult;
  readonly code: StudyCode;
  /** Stores a plan; gives what was stored. */
  readonly store: (plan: StudyPlan) => Promise<StudyToStore>;
  /** Makes runs of the plan that was stored last. */
  readonly make: (runs: readonly PlannedRun[]) => Promise<RunsResult>;
  readonly stop: Pick<StopFlag, "isRaised">;
  readonly emit: Tell;
}

/**
 * Refuses what cannot be decided by adding seeds: a study without claims, and a part of a study.
 *
 * @throws {UsageError} With what is wrong.
 */
function checkUntilDecided({ name, claims = [] }: Study, only: readonly string[]): void {
  if (claims.length === 0) {
    throw new UsageError(
      `Cannot add seeds to "${name}" until its claims are decided: it has none, want "claims" in the study (see "Claims" in docs/study.md)`,
    );
  }
  if (only.length > 0) {
    throw new UsageError(
      `Cannot add seeds to a part of "${name}": found "--only ${
        only[0]
      }" with --until-decided, want one of them`,
    );
  }
}

/**
 * Makes runs with further seeds, look by look, until every claim is decided or further seeds are of no use; what it all came to.
 *
 * What is added next follows from the records alone, so that a sweep which was stopped goes on as if it had not been, and several
 * sweeps of one study add the same.
 */
async function addUntilDecided(setting: AddingSetting): Promise<RunsResult> {
  const { plan: { all, folder }, code, store, make, stop, emit } = setting;
  let plan: StudyPlan = setting.plan;
  let { counts } = setting;
  const told = new Set<string>();
  for (;;) {
    // A sweep that began earlier may have stored fewer seeds meanwhile.
    const stored = await store(plan);
    const { verdicts } = (await resultsOfPlan(folder, stored)).claimsReport!;
    await emitLooks(verdicts, told, emit);
    const { more, open } = seedsWanted(verdicts);
    const next = more.length === 0 || stop.isRaised ? null : await grown(
      plan,
      all,
      more.map(({ verdict: { claim }, seeds }) => ({ claim, count: seeds })),
      { code, folder },
    );
    if (next === null || next.runs.length === 0) {
      for (const { verdict: { claim }, reason } of stop.isRaised ? [] : open) {
        await emit({ kind: "left open", claim: claim.name, reason });
      }
      return counts;
    }
    ({ plan } = next);
    await store(plan);
    await emit({
      kind: "seeds added",
      seeds: next.seeds,
      claims: more.map(({ verdict }) => verdict.claim.name),
      runs: next.runs.length,
    });
    counts = summed(counts, await make(next.runs));
    if (counts.stopped) return counts;
  }
}

/** Tells the looks that were not told yet, those after fewer seeds first. */
async function emitLooks(
  verdicts: readonly ClaimVerdict[],
  told: Set<string>,
  emit: Tell,
): Promise<void> {
  const looks = verdicts.flatMap(looksOf).sort((a, b) => a.seeds - b.seeds);
  for (const look of looks) {
    const key = JSON.stringify([look.claim, look.seeds]);
    if (told.has(key)) continue;
    told.add(key);
    await emit({ kind: "look", look });
  }
}

/** A plan with further seeds for some claims, the runs that are new in it, and these seeds. */
async function grown(
  plan: StudyPlan,
  all: readonly GridRun[],
  claims: readonly { readonly claim: ClaimVerdict["claim"]; readonly count: number }[],
  { code, folder }: { readonly code: StudyCode; readonly folder: string },
): Promise<{ plan: StudyPlan; runs: readonly PlannedRun[]; seeds: readonly number[] }> {
  const { study, inputs } = plan;
  const present = plan.runs.map(({ run }) => run);
  const asked = claims.map(({ claim, count }) => ({
    claim,
    seeds: nextSeeds(study, claim, present, count),
  }));
  const seeds = [...new Set(asked.flatMap(({ seeds }) => seeds))].sort((a, b) => a - b);
  const known = [...new Set(present.map(({ seed }) => seed)), ...seeds];
  const further = furtherGrid(study, known, code);
  const before = new Set(present.map(runTitle));
  const grid = withFurther(all, further, new Set([...before, ...runsForClaims(asked, further)]));
  const next = await whereTheyAre(await planWith(inputs, study, grid, code.methods), folder);
  return { plan: next, runs: next.runs.filter(({ title }) => !before.has(title)), seeds };
}

interface SeedsForClaim {
  readonly claim: Claim;
  readonly seeds: readonly number[];
}

/** The next seeds of a claim: upward from the largest of the study's and of those that it has. */
export function nextSeeds(
  { axes }: Study,
  claim: Claim,
  runs: readonly GridRun[],
  count: number,
): readonly number[] {
  const own = claimPairs(claim, runs).map(({ seed }) => seed);
  const largest = [...axes.seeds, ...own].reduce((most, seed) => Math.max(most, seed));
  return Array.from({ length: count }, (_, i) => largest + 1 + i);
}

/**
 * The runs of some claims' arms with the seeds that these claims get, and the runs that they take their ranks from.
 *
 * @param grid All runs of the study with these seeds.
 * @returns Titles of the runs.
 */
export function runsForClaims(
  asked: readonly SeedsForClaim[],
  grid: readonly GridRun[],
): ReadonlySet<string> {
  const byPoint = new Map(grid.map((run) => [pointKey(run), run]));
  const chosen = new Set<GridRun>();
  for (const { claim, seeds } of asked) {
    for (const { seed, a, b } of claimPairs(claim, grid)) {
      if (!seeds.includes(seed)) continue;
      for (const run of [a, b]) {
        for (
          let next: GridRun | null = run;
          next !== null && !chosen.has(next);
          next = sourceOf(next, byPoint)
        ) chosen.add(next);
      }
    }
  }
  return new Set([...chosen].map(runTitle));
}
