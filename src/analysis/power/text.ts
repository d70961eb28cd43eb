/**
 * The power of claims in words, and as values for programs.
 *
 * @module
 */
import { claimText } from "../../study/schema/claims.ts";
import { counted, duration, fixed, listed, said, whole } from "../../base/format.ts";
import { metricInfo, metricTitle } from "../metrics.ts";
import { decimalsOf, marginText, roughly } from "../claims/text.ts";
import { idleText } from "../claims/no_evidence.ts";
import {
  type ClaimPower,
  hasSpread,
  neededOf,
  type SeedsNeeded,
  type Seen,
  seesOf,
} from "./claim_power.ts";

/** What the words of a study's power need besides it. */
interface PowerWords {
  /** The study's name or file, for command lines. */
  readonly study: string;
  /** Its seeds. */
  readonly seeds: readonly number[];
  /** Whether the study claims anything; otherwise each method stands beside plain LoRA. */
  readonly areClaimed: boolean;
}

/** Spreads that a study without a pilot is shown for, in margins. */
const supposed = [0.5, 1, 2];

/** The power of claims as lines for a terminal. */
export function powerText(powers: readonly ClaimPower[], words: PowerWords): readonly string[] {
  if (powers.length === 0) {
    return [
      "Power: nothing to compare: state claims in the study, or add plain LoRA to the methods",
    ];
  }
  const what = words.areClaimed
    ? "of the claims"
    : `of each method beside plain LoRA, as if ${counted(powers.length, "claim")} were made`;
  return [
    `Power ${what}: the seeds with which 80 of 100 studies decide, by the upper end of the spread's 60% interval`,
    ...powers.flatMap((power) => [
      `  ${power.claim.name}: ${claimText(power.claim)}`,
      ...(power.pilot === null ? withoutPilot(power) : withPilot(power, power.pilot))
        .map((line) => `    ${line}`),
    ]),
    ...said(powers.some(({ pilot }) => pilot === null) && howToPilot(words)),
  ];
}

function howToPilot({ study, seeds }: PowerWords): string {
  const first = seeds.slice(0, 3).join(",");
  const part = seeds.length > 3 ? ` --only seed=${first}` : "";
  return `To make a pilot of 3 seeds or more: deno task sweep ${study}${part}; records of another study count by --pilot RESULTS`;
}

/** A difference in the unit of a claim, for instance `1.50 points`. */
function sizeText(power: Pick<ClaimPower, "unit">, margins: number): string {
  const { unit } = power;
  return `${fixed(margins * unit.perMargin, decimalsOf(power))} ${unit.name}`;
}

function withPilot(
  power: ClaimPower,
  { path, spread, missing, apart, idle, notLearned, seedMillis }: NonNullable<ClaimPower["pilot"]>,
): readonly string[] {
  const { unit, needed, sees } = power;
  const inUnit = (margins: number) => fixed(margins * unit.perMargin, decimalsOf(power));
  const { sd, limits, seeds, tasks } = spread;
  const byTask = tasks.map(({ task, metric, sd }) => {
    const { scale } = metricInfo(metric);
    return scale === 100
      ? `${task} ${fixed(100 * sd, 2)}`
      : `${task} ${fixed(sd, 4)} (${metricTitle(metric)})`;
  });
  const others = apart.length === 0 ? "" : `, with other values of ${listed(apart)}`;
  const times = seedMillis === null
    ? "Time: unknown, the pilot lacks some of the runs"
    : `Time: ${duration(seedMillis)} a seed as on the pilot's machine, one run at a time${
      [...new Set(needed.map(({ seeds }) => seeds))].filter(Number.isFinite)
        .map((seeds) =>
          `; ${duration(seeds * seedMillis)} for ${seedsText(seeds, power.rule.cap)} seeds`
        ).join("")
    }`;
  return said(
    notLearned.length > 0 &&
      `Nothing can be said of seeds: no run of the pilot learned anything on ${
        listed(notLearned)
      }, so its differences are chance. Make one that learns, with other settings or more steps`,
    idle.runs > 0 &&
      `The pilot: ${idleText(idle.runs, idle.of)}; those that learn something may vary otherwise`,
    `Pilot: ${path}, ${
      counted(seeds, "seed")
    }${others}. The difference varies over seeds with a standard deviation of ${
      sizeText(power, sd)
    } (60% interval ${inUnit(limits.low)} to ${inUnit(limits.high)})${
      tasks.length === 1 ? "" : `; by task ${byTask.join(", ")}`
    }`,
    missing.length > 0 &&
      `The pilot has no runs of ${listed(missing)}: planned as if ${
        missing.length === 1 ? "it" : "they"
      } varied as the other tasks do`,
    !hasSpread(spread) &&
      "Nothing can be said of seeds: each seed of the pilot has the same difference, so the spread is not known. Make a pilot with more seeds, steps or evaluated examples",
    ...(needed.length === 0 ? [] : [neededText(power, needed), seesText(power, sees), times]),
  );
}

/** A true difference in words that follow `if`. */
function differenceText(power: Pick<ClaimPower, "unit">, { difference }: SeedsNeeded): string {
  if (difference === 0) return "both are equal";
  const size = sizeText(power, Math.abs(difference));
  return `it is ${difference > 0 ? "better" : "worse"} by ${size}`;
}

function neededText(power: ClaimPower, needed: readonly SeedsNeeded[]): string {
  const { cap } = power.rule;
  const parts = needed.map((one) =>
    `${seedsText(one.seeds, cap)} if ${differenceText(power, one)}`
  );
  return `Seeds needed: ${parts.join(", ")}; the plan allows ${whole(power.rule.cap)}`;
}

/** A number of seeds: within the plan that of a look, beyond it two digits. */
function seedsText(seeds: number, cap: number): string {
  if (!Number.isFinite(seeds)) return "more than can be made";
  return seeds <= cap ? whole(seeds) : `about ${whole(roughly(seeds))}`;
}

function seesText(power: ClaimPower, sees: readonly Seen[]): string {
  return `What it could detect: ${sees.map((seen) => seenText(power, seen)).join("; ")}`;
}

function seenText(power: ClaimPower, { seeds, difference, margin }: Seen): string {
  const { rule, firstLook } = power;
  const begins = `with ${counted(seeds, "seed")}`;
  if (!Number.isFinite(difference) && !Number.isFinite(margin)) {
    return seeds < firstLook
      ? `${begins} nothing, the first look that can decide is at ${whole(firstLook)}`
      : `${begins} nothing`;
  }
  if (rule.question === "not worse") {
    const size = sizeText(power, Math.abs(difference));
    return difference > 0
      ? `${begins} that it is not worse, if it is better by ${size} or more`
      : `${begins} that it is not worse, if it is worse by ${size} at most`;
  }
  const equality = `${margin <= 1 ? "" : "no "}equality within ${marginText(power)}${
    margin <= 1 ? "" : `, only within ${sizeText(power, margin)}`
  }`;
  const apart = Number.isFinite(difference)
    ? `a difference of ${sizeText(power, difference)} or more, `
    : "";
  return `${begins} ${apart}${Number.isFinite(margin) ? equality : "no equality"}`;
}

function withoutPilot(power: ClaimPower): readonly string[] {
  const { claim, rule } = power;
  const supposing = { ...power, unit: { name: "margins", perMargin: 1 } };
  return [
    "No records of two seeds of both arms, so the spread is not known. For spreads of so many margins:",
    ...supposed.map((spread) => {
      const needed = neededOf(claim, rule, spread);
      const [most] = seesOf(rule, spread, rule.cap);
      return `${spread}: ${
        needed.map((one) =>
          `${seedsText(one.seeds, rule.cap)} seeds if ${differenceText(supposing, one)}`
        )
          .join(", ")
      }; ${seenText(supposing, most!)}`;
    }),
  ];
}

/** Claims that seeds will hardly decide, and why. */
export interface Undecidable {
  /** Their names. */
  readonly claims: readonly string[];
  /** Seeds that the plan has for them. */
  readonly seeds: number;
  /** Seeds that would do; null where none do. */
  readonly seedsNeeded: number | null;
  /** The same in words. */
  readonly text: string;
}

/**
 * Why a claim will hardly be decided by the most seeds that its plan allows; null where it may be, or nobody knows.
 *
 * @param own The study's own results: where they have decided the claim, nothing is left to tell. Default: it has none.
 * @param isNamed Whether the pilot was named. Default false: one with other settings than the study's says nothing.
 */
export function beyondPlan(
  power: ClaimPower,
  { own = null, isNamed = false }: { readonly own?: string | null; readonly isNamed?: boolean } =
    {},
): Undecidable | null {
  const [first] = power.needed;
  const { rule: { cap }, claim, pilot } = power;
  if (first === undefined || pilot === null || first.seeds <= cap) return null;
  if (pilot.apart.length > 0 && !isNamed) return null;
  const isOwn = pilot.path === own;
  if (isOwn && pilot.isDecided) return null;
  const isPossible = Number.isFinite(first.seeds);
  const wanted = isPossible
    ? `about ${whole(roughly(first.seeds))} seeds would be enough`
    : "no number of seeds would be enough";
  const way = isOwn
    ? "; another decide.mostSeeds, margin or list of tasks is a change of the claims now"
    : `${isPossible ? " (set decide.mostSeeds); or" : ";"} give it a wider margin or more tasks`;
  return {
    claims: [claim.name],
    seeds: cap,
    seedsNeeded: isPossible ? first.seeds : null,
    text: `claim "${claim.name}" is unlikely to be decided with ${counted(cap, "seed")}, even if ${
      differenceText(power, first)
    }: by the spread of ${pilot.path} (${counted(pilot.spread.seeds, "seed")}) ${wanted}${way}`,
  };
}

/** The claims that the seeds of the study cannot decide, since they end before the first look that can; null where there are none. */
export function beforeFirstLook(powers: readonly ClaimPower[]): Undecidable | null {
  const early = powers.filter(({ seeds, firstLook }) => seeds < firstLook);
  if (early.length === 0) return null;
  const claims = early.map(({ claim }) => claim.name);
  const [{ firstLook }] = early as [ClaimPower];
  const seeds = Math.max(...early.map((power) => power.seeds));
  return {
    claims,
    seeds,
    seedsNeeded: firstLook,
    text: `${counted(seeds, "seed")} cannot decide ${
      claims.length === 1 ? `claim "${claims[0]}"` : counted(claims.length, "claim")
    }: the first look that can is at ${whole(firstLook)}; --until-decided adds seeds`,
  };
}

/** The power of claims as values for programs, one a claim; differences are in `unit`, and what is infinite is null. */
export function powerJson(powers: readonly ClaimPower[]): readonly object[] {
  return powers.map((power) => {
    const { claim, tasks, pilot, unit, rule, needed, sees } = power;
    const scaled = (margins: number) => Number.isFinite(margins) ? margins * unit.perMargin : null;
    return {
      kind: "power",
      claim: claim.name,
      says: claim.says,
      tasks,
      unit: unit.name,
      margin: unit.perMargin,
      pilot: pilot === null ? null : {
        path: pilot.path,
        seeds: pilot.spread.seeds,
        sd: scaled(pilot.spread.sd),
        low: scaled(pilot.spread.limits.low),
        high: scaled(pilot.spread.limits.high),
        tasks: pilot.spread.tasks,
        missing: pilot.missing,
        apart: pilot.apart,
        notLearned: pilot.notLearned,
        seedMillis: pilot.seedMillis,
      },
      needed: needed.map(({ difference, seeds }) => ({
        difference: scaled(difference),
        seeds: Number.isFinite(seeds) ? seeds : null,
      })),
      sees: sees.map(({ seeds, difference, margin }) => ({
        seeds,
        difference: scaled(difference),
        margin: scaled(margin),
      })),
      mostSeeds: rule.cap,
    };
  });
}
