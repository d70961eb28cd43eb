/**
 * What a rank event does to the state of a run, and what is told of it.
 *
 * Everything here is pure: the state and its vectors go in, new ones come out.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import type {
  EditDecision,
  MaskDecision,
  MergeDecision,
  MoveDecision,
  RankDecision,
  SlotScores,
} from "../methods/rank_policy.ts";
import type { Assembly } from "./assemble.ts";
import { blockOf, nextBlock } from "./merging.ts";
import { maskedPositions } from "./places.ts";
import { applyEdit, applyMove, cachedRows, orderAfter } from "./row_edits.ts";
import type { RunState, Snapshot, TrainingEvent } from "./run_types.ts";
import { freshMoments, moveToAssembly, type StateVectors, zeroAt } from "./vectors.ts";

/** What a decision is applied to. */
export interface BeforeEvent {
  /** Has the room that {@linkcode roomFor} asks for. */
  readonly assembly: Assembly;
  readonly state: RunState;
  readonly vectors: StateVectors;
  /** The step that the event follows, from 0. */
  readonly index: number;
  /** The run's stream of random numbers; events fork their own from it. */
  readonly root: RandomStream;
}

/** What a decision leads to. */
export interface AfterEvent {
  readonly state: RunState;
  /** Null where they stay as they are. */
  readonly vectors: StateVectors | null;
}

/** Whether rows are only kept for later, which is no event of ranks. */
export function isCacheOnly(decision: RankDecision): boolean {
  return decision.kind === "edit" && decision.isCaching && decision.rows.length === 0;
}

/**
 * The state and the vectors after a decision; what was merged is the last block of the state's history.
 *
 * @throws {RangeError} If the decision names a row that does not exist, or more slots than there is room for.
 */
export function afterEvent(before: BeforeEvent, decision: RankDecision): AfterEvent {
  if (decision.kind === "move") return afterMove(before, decision);
  if (decision.kind === "edit") return afterEdit(before, decision);
  if (decision.kind === "merge") return afterMerge(before, decision);
  return afterMask(before, decision);
}

function afterMask({ assembly, state, vectors }: BeforeEvent, decision: MaskDecision): AfterEvent {
  const positions = maskedPositions(assembly, state.order, decision.off);
  const isMaskPermanent = state.isMaskPermanent || decision.permanent;
  return {
    state: { ...state, off: decision.off, isMaskPermanent },
    vectors: zeroAt(vectors, positions),
  };
}

function afterEdit({ assembly, state, vectors }: BeforeEvent, decision: EditDecision): AfterEvent {
  const { order, cache } = state;
  return {
    state: decision.isCaching ? { ...state, cache: cachedRows(assembly, vectors) } : state,
    vectors: decision.rows.length === 0
      ? null
      : applyEdit({ assembly, vectors, cache, order, decision }),
  };
}

function afterMerge(
  { assembly, state, vectors, index, root }: BeforeEvent,
  decision: MergeDecision,
): AfterEvent {
  const block = blockOf(assembly, vectors.theta!, state.order, index + 1);
  const stream = root.fork("merge").fork(index);
  const { vectors: next, order } = nextBlock({ assembly, vectors, decision, stream });
  return { state: { ...state, order, history: [...state.history, block] }, vectors: next };
}

function afterMove(
  { assembly, state, vectors, index, root }: BeforeEvent,
  decision: MoveDecision,
): AfterEvent {
  const stream = root.fork("directions").fork(index);
  const moved = applyMove({ assembly, vectors, order: state.order, decision, stream });
  const { order } = moved;
  const edited = decision.rows === undefined ? moved.vectors : applyEdit({
    ...{ assembly, vectors: moved.vectors, cache: null, order },
    decision: { rows: decision.rows },
  });
  if (!decision.resetOptimizer) return { state: { ...state, order }, vectors: edited };
  return {
    state: { ...state, order, isRatePinned: true },
    vectors: { ...edited, ...freshMoments(assembly) },
  };
}

/** The capacities that a decision needs, doubled where they are too small; null where there is room for it. */
export function roomFor(
  { order, capacities }: Pick<RunState, "order" | "capacities">,
  decision: RankDecision,
): RunState["capacities"] | null {
  if (decision.kind !== "move") return null;
  const needed = { ...capacities };
  for (const [module, rows] of Object.entries(orderAfter(order, decision).order)) {
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

/** What is told of slot scores, summed by module. */
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
export interface RankEvent {
  /** Steps done. */
  readonly step: number;
  readonly decision: RankDecision;
  /** Those that were decided by; empty where the method has none. */
  readonly scores: SlotScores;
  readonly ranksBefore: Readonly<Record<string, number>>;
  readonly ranksAfter: Readonly<Record<string, number>>;
}

/** What is told of an event: the change of ranks, and the scores that led to it. */
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
    moved: changedSlots(decision, ranksBefore),
    threshold: decision.threshold,
    changes,
  };
  return scores.length === 0 ? [ranks] : [ranks, importanceEvent(step, scores)];
}

/** Slots that an event dropped, masked, merged or gave other numbers, of those that there were before. */
function changedSlots(decision: RankDecision, before: Readonly<Record<string, number>>): number {
  if (decision.kind === "move") return decision.drop.length;
  if (decision.kind === "mask") return decision.off.length;
  if (decision.kind === "merge") return Object.values(before).reduce((sum, rank) => sum + rank, 0);
  return decision.moved ??
    new Set(decision.rows.map(({ module, slot }) => `${module}/${slot}`)).size;
}
