import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../../src/base/input_error.ts";
import { describeDifference } from "../../../tools/traces/difference.ts";
import { followDecisions } from "../../../tools/traces/follow_policy.ts";
import { parseTrace } from "../../../tools/traces/trace.ts";
import {
  become,
  type Change,
  edited,
  load,
  names,
  plus,
  remove,
  shorten,
  times,
} from "./fixture.ts";
import type { SlotTable } from "../../../tools/traces/slots.ts";

for (const name of names) {
  Deno.test(`followDecisions agrees with the authors' ${name} to nine digits`, () => {
    const trace = parseTrace(load(name), name);
    assert(trace.steps.some(({ event }) => event !== null));
    const difference = followDecisions(trace);
    assertEquals(difference && describeDifference(difference), null);
  });
}

Deno.test("followDecisions agrees with AdaLoRA's traces with exact ties too", () => {
  for (const name of names.slice(2)) {
    assertEquals(followDecisions(parseTrace(load(name), name), { ties: "exact" }), null);
  }
});

Deno.test("followDecisions names the first number that differs", () => {
  const cases: [string, string, Change, string][] = [
    [
      "elalora_trace_a",
      "steps/4/exp_avg_ipt/m1.A/2/3",
      times(1 + 1e-8),
      'Step 5: sensitivity of "m1" at A[2][3] is',
    ],
    [
      "elalora_trace_a",
      "steps/2/exp_avg_unc/m0.B/5/1",
      times(1 - 1e-8),
      'Step 3: uncertainty of "m0" at B[1][5] is',
    ],
    ["elalora_trace_a", "steps/9/threshold", times(1.001), "Step 10: threshold is"],
    ["elalora_trace_a", "steps/9/scores/2/1", times(1.001), 'Step 10: score of "m2" at [1] is'],
    [
      "elalora_trace_a",
      "steps/9/random_vectors/3/0",
      plus(0.1),
      'Step 10: parameters after the event of "m1" at B[2][0] is',
    ],
    [
      "elalora_trace_a",
      "steps/12/random_vectors",
      shorten,
      "Step 13: random vectors at .length is 6, 5 wanted",
    ],
    ["elalora_trace_b", "config/mask_interval", become(3), "Step 4: event is none, due wanted"],
    ["elalora_trace_b", "config/b", become(2), "Step 1: budget is 2, 3 wanted"],
    ["adalora_trace_a", "config/target_total_rank", become(7), "Step 6: budget is 12, 13 wanted"],
    ["adalora_trace_a", "steps/5/ranks/1", plus(1), 'Step 6: rank of "m1" is 3, 4 wanted'],
    [
      "adalora_trace_b",
      "steps/16/params_after/m2.E/0/0",
      plus(1e-6),
      'Step 17: parameters after the event of "m2" at E[0] is',
    ],
    [
      "adalora_trace_b",
      "config/sgd_lr",
      become(0.051),
      'Step 1: parameters before the event of "m0" at A[0][0] is',
    ],
  ];
  for (const [name, path, change, text] of cases) {
    const difference = followDecisions(parseTrace(edited(name, path, change), name));
    assert(difference !== null, text);
    const found = describeDifference(difference);
    assertEquals(found.slice(0, text.length), text, found);
  }
});

Deno.test("followDecisions takes loss and gradients from a callback", () => {
  const trace = parseTrace(load("elalora_trace_a"), "a");
  const ranks: number[][] = [];
  const watched = followDecisions(trace, {
    gradients: ({ loss, gradients }, params: SlotTable) => {
      ranks.push(Object.values(params).map(({ e }) => e.length));
      return { loss, gradients };
    },
  });
  assertEquals(watched, null);
  assertEquals([ranks[0], ranks[13], ranks.at(-1)], [[3, 3, 3, 3], [2, 3, 3, 4], [2, 4, 3, 3]]);
  const wrong = followDecisions(trace, {
    gradients: ({ loss, gradients, step }) => ({ loss: step < 4 ? loss : loss + 1e-6, gradients }),
  });
  assertEquals([wrong?.step, wrong?.quantity, wrong?.module], [4, "loss", null]);
  const steep = followDecisions(trace, {
    gradients: ({ loss, gradients }) => ({
      loss,
      gradients: {
        ...gradients,
        m3: { ...gradients["m3"]!, e: gradients["m3"]!.e.map((g) => g * 1.01) },
      },
    }),
  });
  assertEquals([steep?.step, steep?.quantity, steep?.module, steep?.index], [
    1,
    "gradient",
    "m3",
    "E[0]",
  ]);
});

Deno.test("parseTrace says which field is missing or of a wrong shape", () => {
  const cases: [string, Change, string][] = [
    ["config/alpha", remove, '"config.alpha"'],
    ["steps/3/loss", become("1"), '"steps.3.loss"'],
    ["steps/3/b", remove, '"steps.3.b" is missing'],
    ["frozen/m2", remove, '"frozen.m2" is missing'],
    ["steps/1/grads/m1.B", remove, '"steps.1.grads.m1.B" is missing'],
    ["initial/m0.A", shorten, '"initial.m0.A" has 2 rows, 3 wanted'],
    ["steps/0/grads/m0.B/2", shorten, '"steps.0.grads.m0.B" row 2 has 2 entries, 3 wanted'],
    ["steps/6/params_after", remove, '"steps.6" is marked as adjusted'],
    ["steps/2/ranks", shorten, '"steps.2.ranks" has 3 entries, 4 wanted'],
    ["x/4", shorten, '"x" row 4 has 4 entries, 5 wanted'],
  ];
  for (const [path, change, text] of cases) {
    const json = edited("elalora_trace_a", path, change);
    const error = assertThrows(() => parseTrace(json, "elalora_trace_a"), InputError, text);
    assertEquals(error.message.startsWith('Cannot read trace "elalora_trace_a": '), true);
  }
});
