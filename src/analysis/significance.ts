/**
 * Everything that a report tests, corrected as one family: differences from the baseline and equivalence with it, the
 * comparisons asked for, replays, the effects of a factorial, and all pairs of the rankings. Claims are its primary contrasts.
 *
 * @module
 */
import { correctFamily, isGateOpen } from "../stats/rank_tests.ts";
import type { Answer, ClaimVerdict } from "./claims/verdict.ts";
import { type AskedContrast, askedContrasts } from "./comparison_rows.ts";
import { type Contrast, type Decided, verdictOf } from "./contrasts.ts";
import { whole } from "../base/format.ts";
import { type EffectContrast, effectContrasts } from "./factorial.ts";
import { metricInfo } from "./metrics.ts";
import {
  allBudgets,
  type PairedContrast,
  pairedContrasts,
  replayContrasts,
} from "./paired_rows.ts";
import { type ComparedRanks, rankedBudgets } from "./ranked_budgets.ts";
import { type Ranking, rankingOf } from "./ranking.ts";
import { allTasks } from "./run_rows.ts";
import type { Basis, ReplayBasis } from "./basis.ts";

/** A comparison with the baseline. */
export interface PairedRow extends PairedContrast, Decided {}

/** A comparison that the study asks for. */
export interface ComparisonRow extends AskedContrast, Decided {}

/** An arm of a factorial against the one that differs in one thing alone. */
export interface EffectRow extends EffectContrast, Decided {}

/** What is corrected together. */
export interface TestedFamily {
  /** p-values corrected together. */
  readonly tests: number;
  /** How many of their null hypotheses can be true together: by this number the smallest p is multiplied. */
  readonly comparisons: number;
  /** Claims, which are decided by their own rule. */
  readonly claims: number;
  /** Whether all claims are decided: until then other tests are hints. */
  readonly isOpen: boolean;
}

/** All tests of a report. */
export interface ReportTests {
  /** What is corrected together. */
  readonly family: TestedFamily;
  /** Each method beside the baseline. */
  readonly paired: readonly PairedRow[];
  /** What the study asks for. */
  readonly comparisons: readonly ComparisonRow[];
  /** A ranking a budget. */
  readonly rankings: readonly Ranking[];
  /** Replays beside uniform ranks. */
  readonly replays: readonly PairedRow[];
  /** Arms of a factorial. */
  readonly effects: readonly EffectRow[];
}

/** Answers to a claim that are verdicts. */
const decided: ReadonlySet<Answer> = new Set(["supported", "refuted", "equivalent"]);

/** All tests of a report, corrected together; `verdicts` are those on its claims, `replay` is its replay ablation. */
export function correctedTests(
  results: Basis,
  verdicts: readonly ClaimVerdict[],
  replay: ReplayBasis | null,
): ReportTests {
  const paired = pairedContrasts(results);
  const asked = askedContrasts(results);
  const replays = replay === null ? [] : replayContrasts(replay);
  const effects = effectContrasts(results);
  const budgets = rankedBudgets(results);
  const contrasts: readonly Contrast[] = [...paired, ...asked, ...replays, ...effects];
  const pairs = budgets.flatMap((budget) => budget.pairs)
    .filter(({ noVerdict }) => noVerdict === null);
  const members = [
    ...contrasts.flatMap((of) => [
      ...(of.p === null ? [] : [{ of, isEquivalence: false, p: of.p }]),
      ...(of.pEquivalent === null ? [] : [{ of, isEquivalence: true, p: of.pEquivalent }]),
    ]),
    ...pairs.map((of) => ({ of, isEquivalence: false, p: of.p })),
  ];
  const mostTrue = new Set(members.map(({ of }) => of)).size;
  const { secondary } = correctFamily({
    primary: [],
    secondary: members.map(({ p }) => p),
    mostTrue,
  });
  // Each claim is held to its share of the level by a rule of its own: to the others it is decided or not.
  const isOpen = isGateOpen({
    primary: verdicts.map(({ answer }) => decided.has(answer) ? 0 : 1),
    secondary,
  });
  const corrected = new Map<Contrast | ComparedRanks, number>();
  const equivalent = new Map<Contrast | ComparedRanks, number>();
  for (const [i, { of, isEquivalence }] of members.entries()) {
    (isEquivalence ? equivalent : corrected).set(of, secondary[i]!);
  }
  const withVerdict = <T extends Contrast & { readonly metric: string }>(of: T): T & Decided => {
    const found = {
      corrected: corrected.get(of) ?? null,
      correctedEquivalent: equivalent.get(of) ?? null,
    };
    const { isHigherBetter } = metricInfo(of.metric);
    return { ...of, ...found, verdict: verdictOf(of, found, isHigherBetter) };
  };
  return {
    family: { tests: members.length, comparisons: mostTrue, claims: verdicts.length, isOpen },
    paired: paired.map(withVerdict),
    comparisons: asked.map(withVerdict),
    replays: replays.map(withVerdict),
    effects: effects.map(withVerdict),
    rankings: budgets.map((budget) =>
      rankingOf(budget, (pair) => corrected.get(pair) ?? null, mostTrue)
    ),
  };
}

/** How p-values were corrected, for instance `corrected by Holm for all 87 tests of this report`. */
export function correctionText({ tests }: TestedFamily): string {
  return tests < 2
    ? "uncorrected, as the only test of this report"
    : `corrected by Holm for ${tests === 2 ? "both" : `all ${whole(tests)}`} tests of this report`;
}

/** How the other tests stand to the claims. */
export function gateText({ tests, claims, isOpen }: TestedFamily): string {
  const others = tests === 0
    ? "Nothing else is tested"
    : tests === 1
    ? "The report makes one other test"
    : `The report makes ${whole(tests)} other tests, corrected for their number by Holm’s method`;
  return `${
    claims === 1
      ? "The claim is the primary contrast"
      : `The ${whole(claims)} claims are the primary contrasts`
  }. ${others}.` +
    (tests === 0
      ? ""
      : isOpen
      ? ` Every claim is decided, so ${tests === 1 ? "this test counts" : "these tests count"} too.`
      : ` Until every claim is decided, ${
        tests === 1 ? "it is a hint, not a finding" : "they are hints, not findings"
      }.`);
}

/** The comparisons of the widest scope that a method has: all tasks and all budgets where those were averaged. */
export function widest(rows: readonly PairedRow[]): readonly PairedRow[] {
  const score = (row: PairedRow) =>
    (row.task === allTasks ? 2 : 0) + (row.budget === allBudgets ? 1 : 0);
  const best = Math.max(...rows.map(score));
  return rows.filter((row) => score(row) === best);
}

/** Whether a row was tested for a difference. */
export const isTested = ({ corrected }: Decided): boolean => corrected !== null;
