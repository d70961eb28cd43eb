/**
 * Forms and policies as a factorial: what each policy, each score and each form changes while the other two stay.
 *
 * @module
 */
import { type Row, type RunFact, tableFrom } from "../../analysis/run_rows.ts";
import {
  type EffectKind,
  effectKinds,
  factorialArms,
  metricOfArms,
} from "../../analysis/factorial.ts";
import { fixed, interval, signed } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { correctionText } from "../../analysis/significance.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable } from "../types.ts";
import { toneOf } from "./paired.ts";

function meanOf(facts: readonly RunFact[]): number | null {
  const scores = facts.flatMap(({ score }) => score === null ? [] : [score]);
  return scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

const names = [
  "label",
  "form",
  "policy",
  "score",
  "metric",
  "mean",
  "runs",
  ...effectKinds.flatMap((kind) =>
    ["versus", "metric", "n", "mean", "low", "high", "p", "corrected", "verdict"].map((name) =>
      `${kind}_${name}`
    )
  ),
];

/** The rows of {@linkcode factorialTable}; none where the study has fewer than two forms or policies. */
export function factorialRows(results: Analysis): readonly Row[] {
  const arms = factorialArms(results);
  const metric = metricOfArms(arms);
  const { effects } = results.tests;
  return arms.map((arm): Row => ({
    label: arm.label,
    form: arm.form,
    policy: arm.policy,
    score: arm.score,
    metric,
    mean: meanOf(arm.runs),
    runs: arm.runs.length,
    ...Object.fromEntries(
      effects.filter(({ label }) => label === arm.label).flatMap(({ kind, ...effect }) => {
        const { versus, metric, n, mean, low, high, p, corrected, verdict } = effect;
        return Object.entries({ versus, metric, n, mean, low, high, p, corrected, verdict })
          .map(([name, value]) => [`${kind}_${name}`, value]);
      }),
    ),
  }));
}

/** A difference with its interval in the report's scale, or a dash where there is nothing to compare with. */
function effectText(row: Row, kind: string): string {
  const { scale } = metricInfo(String(row[`${kind}_metric`]));
  const value = (name: string) => {
    const own = row[`${kind}_${name}`];
    return typeof own === "number" ? own * scale : null;
  };
  if (value("mean") === null) return "-";
  const range = value("low") === null ? "" : ` ${interval(value("low"), value("high"), 2)}`;
  return `${signed(value("mean"), 2)}${range}, ${row[`${kind}_verdict`]}`;
}

function effect(title: string, kind: EffectKind): ReportTable["columns"][number] {
  return {
    title,
    align: "right",
    cell: (row) => effectText(row, kind),
    tone: (row) => toneOf(row[`${kind}_verdict`]),
  };
}

/** Every arm with what its policy, its score and its form change, each against the arm that differs in that alone. */
export function factorialTable(results: Analysis): ReportTable {
  const { family } = results.tests;
  return {
    id: "factorial",
    title: "Effects of form, policy and score",
    note:
      "Each difference is between two arms that differ in one thing only, over the tasks, budgets and seeds that both have. " +
      "A policy is compared with fixed ranks, a score with ranks drawn at random, a form with LoRA’s. " +
      `Intervals are 95% t intervals over seeds; the word after each is the verdict of the test (${
        correctionText(family)
      }).`,
    table: tableFrom(factorialRows(results), names),
    columns: [
      { title: "form", align: "left", cell: (row) => String(row["form"]) },
      { title: "policy", align: "left", cell: (row) => String(row["policy"]) },
      { title: "decides by", align: "left", cell: (row) => String(row["score"]) || "-" },
      {
        title: "score",
        align: "right",
        cell: (row) => {
          const { scale } = metricInfo(String(row["metric"]));
          return typeof row["mean"] === "number" ? fixed(row["mean"] * scale, 2) : "-";
        },
      },
      effect("policy against fixed", "policy"),
      effect("score against random", "score"),
      effect("form against LoRA", "form"),
    ],
  };
}
