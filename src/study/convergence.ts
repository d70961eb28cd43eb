/**
 * What a study says of convergence: when its reports take a run for one that needs more steps, and the scores that they give steps
 * and seconds to.
 *
 * @module
 */
import { z } from "zod";
import { unknownName } from "../base/suggest.ts";
import type { Problem } from "./problems.ts";
import { closed } from "./settings.ts";

/** What counts as a change at the end of a run. */
export interface ConvergenceRule {
  /** The share of its task loss that a converged run loses from the last fifth but one to the last, at most. Default 0.05. */
  readonly lossShare: number;
  /** What the score of a converged run gains in the last fifth, at most, as metrics are recorded. Default 0.01, one point. */
  readonly scoreGain: number;
}

/** What holds where a study says nothing. */
export const defaultConvergence: ConvergenceRule = { lossShare: 0.05, scoreGain: 0.01 };

/** Validator of a study's `convergence`. */
export const convergenceSchema: z.ZodType<Partial<ConvergenceRule>> = closed({
  lossShare: z.exactOptional(
    z.number().gt(0).lt(1).describe(
      "A run needs more steps if its mean task loss in the last fifth of its steps is lower by more than this share than in the fifth before; default 0.05",
    ),
  ),
  scoreGain: z.exactOptional(
    z.number().gt(0).lt(1).describe(
      "A run needs more steps if its score rises by more than this in the last fifth of its steps, in the metric's own units; default 0.01, one point",
    ),
  ),
}).describe(
  "When reports say that a run needs more steps; it changes no run",
);

/** Scores by task. */
export type Targets = Readonly<Record<string, number>>;

/** Validator of a study's `targets`. */
export const targetsSchema: z.ZodType<Targets> = z.record(z.string(), z.number().gt(0).lte(1))
  .describe(
    "A score for each task, in the metric's own units (0.7 for 70); reports say how many steps and seconds methods take to reach it; default 95 % of the best mean",
  );

/** What is wrong with a study's targets: tasks that it does not have. */
export function problemsOfTargets(
  targets: Targets,
  tasks: readonly string[],
): readonly Problem[] {
  return Object.keys(targets).filter((task) => !tasks.includes(task)).map((task) => ({
    where: `targets.${task}`,
    message: unknownName("task of axes.tasks", task, tasks),
  }));
}
