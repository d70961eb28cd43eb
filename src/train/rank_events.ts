/**
 * What a rank event does to the state of a run, and what is reported of it.
 *
 * Everything here is pure: the state and its vectors go in, new ones come out.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import {
  type EvaluateAction,
  type GrowAction,
  type MaskAction,
  type MergeAction,
  movedSlots,
  type RankAction,
  type RankDecision,
  type SlotScores,
} from "../methods/rank_actions.ts";
import type { Assembly } from "./assemble.ts";
import {
  blockOf,
  cachedRows,
  checkSlots,
  dropSlots,
  growSlots,
  nextBlock,
  type SlotVectors,
  withNewSlots,
  writeRows,
} from "./row_edits.ts";
import {
  freshMoments,
  maskedPositions,
  moveToAssembly,
  type StateVectors,
  zeroAt,
} from "./vectors.ts";
import type { RunState, Snapshot, TrainingEvent } from "./run_types.ts";

interface RankEventContext {
  /** Has the room that {@linkcode roomFor} asks for. */
  readonly assembly: Assembly;
  /** The step that the event follows, from 0. */
  readonly index: number;
  /** The run's stream of random numbers; events fork their own from it. */
  readonly root: RandomStream;
  /** Actions of the event before this one that made slots grow. */
  readonly growths: number;
}

interface EventState {
  readonly state: RunState;
  /** The same object as before an action that leaves them as they are. */
  readonly vectors: StateVectors;
}

/** An action that changes the state; an evaluation does not. */
type StateAction = Exclude<RankAction, EvaluateAction>;

/** Whether rows are only kept for later, which is no event of ranks. */
export function isCacheOnly({ actions }: RankDecision): boolean {
  return actions.length > 0 && actions.every(({ type }) => type === "cache");
}

/**
 * The state and the vectors after an action; what was merged is the last block of the state's history.
 *
 * @throws {RangeError} If the action names a row that does not exist, or more slots than there is room for.
 */
export function afterAction(
  context: RankEventContext,
  before: EventState,
  action: StateAction,
): EventState {
  const { assembly } = context;
  const { state, vectors } = before;
  const { order } = state;
  switch (action.type) {
    case "drop":
      return withSlots(before, dropSlots(assembly, { vectors, order }, action));
    case "grow":
      return withSlots(
        before,
        growSlots(assembly, { vectors, order }, action, growthStream(context)),
      );
    case "mask":
      return afterMask(assembly, before, action);
    case "write": {
      if (action.rows.length === 0) return before;
      return {
        state,
        vectors: writeRows(assembly, { vectors, order }, action.rows, state.cache),
      };
    }
    case "cache":
      return { state: { ...state, cache: cachedRows(assembly, vectors) }, vectors };
    case "merge":
      return afterMerge(context, before, action);
    case "reset":
      return {
        state: { ...state, isRatePinned: true },
        vectors: { ...vectors, ...freshMoments(assembly) },
      };
  }
}

/** Random numbers for new slots: each action has its own. */
function growthStream({ root, index, growths }: RankEventContext): RandomStream {
  const stream = root.fork("directions").fork(index);
  return growths === 0 ? stream : stream.fork(growths);
}

function withSlots({ state }: EventState, { vectors, order }: SlotVectors): EventState {
  return { state: { ...state, order }, vectors };
}

function afterMask(
  assembly: Assembly,
  { state, vectors }: EventState,
  { slots, isPermanent }: MaskAction,
): EventState {
  checkSlots(state.order, slots, "mask");
  return {
    state: { ...state, off: slots, isMaskPermanent: state.isMaskPermanent || isPermanent },
    vectors: zeroAt(vectors, maskedPositions(assembly, state.order, slots)),
  };
}

function afterMerge(
  { assembly, index, root }: RankEventContext,
  { state, vectors }: EventState,
  action: MergeAction,
): EventState {
  const block = blockOf(assembly, vectors.theta!, state.order, index + 1);
  const stream = root.fork("merge").fork(index);
  const { vectors: next, order } = nextBlock({ assembly, vectors, action, stream });
  return { state: { ...state, order, history: [...state.history, block] }, vectors: next };
}

/** The capacities that new slots need, doubled where they are too small; null where there is room for them. */
export function roomFor(
  { order, capacities }: Pick<RunState, "order" | "capacities">,
  action: GrowAction,
): RunState["capacities"] | null {
  const needed = { ...capacities };
  for (const [module, rows] of Object.entries(withNewSlots(order, action))) {
    const least = Math.max(0, ...rows) + 1;
    while (least > needed[module]!) needed[module] = 2 * needed[module]!;
  }
  const isGrown = Object.entries(needed).some(([name, room]) => room !== capacities[name]);
  return isGrown ? needed : null;
}

/** The state with other capacities, its snapshots under the layout of the assembly that has them. */
export function withRoom(
  state: RunState,
  capacities: RunState["capacities"],
  from: Assembly,
  to: Assembly,
): RunState {
  const moved = (snapshot: Snapshot | null) =>
    snapshot === null ? null : {
      ...snapshot,
      theta: moveToAssembly(from, to, { theta: snapshot.theta }).theta!,
    };
  return { ...state, capacities, best: moved(state.best), last: moved(state.last) };
}

/** What is reported of slot scores, summed by module. */
export function importanceEvent(step: number, scores: SlotScores): TrainingEvent {
  return {
    kind: "importance",
    step,
    scores: Object.fromEntries(
      scores.map(({ module, scores }) => [module, scores.reduce((sum, score) => sum + score, 0)]),
    ),
  };
}

/** An event and the ranks on both sides of it. */
interface RankEvent {
  /** Steps done. */
  readonly step: number;
  readonly decision: RankDecision;
  /** Those that were decided by; empty where the method has none. */
  readonly scores: SlotScores;
  readonly ranksBefore: Readonly<Record<string, number>>;
  readonly ranksAfter: Readonly<Record<string, number>>;
}

/** What is reported of an event: the change of ranks, and the scores that led to it. */
export function toldOf(
  { step, decision, scores, ranksBefore, ranksAfter }: RankEvent,
): readonly TrainingEvent[] {
  const means = Object.fromEntries(
    scores.map(({ module, scores: own }) => [
      module,
      own.length === 0 ? 0 : own.reduce((sum, score) => sum + score, 0) / own.length,
    ]),
  );
  const changes = Object.entries(ranksAfter)
    .map(([module, to]) => ({ module, from: ranksBefore[module]!, to, score: means[module] ?? 0 }))
    .filter(({ from, to }) => from !== to);
  const ranks: TrainingEvent = {
    kind: "ranks",
    step,
    budget: Object.values(ranksAfter).reduce((sum, rank) => sum + rank, 0),
    moved: movedSlots(decision, ranksBefore),
    threshold: decision.threshold ?? null,
    changes,
  };
  return scores.length === 0 ? [ranks] : [ranks, importanceEvent(step, scores)];
}
