/**
 * What verdicts rest on, a row a claim and a row a task of each.
 *
 * @module
 */
import { bayesTTest, type Odds } from "../../stats/bayes.ts";
import { hierarchicalTest } from "../../stats/hierarchical.ts";
import { summarise } from "../../stats/statistics.ts";
import { stoppingState } from "../../stats/stopping.ts";
import { armText } from "../../study/compare/arms.ts";
import { scopeText } from "./scope.ts";
import { decidingInterval } from "./text.ts";
import type { ClaimVerdict } from "./verdict.ts";

/** Draws of the hierarchical model: enough for two decimals. */
const draws = 5000;
/** Tasks and seeds of each from which the hierarchical model says something; of two tasks its answer is vague, as it should be. */
const fewest = { tasks: 2, seeds: 3 } as const;

/** The differences that the verdict is about: those up to the look that decided, or all so far. */
function counting({ differences, state }: ClaimVerdict): ClaimVerdict["differences"] {
  return state.n === 0 ? differences : differences.slice(0, state.n);
}

/** Probabilities for a further task like these, where there are enough tasks and seeds. */
function nextTaskOdds(verdict: ClaimVerdict): Odds | null {
  const tasks = Map.groupBy(counting(verdict).flatMap(({ tasks }) => tasks), ({ task }) => task);
  const values = [...tasks.values()].map((own) => own.map((d) => d.difference / d.margin));
  if (values.length < fewest.tasks || values.some((own) => own.length < fewest.seeds)) return null;
  return hierarchicalTest(values, 1, { draws }).nextTask;
}

export function claimRow(verdict: ClaimVerdict) {
  const { claim, answer, unit, state, leftOut, more } = verdict;
  const { low, high, level } = decidingInterval(verdict);
  const odds = bayesTTest(counting(verdict).map(({ value }) => value), 1);
  const next = nextTaskOdds(verdict);
  const scaled = (margins: number | null) =>
    margins === null || !Number.isFinite(margins) ? null : margins * unit.perMargin;
  return {
    claim: claim.name,
    says: claim.says,
    scope: scopeText(verdict),
    a: armText(claim.a),
    b: armText(claim.b),
    answer,
    unit: unit.name,
    mean: scaled(state.mean),
    afterStopping: scaled(verdict.afterStopping),
    low: scaled(level === 0.95 ? low : state.usualLow),
    high: scaled(level === 0.95 ? high : state.usualHigh),
    decidingLow: scaled(low),
    decidingHigh: scaled(high),
    level,
    margin: unit.perMargin,
    seeds: state.n,
    leftOut: new Set(leftOut.map(({ seed }) => seed)).size,
    wantedSeeds: more !== null && Number.isFinite(more.total) ? more.total : null,
    better: odds?.better ?? null,
    equal: odds?.equal ?? null,
    worse: odds?.worse ?? null,
    nextBetter: next?.better ?? null,
    nextEqual: next?.equal ?? null,
    nextWorse: next?.worse ?? null,
  };
}

export function taskRows(verdict: ClaimVerdict) {
  const tasks = Map.groupBy(counting(verdict).flatMap(({ tasks }) => tasks), ({ task }) => task);
  return [...tasks].map(([task, own]) => {
    const { metric, margin } = own[0]!;
    const { n, mean, sd, low, high } = summarise(own.map(({ difference }) => difference));
    const values = own.map(({ difference, margin }) => difference / margin);
    const answer = stoppingState(values, verdict.plan, (n) => verdict.noise(n, task)).verdict;
    return { claim: verdict.claim.name, task, metric, n, mean, sd, low, high, margin, answer };
  });
}
