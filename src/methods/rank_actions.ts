/**
 * Rank actions: the small things that a rank policy can ask for at an event. A decision is a list of them, applied in order.
 *
 * A *slot* is one rank of one module: row i of A, column i of B, entry i of E. Slots are logical: those that stay keep their
 * order and new slots come last. An action counts slots as they are when the actions before it are done.
 *
 * @module
 */

/** One slot: `slot` counts from 0 within `module`. */
export interface SlotRef {
  /** Name of the module. */
  readonly module: string;
  /** Place of the slot in it, from 0. */
  readonly slot: number;
}

/** Scores of all slots, one entry a module, in module order. */
export type SlotScores = readonly {
  readonly module: string;
  readonly scores: readonly number[];
}[];

/** New numbers for one row of a part. */
export interface RowEdit extends SlotRef {
  /** The part's name; of a part that has one row a module the slot is 0, and so is that of one that all modules share. */
  readonly part: string;
  /** The numbers, or the slot of the same module whose row was cached last. */
  readonly values: ArrayLike<number> | { readonly cachedSlot: number };
  /** The row's moments: kept, set to zero, or those that were cached with the slot. */
  readonly moments: "keep" | "zero" | "cached";
}

/** What all actions have. */
export interface ActionOf<Type extends string> {
  /** What is done. */
  readonly type: Type;
}

/** Slots leave their modules. */
export interface DropAction extends ActionOf<"drop"> {
  /** In module and slot order. */
  readonly slots: readonly SlotRef[];
}

/** Modules get new slots, whose rows start as the policy's `growth` says. */
export interface GrowAction extends ActionOf<"grow"> {
  /** In module order, a name as often as it grows. */
  readonly modules: readonly string[];
}

/** The E of slots becomes 0, their rows and columns stay; slots that were masked before and are not named are on again. */
export interface MaskAction extends ActionOf<"mask"> {
  /** In module and slot order. */
  readonly slots: readonly SlotRef[];
  /** Whether the slots are masked after every later step too, without asking again. */
  readonly isPermanent: boolean;
}

/** Rows get other numbers. */
export interface WriteAction extends ActionOf<"write"> {
  /** Written one after the other. */
  readonly rows: readonly RowEdit[];
}

/** The rows as they are, and their moments, are kept for later writes in place of those kept before. */
export type CacheAction = ActionOf<"cache">;

/** All slots are merged into the weights of their layers and drawn anew. */
export interface MergeAction extends ActionOf<"merge"> {
  /** Ranks of the next block by module; a module that is not named has none. */
  readonly ranks: Readonly<Record<string, number>>;
}

/** The run is evaluated as it is now. */
export type EvaluateAction = ActionOf<"evaluate">;

/** All moments of the optimiser are lost, and the learning rate stays at its peak from here on. */
export type ResetAction = ActionOf<"reset">;

/** One thing that a policy asks for. */
export type RankAction =
  | DropAction
  | GrowAction
  | MaskAction
  | WriteAction
  | CacheAction
  | MergeAction
  | EvaluateAction
  | ResetAction;

/** What a policy decides at an event. */
export interface RankDecision {
  /** Applied in order. An event that only caches is not told of. */
  readonly actions: readonly RankAction[];
  /** Highest score among the slots that lost, to be recorded. Default: null, for none. */
  readonly threshold?: number | null;
  /** Scores that the policy made itself, to be recorded. Default: those that it was given. */
  readonly scores?: SlotScores;
  /** Slots to be recorded as moved. Default: see {@linkcode movedSlots}. */
  readonly moved?: number;
}

/** What changes in a run: ranks move, entries of E are masked, rows get other numbers, or all is merged. */
export type PolicyKind = "move" | "mask" | "edit" | "merge";

/** The kind of policy that an action is kept for, because the programs of a run are made for it; any kind may do the others. */
const kindOfAction: Partial<Readonly<Record<RankAction["type"], PolicyKind>>> = {
  drop: "move",
  grow: "move",
  mask: "mask",
  merge: "merge",
};

/**
 * Checks that a policy of a kind may do what it decided.
 *
 * @throws {RangeError} Naming the first action that is another kind's.
 */
export function checkActions(kind: PolicyKind, { actions }: RankDecision): void {
  for (const { type } of actions) {
    const wanted = kindOfAction[type] ?? kind;
    if (wanted === kind) continue;
    throw new RangeError(
      `Cannot do "${type}" at a rank event: found a policy of the kind "${kind}", want one of the kind "${wanted}"; ` +
        `state that as "kind" in the adapter's policy`,
    );
  }
}

/** The actions of a type, in order. */
export function actionsOf<Type extends RankAction["type"]>(
  { actions }: Pick<RankDecision, "actions">,
  type: Type,
): readonly Extract<RankAction, { readonly type: Type }>[] {
  return actions.filter((action): action is Extract<RankAction, { readonly type: Type }> =>
    action.type === type
  );
}

/** The slots that a decision drops, in order. */
export function droppedSlots(decision: Pick<RankDecision, "actions">): readonly SlotRef[] {
  return actionsOf(decision, "drop").flatMap(({ slots }) => slots);
}

/**
 * Slots that a decision moves: those that it drops, masks or merges, or where it does nothing of that kind and nothing grows,
 * those that it writes to.
 *
 * @param ranks Rank of each module before the event.
 */
export function movedSlots(
  decision: RankDecision,
  ranks: Readonly<Record<string, number>>,
): number {
  if (decision.moved !== undefined) return decision.moved;
  const { actions } = decision;
  if (actions.some(({ type }) => kindOfAction[type] !== undefined)) {
    const all = Object.values(ranks).reduce((sum, rank) => sum + rank, 0);
    return droppedSlots(decision).length +
      actionsOf(decision, "mask").reduce((sum, { slots }) => sum + slots.length, 0) +
      actionsOf(decision, "merge").length * all;
  }
  const written = actionsOf(decision, "write").flatMap(({ rows }) => rows);
  return new Set(written.map(({ module, slot }) => `${module}/${slot}`)).size;
}
