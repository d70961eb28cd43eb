/**
 * Forms and policies as a factorial: what each policy, each score and each form changes while the other two stay.
 *
 * @module
 */
import { noVerdicts } from "../no_verdict.ts";
import { comparePaired, type Comparison } from "../../stats/statistics.ts";
import { factOf, groupBy, keyOf, type RunFact, tableFrom } from "../facts.ts";
import { fixed, interval, signed } from "../format.ts";
import { averageMetric, metricInfo } from "../metrics.ts";
import type { ReportTable, Row, RunResults, StudyResults } from "../types.ts";
import { toneOf } from "./paired.ts";

/** What an arm is made of. */
export interface Arm {
  readonly form: string;
  readonly policy: string;
  /** What the policy decides by; empty for one that does not score. */
  readonly score: string;
}

/** The methods of their own names that are compositions. */
const named: Readonly<Record<string, Arm>> = {
  lora: { form: "lora", policy: "fixed", score: "" },
  adalora: { form: "svd", policy: "mask", score: "importance" },
  elalora: { form: "svd", policy: "moves", score: "importance" },
  sora: { form: "gated", policy: "gates", score: "" },
};

interface Composition {
  readonly form: { readonly type: string; readonly regulariserWeight?: number };
  readonly policy: { readonly type: string; readonly score?: string; readonly by?: string };
}

/** The form, the policy and the score of a run; null for a method that is no composition. */
export function armOf(
  { method, options }: { readonly method: string; readonly options: unknown },
): Arm | null {
  if (method !== "composed") return named[method] ?? null;
  const { form, policy } = options as Composition;
  return {
    form: form.regulariserWeight === 0 ? `${form.type}, no regulariser` : form.type,
    policy: policy.type,
    score: policy.score ?? policy.by ?? "",
  };
}

interface ArmRun {
  readonly arm: Arm;
  readonly fact: RunFact;
}

/** An arm's label: two arms of a study may have the same form, policy and score, and differ in other options. */
interface LabelledArm extends Arm {
  readonly label: string;
  readonly runs: readonly RunFact[];
}

function armsOf(runs: readonly RunResults[]): readonly LabelledArm[] {
  const all = runs.flatMap(({ record }): readonly ArmRun[] => {
    const arm = armOf(record.asked);
    return arm === null ? [] : [{ arm, fact: factOf(record) }];
  });
  return [...groupBy(all, ({ fact }) => fact.label)].map(([label, own]) => ({
    ...own[0]!.arm,
    label,
    runs: own.map(({ fact }) => fact),
  }));
}

/** The mean difference of two arms over the cells that both have, a value a seed that has all of them. */
export function contrastOf(
  own: readonly RunFact[],
  other: readonly RunFact[],
  isHigherBetter: boolean,
): Comparison {
  const cellOf = ({ task, budget }: RunFact) => keyOf(task, budget);
  const others = new Map(other.map((fact) => [keyOf(cellOf(fact), String(fact.seed)), fact.score]));
  const pairs = own.flatMap((fact) => {
    const score = others.get(keyOf(cellOf(fact), String(fact.seed)));
    return fact.score === null || score === undefined || score === null
      ? []
      : [{ seed: fact.seed, cell: cellOf(fact), difference: fact.score - score }];
  });
  const cells = new Set(pairs.map(({ cell }) => cell)).size;
  const seeds = [...groupBy(pairs, ({ seed }) => String(seed)).values()]
    .filter((group) => group.length === cells);
  return comparePaired(
    seeds.map((group) => group.reduce((sum, { difference }) => sum + difference, 0) / cells),
    isHigherBetter,
  );
}

const contrasts = ["policy", "score", "form"] as const;

/** The arm that differs in one thing alone from the one given, if the study has it. */
function otherOf(
  kind: (typeof contrasts)[number],
  arm: LabelledArm,
  arms: readonly LabelledArm[],
): LabelledArm | null {
  const wanted: Arm = kind === "policy"
    ? { form: arm.form, policy: "fixed", score: "" }
    : kind === "score"
    ? { ...arm, score: "random" }
    : { ...arm, form: "lora" };
  const found = arms.find(({ form, policy, score }) =>
    form === wanted.form && policy === wanted.policy && score === wanted.score
  );
  return found === undefined || found === arm ? null : found;
}

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
  ...contrasts.flatMap((kind) =>
    ["versus", "n", "mean", "low", "high", "verdict"].map((name) => `${kind}_${name}`)
  ),
];

/** The rows of {@linkcode factorialTable}; none where the study has fewer than two forms or policies. */
export function factorialRows(results: StudyResults): readonly Row[] {
  const { runs } = results;
  const noVerdict = noVerdicts(results);
  const arms = armsOf(runs);
  const kinds = new Set(arms.map(({ form, policy, score }) => keyOf(form, policy, score)));
  if (kinds.size < 2 || !runs.some(({ record }) => record.asked.method === "composed")) return [];
  const metrics = new Set(arms.flatMap((arm) => arm.runs.map(({ metric }) => metric)));
  const metric = metrics.size === 1 ? [...metrics][0]! : averageMetric();
  const { isHigherBetter } = metricInfo(metric);
  return arms.map((arm): Row => ({
    label: arm.label,
    form: arm.form,
    policy: arm.policy,
    score: arm.score,
    metric,
    mean: meanOf(arm.runs),
    runs: arm.runs.length,
    ...Object.fromEntries(contrasts.flatMap((kind) => {
      const other = otherOf(kind, arm, arms);
      if (other === null) return [];
      const { n, mean, low, high, verdict } = contrastOf(arm.runs, other.runs, isHigherBetter);
      const open = [arm, other].map(({ label }) => noVerdict({ task: null, label, budget: null }))
        .find((verdict) => verdict !== null);
      const values = {
        versus: other.label,
        n,
        mean,
        low,
        high,
        verdict: open ?? verdict,
      };
      return Object.entries(values).map(([name, value]) => [`${kind}_${name}`, value]);
    })),
  }));
}

/** A difference with its interval in the report's scale, or a dash where there is nothing to compare with. */
function effectText(row: Row, kind: string): string {
  const { scale } = metricInfo(String(row["metric"]));
  const value = (name: string) => {
    const own = row[`${kind}_${name}`];
    return typeof own === "number" ? own * scale : null;
  };
  if (value("mean") === null) return "-";
  const range = value("low") === null ? "" : ` ${interval(value("low"), value("high"), 2)}`;
  return `${signed(value("mean"), 2)}${range}`;
}

function effect(title: string, kind: (typeof contrasts)[number]): ReportTable["columns"][number] {
  return {
    title,
    align: "right",
    cell: (row) => effectText(row, kind),
    tone: (row) => toneOf(row[`${kind}_verdict`]),
  };
}

/** Every arm with what its policy, its score and its form change, each against the arm that differs in that alone. */
export function factorialTable(results: StudyResults): ReportTable {
  return {
    id: "factorial",
    title: "Effects of form, policy and score",
    note:
      "Each difference is between two arms that differ in one thing alone, over the tasks, budgets and seeds that both have: " +
      "the policy against no moves at all, the score against ranks that are drawn at random, the form against LoRA’s. " +
      "Intervals are 95% t intervals over seeds, not corrected for their number.",
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
