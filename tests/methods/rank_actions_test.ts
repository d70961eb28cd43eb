/** What decisions count as moved, and which actions a kind of policy may ask for. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  actionsOf,
  checkActions,
  droppedSlots,
  movedSlots,
  type RankAction,
  type RowEdit,
} from "../../src/methods/rank_actions.ts";

const ranks = { query: 3, key: 2 };
const slot = { module: "query", slot: 1 };
const row: RowEdit = { ...slot, part: "A", values: [1], moments: "keep" };
const write: RankAction = { type: "write", rows: [row, { ...row, part: "B" }] };

Deno.test("slots count as moved where they are dropped, masked, merged, or written and nothing else happens", () => {
  const moved = (...actions: readonly RankAction[]) => movedSlots({ actions }, ranks);
  const drop: RankAction = { type: "drop", slots: [slot] };
  const grow: RankAction = { type: "grow", modules: ["key"] };
  assertEquals(moved(), 0);
  assertEquals(moved({ type: "evaluate" }, { type: "cache" }, { type: "reset" }), 0);
  assertEquals(moved(drop, grow, drop), 2);
  assertEquals(moved(grow, write), 0);
  assertEquals(moved(write, write), 1);
  assertEquals(moved({ type: "mask", slots: [slot, slot], isPermanent: true }), 2);
  assertEquals(moved({ type: "merge", ranks: { query: 1 } }), 5);
  assertEquals(movedSlots({ actions: [drop], moved: 7 }, ranks), 7);
});

Deno.test("the actions of a type come in order", () => {
  const actions: readonly RankAction[] = [
    { type: "drop", slots: [slot] },
    write,
    { type: "drop", slots: [{ ...slot, slot: 0 }] },
  ];
  assertEquals(droppedSlots({ actions }).map(({ slot }) => slot), [1, 0]);
  assertEquals(actionsOf({ actions }, "write"), [write]);
  assertEquals(actionsOf({ actions }, "merge"), []);
});

Deno.test("an action that the programs of a kind are not made for is refused", () => {
  const own: Readonly<Record<string, RankAction>> = {
    move: { type: "drop", slots: [] },
    mask: { type: "mask", slots: [], isPermanent: false },
    merge: { type: "merge", ranks: {} },
  };
  const kinds = ["move", "mask", "edit", "merge"] as const;
  for (const kind of kinds) {
    checkActions(kind, { actions: [write, { type: "cache" }, { type: "evaluate" }] });
    for (const [wanted, action] of Object.entries(own)) {
      const check = () => checkActions(kind, { actions: [write, action] });
      if (kind === wanted) check();
      else {
        assertThrows(
          check,
          RangeError,
          `Cannot do "${action.type}" at a rank event: found a policy of the kind "${kind}", want one of the kind "${wanted}"`,
        );
      }
    }
  }
});
