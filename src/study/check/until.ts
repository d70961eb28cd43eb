/**
 * What a run that ends at a plateau needs.
 *
 * @module
 */
import type { PartialSettings } from "../schema/settings.ts";
import type { Problem } from "./problems.ts";
import type { MethodEntry, RunFacts, RunSpec } from "../types.ts";

interface WrittenLayer {
  readonly set: Pick<PartialSettings, "train">;
  /** For instance `base` or `deltas[0].set`. */
  readonly where: string;
}

/** What is wrong with a plateau by the layers in which a run's settings are written: it has no cap but the default. */
export function problemsOfCap(layers: readonly WrittenLayer[]): readonly Problem[] {
  const last = layers.findLast(({ set }) => set.train?.until !== undefined);
  if (last === undefined || last.set.train?.until === "epochs") return [];
  const isCapped = layers.some(({ set: { train } }) =>
    train?.epochs !== undefined || (train?.steps ?? null) !== null
  );
  return isCapped ? [] : [{
    where: `${last.where}.train.until`,
    message:
      "found a plateau without a cap, wanted train.steps or train.epochs beside it: a run that never stops rising ends there",
  }];
}

/**
 * What a run that ends at a plateau cannot go with; none for other runs.
 *
 * @param evaluations Steps after which it evaluates, from 1.
 * @param warmup Steps of the warm-up.
 */
export function problemsOfUntil(
  run: RunSpec,
  entry: MethodEntry,
  facts: RunFacts,
  evaluations: readonly number[],
  warmup: number,
): readonly Problem[] {
  const { until, heldOut, evaluateEvery, evaluateEpochs } = run.settings.train;
  if (until === undefined) return [];
  const problem = (message: string, key = "until") => ({ where: `settings.train.${key}`, message });
  if (run.sequence !== undefined) {
    return [problem(
      "found a plateau for a sequence of tasks, wanted epochs or steps: a task that one method learns for longer than another is " +
        "forgotten differently, so that their scores say nothing about the methods",
    )];
  }
  // With one share for both, as in the trials of a tuning, the dev set is not looked at.
  if (heldOut !== null && heldOut !== until.plateau.heldOut) {
    return [problem(
      `found ${heldOut} besides a plateau, which holds out ${until.plateau.heldOut} itself, wanted one of them: leave train.heldOut ` +
        "out where the dev set is to be evaluated, or train.until where it is not",
      "heldOut",
    )];
  }
  if (evaluateEvery === null && !evaluateEpochs) {
    return [problem(
      "found a plateau in a run that evaluates at its end only, wanted evaluations before: set train.evaluateEvery or " +
        "train.evaluateEpochs",
    )];
  }
  const event = entry.lastEvent?.(run.options, facts) ?? 0;
  const last = Math.max(event, warmup);
  const counted = evaluations.filter((step) => step > last).length;
  const { patience } = until.plateau;
  if (counted > patience) return [];
  const after = last === 0 || counted === evaluations.length
    ? ""
    : event >= warmup
    ? ` after step ${last}, up to which "${run.method}" changes ranks`
    : ` after step ${last}, up to which the learning rate is warmed up`;
  return [problem(
    `found ${counted} evaluations${after} in the ${facts.totalSteps} steps that the run may take, wanted more than the patience of ` +
      `${patience}, or no plateau is found before the end; ` +
      (last >= facts.totalSteps
        ? "use epochs or steps for this method"
        : "raise train.steps or train.epochs, or evaluate more often (train.evaluateEvery)"),
  )];
}
