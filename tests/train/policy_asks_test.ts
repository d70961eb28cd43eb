/** What a policy may ask of the loop besides changes of ranks: evaluations, random numbers, scores to be recorded. */
import { assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { RankPolicy } from "../../src/methods/rank_policy.ts";
import { learningRateAt } from "../../src/study/grid/steps.ts";
import { moduleNames, ofKind, started, type TinyRun, trainingRequest, trainTo } from "./fixture.ts";

const executor = new ReferenceExecutor();
const [module] = moduleNames() as readonly [string];

/** Masks nothing after steps 1 and 2, and wants to see what the second event did. */
function asking(drawn: number[]): RankPolicy<number> {
  return {
    start: () => 0,
    isDue: (_, step) => step === 1 || step === 2,
    decide: (events, _step, _scores, { stream }) => {
      drawn.push(stream.next());
      return {
        decision: {
          actions: [
            { type: "mask", slots: [{ module, slot: 0 }], isPermanent: false },
            ...(events === 1 ? [{ type: "evaluate" } as const] : []),
          ],
          scores: [{ module, scores: [1, 3] }],
        },
        state: events + 1,
      };
    },
  };
}

function run(drawn: number[]): TinyRun {
  return {
    method: "lora",
    train: { steps: 5 },
    change: (method) => ({
      ...method,
      adapter: {
        ...method.adapter!,
        step: {
          learningRate: (step, total, train) =>
            step < 2 ? learningRateAt(step, total, train) : 1e-4,
        },
        policy: { rule: asking(drawn), kind: "mask" },
      },
    }),
  };
}

Deno.test("a policy asks for an evaluation, draws numbers of the event and has its scores recorded", async () => {
  const [first, second]: [number[], number[]] = [[], []];
  for (const drawn of [first, second]) {
    using trainer = await started(trainingRequest(executor, run(drawn)));
    // As many steps at a time as there are: what is due after one ends a block.
    const events = [];
    while (!trainer.isDone) events.push(...await trainer.advance(5));
    assertEquals(ofKind(events, "evaluation").map(({ snapshot }) => snapshot.step), [3, 5]);
    assertEquals(ofKind(events, "evaluation")[0]!.snapshot.off, [{ module, slot: 0 }]);
    assertEquals(ofKind(events, "importance").map(({ scores }) => scores[module]), [4, 4]);
    assertEquals(ofKind(events, "ranks").map(({ moved }) => moved), [1, 1]);
  }
  assertEquals(first, second);
  assertNotEquals(first[0], first[1]);
});

Deno.test("a method has a schedule of learning rates of its own", async () => {
  using trainer = await started(trainingRequest(executor, run([])));
  const rates = ofKind(await trainTo(trainer), "step").map(({ learningRate }) => learningRate);
  assertEquals(rates, [5e-3, 5e-3, 1e-4, 1e-4, 1e-4]);
});

Deno.test("a rule that reads scores which its policy does not ask for is told where it does, and what to write", async () => {
  const reading: RankPolicy<null> = {
    start: () => null,
    isDue: (_, step) => step === 1,
    decide: (state, _step, scores) => ({
      decision: { actions: [], threshold: scores[0]!.scores[0]! },
      state,
    }),
  };
  const change: TinyRun["change"] = (method) => ({
    ...method,
    adapter: { ...method.adapter!, policy: { rule: reading, kind: "mask" } },
  });
  const request = trainingRequest(executor, { method: "lora", train: { steps: 3 }, change });
  using trainer = await started(request);
  const { message } = await assertRejects(() => trainTo(trainer), TypeError);
  assertMatch(message, /the rule reads scores \(at .*decide .*policy_asks_test\.ts:\d+:\d+\)/);
  assertMatch(message, /put "scores" beside "rule", such as \{ type: "importance"/);
});
