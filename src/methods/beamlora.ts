/**
 * BeamLoRA: the ranks of a LoRA as beams, of which a learned score tells strong from weak; strong ones expand into the places of
 * weak ones.
 *
 * Gu et al., arXiv 2502.13604: ΔW = (α/r) · B diag(r · softmax(g/τ)) A, with one logit g a rank that starts at 0, so
 * that all weights are 1 and the start is LoRA's. Weak ranks of a module are overwritten by its strong ones, as they were half
 * a period ago, as in the authors' `train.py` (`DynamicRankCallback`) and `peft/src/peft/tuners/lora/model.py`
 * (`analyze_rank_importance`, `reset_rank`). Their cache is taken one step later, and their cosine lags one step behind, than the
 * paper's T/2 and t, which are used here. Defaults are those
 * of the authors' `ft_scripts/ft_beamlora.sh`, its steps as shares of a run; α is ranklab's usual one (theirs is 2r). Logits are
 * kept out of weight decay, which would pull the weights together (theirs is 0).
 *
 * r is the module's own rank in the weights and the average initial rank in the scale, as everywhere.
 *
 * @module
 */
import * as z from "zod";
import { mul, reshape, softmax, type Tensor } from "../graph/mod.ts";
import { total } from "../study/budget/costs.ts";
import type { RunFacts } from "../study/types.ts";
import { constantPart, loraForm, loraParts } from "./lora_form.ts";
import { defineMethod } from "./method.ts";
import { updateOptions, withBRate } from "./options.ts";
import { moduleNamesOf, partScores } from "./ranked_slots.ts";
import { resolveSteps } from "./schedule.ts";
import type { RankDecision, RowEdit, SlotRef, SlotScores } from "./rank_actions.ts";
import type { RankPolicy, RowView } from "./rank_policy.ts";

const options = z.strictObject({
  ...updateOptions,
  temperature: z.number().positive().default(0.05).describe(
    "tau of the softmax; the authors take 0.03 for learning rates below 1e-4",
  ),
  useBeamloraStep: z.number().positive().default(0.08).describe(
    "Steps between two events (T): a share below 1, else steps; rows are cached half way",
  ),
  cumsumThreshold: z.number().gt(0).lt(1).default(0.95).describe(
    "Share of the scores' sum that stays at the start (p); it rises to 1 by a cosine",
  ),
  resetEndStep: z.number().positive().default(0.67).describe(
    "Step from which nothing is overwritten (t_end): a share below 1, else steps",
  ),
  moments: z.enum(["assigned", "upstream"]).default("assigned").describe(
    "assigned gives copies the cached moments of their sources; upstream keeps those of what was overwritten, and clears those of all gates",
  ),
});

/** Options of {@linkcode beamloraPolicy}. */
export type BeamloraPolicyOptions = Pick<
  z.output<typeof options>,
  "useBeamloraStep" | "cumsumThreshold" | "resetEndStep" | "temperature" | "moments"
>;

interface BeamloraState {
  readonly modules: readonly string[];
  readonly totalSteps: number;
  readonly isCached: boolean;
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

function checkBeamloraSchedule(options: BeamloraPolicyOptions, totalSteps: number): void {
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
  const sum = total(weights);
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
  const scores = partScores(
    state.modules,
    seen,
    "g",
    (gates) => beamScores(gates, options.temperature),
  );
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
      const modules = moduleNamesOf(context);
      const { totalSteps } = context;
      checkBeamloraSchedule(options, totalSteps);
      return { modules, totalSteps, isCached: false };
    },
    isDue: (state, step) => due(state, step) !== null,
    decide(state, step, _, seen) {
      const kind = due(state, step);
      if (kind === "cache") {
        return { decision: { actions: [{ type: "cache" }] }, state: { ...state, isCached: true } };
      }
      const { end } = scheduleOf(options, state.totalSteps);
      const p = keptShare(options.cumsumThreshold, end, step + 1);
      return {
        decision: eventOf(options, state, p, seen),
        state,
      };
    },
  };
}

/** r · softmax(g/τ) over the slots of each module, `[modules, slots, 1]`. */
export function beamWeights(g: Tensor, temperature: number): Tensor {
  const [modules, slots] = g.shape as readonly [number, number, number];
  const weights = softmax(mul(reshape(g, [modules, slots]), 1 / temperature));
  return reshape(mul(weights, slots), [modules, slots, 1]);
}

function checkRanks({ plan, modules }: RunFacts): void {
  const lone = plan?.initial.findIndex((rank) => rank === 1) ?? -1;
  if (lone === -1) return;
  throw new RangeError(
    `Cannot run BeamLoRA with rank 1 in "${
      modules[lone]?.name
    }": a rank is overwritten by another of its module; ` +
      `want at least 2 in every adapted module, for instance a rank budget of 2 or more`,
  );
}

/** BeamLoRA. */
export const beamlora = defineMethod({
  name: "beamlora",
  title: "BeamLoRA",
  source: "arXiv 2502.13604",
  version: 1,
  options,
  check: (chosen, facts) => {
    checkRanks(facts);
    checkBeamloraSchedule(chosen, facts.totalSteps);
  },
  bind: (chosen) => ({
    adapter: {
      ...loraForm(chosen),
      parts: [...withBRate(loraParts, chosen.bRate), constantPart("g", { decay: false })],
      prepare: ({ A, B, g }, scale) => ({
        A: mul(A!, mul(beamWeights(g!, chosen.temperature), scale)),
        B: B!,
      }),
      policy: { rule: beamloraPolicy(chosen), kind: "edit" },
    },
  }),
});
