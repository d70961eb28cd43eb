/**
 * How many seeds a claim needs, what given numbers of seeds could see, and what that costs, by the spread of a pilot.
 *
 * @module
 */
import { smallestDifference, smallestMargin } from "../../stats/power.ts";
import { roundingSpread, type SpreadLimits, spreadLimits } from "../../stats/spread.ts";
import { meanOf, summarise } from "../../stats/statistics.ts";
import {
  firstDecidingLook,
  lookLevel,
  powerSpread,
  type StoppingPlan,
} from "../../stats/stopping.ts";
import { type ArmRun, claimPairs, mostAtAPlace, runsOfArm } from "../../study/compare/arms.ts";
import type { Claim, ClaimsOfStudy } from "../../study/schema/claims.ts";
import { type Budget, budgetKey, type StudyBudget } from "../../study/budget/budget.ts";
import { runTitle } from "../../study/grid/run_id.ts";
import { claimNoise, noNoise } from "../claims/example_noise.ts";
import type { ExampleNoise } from "../../stats/two_way.ts";
import { seedsToDecide, wantedPower } from "../claims/more_seeds.ts";
import { seriesOfTasks } from "../claims/each_task.ts";
import { hasLearned, unlearnedTasks } from "../claims/no_evidence.ts";
import { claimSeries, type ScoredRun, type SeedDifference } from "../claims/series.ts";
import { type DifferenceUnit, unitOf } from "../claims/unit.ts";
import { decidedBy, planOf, ruleOf } from "../claims/verdict.ts";
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { matchesCondition } from "../../study/schema/conditions.ts";

/** Records that spreads and times are taken from. */
export interface Pilot {
  /** Where they are. */
  readonly path: string;
  /** All runs that it asks for. */
  readonly planned: readonly ArmRun[];
  readonly runs: readonly ScoredRun[];
}

/** How much the differences of seeds vary, and how well that is known. */
interface PilotSpread {
  /** Standard deviation of a seed's difference, averaged over tasks, in margins. */
  readonly sd: number;
  /** Its 60 % interval. */
  readonly limits: SpreadLimits;
  /** What seeds are planned with: the upper end, or the spread that rounding alone makes where that is more. */
  readonly planned: number;
  /** Seeds that it was estimated from. */
  readonly seeds: number;
  /** The same by task, in units of the score. */
  readonly tasks: readonly {
    readonly task: string;
    readonly metric: string;
    readonly sd: number;
  }[];
}

/** Whether the differences of seeds differ by more than rounding makes of equal ones. */
export function hasSpread({ sd }: Pick<PilotSpread, "sd">): boolean {
  return sd > 1e-9;
}

/** A true difference, and the seeds that decide it in 80 of 100 studies. */
export interface SeedsNeeded {
  /** In margins, arm a minus arm b; 0 where both are equal. */
  readonly difference: number;
  /** Infinity where no number is enough. */
  readonly seeds: number;
}

/** What a number of seeds could see in 80 of 100 studies. */
export interface Seen {
  readonly seeds: number;
  /** The smallest true difference, in margins; Infinity where the rule decides nothing after so few. */
  readonly difference: number;
  /** The narrowest margin within which equal arms are called equal, in margins of the study. */
  readonly margin: number;
}

/** What the power of a claim rests on and what it is. */
export interface ClaimPower {
  readonly claim: Claim;
  readonly tasks: readonly string[];
  /** Null where no pilot has two seeds of both arms. */
  readonly pilot: {
    readonly path: string;
    readonly spread: PilotSpread;
    /** Tasks of the claim that it does not have. */
    readonly missing: readonly string[];
    /** Keys of settings that its runs have otherwise than the study. */
    readonly apart: readonly string[];
    /** Whether the claim is decided by its seeds, so that nothing is left to plan where it is the study's own records. */
    readonly isDecided: boolean;
    /** Runs that its spread is of, and how many of them learned nothing. */
    readonly idle: { readonly runs: number; readonly of: number };
    /** Tasks on which none of its runs learned anything. */
    readonly notLearned: readonly string[];
    /** Time of one seed of the claim on its machine, in milliseconds; null where it has none for some run. */
    readonly seedMillis: number | null;
  } | null;
  readonly unit: DifferenceUnit;
  readonly rule: StoppingPlan;
  /** For true differences that matter: first the one that the claim is about. Empty without a pilot, and where its seeds do not differ or learned nothing. */
  readonly needed: readonly SeedsNeeded[];
  /** With the seeds of the study, and with the most that its rule allows. Empty as above. */
  readonly sees: readonly Seen[];
  /** Seeds with which the study asks for both arms. */
  readonly seeds: number;
  /** The first look at which the rule can decide anything. */
  readonly firstLook: number;
}

/** What a plan knows of the study besides its claims. */
interface PowerSetting<R extends ArmRun = ArmRun> {
  /** The study, with claims. */
  readonly study: ClaimsOfStudy;
  /** All runs that it asks for. */
  readonly planned: readonly R[];
  /** Records of its arms in groups: the first group that has any of a claim counts for it. */
  readonly pilots: readonly (readonly Pilot[])[];
  /** Training steps that a planned run takes. */
  readonly stepsOf: (run: R) => number;
}

/** Level of the interval of a spread whose upper end seeds are planned with. */
const spreadLevel = 0.6;

/** The power of a study's claims, in its order. */
export function powerOf<R extends ArmRun>(setting: PowerSetting<R>): readonly ClaimPower[] {
  const { study, planned } = setting;
  const { claims = [] } = study;
  if (claims.length === 0) return [];
  const rule = ruleOf(study);
  const firstLook = firstDecidingLook(rule);
  return claims.map((claim) => {
    const tasks = tasksOfClaim(claim, planned);
    const found = pilotOf(claim, tasks, setting, rule);
    const own = planOf(rule, claim, found?.resolution ?? 0);
    const seeds = new Set(claimPairs(claim, planned).map(({ seed }) => seed)).size;
    // Without a spread, or from scores that are chance, there is nothing to plan with.
    const isSpread = found !== null && hasSpread(found.pilot.spread) &&
      found.pilot.notLearned.length === 0;
    const spread = isSpread ? found.pilot.spread.planned : 0;
    return {
      claim,
      tasks,
      pilot: found?.pilot ?? null,
      unit: found?.unit ?? { name: "margins", perMargin: 1 },
      rule: own,
      seeds,
      firstLook,
      needed: spread === 0 ? [] : neededOf(claim, own, spread, found?.noise),
      sees: spread === 0 ? [] : seesOf(own, spread, seeds),
    };
  });
}

/** The seeds that a claim needs for the true differences that matter: first the one that it is about. */
export function neededOf(
  { says }: Claim,
  rule: StoppingPlan,
  spread: number,
  noise: ExampleNoise = noNoise,
): readonly SeedsNeeded[] {
  const beyond = rule.betterThan + rule.margin;
  const differences = says === "not worse"
    ? [0]
    : says === "equivalent"
    ? [0, -beyond]
    : [beyond, 0];
  return differences.map((difference) => ({
    difference,
    seeds: seedsToDecide(difference, spread, rule, 0, noise).total,
  }));
}

/** What the seeds of a study and the most that its rule allows could see. */
export function seesOf(rule: StoppingPlan, spread: number, seeds: number): readonly Seen[] {
  return [...new Set([Math.min(seeds, rule.cap), rule.cap])].map((n) => {
    const look = rule.looks.findLastIndex((at) => at <= n);
    const least = (critical: number | undefined, of: typeof smallestDifference, sides: number) => {
      if (critical === undefined || critical === Infinity) return Infinity;
      const at = rule.looks[look]!;
      const level = sides * lookLevel(rule, at, critical);
      return of(at, powerSpread(rule, spread), { level, power: wantedPower });
    };
    const bar = rule.question === "not worse" ? -rule.margin : rule.betterThan;
    return {
      seeds: n,
      difference: bar + least(rule.difference[look], smallestDifference, 2),
      margin: least(rule.equivalence[look], smallestMargin, 1),
    };
  });
}

interface Found {
  readonly pilot: NonNullable<ClaimPower["pilot"]>;
  readonly unit: DifferenceUnit;
  readonly resolution: number;
  /** What other examples would change, for a claim over these too. */
  readonly noise: ExampleNoise;
}

/** Of the first group that has any the pilot with most tasks of a claim, of those the one with most seeds, of those the first. */
function pilotOf<R extends ArmRun>(
  claim: Claim,
  tasks: readonly string[],
  setting: PowerSetting<R>,
  rule: StoppingPlan,
): Found | null {
  const usable =
    setting.pilots.map((group) =>
      group.flatMap((pilot) => spreadFrom(pilot, claim, tasks, setting, rule) ?? [])
    ).find((found) => found.length > 0) ?? [];
  return usable.toSorted(({ pilot: a }, { pilot: b }) =>
    a.missing.length - b.missing.length || b.spread.seeds - a.spread.seeds
  )[0] ?? null;
}

function spreadFrom<R extends ArmRun>(
  { path, planned, runs }: Pilot,
  claim: Claim,
  tasks: readonly string[],
  setting: PowerSetting<R>,
  rule: StoppingPlan,
): Found | null {
  const arms = [runsOfArm(claim.a, planned), runsOfArm(claim.b, planned)];
  // Runs that only their settings tell apart have no pair.
  if (arms.some((own) => mostAtAPlace(own) !== 1)) return null;
  const { study } = setting;
  const series = claimSeries(study, { ...claim, tasks }, planned, runs);
  const { differences, resolution } = series;
  const noise = claimNoise(claim, series);
  const sd = spreadOf(claim, differences);
  if (sd === null) return null;
  const limits = spreadLimits(sd, differences.length - 1, spreadLevel);
  const spreads = tasksOf(differences);
  const ofPlan = placesOf({ ...claim, tasks }, setting.planned);
  const ofPilot = placesOf({ ...claim, tasks }, planned);
  const has = new Set(spreads.map(({ task }) => task));
  return {
    unit: unitOf(series),
    resolution,
    noise: noise(differences.length, null),
    pilot: {
      path,
      spread: {
        sd,
        limits,
        planned: Math.max(limits.high, roundingSpread(resolution)),
        seeds: differences.length,
        tasks: spreads,
      },
      missing: tasks.filter((task) => !has.has(task)),
      isDecided: decidedBy(
        claim,
        differences,
        planOf(rule, claim, resolution),
        (among) => planOf(ruleOf(study, among), claim, resolution),
        noise,
      ).state.verdict !== "undecided",
      idle: {
        runs: series.runs.filter((run) => !hasLearned(run)).length,
        of: series.runs.length,
      },
      notLearned: unlearnedTasks(series.runs, hasLearned),
      apart: settingsApart(ofPlan, ofPilot),
      seedMillis: seedMillisOf(ofPlan, ofPilot, runs, setting.stepsOf),
    },
  };
}

/** The spread of what decides a claim, in margins: of the average of its tasks, or of the task that varies most. */
function spreadOf({ on }: Claim, differences: readonly SeedDifference[]): number | null {
  const decided = on === "every task"
    ? seriesOfTasks(differences).map(({ values }) => values)
    : [differences.map(({ value }) => value)];
  const spreads = decided.flatMap((values) => summarise(values).sd ?? []);
  return spreads.length === 0 ? null : Math.max(...spreads);
}

/** The spreads of the differences on each task. */
function tasksOf(differences: readonly SeedDifference[]): PilotSpread["tasks"] {
  const all = differences.flatMap((seed) => seed.tasks);
  return [...Map.groupBy(all, ({ task }) => task)].map(([task, own]) => ({
    task,
    metric: own[0]!.metric,
    sd: summarise(own.map(({ difference }) => difference)).sd ?? 0,
  }));
}

/** The runs of a claim by what they have in common with those of another study, which may call them otherwise. */
function placesOf<R extends ArmRun>(claim: Claim, runs: readonly R[]): Places<R> {
  const sides = claimPairs(claim, runs).flatMap(({ a, b }) => [["a", a], ["b", b]] as const);
  return Map.groupBy(
    new Map(sides.map(([side, run]) => [run, [side, run] as const])).values(),
    ([side, { task, budget }]) =>
      JSON.stringify([side, task, budget === null ? null : budgetKey(budget)]),
  );
}

/** The wall time of all runs of a claim with one seed. */
function seedMillisOf<R extends ArmRun>(
  ofPlan: Places<R>,
  ofPilot: Places,
  records: readonly ScoredRun[],
  stepsOf: PowerSetting<R>["stepsOf"],
): number | null {
  const byTitle = new Map(records.map(({ record }) => [runTitle(record.asked), record.happened]));
  let sum = 0;
  for (const [place, [planned]] of ofPlan) {
    const times = (ofPilot.get(place) ?? []).flatMap(([, run]) => {
      const happened = byTitle.get(runTitle(run));
      return happened === undefined || happened.steps === 0
        ? []
        : [happened.time.wallMillis / happened.steps];
    });
    if (times.length === 0) return null;
    sum += meanOf(times) * stepsOf(planned![1]);
  }
  return sum;
}

/** Runs of a claim, with their side, by what the same runs of another study are found by. */
type Places<R extends ArmRun = ArmRun> = ReadonlyMap<
  string,
  readonly (readonly [side: "a" | "b", run: R])[]
>;

/** The keys of settings that the same runs have otherwise, in alphabetical order; runs and keys that only one side has do not count. */
export function settingsApart(planned: Places, piloted: Places): readonly string[] {
  const keys = [...planned].flatMap(([place, [run]]) => {
    const pilot = piloted.get(place)?.[0];
    return pilot === undefined ? [] : differing(valuesOf(run![1]), valuesOf(pilot[1]));
  });
  return [...new Set(keys)].sort();
}

/** A run's settings and options as keys with values. */
function valuesOf({ settings, options }: ArmRun): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const add = (value: unknown, path: string) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) {
        add(inner, path === "" ? key : `${path}.${key}`);
      }
    } else values.set(path, canonicalJson((value ?? null) as Json));
  };
  add(settings, "");
  add(options ?? {}, "options");
  return values;
}

/** Keys that were introduced later are not in older records. */
function differing(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): readonly string[] {
  return [...a.keys()].filter((key) => b.has(key) && a.get(key) !== b.get(key));
}

/** Claims of a study, with the study that they are claims of. */
interface Contrasts {
  readonly study: ClaimsOfStudy;
  /** False where the study itself claims nothing. */
  readonly areClaimed: boolean;
}

/** A planned run with what tells LoRA apart whose ranks are given. */
type Planned = ArmRun & { readonly askedRanks?: unknown };

/** A study with its claims; where it has none, with one for each method beside plain LoRA at each budget. */
export function contrastsOf(study: ClaimsOfStudy, planned: readonly Planned[]): Contrasts {
  if ((study.claims ?? []).length > 0) return { study, areClaimed: true };
  const claims = impliedClaims(planned);
  return { study: { ...study, ...(claims.length === 0 ? {} : { claims }) }, areClaimed: false };
}

function impliedClaims(planned: readonly Planned[]): readonly Claim[] {
  const baseline = planned.find(({ method, askedRanks }) =>
    method === "lora" && askedRanks === undefined
  )?.label;
  if (baseline === undefined) return [];
  const labels = [...new Set(planned.map(({ label }) => label))];
  const budgets = new Map(
    planned.filter(({ label, budget }) => label === baseline && budget !== null)
      .map(({ budget }) => [budgetKey(budget!), budget!]),
  );
  return labels.filter((label) => label !== baseline).flatMap((label) =>
    [...budgets].flatMap(([key, budget]): readonly Claim[] => {
      const asked = writtenAs(budget);
      const ours = runsOfArm({ method: label }, planned);
      const isRanked = ours.some(({ budget }) => budget !== null);
      const claim: Claim = {
        name: `${label}, ${key}`,
        says: "better",
        a: { method: label, ...(isRanked ? { budget: asked } : {}) },
        b: { method: baseline, budget: asked },
      };
      return claimPairs(claim, planned).length === 0 ? [] : [claim];
    })
  );
}

/** A budget as the axis has it. */
function writtenAs({ type, value }: Budget): StudyBudget {
  return (type === "rank" ? value : { [type]: value }) as StudyBudget;
}

/** The tasks of a claim that a study plans runs for. */
export function tasksOfClaim(claim: Claim, planned: readonly ArmRun[]): readonly string[] {
  return [...new Set(claimPairs(claim, planned).map(({ task }) => task))];
}

/** Whether a run belongs to an arm of a claim, and to what the claim is about. */
export function isOfClaim(claim: Claim, tasks: readonly string[], run: ArmRun): boolean {
  return tasks.includes(run.task) &&
    [claim.a, claim.b].some((arm) => runsOfArm(arm, [run]).length > 0) &&
    !(claim.exclude ?? []).some((when) => matchesCondition(when, run));
}
