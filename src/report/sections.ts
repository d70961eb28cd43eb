/**
 * The sections of a report, in reading order.
 *
 * @module
 */
import { allRuns } from "./sections/all_runs.ts";
import { areTheRanksUsed } from "./sections/are_the_ranks_used.ts";
import { budgetEquivalence } from "./sections/budget_equivalence.ts";
import { comparisonsAskedFor } from "./sections/comparisons_asked_for.ts";
import { convergence } from "./sections/convergence.ts";
import { cost } from "./sections/cost.ts";
import { effectByBudget } from "./sections/effect_by_budget.ts";
import { failedRuns } from "./sections/failed_runs.ts";
import { formPolicyAndScore } from "./sections/form_policy_and_score.ts";
import { glossary } from "./sections/glossary.ts";
import { importance } from "./sections/importance.ts";
import { layerRankAblation } from "./sections/layer_rank_ablation.ts";
import { oneSeed } from "./sections/one_seed.ts";
import { losses } from "./sections/losses.ts";
import { pairedDifferences } from "./sections/paired_differences.ts";
import { ranking } from "./sections/ranking.ts";
import { ranks } from "./sections/ranks.ts";
import { replayAblation } from "./sections/replay_ablation.ts";
import { reproducibility } from "./sections/reproducibility.ts";
import { scores } from "./sections/scores.ts";
import { sequencesOfTasks } from "./sections/sequences_of_tasks.ts";
import { seedsThatDecide } from "./sections/seeds_that_decide.ts";
import { settings } from "./sections/settings.ts";
import { settingsThatVary } from "./sections/settings_that_vary.ts";
import { summary } from "./sections/summary.ts";
import { tuning } from "./sections/tuning.ts";
import { verdicts } from "./sections/verdicts.ts";
import { whereFrom } from "./sections/where_from.ts";
import type { StudyResults } from "../analysis/results.ts";
import type { Section } from "./section.ts";

/** All of them; those that a study has nothing for by its kind are left out of its page. */
const sections: readonly Section[] = [
  verdicts,
  summary,
  settings,
  tuning,
  scores,
  convergence,
  settingsThatVary,
  formPolicyAndScore,
  sequencesOfTasks,
  comparisonsAskedFor,
  pairedDifferences,
  effectByBudget,
  budgetEquivalence,
  ranking,
  cost,
  ranks,
  importance,
  areTheRanksUsed,
  layerRankAblation,
  replayAblation,
  losses,
  reproducibility,
  failedRuns,
  allRuns,
  glossary,
];

/** Those of scores that were made elsewhere, of whose runs nothing else is known. */
const foreignSections: readonly Section[] = [
  verdicts,
  summary,
  oneSeed,
  seedsThatDecide,
  scores,
  pairedDifferences,
  effectByBudget,
  budgetEquivalence,
  ranking,
  whereFrom,
  glossary,
];

/** The sections of a study's report. */
export function sectionsOf(
  { foreign, runs }: Pick<StudyResults, "foreign" | "runs">,
): readonly Section[] {
  if (foreign === undefined) return sections;
  const hasSteps = runs.some(({ evaluations }) => evaluations.length > 1);
  return foreignSections.flatMap((section) =>
    section === scores && hasSteps ? [scores, convergence] : [section]
  );
}
