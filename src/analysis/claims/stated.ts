/**
 * When a study's claims were stated, and how many of its runs had begun by then.
 *
 * @module
 */
import type { Json } from "../../base/canonical_json.ts";
import { hashJson } from "../../base/hash.ts";
import { claimPairs } from "../../study/compare/arms.ts";
import { runContent } from "../../study/grid/run_id.ts";
import { type Claim, claimsHash } from "../../study/schema/claims.ts";
import { defaultConvergence } from "../../study/schema/study.ts";
import type { RunRecord } from "../../record/types.ts";
import type { RunSpec } from "../../study/types.ts";
import { counted, listed, whole } from "../../base/format.ts";
import type { ScoredRun } from "./series.ts";
import type { ClaimedSeeds, ClaimsStatement, StatedClaims, StatedStudy } from "./statement.ts";

/** What of a statement was changed by a later one. */
export type Changed = "claims" | "settings" | "convergence" | "runs";

/** What is known of when claims were stated. */
export type Stating =
  /** No run had begun. */
  | { readonly kind: "before"; readonly at: string }
  /** They were stated for the first time after so many runs had begun. */
  | { readonly kind: "late"; readonly at: string; readonly begun: number; readonly of: number }
  /** They were changed after so many runs had begun. */
  | {
    readonly kind: "changed";
    readonly at: string;
    readonly begun: number;
    readonly of: number;
    readonly what: readonly Changed[];
  }
  /** None of the present runs had begun, but so many others had, before something was changed. */
  | {
    readonly kind: "settings";
    readonly at: string;
    readonly begun: number;
    readonly what: readonly Changed[];
  }
  /** The claims are not those of the last statement, so that a file was changed by hand. */
  | { readonly kind: "unknown" }
  /** They are about results that were made elsewhere. */
  | { readonly kind: "elsewhere" };

/** SHA-256 of the rule by which runs of a study count as converged. */
export function convergenceHash({ convergence = {} }: StatedStudy): string {
  return hashJson({ ...defaultConvergence, ...convergence } as unknown as Json);
}

/** The statements with that of a study's present claims, where they or what their verdicts rest on are new. */
export function withStatement(
  study: StatedStudy,
  statements: readonly ClaimsStatement[],
  now: Omit<ClaimsStatement, "hash" | "convergence">,
): readonly ClaimsStatement[] {
  if ((study.claims ?? []).length === 0) return statements;
  const { seeds, ...rest } = now;
  const convergence = convergenceHash(study);
  const last = statements.at(-1);
  const known = seeds === undefined ? {} : { seeds };
  const statement = { hash: claimsHash(study), ...rest, convergence, ...known };
  if (last === undefined || changesOf(last, statement).length > 0) {
    return [...statements, statement];
  }
  const longer = seeds === undefined ? {} : { seeds: moreOf(last.seeds ?? {}, seeds) };
  return [...statements.slice(0, -1), { ...last, convergence, ...longer }];
}

/** Digits of a hash that tell what the runs of a seed compute from anything else they could. */
const seedDigits = 8;

/**
 * What a statement says of a study's planned runs: SHA-256 of what the arms of its claims compute with the first seed of the axis,
 * without labels, and the runs that each claim counts. Seeds that are added leave the hash as it is; another setting, option or
 * version of a method does not.
 */
export function claimedRuns(
  { claims = [], axes }: StatedStudy,
  runs: readonly RunSpec[],
): Required<Pick<ClaimsStatement, "arms" | "seeds">> {
  const first = Math.min(...axes.seeds);
  const firsts = runs.filter(({ seed }) => seed === first);
  const contents = claims.flatMap((claim) =>
    claimPairs(claim, firsts).flatMap(({ a, b }) => [a, b].map((run) => hashJson(runContent(run))))
  );
  const seedsOf = (claim: Claim) => {
    const bySeed = Map.groupBy(claimPairs(claim, runs), ({ seed }) => seed);
    return [...bySeed].toSorted(([a], [b]) => a - b).map(([seed, pairs]) => {
      const computed = pairs.map(({ a, b }) => hashJson([runContent(a), runContent(b)]));
      return `${seed}:${hashJson(computed.toSorted()).slice(0, seedDigits)}`;
    });
  };
  return {
    arms: hashJson([...new Set(contents)].toSorted()),
    seeds: Object.fromEntries(claims.map((claim) => [claim.name, seedsOf(claim)])),
  };
}

/** What a statement changes of the one before it; what one of them did not keep is taken to be the same. */
export function changesOf(last: ClaimsStatement, next: ClaimsStatement): readonly Changed[] {
  const differs = (key: "arms" | "convergence") =>
    last[key] !== undefined && next[key] !== undefined && last[key] !== next[key];
  const changes: Changed[] = [];
  if (last.hash !== next.hash) changes.push("claims");
  if (differs("arms")) changes.push("settings");
  if (differs("convergence")) changes.push("convergence");
  // Other claims or settings count other runs anyway.
  if (changes.length === 0 && !goesOn(last.seeds ?? {}, next.seeds ?? {})) changes.push("runs");
  return changes;
}

/** Whether the seeds of each claim begin alike, so that all that was added or taken away lies at the end. */
function goesOn(before: ClaimedSeeds, now: ClaimedSeeds): boolean {
  return Object.entries(before).every(([claim, seeds]) =>
    (now[claim] ?? []).every((seed, i) => i >= seeds.length || seed === seeds[i])
  );
}

/** Of two lists that begin alike the longer one, so that seeds which were seen once cannot be passed over later. */
function moreOf(before: ClaimedSeeds, now: ClaimedSeeds): ClaimedSeeds {
  const longer = Object.entries(now).map(([claim, seeds]) => {
    const known = before[claim] ?? [];
    return [claim, known.length > seeds.length ? known : seeds] as const;
  });
  return Object.fromEntries(longer);
}

/** When the present claims were stated, and which runs had begun by then, as their records say. */
export function statingOf(
  { study, planned, statements }: StatedClaims,
  runs: readonly ScoredRun[],
): Stating {
  if (study.isFinished === true) return { kind: "elsewhere" };
  const last = statements.at(-1);
  if (last === undefined || last.hash !== claimsHash(study)) return { kind: "unknown" };
  if (last.convergence !== undefined && last.convergence !== convergenceHash(study)) {
    return { kind: "unknown" };
  }
  const { at } = last;
  const begun = begunBefore(runs, at);
  const changes = statements.slice(1).flatMap((statement, i) =>
    changesOf(statements[i]!, statement)
  );
  const what = [...new Set(changes)];
  if (begun > 0) {
    const begunOf = { at, begun, of: planned.length };
    return statements.length === 1
      ? { kind: "late", ...begunOf }
      : { kind: "changed", ...begunOf, what };
  }
  const others = statements.length > 1 ? last.begun ?? 0 : 0;
  return others === 0 ? { kind: "before", at } : { kind: "settings", at, begun: others, what };
}

/** How many runs had begun at a time, as their records say. */
export function begunBefore(
  runs: readonly { readonly record: Pick<RunRecord, "happened"> }[],
  at: string,
): number {
  const isEarlier = (startedAt: string) => Date.parse(startedAt) < Date.parse(at);
  return runs.filter(({ record }) => isEarlier(record.happened.time.startedAt)).length;
}

/** A time as `2026-11-27 06:41 UTC`. */
export function timeText(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}

/** What was changed, in words. */
export const changedTexts: Readonly<Record<Changed, string>> = {
  claims: "the claims, their margins or the rule that decides",
  settings: "the settings of their arms",
  convergence: "when a run counts as converged",
  runs: "which runs they count",
};

/** {@linkcode statingOf} in words that follow "Claims". */
export function statingText(stating: Stating): string {
  if (stating.kind === "unknown") {
    return "changed by hand: study.json has no time at which these were stated";
  }
  if (stating.kind === "elsewhere") {
    return "about results that were made elsewhere: nothing shows that they were stated before these were seen, and if they were not, verdicts are exploratory";
  }
  const time = timeText(stating.at);
  if (stating.kind === "before") return `stated before the first run (${time})`;
  if (stating.kind === "late") {
    return `stated on ${time}, after ${begunText(stating.begun, stating.of)}`;
  }
  const what = listed(stating.what.map((change) => changedTexts[change]));
  const after = stating.kind === "settings"
    ? `${counted(stating.begun, "run")} of what was stated before`
    : begunText(stating.begun, stating.of);
  return `changed on ${time} (${what}), after ${after}`;
}

function begunText(begun: number, of: number): string {
  return `${whole(begun)} of ${counted(of, "run")} had begun`;
}
