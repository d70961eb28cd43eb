/**
 * BeamLoRA's policy: weak ranks of a module are overwritten by its strong ones, as they were half a period ago.
 *
 * Gu et al., arXiv 2502.13604, and the authors' `train.py` (`DynamicRankCallback`) and
 * `peft/src/peft/tuners/lora/model.py` (`analyze_rank_importance`, `reset_rank`). Their cache is taken one step later, and their
 * cosine lags one step behind, than the paper's T/2 and t, which are used here.
 *
 * @module
 */
import type { RankDecision, RowEdit, SlotRef, SlotScores } from "./rank_actions.ts";
import { checkContext, type RankPolicy, resolveSteps, type RowView } from "./rank_policy.ts";

/** Options of {@linkcode beamloraPolicy}. */
export interface BeamloraPolicyOptions {
  /** T, the steps between two events: a share of all steps when below 1, else steps. */
  readonly useBeamloraStep: number;
  /** p at the start: the share of the scores' sum that stays. */
  readonly cumsumThreshold: number;
  /** The step from which p is 1: a share of all steps when below 1, else steps. */
  readonly resetEndStep: number;
  /** τ of the scores. */
  readonly temperature: number;
  /**
   * `assigned` gives a copy the moments that were cached with its source; `upstream` leaves them as they are, because its
   * assignment fills a temporary, and clears the moments of all gates, not only of modules that lose ranks.
   */
  readonly moments: "assigned" | "upstream";
}

/** State of {@linkcode beamloraPolicy}. */
interface BeamloraState {
  readonly modules: readonly string[];
  readonly totalSteps: number;
  readonly isCached: boolean;
  /** Events so far, caches not counted. */
  readonly events: number;
}

interface Schedule {
  readonly period: number;
  readonly half: number;
  readonly end: number;
}

function scheduleOf(options: BeamloraPolicyOptions, totalSteps: number): Schedule {
  const period = resolveSteps(options.useBeamloraStep, totalSteps, "useBeamloraStep");
  const end = resolveSteps(options.resetEndStep, totalSteps, "resetEndStep");
  return { period, half: Math.floor(period / 2), end };
}

/**
 * Checks that rows can be cached before an event, and that a whole period follows one.
 *
 * @throws RangeError naming the option.
 */
export function checkBeamloraSchedule(options: BeamloraPolicyOptions, totalSteps: number): void {
  const { period } = scheduleOf(options, totalSteps);
  if (period >= 2 && 2 * period <= totalSteps) return;
  throw new RangeError(
    `Cannot schedule BeamLoRA in ${totalSteps} steps: found a "useBeamloraStep" of ${period}, ` +
      `want one from 2 to ${
        Math.floor(totalSteps / 2)
      }: rows are kept half a period before an event, and a whole ` +
      `period follows it; change it or train for more steps`,
  );
}

/** What follows a number of steps: an event at T, 2T, … while T steps are left, the cache half a period before it. */
function dueAfter(
  { period, half }: Schedule,
  totalSteps: number,
  done: number,
): "cache" | "event" | null {
  const isEvent = (at: number) => at > 0 && at % period === 0 && totalSteps - at >= period;
  if (isEvent(done)) return "event";
  return done % period === half && isEvent(done - half + period) ? "cache" : null;
}

/** p(t) = 1 − c(t), c(t) = (1 − p₀) · (1 + cos(π t / t_end)) / 2 and 0 from t_end on. */
export function keptShare(start: number, end: number, done: number): number {
  return done >= end ? 1 : 1 - (1 - start) * (1 + Math.cos((Math.PI * done) / end)) / 2;
}

/** r · softmax(g / τ) of a module's gates: 1 on average. */
export function beamScores(gates: readonly number[], temperature: number): readonly number[] {
  const top = Math.max(...gates);
  const weights = gates.map((gate) => Math.exp((gate - top) / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => (gates.length * weight) / sum);
}

interface ScoredSlot extends SlotRef {
  readonly score: number;
}

/** Best first; of equal scores, those of earlier modules and slots. */
function ordered(scores: SlotScores): readonly ScoredSlot[] {
  return scores
    .flatMap(({ module, scores }) => scores.map((score, slot) => ({ module, slot, score })))
    .sort((a, b) => b.score - a.score);
}

/**
 * The slots that are to be overwritten: over all modules jointly, from the first on with which the scores' sum exceeds the share
 * `p` of the whole; of each module the worst half at most, so that there is a source for each.
 */
export function prunedSlots(scores: SlotScores, p: number): readonly ScoredSlot[] {
  // The sum of all scores is the number of slots but for rounding, which must not prune.
  if (p >= 1) return [];
  const slots = ordered(scores);
  let sum = 0;
  const first = slots.findIndex(({ score }) => (sum += score) > p * slots.length);
  if (first === -1) return [];
  const pruned = Map.groupBy(slots.slice(first), ({ module }) => module);
  return scores.flatMap(({ module, scores }) => {
    const most = Math.floor(scores.length / 2);
    return most === 0 ? [] : (pruned.get(module) ?? []).slice(-most);
  });
}

/** The edits of one module: copies into its pruned slots, gates shared with their sources, no moments for gates. */
function moduleEdits(
  scores: SlotScores[number],
  pruned: readonly ScoredSlot[],
  seen: RowView,
  moments: BeamloraPolicyOptions["moments"],
): readonly RowEdit[] {
  const { module } = scores;
  const best = ordered([scores]).slice(0, pruned.length);
  const pairs = seen.stream.permutation(pruned.length)
    .map((at, i) => ({ slot: pruned[i]!.slot, source: best[at]!.slot }));
  const gates = seen.rows(module, "g").map(([gate]) => gate!);
  const shared = gates.slice();
  for (const { slot, source } of pairs) {
    shared[slot] = shared[source] = (gates[slot]! + gates[source]!) / 2;
  }
  const copies = pairs.flatMap(({ slot, source }) =>
    ["A", "B"].map((part): RowEdit => ({
      module,
      slot,
      part,
      values: { cachedSlot: source },
      moments: moments === "assigned" ? "cached" : "keep",
    }))
  );
  return [
    ...copies,
    ...shared.map((gate, slot): RowEdit => ({
      module,
      slot,
      part: "g",
      values: [gate],
      moments: "zero",
    })),
  ];
}

/** The rows that change at an event; none while no gate has learned anything. */
function eventOf(
  options: BeamloraPolicyOptions,
  state: BeamloraState,
  p: number,
  seen: RowView,
): RankDecision {
  const none: RankDecision = { actions: [{ type: "write", rows: [] }] };
  const scores = state.modules.map((module) => ({
    module,
    scores: beamScores(seen.rows(module, "g").map(([gate]) => gate!), options.temperature),
  }));
  const haveLearned = scores.some(({ scores }) => scores.some((score) => score !== scores[0]));
  if (!state.isCached || !haveLearned) return none;
  const pruned = prunedSlots(scores, p);
  const byModule = Map.groupBy(pruned, ({ module }) => module);
  const rows = scores
    .filter(({ module }) => options.moments === "upstream" || byModule.has(module))
    .flatMap((own) => moduleEdits(own, byModule.get(own.module) ?? [], seen, options.moments));
  const threshold = pruned.length === 0 ? null : Math.max(...pruned.map(({ score }) => score));
  return { actions: [{ type: "write", rows }], threshold, moved: pruned.length };
}

/** The policy of BeamLoRA. */
export function beamloraPolicy(options: BeamloraPolicyOptions): RankPolicy<BeamloraState> {
  const due = ({ totalSteps }: BeamloraState, step: number) =>
    dueAfter(scheduleOf(options, totalSteps), totalSteps, step + 1);
  return {
    start(context) {
      checkContext(context);
      checkBeamloraSchedule(options, context.totalSteps);
      return {
        modules: context.modules.map(({ name }) => name),
        totalSteps: context.totalSteps,
        isCached: false,
        events: 0,
      };
    },
    isDue: (state, step) => due(state, step) !== null,
    decide(state, step, _, seen) {
      const kind = due(state, step);
      if (kind === null) {
        throw new RangeError(`Cannot copy ranks after step ${step}: no event is due`);
      }
      if (kind === "cache") {
        return { decision: { actions: [{ type: "cache" }] }, state: { ...state, isCached: true } };
      }
      const { end } = scheduleOf(options, state.totalSteps);
      const p = keptShare(options.cumsumThreshold, end, step + 1);
      return {
        decision: eventOf(options, state, p, seen),
        state: { ...state, events: state.events + 1 },
      };
    },
  };
}
