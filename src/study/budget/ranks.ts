/**
 * From a budget to ranks: how many ranks each module starts with, so that methods spend the same.
 *
 * What a rank costs is the method's to say ({@linkcode AdapterCosts}): LoRA's, `inSize + outSize` numbers, a row of A and
 * a column of B.
 *
 * @module
 */
import type { AdapterCosts, MethodEntry, ModuleShape, RankPlan, RunSpec } from "../types.ts";
import type { Json } from "../../base/canonical_json.ts";
import { unknownName } from "../../base/suggest.ts";
import { apportion, capOf, countParameters, fixedCosts, total } from "./costs.ts";
import { initialFactorOf, type Planned, startOf, targetUnder } from "./targets.ts";
import type { Budget } from "./budget.ts";
import type { ModulePart, Settings } from "../schema/settings.ts";

/**
 * The modules that the settings adapt, in model order.
 *
 * @param parts The parts that the method can adapt. Default, and null: all.
 */
export function adaptedModules(
  modules: readonly ModuleShape[],
  settings: Settings,
  parts: readonly ModulePart[] | null = null,
): readonly ModuleShape[] {
  return modules.filter(({ part }) =>
    settings.adapter.modules.includes(part) && (parts?.includes(part) ?? true)
  );
}

/**
 * The ranks with which a method starts under a budget, and the total that it may hold at the end.
 *
 * A rank budget r asks for round(r × modules) ranks, r for each module; where r is not whole, the modules
 * that get one more are spread evenly over the model ({@linkcode apportion}). A parameter budget buys the
 * same whole rank for every module, then one rank more for single modules, the cheapest first and
 * modules of equal cost spread evenly over the model, again and again until no further rank fits; what
 * is left over is less than the cheapest rank. A method that weighs modules spreads the same total by its
 * weights, under a parameter budget the largest total that the budget pays for; no module gets less than
 * one rank. These are the target ranks. A method starts with
 * round(initialFactor × total) ranks, apportioned in proportion to the target.
 *
 * A budget of `peak` buys the most ranks of which neither the initial nor the final ones cost more. One of `stored` counts what
 * must be kept in place of what is trained. One of `meanTrained` buys what the method's schedule makes of it at the end.
 *
 * @param entry The method; one without ranks has no plan, see {@linkcode planRun}.
 * @param options Its parsed options.
 * @param modules The adapted modules, in model order.
 * @param totalSteps Steps of the run, on which a mean over time depends. Default 0, for budgets that do not.
 * @throws {RangeError} If the budget does not pay for one rank a module (the message states the least that
 * does), or if a module would start with more ranks than its smaller side.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { solveRanks } from "./ranks.ts";
 * const lora = {
 *   name: "lora",
 *   costs: () => ({ perRank: () => 8 + 8, perModule: () => 0 }),
 *   initialFactor: () => 1,
 *   rankWeights: () => null,
 * };
 * const modules = [0, 1].map((layer) => (
 *   { name: `layer.${layer}.query`, layer, part: "query", inSize: 8, outSize: 8 } as const
 * ));
 * const plan = solveRanks(lora, {}, modules, { type: "parameters", value: 90 });
 * assertEquals(plan.initial, [2, 3]);
 * assertEquals(plan.finalParameters, 80);
 * ```
 */
export function solveRanks(
  entry: Planned,
  options: Json,
  modules: readonly ModuleShape[],
  budget: Budget,
  totalSteps = 0,
): RankPlan {
  if (modules.length === 0) {
    throw new RangeError(
      `Cannot give ranks to "${entry.name}": no module is adapted, at least one is wanted in adapter.modules`,
    );
  }
  const costs = entry.costs(options);
  const factor = initialFactorOf(entry, options);
  const target = targetUnder(entry, options, modules, budget, factor, totalSteps);
  const requested = budget.type === "rank"
    ? Math.round(budget.value * total(modules.map(costs.perRank))) + fixedCosts(modules, costs)
    : budget.value;
  return planOf({
    name: entry.name,
    costs,
    modules,
    initial: startOf(target, factor),
    target,
    requested,
  });
}

/** The plan of ranks with which the modules start, and in whose proportion they end. */
function planOf(
  { name, costs, modules, initial, target, requested }: {
    readonly name: string;
    readonly costs: AdapterCosts;
    readonly modules: readonly ModuleShape[];
    readonly initial: readonly number[];
    readonly target: readonly number[];
    /** Default: what the initial ranks cost. */
    readonly requested?: number;
  },
): RankPlan {
  for (const [i, { name: module, inSize, outSize }] of modules.entries()) {
    const rank = initial[i] ?? 0;
    const most = Math.min(inSize, outSize);
    if (rank > most) {
      throw new RangeError(
        `Cannot start "${name}" with rank ${rank} in module "${module}" of ${outSize} x ${inSize}: ` +
          `at most its smaller side, ${most}, is wanted`,
      );
    }
  }
  const initialParameters = countParameters(initial, modules, costs);
  const finalParameters = countParameters(target, modules, costs);
  return {
    initial,
    finalTotal: total(target),
    requested: requested ?? initialParameters,
    initialParameters,
    peakParameters: Math.max(initialParameters, finalParameters),
    finalParameters,
  };
}

/** The ranks at the end of a run in proportion to those that it starts with. */
function targetFrom(initial: readonly number[], factor: number): readonly number[] {
  return apportion(Math.round(total(initial) / factor), initial.map((rank) => rank / factor));
}

/**
 * The plan of ranks fixed by hand: every module starts with its own rank, 0 meaning no adapter.
 *
 * The total that may be held at the end is round(total / initialFactor), as under a budget.
 *
 * @param ranks A rank for each adapted module, by name.
 * @throws {RangeError} If a module is unknown or missing, or a rank is not a whole number from 0 to the
 * module's smaller side.
 */
export function fixedRanks(
  entry: Planned,
  options: Json,
  modules: readonly ModuleShape[],
  ranks: Readonly<Record<string, number>>,
): RankPlan {
  const names = modules.map(({ name }) => name);
  for (const name of Object.keys(ranks)) {
    if (!names.includes(name)) {
      throw new RangeError(
        `Cannot fix the ranks of "${entry.name}": ${unknownName("module", name, names)}`,
      );
    }
  }
  const initial = names.map((name) => {
    const rank = Object.hasOwn(ranks, name) ? ranks[name] : undefined;
    if (rank === undefined || !Number.isInteger(rank) || rank < 0) {
      throw new RangeError(
        `Cannot fix the ranks of "${entry.name}": found ${
          rank ?? "none"
        } for module "${name}", wanted a whole number from 0`,
      );
    }
    return rank;
  });
  if (total(initial) === 0) {
    throw new RangeError(
      `Cannot fix the ranks of "${entry.name}": found 0 for every module, wanted at least one rank`,
    );
  }
  const factor = initialFactorOf(entry, options);
  return planOf({
    name: entry.name,
    costs: entry.costs(options),
    modules,
    initial,
    target: targetFrom(initial, factor),
  });
}

/** Whether a run starts with other ranks than those that its budget gives. */
export function hasGivenRanks({ ranks, ranksFrom }: Pick<RunSpec, "ranks" | "ranksFrom">): boolean {
  return ranks !== null || ranksFrom !== undefined;
}

/**
 * The plan of a run that starts with given ranks.
 *
 * @param modules The adapted modules, in model order.
 * @param totalSteps Steps of the run. Default 0, for budgets that do not depend on them.
 * @throws {RangeError} As {@linkcode fixedRanks}, and if the ranks cost more than a cap that the run's policy keeps to.
 */
export function givenPlan(
  entry: Planned,
  run: Pick<RunSpec, "budget" | "options">,
  modules: readonly ModuleShape[],
  ranks: Readonly<Record<string, number>>,
  totalSteps = 0,
): RankPlan {
  const plan = fixedRanks(entry, run.options, modules, ranks);
  const cap = capOf(entry, run, modules, totalSteps);
  const kept = targetFrom(plan.initial, initialFactorOf(entry, run.options));
  const cost = cap === null ? 0 : total(modules.map((own, i) => kept[i]! * cap.perRank(own)));
  if (cap !== null && cost > cap.most) {
    throw new RangeError(
      `Cannot start "${entry.name}" with these ranks: they cost ${cost} numbers, more than the ${
        Math.floor(cap.most)
      } that its budget of ${run.budget?.value} leaves for ranks; wanted fewer ranks or a larger budget`,
    );
  }
  return plan;
}

/**
 * A run's rank plan over the modules that its settings adapt, or null for a method without ranks. For ranks that come from another
 * run, which may not have been made yet, it is that of the budget.
 *
 * @param modules All modules of the model that can be adapted, in model order.
 * @param totalSteps Steps of the run. Default 0, for budgets that do not depend on them.
 * @throws {RangeError} As {@linkcode solveRanks} and {@linkcode fixedRanks}.
 */
export function planRun(
  entry: MethodEntry,
  run: RunSpec,
  modules: readonly ModuleShape[],
  totalSteps = 0,
): RankPlan | null {
  if (!entry.usesBudget) return null;
  const adapted = adaptedModules(modules, run.settings, entry.moduleParts(run.options));
  if (hasGivenRanks(run) && entry.plan !== undefined) {
    throw new RangeError(
      `Cannot fix the ranks of "${entry.name}": it chooses them itself; leave ranks out`,
    );
  }
  if (run.ranks !== null) return givenPlan(entry, run, adapted, run.ranks, totalSteps);
  if (run.budget === null) {
    throw new RangeError(`Cannot give ranks to "${run.label}": found no budget, wanted one`);
  }
  const { type } = run.budget;
  if (entry.plan !== undefined && type !== "rank" && type !== "parameters") {
    throw new RangeError(
      `Cannot spend a budget of "${type}" on "${entry.name}": found that it chooses its ranks itself, want one of rank or ` +
        "parameters",
    );
  }
  return entry.plan?.(run.options, adapted, run.budget) ??
    solveRanks(entry, run.options, adapted, run.budget, totalSteps);
}
