/**
 * Forms and policies as a factorial: arms that differ in one thing alone, before any correction.
 *
 * @module
 */
import { type Composition, presets } from "../methods/presets.ts";
import { type Contrast, contrastOf } from "./contrasts.ts";
import { keyOf, type RunRow } from "./run_rows.ts";
import { averageMetric, marginsMetric } from "./metrics.ts";
import { pairsOf, pooledUnit } from "./pairs.ts";
import type { Basis } from "./basis.ts";

interface ComposedOptions {
  readonly form: { readonly type: string; readonly regulariserWeight?: number };
  readonly policy: { readonly type: string; readonly score?: string; readonly by?: string };
}

/** The form, the policy and the score of a run; null for a method that is no composition. */
export function compositionOf(
  { method, options }: { readonly method: string; readonly options: unknown },
): Composition | null {
  if (method !== "composed") return presets[method] ?? null;
  const { form, policy } = options as ComposedOptions;
  return {
    form: form.regulariserWeight === 0 ? `${form.type}, no regulariser` : form.type,
    policy: policy.type,
    score: policy.score ?? policy.by ?? "",
  };
}

/** An arm's label: two arms of a study may have the same form, policy and score, and differ in other options. */
interface LabelledArm extends Composition {
  readonly label: string;
  readonly runs: readonly RunRow[];
}

function labelledArms({ runs, rows }: Basis): readonly LabelledArm[] {
  const compositions = new Map(
    runs.map(({ record: { asked } }) => [asked.label, compositionOf(asked)]),
  );
  return [...Map.groupBy(rows, ({ label }) => label)].flatMap(([label, own]) => {
    const composition = compositions.get(label) ?? null;
    return composition === null ? [] : [{ ...composition, label, runs: own }];
  });
}

/** What two arms may differ in alone. */
export type EffectKind = "policy" | "score" | "form";

/** All of them, in the order of tables. */
export const effectKinds: readonly EffectKind[] = ["policy", "score", "form"];

/** The arm that differs in one thing alone from the one given, if the study has it. */
function otherOf(
  kind: EffectKind,
  arm: LabelledArm,
  arms: readonly LabelledArm[],
): LabelledArm | null {
  const wanted: Composition = kind === "policy"
    ? { form: arm.form, policy: "fixed", score: "" }
    : kind === "score"
    ? { ...arm, score: "random" }
    : { ...arm, form: "lora" };
  const found = arms.find(({ form, policy, score }) =>
    form === wanted.form && policy === wanted.policy && score === wanted.score
  );
  return found === undefined || found === arm ? null : found;
}

/** An arm against the one that differs from it in one thing alone. */
export interface EffectContrast extends Contrast {
  /** How reports call the method with its options. */
  readonly label: string;
  /** What the two arms differ in. */
  readonly kind: EffectKind;
  /** The label of the other arm. */
  readonly versus: string;
  /** The metric's name, as records have it. */
  readonly metric: string;
}

/** The arms of a factorial; none where the study has fewer than two forms or policies. */
export function factorialArms(results: Basis): readonly LabelledArm[] {
  const arms = labelledArms(results);
  const kinds = new Set(arms.map(({ form, policy, score }) => keyOf(form, policy, score)));
  return kinds.size < 2 || !results.runs.some(({ record }) => record.asked.method === "composed")
    ? []
    : arms;
}

/** The metric of all runs, or that of an average. */
export function metricOfArms(arms: readonly LabelledArm[]): string {
  const metrics = new Set(arms.flatMap((arm) => arm.runs.map(({ metric }) => metric)));
  return metrics.size === 1 ? [...metrics][0]! : averageMetric();
}

/** All effects of a factorial, in the order of its arms. */
export function effectContrasts(results: Basis): readonly EffectContrast[] {
  const arms = factorialArms(results);
  const tasks = [...new Set(arms.flatMap(({ runs }) => runs.map(({ task }) => task)))];
  const unit = pooledUnit(results.study, tasks);
  const metric = unit.metric === marginsMetric() ? unit.metric : metricOfArms(arms);
  return arms.flatMap((arm) =>
    effectKinds.flatMap((kind): readonly EffectContrast[] => {
      const other = otherOf(kind, arm, arms);
      if (other === null) return [];
      return [{
        label: arm.label,
        kind,
        versus: other.label,
        metric,
        ...contrastOf(
          pairsOf(arm.runs, other.runs),
          { ...unit, metric },
          results.noVerdict(
            ...[arm, other].map(({ label }) => ({ task: null, label, budget: null })),
          ),
        ),
      }];
    })
  );
}
