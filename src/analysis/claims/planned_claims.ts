/**
 * What a study's claims need, told before anything runs.
 *
 * @module
 */
import { firstDecidingLook } from "../../stats/stopping.ts";
import { type ArmRun, claimPairs } from "../../study/compare/arms.ts";
import {
  type Claim,
  type ClaimsOfStudy,
  claimText,
  marginOf,
  shareText,
} from "../../study/schema/claims.ts";
import { counted, listed, whole } from "../../base/format.ts";
import { metricInfo } from "../metrics.ts";
import type { Tune } from "../../study/schema/tune.ts";
import type { Tuned } from "../../study/schema/tuned.ts";
import { hasTunedSettings } from "../tuned_runs.ts";
import { notTunedOf, unequalSettings } from "./no_evidence.ts";
import { ruleText } from "./text.ts";
import { ruleOf } from "./verdict.ts";

/** A study with claims, and what tuning it has. */
interface TunedStudy extends ClaimsOfStudy {
  readonly tune?: Pick<Tune, "methods">;
  readonly tuned?: Pick<Tuned, "best">;
}

/** A claim and what it needs. */
interface PlannedClaim {
  readonly name: string;
  /** As a sentence. */
  readonly text: string;
  readonly tasks: readonly string[];
  /** Half of the region of practical equivalence, in words. */
  readonly margin: string;
  /** Runs of both arms that the study asks for. */
  readonly runs: number;
  /** Seeds with which the study asks for both arms. */
  readonly seeds: number;
  /** As {@linkcode unequalSettings} gives them. */
  readonly unequal: readonly string[];
  /** Labels of arms without tuned settings, where those of the other arm are tuned; none where nothing is. */
  readonly notTuned: readonly string[];
  /** The first look at which the rule can decide anything, and the last. */
  readonly firstLook: number;
  readonly lastLook: number;
}

/** The claims of a study with what they need. */
export function plannedClaims(
  study: TunedStudy,
  planned: readonly ArmRun[],
): readonly PlannedClaim[] {
  const { claims = [] } = study;
  if (claims.length === 0) return [];
  const rule = ruleOf(study);
  const firstLook = firstDecidingLook(rule);
  const isTuned = tunedOf(study);
  return claims.map((claim: Claim) => {
    const pairs = claimPairs(claim, planned);
    const tasks = [...new Set(pairs.map(({ task }) => task))];
    return {
      name: claim.name,
      text: claimText(claim),
      tasks,
      margin: marginText(study, claim, tasks),
      runs: new Set(pairs.flatMap(({ a, b }) => [a, b])).size,
      seeds: new Set(pairs.map(({ seed }) => seed)).size,
      unequal: unequalSettings(claim, pairs),
      notTuned: isTuned === null
        ? []
        : notTunedOf(pairs.flatMap(({ a, b }) => [a, b]), isTuned, (run) => run),
      firstLook,
      lastLook: rule.cap,
    };
  });
}

/** Whether a run has settings that were chosen for it, or will be by the study's own tuning; null where nothing is tuned. */
function tunedOf({ tuned, tune }: TunedStudy): ((run: ArmRun) => boolean) | null {
  if (tuned !== undefined || tune === undefined) return hasTunedSettings(tuned ?? null);
  const { methods } = tune;
  return methods === undefined ? null : ({ arm, label }) => methods.includes(arm ?? label);
}

/** {@linkcode plannedClaims} as lines for a terminal; none where the study claims nothing. */
export function plannedClaimsText(
  study: TunedStudy,
  planned: readonly ArmRun[],
): readonly string[] {
  const claims = plannedClaims(study, planned);
  if (claims.length === 0) return [];
  return [`Claims. ${ruleText(study)}`, ...claims.map(lineOf)];
}

/** The margin of a claim before anything runs, such as `1 point` or `25% of what lora gains over head`. */
function marginText(study: ClaimsOfStudy, claim: Claim, tasks: readonly string[]): string {
  if (typeof claim.margin === "object") return shareText(claim.margin);
  // Metrics of tasks that ranklab knows are shown times 100.
  const { scale } = metricInfo("accuracy");
  const all = tasks.map((task) => Number((marginOf(study, claim, task)! * scale).toPrecision(3)));
  const sizes = [...new Set(all)];
  return `${sizes.join(", ")} ${sizes.length === 1 && sizes[0] === 1 ? "point" : "points"}`;
}

function lineOf(
  { name, text, tasks, margin, runs, seeds, unequal, notTuned, firstLook, lastLook }: PlannedClaim,
): string {
  const looks = seeds < firstLook
    ? `; ${counted(seeds, "seed")} cannot decide it, the first look that can is at ${
      whole(firstLook)
    }`
    : "";
  const apart = unequal.length === 0 ? "" : `; the arms differ in ${listed(unequal)}`;
  const tuned = notTuned.length === 0
    ? ""
    : `; the settings of ${listed(notTuned)} are not tuned, those of the other arm are`;
  return `  ${name}: ${text}; margin ${margin}; ${listed(tasks)}; ${counted(runs, "run")} with ${
    counted(seeds, "seed")
  } of at most ${whole(lastLook)}${looks}${apart}${tuned}`;
}
