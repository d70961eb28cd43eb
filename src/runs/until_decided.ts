/**
 * Adding seeds to a study until its claims are decided.
 *
 * What is added next follows from the records alone, so that a sweep which was stopped goes on as if it had not been, and
 * several sweeps of one study add the same.
 *
 * @module
 */
import { UsageError } from "../base/input_error.ts";
import type { StudyCode } from "./method_modules.ts";
import { looksOf } from "../analysis/claims/looks.ts";
import { seedsWanted } from "../analysis/claims/claims_report.ts";
import type { ClaimVerdict } from "../analysis/claims/verdict.ts";
import { claimPairs } from "../study/compare/arms.ts";
import { pointKey, sourceOf } from "../study/grid/points.ts";
import type { Claim } from "../study/schema/claims.ts";
import { runTitle } from "../study/grid/run_id.ts";
import type { Study } from "../study/schema/study.ts";
import type { GridRun } from "../study/types.ts";
import type { StopFlag, Tell } from "./events.ts";
import { furtherGrid, withFurther } from "./plan/grid.ts";
import type { PlannedStudy } from "./plan/planned_study.ts";
import { planWith } from "./plan/planning.ts";
import { type PlannedRun, type StudyPlan, whereTheyAre } from "./plan/planned_run.ts";
import { type RunsResult, summed } from "./pool/run_all.ts";
import { type StudyToStore } from "./stored_study.ts";
import { resultsOfPlan } from "./study_results.ts";

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
export function checkUntilDecided({ name, claims = [] }: Study, only: readonly string[]): void {
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

/** Makes runs with further seeds, look by look, until every claim is decided or further seeds are of no use; what it all came to. */
export async function addUntilDecided(setting: AddingSetting): Promise<RunsResult> {
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
