/**
 * Statistics of comparisons: numbers in, numbers out, random draws from named seeds.
 *
 * - One task, paired by seed: `equivalenceTest`, `bayesTTest`, `standardisedEffect`, `twoWayInterval`.
 * - Over tasks: `bayesSignedRankTest`, `hierarchicalTest`, `signedRankTest`, `friedmanTest`, `probabilityOfImprovement`,
 *   `interquartileMean`, `performanceProfile`, `almostStochasticOrder`.
 * - Over budgets: `isotonicFit`, `placeReaching`.
 * - Over all that a report tests: `correctFamily`, `holm`, `cliquesOf`.
 * - Before and during a study: `seedsForDifference`, `smallestDifference`, `planStopping`, `stoppingState`;
 *   after it: `stoppedMean`.
 *
 * Each is held against a reference implementation by golden numbers: baycomp, statsmodels, SciPy, scikit-learn, rliable, deepsig.
 *
 * @module
 */
export { bayesSignedRankTest, type DrawOptions } from "./bayes.ts";
export { bayesTTest, type Odds } from "./bayes.ts";
export {
  hedgesG,
  interquartileMean,
  performanceProfile,
  probabilityOfImprovement,
  type StandardisedEffect,
  standardisedEffect,
  stratifiedInterval,
  type TaskScores,
} from "./effects.ts";
export { type EquivalenceTest, equivalenceTest } from "./power.ts";
export { type ExpectedBest, expectedBest } from "./effects.ts";
export { correctFamily, isGateOpen, type TestFamily } from "./rank_tests.ts";
export { type HierarchicalTest, hierarchicalTest } from "./hierarchical.ts";
export { cliquesOf, lettersOf } from "./letters.ts";
export { isotonicFit, placeReaching, type Reached } from "./monotone.ts";
export { logMixtureEvidence, mixtureCritical } from "./stopping.ts";
export {
  differencePower,
  equivalencePower,
  mostSeeds,
  type PowerOptions,
  seedsForDifference,
  seedsForEquivalence,
  smallestDifference,
  smallestMargin,
} from "./power.ts";
export {
  type FriedmanTest,
  friedmanTest,
  holm,
  type SignedRankTest,
  signedRankTest,
  significanceLevel,
} from "./rank_tests.ts";
export {
  criticalValues,
  type LookPlan,
  signCounts,
  type Spending,
  spentLevel,
} from "./spending.ts";
export { type SpreadLimits, spreadLimits } from "./spread.ts";
export { type Interval, intervalLevel, summarise, type Summary } from "./statistics.ts";
export { medianUnbiasedMean, type Stopped, stoppedMean, type StopRegion } from "./stopped_mean.ts";
export { almostStochasticOrder, violationRatio } from "./stochastic_order.ts";
export {
  type Ends,
  intervalsAt,
  planStopping,
  type StoppingOptions,
  type StoppingPlan,
  type StoppingRule,
  type StoppingState,
  stoppingState,
  type StoppingVerdict,
} from "./stopping.ts";
export { type ExampleNoise, exampleNoise, type TwoWayInterval, twoWayInterval } from "./two_way.ts";
