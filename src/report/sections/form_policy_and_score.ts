/**
 * What each form, policy and score changes while the others stay.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import {
  type EffectKind,
  effectKinds,
  factorialArms,
  metricOfArms,
} from "../../analysis/factorial.ts";
import type { Row, RunRow } from "../../analysis/run_rows.ts";
import { correctionText, type EffectRow } from "../../analysis/significance.ts";
import { verdictText } from "../../analysis/verdict.ts";
import { interval, signed } from "../../base/format.ts";
import type { Composition } from "../../methods/presets.ts";
import { type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { scaled, scoreOf, toneOf } from "../columns.ts";

function meanOf(rows: readonly RunRow[]): number | null {
  const scores = rows.flatMap(({ score }) => score === null ? [] : [score]);
  return scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** An arm with the effects that it has, by kind. */
interface FactorialRow extends Composition {
  readonly label: string;
  readonly metric: string;
  readonly mean: number | null;
  readonly runs: number;
  readonly effects: Readonly<Partial<Record<EffectKind, EffectRow>>>;
}

/** The rows of {@linkcode factorialTable}; none where the study has fewer than two forms or policies. */
export function factorialRows(results: Analysis): readonly FactorialRow[] {
  const arms = factorialArms(results);
  const metric = metricOfArms(arms);
  return arms.map(({ label, form, policy, score, runs }) => ({
    ...{ label, form, policy, score, metric },
    mean: meanOf(runs),
    runs: runs.length,
    effects: Object.fromEntries(
      results.tests.effects.filter((effect) => effect.label === label)
        .map((effect) => [effect.kind, effect]),
    ),
  }));
}

/** A difference with its interval in the report's scale, or a dash where there is nothing to compare with. */
function effectText(effect: EffectRow | undefined): string {
  if (effect === undefined || effect.mean === null) return "-";
  const value = (of: number | null) => scaled(effect, of);
  const range = effect.low === null ? "" : ` ${interval(value(effect.low), value(effect.high), 2)}`;
  return `${signed(value(effect.mean), 2)}${range}, ${verdictText(effect.verdict)}`;
}

const effectColumn = (title: string, kind: EffectKind) =>
  number<FactorialRow>(
    title,
    ({ effects }) => effectText(effects[kind]),
    ({ effects }) => toneOf(effects[kind]?.verdict),
  );

function effectCells(kind: EffectKind, effect: EffectRow | undefined): Row {
  const { versus, metric, n, mean, low, high, p, corrected, verdict } = effect ?? {} as Partial<
    EffectRow
  >;
  const cells = {
    ...{ versus, metric, n, mean, low, high, p, corrected },
    verdict: verdict && verdictText(verdict),
  };
  return Object.fromEntries(
    Object.entries(cells).map(([name, value]) => [`${kind}_${name}`, value]),
  );
}

/** Every arm with what its policy, its score and its form change, each against the arm that differs in that alone. */
function factorialTable(results: Analysis): ReportTable {
  const { family } = results.tests;
  return reportTable(factorialRows(results), {
    id: "factorial",
    title: "Effects of form, policy and score",
    note:
      "Each difference is between two arms that differ in one thing only, over the tasks, budgets and seeds that both have. " +
      "A policy is compared with fixed ranks, a score with ranks drawn at random, a form with LoRA’s. " +
      `Intervals are 95% t intervals over seeds; the word after each is the verdict of the test (${
        correctionText(family)
      }).`,
    csv: ({ effects, ...arm }) =>
      Object.assign(
        { ...arm },
        ...effectKinds.map((kind) => effectCells(kind, effects[kind])),
      ),
    columns: [
      text("form", ({ form }) => form),
      text("policy", ({ policy }) => policy),
      text("decides by", ({ score }) => score || "-"),
      number("score", (row) => row.mean === null ? "-" : scoreOf(row, row.mean)),
      effectColumn("policy against fixed", "policy"),
      effectColumn("score against random", "score"),
      effectColumn("form against LoRA", "form"),
    ],
  });
}

/** The effects of a factorial. */
export const formPolicyAndScore: Section = {
  title: "Form, policy and score",
  id: "factorial",
  blocks: [table(factorialTable)],
};
