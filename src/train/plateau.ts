/**
 * The end of a run at a plateau of its score on held-out training examples.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { lastEventOf, type RankPolicy } from "../methods/rank_policy.ts";
import type { Plateau } from "../study/schema/settings.ts";
import { gainUnit, meritOf, primaryMetric } from "../tasks/metrics.ts";
import { heldOutSplit } from "../tasks/run_examples.ts";
import type { Task } from "../tasks/types.ts";
import type { Evaluation } from "./evaluate.ts";

/** How long the score has not risen; a value that a checkpoint can hold. */
export interface PlateauState {
  /** The score of the last rise, turned over where lower is better; null before the first evaluation that counts. */
  readonly best: number | null;
  /** Evaluations since then. */
  readonly waited: number;
}

/** Before the first evaluation. */
export const noPlateau: PlateauState = { best: null, waited: 0 };

/**
 * The state after an evaluation that counts.
 *
 * Small rises add up: what is compared is the score of the last rise, not that of the evaluation before.
 *
 * @param score One that is no number is no rise.
 * @param unitOf What the least gain is counted in, from the score of the last rise. Default 1.
 */
export function afterScore(
  { leastGain }: Pick<Plateau, "leastGain">,
  { best, waited }: PlateauState,
  score: number,
  unitOf: (score: number) => number = () => 1,
): PlateauState {
  const isRise = best === null ? !Number.isNaN(score) : score > best + leastGain * unitOf(best);
  return isRise ? { best: score, waited: 0 } : { best, waited: best === null ? 0 : waited + 1 };
}

/** Whether a run ends. */
export function isAtPlateau(
  { patience }: Pick<Plateau, "patience">,
  { waited }: PlateauState,
): boolean {
  return waited >= patience;
}

/** What an evaluation is to a run that ends at a plateau. */
interface PlateauContext {
  readonly task: Task;
  readonly rule: Plateau;
  readonly policy: RankPolicy<Json> | null;
  readonly totalSteps: number;
  /** Steps of the warm-up. */
  readonly warmup: number;
}

/**
 * The state after an evaluation. One up to the end of the warm-up does not count, since a score may stand still only because the
 * learning rate is small yet; nor one before the last event of the policy, since the run's ranks are not those of its budget yet.
 */
export function afterEvaluation(
  { task, rule, policy, totalSteps, warmup }: PlateauContext,
  { plateau = noPlateau, policyState }: {
    readonly plateau?: PlateauState;
    readonly policyState: Json;
  },
  { step, evaluations }: { readonly step: number; readonly evaluations: readonly Evaluation[] },
): PlateauState {
  if (step <= warmup) return plateau;
  if (policy !== null && lastEventOf(policy, policyState, totalSteps) >= step) return plateau;
  const evaluation = evaluations.find(({ split }) => split === heldOutSplit);
  if (evaluation === undefined) {
    throw new RangeError(
      `Cannot look for a plateau: found no evaluation of "${heldOutSplit}" among ${
        evaluations.map(({ split }) => `"${split}"`).join(", ")
      }, want one`,
    );
  }
  const metric = primaryMetric(task);
  const score = meritOf(metric, evaluation.metrics[metric] ?? NaN);
  return afterScore(rule, plateau, score, (best) => gainUnit(metric, best));
}
