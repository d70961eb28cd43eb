/**
 * The one interface of methods: what the backbone trains, the adapter, and the options they take.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { countsOfMasks, countsOfPlan, exactly } from "../study/budget/range.ts";
import type { Budget } from "../study/budget/budget.ts";
import type {
  CountFacts,
  MethodEntry,
  ModuleShape,
  PlannedCounts,
  RankPlan,
  RunFacts,
} from "../study/types.ts";
import type { ModulePart } from "../study/schema/settings.ts";
import { type Adapter, costsOf, foldedCosts, ruleOf } from "./adapter.ts";
import { checkAdapterFields, checkFields, type Names } from "./known_fields.ts";
import type { RankEstimate } from "./rank_estimate.ts";
import { lastEventOf } from "./rank_policy.ts";

/** Which of the encoder's own parameters are trained besides the head. */
export type Backbone = "frozen" | "biases" | "all";

/** What a method is with its options bound, as its file states it. */
export interface MethodParts {
  /** Default: frozen. */
  readonly backbone?: Backbone;
  /** Default: null, for none. */
  readonly adapter?: Adapter | null;
  /** How ranks are found before training. Default: they follow from the budget alone. */
  readonly estimate?: RankEstimate;
}

/** A method with its options bound. */
export interface BoundMethod extends Pick<MethodParts, "estimate"> {
  /** `frozen` where the method says nothing. */
  readonly backbone: Backbone;
  /** Null for methods that train without one, such as `full` and `head`. */
  readonly adapter: Adapter | null;
}

/** How a method spends a budget; what it does not state follows from what its ranks cost. */
export interface BudgetRules<Options> {
  /** Initial over final rank. Default 1. */
  readonly initialFactor?: (options: Options) => number;
  /** The parts of a layer that it can adapt. Default: all. */
  readonly moduleParts?: (options: Options) => readonly ModulePart[];
  /** Whether its policy keeps ranks within the `cap` of their context. Default: it does not. */
  readonly keepsCap?: (options: Options) => boolean;
  /**
   * Trained numbers averaged over the steps of a run, as a multiple of those that it ends with; null where
   * that follows from training itself. Default: what it starts with where ranks stay or are edited, else null.
   */
  readonly meanFactor?: (options: Options, totalSteps: number) => number | null | undefined;
  /** How target ranks are spread over the modules, in proportion, or null for evenly. Default: evenly. */
  readonly rankWeights?: (
    options: Options,
    modules: readonly ModuleShape[],
  ) => readonly number[] | null;
  /** The ranks and numbers that a budget pays for, where they do not follow from its costs. Default: by `solveRanks`. */
  readonly plan?: (
    options: Options,
    modules: readonly ModuleShape[],
    budget: Budget,
  ) => RankPlan;
  /**
   * The adapter parameters that a run will have, as far as they are known before it. Default: those of the plan where ranks stay,
   * from none to all in the end where they are masked, and unknown where they move, are merged or are estimated.
   */
  readonly counts?: (options: Options, facts: CountFacts) => PlannedCounts | undefined;
}

/** A method: an entry of the table that studies name. */
export interface Method extends MethodEntry {
  /** Name for people, for instance `ElaLoRA`. */
  readonly title: string;
  /** The paper, or the usual name where there is none. */
  readonly source: string;
  /** See {@linkcode MethodDefinition.module}. */
  readonly module?: string;
  /**
   * Backbone, adapter and rank estimate for these options; the same options give equal graphs.
   *
   * @param options As {@linkcode MethodEntry.parseOptions} returned them.
   */
  readonly bind: (options: Json) => BoundMethod;
}

/** What a method needs of the schema of its options; every schema of zod (version 4) has it. */
export interface OptionsSchema<Options> {
  /** The options with defaults filled in; throws zod's error, from which messages name the option. */
  parse(options: unknown): Options;
  /** The JSON Schema of options before defaults are filled in. */
  toJSONSchema(settings: { readonly io: "input" }): object;
}

/** What a method file states; `Options` is what `options` parses to. */
export interface MethodDefinition<Options> {
  /** Key by which studies name it, for instance `elalora`; no other method may have it. */
  readonly name: string;
  /** Name for people, for instance `ElaLoRA`. */
  readonly title: string;
  /** Paper with its arXiv number, or the usual name where there is none. */
  readonly source: string;
  /** Raised whenever results change for the same run. */
  readonly version: number;
  /**
   * `import.meta.url` of the module that the method is written in, where a study brings it from a file of its own: then the hash of
   * that file is part of a run's identity, and the study may change without new runs. Default: the study's module.
   */
  readonly module?: string;
  /** Schema with a default for every option; `z.strictObject` refuses misspelt ones. */
  readonly options: OptionsSchema<Options>;
  /**
   * Writes one option out as others before they are checked, so that a run has one set of options however it was asked for.
   * Default: as they are.
   */
  readonly writeOut?: (
    given: Readonly<Record<string, unknown>>,
  ) => Readonly<Record<string, unknown>>;
  /** Makes backbone and adapter from checked options; it is called several times a run and must be pure. */
  readonly bind: (options: Options) => MethodParts;
  /** How it spends a budget, or null for a method without ranks, which takes none. Default: evenly, by what ranks cost. */
  readonly budget?: BudgetRules<Options> | null;
  /** Throws where it cannot serve a run, with what would work. Default: nothing to check. */
  readonly check?: (options: Options, facts: RunFacts) => void;
}

const definitionFields: Names<MethodDefinition<never>> = {
  name: true,
  title: true,
  source: true,
  version: true,
  module: true,
  options: true,
  writeOut: true,
  bind: true,
  budget: true,
  check: true,
};

const budgetFields: Names<BudgetRules<never>> = {
  initialFactor: true,
  keepsCap: true,
  meanFactor: true,
  moduleParts: true,
  rankWeights: true,
  plan: true,
  counts: true,
};

const partFields: Names<MethodParts> = { backbone: true, adapter: true, estimate: true };

/**
 * Makes a table entry of a definition.
 *
 * @throws {RangeError} If it has a field that no method has; so does `bind` of the entry, for what the definition binds.
 */
export function defineMethod<Options>(definition: MethodDefinition<Options>): Method {
  const { options: schema, budget = {}, check } = definition;
  const { initialFactor, keepsCap, meanFactor, moduleParts, rankWeights, plan, counts } = budget ??
    {};
  const typed = (options: Json): Options => schema.parse(options);
  checkFields(definition.name, "the definition", definition, definitionFields);
  checkFields(definition.name, "its budget", definition.budget, budgetFields);
  const bind = (options: Json): BoundMethod => {
    const parts = definition.bind(typed(options));
    const { backbone = "frozen", adapter = null, ...rest } = parts;
    checkFields(definition.name, "what it binds", parts, partFields);
    if (adapter !== null) checkAdapterFields(definition.name, adapter);
    return { backbone, adapter, ...rest };
  };
  let optionsSchema: Json | null = null;
  return {
    name: definition.name,
    title: definition.title,
    source: definition.source,
    version: definition.version,
    ...(definition.module === undefined ? {} : { module: definition.module }),
    usesBudget: budget !== null,
    costs: (options) => costsOf(bind(options).adapter ?? { parts: [] }),
    parseOptions: (options) =>
      withoutUndefined(
        schema.parse(isRecord(options) ? definition.writeOut?.(options) ?? options : options),
      ) as Json,
    // Most programs use a few methods of the table, and threads none.
    get optionsSchema() {
      return optionsSchema ??= schema.toJSONSchema({ io: "input" }) as Json;
    },
    storedCosts: (options) => bind(options).adapter?.storage?.costs ?? foldedCosts,
    meanFactor: (options, totalSteps) => {
      const own = meanFactor?.(typed(options), totalSteps);
      if (own !== undefined) return own;
      const kind = bind(options).adapter?.policy?.kind;
      return kind === undefined || kind === "edit" ? initialFactor?.(typed(options)) ?? 1 : null;
    },
    keepsCap: (options) => keepsCap?.(typed(options)) ?? false,
    initialFactor: (options) => initialFactor?.(typed(options)) ?? 1,
    moduleParts: (options) => moduleParts?.(typed(options)) ?? null,
    rankWeights: (options, modules) => rankWeights?.(typed(options), modules) ?? null,
    ...(plan === undefined ? {} : {
      plan: (options, modules, budget) => plan(typed(options), modules, budget),
    }),
    counts: (options, facts) =>
      counts?.(typed(options), facts) ?? usualCounts(bind(options), facts),
    lastEvent: (options, facts) => lastEventIn(bind(options), facts),
    check: (options, facts) => check?.(typed(options), facts),
    bind,
  };
}

/** Steps done when the ranks of a run change for the last time by their schedule; 0 where they never do, or have no plan. */
function lastEventIn({ adapter }: BoundMethod, facts: RunFacts): number {
  const rule = ruleOf(adapter);
  if (rule === null || facts.plan === null) return 0;
  const { plan, totalSteps, stepsPerEpoch } = facts;
  const adapted = facts.modules.map((module, i) => ({ module, rank: plan.initial[i]! }))
    .filter(({ rank }) => rank > 0);
  const state = rule.start({
    modules: adapted.map(({ module }) => module),
    ranks: adapted.map(({ rank }) => rank),
    finalTotal: plan.finalTotal,
    totalSteps,
    stepsPerEpoch,
  });
  return lastEventOf(rule, state, totalSteps);
}

/** A value without the keys, at any depth, that have none: JSON knows no such keys. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, own]) =>
      own === undefined ? [] : [[key, withoutUndefined(own)]]
    ),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What the kind of a method's events says of a run's adapter parameters. */
function usualCounts({ adapter, estimate }: BoundMethod, facts: CountFacts): PlannedCounts {
  if (estimate !== undefined) return { initial: null, peak: null, final: null };
  const kind = adapter?.policy?.kind;
  if (kind === "mask") return countsOfMasks(facts);
  if (kind === undefined || kind === "edit") return countsOfPlan(facts);
  return { initial: exactly(facts.plan.initialParameters), peak: null, final: null };
}

/** Whether a value has what a method has; its options and graphs show what they are when they are used. */
export function isMethod(value: unknown): value is Method {
  if (typeof value !== "object" || value === null) return false;
  const { name, title, source, version, parseOptions, bind } = value as Partial<Method>;
  return typeof name === "string" && name !== "" && typeof title === "string" &&
    typeof source === "string" && typeof version === "number" &&
    typeof parseOptions === "function" && typeof bind === "function";
}
