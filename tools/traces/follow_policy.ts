/**
 * Follows a recorded run through ranklab's importance, policies and directions, and finds the first
 * number that differs from the authors' allocator.
 *
 * @module
 */
import { adaloraPolicy, budgetAt } from "../../src/methods/adalora.ts";
import { newDirection, newSlotScale } from "../../src/methods/directions.ts";
import { movedRanksAt, movesPolicy } from "../../src/methods/elalora_policy.ts";
import { type Importance, slotScore, updateImportance } from "./importance.ts";
import {
  actionsOf,
  droppedSlots,
  type RankDecision,
  type SlotRef,
  type SlotScores,
} from "../../src/methods/rank_actions.ts";
import type { ScoredPolicy } from "../../src/methods/rank_policy.ts";
import {
  appendSlot,
  combineSlots,
  dropSlots,
  maskSlots,
  type ModuleSlots,
  type SlotTable,
} from "./slots.ts";
import { Comparison, type Difference, type Tolerance } from "./difference.ts";
import type { Trace, TraceConfig, TraceEvent, TraceStep } from "./trace.ts";

/** Loss and gradients of a step at the given parameters. */
export type StepGradients = (
  step: TraceStep,
  params: SlotTable,
) => { readonly loss: number; readonly gradients: SlotTable };

/** Options of {@linkcode followDecisions}. */
export interface FollowOptions {
  /** Where loss and gradients come from. Default: the trace's own. */
  readonly gradients?: StepGradients;
  /** Default 1e-15 + 1e-9·|wanted|. */
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

/** What is carried from step to step. */
interface Position {
  readonly params: SlotTable;
  readonly averages: Averages;
  /** The mask of the last phase, null before it. */
  readonly standing: StandingMask | null;
}

/**
 * The first difference between the recorded run and what ranklab computes, or null.
 *
 * Each step: loss and gradients, SGD update, importance, then the policy's decision with new
 * directions made of the recorded random vectors; everything recorded is compared.
 */
export function followDecisions(trace: Trace, options: FollowOptions = {}): Difference | null {
  const comparison = new Comparison(options.tolerance ?? { absolute: 1e-15, relative: 1e-9 });
  const driver = makeDriver(trace, options.ties ?? "upstream");
  const source: StepGradients = options.gradients ??
    (({ loss, gradients }) => ({ loss, gradients }));
  const zeros = mapTable(trace.initial, (own) => combineSlots(own, own, () => 0));
  let now: Position = {
    params: trace.initial,
    averages: { sensitivity: zeros, uncertainty: zeros },
    standing: null,
  };
  for (const recorded of trace.steps) {
    const updated = update(now, recorded, trace.config, source, driver, comparison);
    if (updated === null) return comparison.first;
    const isAdjusted = compareSchedule(updated, recorded, driver, comparison);
    if (comparison.first !== null) return comparison.first;
    now = recorded.event !== null && isAdjusted
      ? adjust(updated, recorded.step, recorded.event, driver, comparison)
      : updated;
    compareEnd(now, recorded, trace, comparison);
    if (comparison.first !== null) return comparison.first;
  }
  return null;
}

/** The SGD step and the importance averages; null where a difference was found. */
function update(
  { params, averages, standing }: Position,
  recorded: TraceStep,
  config: TraceConfig,
  source: StepGradients,
  driver: Driver,
  comparison: Comparison,
): Position | null {
  const { step } = recorded;
  const { loss, gradients } = source(recorded, params);
  comparison.number({ step, quantity: "loss", module: null, index: "" }, loss, recorded.loss);
  comparison.table(step, "gradient", gradients, recorded.gradients);
  if (comparison.first !== null) return null;
  const stepped = mapTable(
    params,
    (own, module) =>
      combineSlots(own, gradients[module]!, (weight, slope) => weight - config.sgd_lr * slope),
  );
  comparison.table(step, "parameters before the event", stepped, recorded.paramsBefore);
  if (comparison.first !== null) return null;
  const isFrozen = driver.isFrozen(step);
  return {
    params: stepped,
    averages: isFrozen ? averages : smooth(averages, stepped, gradients, config),
    standing,
  };
}

/** Compares budget and event; whether ranklab has an event or a standing mask after this step. */
function compareSchedule(
  { standing }: Position,
  { step, budget, event }: TraceStep,
  driver: Driver,
  comparison: Comparison,
): boolean {
  const at = { step, module: null, index: "" };
  const own = driver.budget(step);
  if (own !== null) comparison.exact({ ...at, quantity: "budget" }, own, budget);
  const isAdjusted = driver.isEvent(step) || standing !== null;
  comparison.exact(
    { ...at, quantity: "event" },
    isAdjusted ? "due" : "none",
    event === null ? "none" : "due",
  );
  return isAdjusted;
}

/** Applies the policy's decision, or the standing mask. */
function adjust(
  now: Position,
  step: number,
  event: TraceEvent,
  driver: Driver,
  comparison: Comparison,
): Position {
  const at = { step, quantity: "threshold", module: null, index: "" };
  const { params, averages, standing } = now;
  if (standing !== null) {
    comparison.number(at, standing.threshold ?? NaN, event.threshold);
    return { ...now, params: applyMask(params, standing) };
  }
  const scores = scoreTable(averages);
  compareScores(comparison, step, scores, event);
  const decision = driver.decide(step, scores);
  comparison.number(at, decision.threshold ?? NaN, event.threshold);
  const [masked] = actionsOf(decision, "mask");
  if (masked !== undefined) {
    const mask = { off: bySlot(masked.slots), threshold: decision.threshold ?? null };
    return {
      params: applyMask(params, mask),
      averages,
      standing: masked.isPermanent ? mask : null,
    };
  }
  const dropped = bySlot(droppedSlots(decision));
  const kept = {
    params: dropFrom(params, dropped),
    averages: {
      sensitivity: dropFrom(averages.sensitivity, dropped),
      uncertainty: dropFrom(averages.uncertainty, dropped),
    },
    standing,
  };
  const grown = actionsOf(decision, "grow").flatMap(({ modules }) => modules);
  return grow(kept, grown, event, comparison, step);
}

/** Compares what the allocator left: parameters, ranks, averages. */
function compareEnd(
  { params, averages }: Position,
  { step, event, ranks, sensitivity, uncertainty }: TraceStep,
  { modules, config }: Trace,
  comparison: Comparison,
): void {
  if (event !== null) {
    comparison.table(step, "parameters after the event", params, event.paramsAfter);
  }
  modules.forEach(({ name }, i) => {
    const values = params[name]!.e;
    const rank = config.method === "adalora" ? values.filter((e) => e !== 0).length : values.length;
    comparison.exact({ step, quantity: "rank", module: name, index: "" }, rank, ranks[i]!);
  });
  comparison.table(step, "sensitivity", averages.sensitivity, sensitivity, true);
  comparison.table(step, "uncertainty", averages.uncertainty, uncertainty, true);
}

/** The policy of a trace's method with the trace's settings. */
function makeDriver({ config, modules }: Trace, ties: "exact" | "upstream"): Driver {
  const context = {
    modules,
    ranks: modules.map(() => config.initial_rank),
    totalSteps: config.total_step,
    stepsPerEpoch: config.total_step,
  };
  const schedule = {
    initWarmup: config.init_warmup,
    finalWarmup: config.final_warmup,
    maskInterval: config.mask_interval,
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
    b: config.b,
    k: config.k,
    decay: config.enable_scheduler ? "cubic" as const : "none" as const,
    poolOverlap: ties === "upstream" ? "upstream" as const : "cut" as const,
    maxRank: null,
    optimizer: "upstream-reset" as const,
  };
  const policy = movesPolicy(options);
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
  policy: ScoredPolicy<State>,
  start: State,
  budget: (step: number) => number | null,
): Driver {
  let state = start;
  return {
    budget,
    isEvent: (step) => policy.isDue(state, step),
    isFrozen: (step) => policy.statisticsFrozen?.(state, step) ?? false,
    decide(step, scores) {
      const next = policy.decide(state, step, scores);
      state = next.state;
      return next.decision;
    },
  };
}

/** Slots whose E stays zero, by module. */
interface StandingMask {
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

function applyMask(params: SlotTable, { off }: StandingMask): SlotTable {
  return mapTable(params, (own, module) => maskSlots(own, off.get(module) ?? new Set()));
}

/** New slots in the decision's order, each from the next two recorded vectors; their averages are zero. */
function grow(
  start: Position,
  modules: readonly string[],
  { randomVectors }: TraceEvent,
  comparison: Comparison,
  step: number,
): Position {
  const at = { step, quantity: "random vectors", module: null, index: ".length" };
  comparison.exact(at, 2 * modules.length, randomVectors.length);
  let now = start;
  modules.forEach((module, i) => {
    const own = now.params[module]!;
    const inSize = own.a[0]!.length, outSize = own.b[0]!.length;
    const forA = randomVectors[2 * i] ?? [], forB = randomVectors[2 * i + 1] ?? [];
    comparison.exact({ ...at, module, index: `[${2 * i}].length` }, inSize, forA.length);
    comparison.exact({ ...at, module, index: `[${2 * i + 1}].length` }, outSize, forB.length);
    if (comparison.first !== null) return;
    const rowA = newDirection(own.a, forA, "upstream");
    const columnB = newDirection(own.b, forB, "upstream");
    const blank = (slots: ModuleSlots) =>
      appendSlot(slots, new Float64Array(inSize), 0, new Float64Array(outSize));
    const { sensitivity, uncertainty } = now.averages;
    now = {
      ...now,
      params: { ...now.params, [module]: appendSlot(own, rowA, newSlotScale(own.e), columnB) },
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
