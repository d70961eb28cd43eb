/**
 * How large a claim's margin is beside what the study itself shows: what adapting brings, and what more budget brings.
 *
 * @module
 */
import { meanOf } from "../../stats/statistics.ts";
import type { Arm, ArmRun } from "../../study/compare/arms.ts";
import type { Claim, ClaimsOfStudy } from "../../study/schema/claims.ts";
import { counted, fixed } from "../../base/format.ts";
import { claimSeries, type ScoredRun } from "./series.ts";
import type { DifferenceUnit } from "./unit.ts";

/** Something that the study shows and a margin can be measured by. */
interface Reference {
  /** Such as `lora gains over head`. */
  readonly name: string;
  /** The mean over seeds, in margins. */
  readonly gain: number;
  /** Seeds that it was measured on. */
  readonly seeds: number;
}

/** A planned run with what tells LoRA apart whose ranks are given. */
type Planned = ArmRun & { readonly askedRanks?: unknown };

/** What a claim's margin is beside the head's gap to LoRA and beside the smallest step of LoRA's budget, where the study has them. */
export function marginScale(
  study: ClaimsOfStudy,
  claim: Claim,
  planned: readonly Planned[],
  runs: readonly ScoredRun[],
  unit: DifferenceUnit,
): readonly string[] {
  const lora = planned.filter(({ method, askedRanks }) =>
    method === "lora" && askedRanks === undefined
  );
  const [baseline] = lora;
  if (baseline === undefined) return [];
  const head = planned.find(({ method }) => method === "head");
  const ranks = ranksOf(lora);
  const gainOf = (name: string, a: Arm, b: Arm): readonly Reference[] => {
    const { differences } = claimSeries(study, { ...claim, a, b }, planned, runs);
    return differences.length === 0 ? [] : [{
      name,
      gain: meanOf(differences.map(({ value }) => value)),
      seeds: differences.length,
    }];
  };
  const at = (rank: number | undefined): Arm => ({
    method: baseline.label,
    ...(rank === undefined ? {} : { budget: rank }),
  });
  const [least] = ranks;
  const isAboutHead = [claim.a, claim.b].some(({ method }) => method === head?.label);
  const ofHead = head === undefined || isAboutHead
    ? []
    : gainOf(`${baseline.label} gains over ${head.label}`, at(least), { method: head.label });
  const steps = ranks.slice(1).flatMap((rank, i) =>
    gainOf(`${baseline.label} gains from rank ${ranks[i]} to ${rank}`, at(rank), at(ranks[i]))
  );
  const smallest = steps.toSorted((a, b) => a.gain - b.gain).slice(0, 1);
  return [...ofHead, ...smallest].map((reference) => textOf(reference, unit));
}

/** The ranks of LoRA's budgets, ascending. */
function ranksOf(runs: readonly ArmRun[]): readonly number[] {
  const ranks = runs.flatMap(({ budget }) => budget?.type === "rank" ? [budget.value] : []);
  return [...new Set(ranks)].toSorted((a, b) => a - b);
}

function textOf(
  { name, gain, seeds }: Reference,
  { name: unit, perMargin }: DifferenceUnit,
): string {
  const size = `${fixed(gain * perMargin, 2)} ${unit}, ${counted(seeds, "seed")}`;
  return gain <= 1
    ? `the margin is more than ${name} (${size})`
    : `the margin is ${fixed(100 / gain, 0)}% of what ${name} (${size})`;
}
