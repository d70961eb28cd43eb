import { assertEquals } from "@std/assert";
import { choiceOf, meanScore } from "../../../src/runs/tune/choice.ts";

const space = { rate: { log: [1, 100] } } as const;
const scored = (rate: number, score: number | null, isWhole = true) => ({
  point: { rate },
  score,
  isWhole,
});

Deno.test("choiceOf() takes the first best trial that was trained to the end", () => {
  const trials = [scored(1, 0.2), scored(10, 0.5), scored(20, 0.5), scored(100, 0.9, false)];
  assertEquals(choiceOf(space, trials), { best: trials[1] as never, edges: [] });
  assertEquals(choiceOf(space, [scored(1, null), scored(2, 0.7, false)]), null);
});

Deno.test("choiceOf() says where the best value lies at the edge of those tried", () => {
  const { edges } = choiceOf(space, [scored(1, 0.2), scored(50, 0.5), scored(60, null)])!;
  assertEquals(edges, []);
  assertEquals(choiceOf(space, [scored(1, 0.6), scored(50, 0.5)])!.edges, [
    { path: "rate", value: 1, edge: "low", isOpen: false },
  ]);
});

Deno.test("choiceOf() takes a value at an edge where values within did no better: nothing beyond it is known to be worse", () => {
  const wide = { rate: { log: [1, 100], limits: [1, 1000] } } as const;
  const of = (...trials: Parameters<typeof choiceOf>[1]) => {
    const { best, edges } = choiceOf(wide, trials)!;
    return [best.point["rate"], ...edges.map(({ edge, isOpen }) => `${edge} ${isOpen}`)];
  };
  assertEquals(of(scored(1, 0.2), scored(10, 0.5), scored(100, 0.5)), [100, "high true"]);
  // Runs that learned nothing are all alike; that is no optimum in the middle.
  assertEquals(of(scored(10, 0.5), scored(1, 0.5), scored(100, 0.5)), [100, "high true"]);
  assertEquals(of(scored(10, 0.5), scored(1, 0.5), scored(1000, 0.4)), [1, "low false"]);
  assertEquals(of(scored(1, 0.4), scored(10, 0.5), scored(20, 0.5), scored(100, 0.4)), [10]);
});

Deno.test("meanScore() weights scores, and is null where a run failed or diverged", () => {
  assertEquals(meanScore([0.25, 0.5], [1, 1]), 0.375);
  assertEquals(meanScore([0.25, 0.5], [3, 1]), 0.3125);
  assertEquals(meanScore([0.2, null], [1, 1]), null);
  assertEquals(meanScore([0.2, NaN], [1, 1]), null);
  assertEquals(meanScore([], []), null);
});
