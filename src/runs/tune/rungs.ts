/**
 * The rungs of a study's trials: runs evaluate there, so that trials can be compared.
 *
 * @module
 */
import { type Problem, StudyError } from "../../study/check/problems.ts";
import { overlaySettings } from "../../study/schema/settings.ts";
import { totalSteps } from "../../study/grid/steps.ts";
import { type AshaRules, type Tune, tuneDefaults } from "../../study/schema/tune.ts";
import type { GridRun } from "../../study/types.ts";
import { planWith } from "../plan/planning.ts";
import { type Combination, combinationTitle } from "./combinations.ts";
import { fewestSteps, rungSteps } from "./halving.ts";
import type { MakingSetting } from "./making.ts";

/** How trials are halved, or null where all are trained to their end. */
export function rungRulesOf({ search, asha }: Tune): Required<AshaRules> | null {
  return search === "asha" ? { ...tuneDefaults.asha, ...asha } : null;
}

/** What is wrong with runs of so many steps that are to have rungs; null where nothing is. */
export function problemOfSteps(
  steps: number,
  rules: Required<AshaRules>,
  { of }: Pick<Combination, "of">,
): Problem | null {
  const { reduction, leastShare } = rules;
  return steps >= fewestSteps(rules) ? null : {
    where: `tune.asha, ${combinationTitle(of)}`,
    message:
      `found runs of ${steps} steps, wanted at least ${fewestSteps(rules)} for a reduction of ` +
      `${reduction} from a share of ${leastShare}; raise leastShare or the steps`,
  };
}

/**
 * Combinations whose runs evaluate at their rungs.
 *
 * @throws {StudyError} If a run has too few steps for them, is a sequence, or cannot start.
 */
export async function withRungs(
  combinations: readonly Combination[],
  rules: Required<AshaRules>,
  { study, inputs, methods }: Pick<MakingSetting, "study" | "inputs" | "methods">,
): Promise<readonly Combination[]> {
  // Reads the data, whose size decides about steps.
  await planWith(inputs, study, combinations.flatMap(({ runs }) => runs), methods);
  const problems: Problem[] = [];
  const evaluated = (run: GridRun, combination: Combination): GridRun => {
    const where = `tune.asha, ${combinationTitle(combination.of)}`;
    if (run.sequence !== undefined) {
      const message =
        "found a sequence of tasks, wanted another search: its scores before the end are of fewer classes";
      problems.push({ where, message });
      return run;
    }
    const steps = totalSteps(run.settings, inputs.examplesOf(run.task));
    const problem = problemOfSteps(steps, rules, combination);
    if (problem !== null) {
      problems.push(problem);
      return run;
    }
    const [evaluateEvery] = rungSteps(steps, rules);
    return {
      ...run,
      settings: overlaySettings(run.settings, { train: { evaluateEvery: evaluateEvery! } }),
    };
  };
  const own = combinations.map((combination) => ({
    ...combination,
    runs: combination.runs.map((run) => evaluated(run, combination)),
  }));
  if (problems.length > 0) throw new StudyError(`Cannot tune study "${study.name}"`, problems);
  return own;
}
