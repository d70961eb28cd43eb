/**
 * Where ranks go, apart from the form of the adapter, and methods that are both put together.
 *
 * @module
 */
import { isCapped } from "../study/budget/budget.ts";
import { total } from "../study/budget/costs.ts";
import { cappedCounts, countsOfMasks, exactly } from "../study/budget/range.ts";
import type { CountFacts, ModuleShape, PlannedCounts, RunFacts } from "../study/types.ts";
import type { AdapterPolicy, Growth, StepRules, WeightAdapter } from "./adapter.ts";
import { defineMethod, type Method, type MethodDefinition } from "./method.ts";
import type { RankEstimate } from "./rank_estimate.ts";

/** How a rank's rows make an update. */
export interface Form extends Pick<WeightAdapter, "parts" | "prepare" | "scale" | "step"> {
  /** How the rows of ranks that are added while training start, so that they hardly change the update. Default: as at the start. */
  readonly growth?: Readonly<Record<string, Growth>> | undefined;
}

/** Where ranks go, with its options bound; fields mean what they do in a method, and have the same defaults. */
export interface Allocation {
  readonly policy?: AdapterPolicy;
  readonly step?: StepRules;
  readonly estimate?: RankEstimate;
  readonly initialFactor?: number;
  readonly keepsCap?: boolean;
  readonly meanFactor?: (totalSteps: number) => number | null;
  readonly rankWeights?: (modules: readonly ModuleShape[]) => readonly number[];
  readonly counts?: (facts: CountFacts) => PlannedCounts;
  readonly check?: (facts: RunFacts) => void;
}

/** What a method that is a form with an allocation states. */
interface Composition<Options> extends Omit<MethodDefinition<Options>, "bind" | "budget"> {
  readonly form: (options: Options) => Form;
  readonly allocation: (options: Options, form: Form) => Allocation;
}

/** The method that is a form with an allocation; its own check comes before that of the allocation. */
export function compose<Options>(
  { form, allocation, check, ...definition }: Composition<Options>,
): Method {
  const allocated = (chosen: Options) => allocation(chosen, form(chosen));
  return defineMethod({
    ...definition,
    budget: {
      initialFactor: (chosen) => allocated(chosen).initialFactor ?? 1,
      keepsCap: (chosen) => allocated(chosen).keepsCap ?? false,
      meanFactor: (chosen, totalSteps) => allocated(chosen).meanFactor?.(totalSteps),
      rankWeights: (chosen, modules) => allocated(chosen).rankWeights?.(modules) ?? null,
      counts: (chosen, facts) => allocated(chosen).counts?.(facts),
    },
    check: (chosen, facts) => {
      check?.(chosen, facts);
      allocated(chosen).check?.(facts);
    },
    bind: (chosen) => {
      const { growth: _, step, ...parts } = form(chosen);
      const { policy = null, step: own, estimate } = allocated(chosen);
      return {
        ...(estimate === undefined ? {} : { estimate }),
        adapter: { ...parts, policy, step: { ...own, ...step } },
      };
    },
  });
}

/**
 * The counts of a method under a cap that its policy keeps, or else others.
 *
 * @param least Ranks that each module keeps, where it starts with some.
 */
export function countsWithin(
  facts: CountFacts,
  least: 0 | 1,
  counts: () => PlannedCounts,
): PlannedCounts {
  return isCapped(facts.budget) ? cappedCounts(facts, facts.budget.value, least) : counts();
}

/** The counts of a method whose ranks fall to the budget's; a method that masks more than are due keeps none for sure. */
export function fallingCounts(
  { plan, modules, costs, budget, keep }: CountFacts,
  ties: "exact" | "upstream" = "exact",
): PlannedCounts {
  const { initial, finalTotal, initialParameters } = plan;
  // The best evaluation may come before the last event.
  const isEarlier = keep === "best";
  if (budget?.type !== "parameters" || budget.isCap !== true) {
    const least = ties === "upstream" ? 0 : finalTotal;
    const most = isEarlier ? total(initial) : finalTotal;
    return countsOfMasks({ plan, modules, costs }, { least, most });
  }
  // What is spare in the end does not pay for a rank that went.
  const least = budget.value - Math.max(...modules.map(costs.perRank));
  const most = isEarlier ? initialParameters : Math.min(budget.value, initialParameters);
  const start = exactly(initialParameters);
  return {
    initial: start,
    peak: start,
    final: { least: Math.max(0, Math.min(least, most)), most },
  };
}
