/**
 * Replays a recorded run through ranklab's importance, policies and directions, and finds the first
 * number that differs from the authors' allocator.
 *
 * @module
 */
import { adaloraPolicy, budgetAt } from "../adalora_policy.ts";
import { newDirection, newSlotScale } from "../directions.ts";
import { elaloraPolicy, movedRanksAt } from "../elalora_policy.ts";
import { type Importance, slotScore, updateImportance } from "../importance.ts";
import type { RankDecision, RankPolicy, SlotRef, SlotScores } from "../rank_policy.ts";
import {
  appendSlot,
  combineSlots,
  dropSlots,
  maskSlots,
  type ModuleSlots,
  type SlotTable,
} from "../slots.ts";
import { Comparison, type Difference, type Tolerance } from "./difference.ts";
import type { Trace, TraceConfig, TraceEvent, TraceStep } from "./trace.ts";

/** Loss and gradients of a step at the given parameters. */
export type StepGradients = (
  step: TraceStep,
  params: SlotTable,
) => { readonly loss: number; readonly gradients: SlotTable };

/** Options of {@linkcode replayDecisions}. */
export interface ReplayOptions {
  /** Where loss and gradients come from. Default: the trace's own. */
  readonly gradients?: StepGradients;
  /** Default 1e-12 + 1e-9·|wanted|: nine digits, and rounding where numbers cancel. */
  readonly tolerance?: Tolerance;
  /** How equal scores are treated. Default `upstream`. */
  readonly ties?: "exact" | "upstream";
}

/** A policy with its state and the schedule as a function of the step; null where a step has none. */
interface Driver {
  readonly budget: (step: number) => number | null;
  readonly isEvent: (step: number) => boolean;
  readonly isFrozen: (step: number) => boolean;
  readonly decide: (step: number, scores: SlotScores) => RankDecision;
}

interface Averages {
  readonly sensitivity: SlotTable;
  readonly uncertainty: SlotTable;
}

/**
 * The first difference between the recorded run and its replay, or null.
 *
 * Each step: loss and gradients, SGD update, importance, then the policy's decision with new
 * directions made of the recorded random vectors; everything recorded is compared.
 */
export function replayDecisions(trace: Trace, options: ReplayOptions = {}): Difference | null {
  const { config } = trace;
  const comparison = new Comparison(options.tolerance ?? { absolute: 1e-12, relative: 1e-9 });
  const driver = makeDriver(trace, options.ties ?? "upstream");
  const source: StepGradients = options.gradients ??
    (({ loss, gradients }) => ({ loss, gradients }));
  let params = trace.initial;
  let averages: Averages = {
    sensitivity: mapTable(params, (own) => combineSlots(own, own, () => 0)),
    uncertainty: mapTable(params, (own) => combineSlots(own, own, () => 0)),
  };
  let standing: MaskOf | null = null;

  for (const recorded of trace.steps) {
    const { step } = recorded;
    const all = { step, module: null, index: "" };
    const { loss, gradients } = source(recorded, params);
    comparison.number({ ...all, quantity: "loss" }, loss, recorded.loss);
    comparison.table(step, "gradient", gradients, recorded.gradients);
    if (comparison.first !== null) return comparison.first;

    params = mapTable(
      params,
      (own, module) =>
        combineSlots(own, gradients[module]!, (weight, slope) => weight - config.sgd_lr * slope),
    );
    comparison.table(step, "parameters before the event", params, recorded.paramsBefore);
    if (!driver.isFrozen(step)) averages = smooth(averages, params, gradients, config);

    const budget = driver.budget(step);
    if (budget !== null) comparison.exact({ ...all, quantity: "budget" }, budget, recorded.budget);
    const isAdjusted = driver.isEvent(step) || standing !== null;
    comparison.exact(
      { ...all, quantity: "event" },
      isAdjusted ? "due" : "none",
      recorded.event === null ? "none" : "due",
    );
    if (comparison.first !== null) return comparison.first;

    if (recorded.event !== null) {
      if (driver.isEvent(step)) {
        const scores = scoreTable(averages);
        compareScores(comparison, step, scores, recorded.event);
        const decision = driver.decide(step, scores);
        comparison.number(
          { ...all, quantity: "threshold" },
          decision.threshold ?? NaN,
          recorded.event.threshold,
        );
        if (decision.kind === "move") {
          const dropped = bySlot(decision.drop);
          averages = {
            sensitivity: dropFrom(averages.sensitivity, dropped),
            uncertainty: dropFrom(averages.uncertainty, dropped),
          };
          params = dropFrom(params, dropped);
          const grown = grow(params, averages, decision.grow, recorded.event, comparison, step);
          if (comparison.first !== null) return comparison.first;
          ({ params, averages } = grown);
        } else {
          const mask: MaskOf = { off: bySlot(decision.off), threshold: decision.threshold };
          params = applyMask(params, mask);
          if (decision.permanent) standing = mask;
        }
      } else if (standing !== null) {
        const wanted = recorded.event.threshold;
        comparison.number({ ...all, quantity: "threshold" }, standing.threshold ?? NaN, wanted);
        params = applyMask(params, standing);
      }
      comparison.table(step, "parameters after the event", params, recorded.event.paramsAfter);
    }
    trace.modules.forEach(({ name }, i) => {
      const values = params[name]!.e;
      const rank = config.method === "adalora"
        ? values.filter((e) => e !== 0).length
        : values.length;
      comparison.exact(
        { step, quantity: "rank", module: name, index: "" },
        rank,
        recorded.ranks[i]!,
      );
    });
    comparison.table(step, "sensitivity", averages.sensitivity, recorded.sensitivity, true);
    comparison.table(step, "uncertainty", averages.uncertainty, recorded.uncertainty, true);
    if (comparison.first !== null) return comparison.first;
  }
  return null;
}

/** The policy of a trace's method with the trace's settings. */
function makeDriver({ config, modules }: Trace, ties: "exact" | "upstream"): Driver {
  const context = {
    modules,
    ranks: modules.map(() => config.initial_rank),
    totalSteps: config.total_step,
  };
  const schedule = {
    initWarmup: config.init_warmup,
    finalWarmup: config.final_warmup,
    interval: config.mask_interval,
    ties,
  };
  if (config.method === "adalora") {
    const policy = adaloraPolicy(schedule);
    const finalTotal = config.target_total_rank;
    const start = policy.start({ ...context, finalTotal });
    return drive(policy, start, (step) => budgetAt(schedule, start, step));
  }
  const options = {
    ...schedule,
    movedRanks: config.b,
    perModule: config.k,
    decay: config.enable_scheduler ? "cubic" as const : "none" as const,
    poolOverlap: ties === "upstream" ? "allow" as const : "cut" as const,
    maxRank: null,
    resetOptimizer: true,
  };
  const policy = elaloraPolicy(options);
  const finalTotal = config.initial_rank * modules.length;
  return drive(
    policy,
    policy.start({ ...context, finalTotal }),
    // The authors' code stops updating b in the last phase.
    (step) =>
      step < config.total_step - config.final_warmup
        ? movedRanksAt(options, config.total_step, step)
        : null,
  );
}

function drive<State>(
  policy: RankPolicy<State>,
  start: State,
  budget: (step: number) => number | null,
): Driver {
  let state = start;
  return {
    budget,
    isEvent: (step) => policy.needsScores(state, step),
    isFrozen: (step) => policy.statisticsFrozen(state, step),
    decide(step, scores) {
      const next = policy.decide(state, step, scores);
      state = next.state;
      return next.decision;
    },
  };
}

interface MaskOf {
  readonly off: ReadonlyMap<string, ReadonlySet<number>>;
  readonly threshold: number | null;
}

function mapTable(
  table: SlotTable,
  change: (own: ModuleSlots, module: string) => ModuleSlots,
): SlotTable {
  return Object.fromEntries(
    Object.entries(table).map(([module, own]) => [module, change(own, module)]),
  );
}

function bySlot(refs: readonly SlotRef[]): Map<string, Set<number>> {
  const slots = new Map<string, Set<number>>();
  for (const { module, slot } of refs) {
    slots.set(module, (slots.get(module) ?? new Set<number>()).add(slot));
  }
  return slots;
}

function dropFrom(table: SlotTable, dropped: ReadonlyMap<string, ReadonlySet<number>>): SlotTable {
  return mapTable(table, (own, module) => dropSlots(own, dropped.get(module) ?? new Set()));
}

function applyMask(params: SlotTable, { off }: MaskOf): SlotTable {
  return mapTable(params, (own, module) => maskSlots(own, off.get(module) ?? new Set()));
}

/** New slots in the decision's order, each from the next two recorded vectors; their averages are zero. */
function grow(
  params: SlotTable,
  averages: Averages,
  modules: readonly string[],
  { randomVectors }: TraceEvent,
  comparison: Comparison,
  step: number,
): { readonly params: SlotTable; readonly averages: Averages } {
  comparison.exact(
    { step, quantity: "random vectors", module: null, index: ".length" },
    2 * modules.length,
    randomVectors.length,
  );
  let now = { params, averages };
  modules.forEach((module, i) => {
    const own = now.params[module]!;
    const vectors = [randomVectors[2 * i], randomVectors[2 * i + 1]];
    const [forA = new Float64Array(0), forB = new Float64Array(0)] = vectors;
    const inSize = own.a[0]!.length, outSize = own.b[0]!.length;
    const at = { step, quantity: "random vectors", module, index: `[${2 * i}].length` };
    comparison.exact(at, inSize, forA.length);
    comparison.exact({ ...at, index: `[${2 * i + 1}].length` }, outSize, forB.length);
    if (comparison.first !== null) return;
    const grown = appendSlot(
      own,
      newDirection(own.a, forA, "upstream"),
      newSlotScale(own.e),
      newDirection(own.b, forB, "upstream"),
    );
    const blank = (slots: ModuleSlots) =>
      appendSlot(slots, new Float64Array(inSize), 0, new Float64Array(outSize));
    const { sensitivity, uncertainty } = now.averages;
    now = {
      params: { ...now.params, [module]: grown },
      averages: {
        sensitivity: { ...sensitivity, [module]: blank(sensitivity[module]!) },
        uncertainty: { ...uncertainty, [module]: blank(uncertainty[module]!) },
      },
    };
  });
  return now;
}

/** The averages after one step, for every row, entry and column. */
function smooth(
  before: Averages,
  params: SlotTable,
  gradients: SlotTable,
  { beta1, beta2 }: TraceConfig,
): Averages {
  const sensitivity: Record<string, ModuleSlots> = {};
  const uncertainty: Record<string, ModuleSlots> = {};
  for (const [module, own] of Object.entries(params)) {
    const old = { s: before.sensitivity[module]!, u: before.uncertainty[module]! };
    const slopes = gradients[module]!;
    const one = (s: Float64Array, u: Float64Array, w: Float64Array, g: Float64Array) =>
      updateImportance({ sensitivity: s, uncertainty: u }, w, g, beta1, beta2);
    const rows = (part: "a" | "b"): Importance[] =>
      own[part].map((w, i) => one(old.s[part][i]!, old.u[part][i]!, w, slopes[part][i]!));
    const a = rows("a"), e = one(old.s.e, old.u.e, own.e, slopes.e), b = rows("b");
    const take = (key: keyof Importance): ModuleSlots => ({
      a: a.map((row) => row[key]),
      e: e[key],
      b: b.map((column) => column[key]),
    });
    sensitivity[module] = take("sensitivity");
    uncertainty[module] = take("uncertainty");
  }
  return { sensitivity, uncertainty };
}

function scoreTable({ sensitivity, uncertainty }: Averages): SlotScores {
  return Object.entries(sensitivity).map(([module, s]) => {
    const u = uncertainty[module]!;
    const part = (x: Float64Array, y: Float64Array) => ({ sensitivity: x, uncertainty: y });
    const scores = Array.from(s.e, (value, i) =>
      slotScore({
        a: part(s.a[i]!, u.a[i]!),
        e: part(Float64Array.of(value), Float64Array.of(u.e[i]!)),
        b: part(s.b[i]!, u.b[i]!),
      }));
    return { module, scores };
  });
}

function compareScores(
  comparison: Comparison,
  step: number,
  found: SlotScores,
  { scores }: TraceEvent,
): void {
  scores?.forEach((wanted, i) => {
    const { module, scores: own } = found[i]!;
    comparison.list({ step, quantity: "score", module, index: "" }, own, wanted);
  });
}
