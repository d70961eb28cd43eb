import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../../src/base/input_error.ts";
import type { Executor, Session } from "../../../src/exec/executor.ts";
import { nativeExecutor } from "../../../src/exec/native.ts";
import type { HostTensor } from "../../../src/graph/mod.ts";
import {
  Comparison,
  describeDifference,
  type Difference,
} from "../../../tools/traces/difference.ts";
import {
  checkChain,
  followTrace,
  graphGradients,
  ranksOf,
  readGradients,
  traceFeeds,
  traceProgram,
} from "../../../tools/traces/follow_graph.ts";
import { followDecisions, type StepGradients } from "../../../tools/traces/follow_policy.ts";
import { parseTrace, type Trace, type TraceStep } from "../../../tools/traces/trace.ts";
import { type Change, edited, load, names, plus, times } from "./fixture.ts";
import { type ModuleSlots, slotParts, type SlotTable } from "../../../tools/traces/slots.ts";

/** The parameters that a step starts from, as recorded. */
function startOf(trace: Trace, index: number): SlotTable {
  const before = trace.steps[index - 1];
  return before === undefined ? trace.initial : before.event?.paramsAfter ?? before.paramsBefore;
}

for (const name of names) {
  Deno.test(`followTrace agrees with ${name} to nine digits through the graph`, () => {
    const trace = parseTrace(load(name), name);
    const { difference, steps, events } = followTrace(trace);
    assertEquals(difference && describeDifference(difference), null);
    assertEquals(steps, trace.steps.length);
    assertEquals(events, trace.steps.filter(({ event }) => event !== null).length);
    assert(events > 0);
  });
}

Deno.test("followTrace rebuilds the program where ranks change", () => {
  const trace = parseTrace(load("elalora_trace_a"), "a");
  const starts = trace.steps.map((_, i) => ranksOf(trace, startOf(trace, i)).join());
  assert(new Set(starts).size > 2, starts.join(" "));
  const shape = (ranks: readonly number[], name: string) =>
    traceProgram(trace, ranks).outputs.get(name)!.shape;
  assertEquals(shape([2, 4, 3, 3], "gradient.m0.A"), [2, 5]);
  assertEquals(shape([2, 4, 3, 3], "gradient.m1.E"), [4, 1]);
  assertEquals(shape([2, 4, 3, 3], "gradient.m1.B"), [4, 4]);
});

Deno.test("followTrace names the one number that was changed", () => {
  const cases: [string, string, Change, string, number][] = [
    ["elalora_trace_a", "steps/4/loss", plus(1e-8), "Step 5: loss is ", 4],
    [
      "elalora_trace_a",
      "steps/6/grads/m2.B/1/2",
      times(1 + 1e-8),
      'Step 7: gradient of "m2" at B[2][1] is ',
      6,
    ],
    [
      "elalora_trace_b",
      "steps/7/params_before/m1.A/3/0",
      times(1 - 1e-8),
      'Step 8: parameters before the event of "m1" at A[3][0] is ',
      7,
    ],
    [
      "elalora_trace_a",
      "steps/9/random_vectors/3/0",
      plus(0.1),
      'Step 10: parameters after the event of "m1" at B[2][0] is ',
      9,
    ],
    [
      "elalora_trace_a",
      "steps/9/scores/2/1",
      times(1 + 1e-8),
      'Step 10: score of "m2" at [1] is ',
      9,
    ],
    ["adalora_trace_a", "steps/5/ranks/1", plus(1), 'Step 6: rank of "m1" is 3, 4 wanted', 5],
    [
      "adalora_trace_b",
      "steps/3/exp_avg_ipt/m0.E/2/0",
      times(1 + 1e-8),
      'Step 4: sensitivity of "m0" at E[2] is ',
      3,
    ],
    // What the network is made of is not compared itself; it shows in the first loss.
    ["adalora_trace_b", "frozen/m1/weight/0/1", plus(1e-3), "Step 1: loss is ", 0],
    ["adalora_trace_b", "frozen/m2/bias/0", plus(1e-3), "Step 1: loss is ", 0],
    ["elalora_trace_b", "x/2/0", plus(1e-3), "Step 1: loss is ", 0],
    ["elalora_trace_b", "y/2/0", plus(1e-3), "Step 1: loss is ", 0],
    ["elalora_trace_b", "config/orth_reg", times(1.001), "Step 1: loss is ", 0],
    ["elalora_trace_b", "config/alpha", times(1.001), "Step 1: loss is ", 0],
    ["elalora_trace_b", "config/ranknum", plus(1), "Step 1: loss is ", 0],
  ];
  for (const [name, path, change, text, steps] of cases) {
    const followed = followTrace(parseTrace(edited(name, path, change), name));
    assert(followed.difference !== null, text);
    const found = describeDifference(followed.difference);
    assertEquals(found.slice(0, text.length), text, found);
    assertEquals(followed.steps, steps, found);
  }
});

Deno.test("followTrace takes nothing but data, start and random vectors from the trace", () => {
  const trace = parseTrace(load("elalora_trace_a"), "a");
  const spoilt: Trace = {
    ...trace,
    steps: trace.steps.map((step) => ({ ...step, loss: NaN, gradients: {} })),
  };
  const source = graphGradients(spoilt);
  const { loss, gradients } = source(spoilt.steps[0]!, spoilt.initial);
  assert(Math.abs(loss - trace.steps[0]!.loss) < 1e-12);
  const comparison = new Comparison({ absolute: 1e-15, relative: 1e-9 });
  comparison.table(1, "gradient", gradients, trace.steps[0]!.gradients);
  assertEquals(comparison.first, null);
});

Deno.test("graphGradients gives a module without slots no adapter", () => {
  const trace = parseTrace(load("elalora_trace_a"), "a");
  const { a, e, b } = trace.initial["m1"]!;
  const at = (m1: ModuleSlots) => graphGradients(trace)(trace.steps[0]!, { ...trace.initial, m1 });
  const without = at({ a: [], e: new Float64Array(), b: [] });
  assertEquals(without.gradients["m1"], { a: [], e: new Float64Array(), b: [] });
  // With E at zero the slots change nothing but m1's two of eight orthogonality terms.
  const masked = at({ a, e: e.map(() => 0), b });
  const norm = (rows: readonly Float64Array[]) => {
    let sum = 0;
    rows.forEach((p, i) =>
      rows.forEach((q, j) => {
        const dot = p.reduce((total, value, k) => total + value * q[k]!, 0);
        sum += (dot - (i === j ? 1 : 0)) ** 2;
      })
    );
    return Math.sqrt(sum);
  };
  const gone = trace.config.orth_reg * (norm(a) + norm(b)) / 8;
  assert(Math.abs(masked.loss - gone - without.loss) < 1e-12);
  assert(Math.abs(masked.loss - trace.steps[0]!.loss) > 1e-3);
});

Deno.test("a trace whose modules do not chain is refused by name", () => {
  const trace = parseTrace(load("elalora_trace_a"), "a");
  const [first, ...rest] = trace.modules;
  const broken: Trace = { ...trace, modules: [{ ...first!, outSize: 9 }, ...rest] };
  const text =
    'Cannot build the network of trace "a": "m0" yields 9 numbers and "m1" takes 6, want the same';
  assertThrows(() => checkChain(broken), InputError, text);
  assertThrows(() => followTrace(broken), InputError, text);
});

/** Loss and gradients in single precision through an executor; one loaded program for each set of ranks. */
class SinglePrecision {
  readonly #sessions = new Map<string, Promise<Session>>();

  constructor(readonly executor: Executor, readonly trace: Trace) {}

  async at(params: SlotTable): Promise<ReturnType<StepGradients>> {
    const ranks = ranksOf(this.trace, params);
    const program = traceProgram(this.trace, ranks);
    const held = this.#sessions.get(ranks.join()) ?? this.executor.load(program);
    this.#sessions.set(ranks.join(), held);
    const feeds = Object.fromEntries(
      Object.entries(traceFeeds(this.trace, params)).map(([name, host]): [string, HostTensor] => [
        name,
        { ...host, data: Float32Array.from(host.data as Float64Array) },
      ]),
    );
    const session = await held;
    const { read } = await session.run({ feeds, dims: {}, read: [...program.outputs.keys()] });
    assert(Object.values(read).every(({ data }) => data instanceof Float32Array));
    return readGradients(this.trace, read);
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
  }
}

/** Raised where gradients are needed that have not been computed yet. */
class GradientsWanted extends Error {
  constructor(readonly step: TraceStep, readonly params: SlotTable) {
    super(`gradients of step ${step.step}`);
  }
}

/** Follows with gradients that are computed asynchronously: as far as they are known, then once more with the next. */
async function followWith(
  trace: Trace,
  gradientsAt: (params: SlotTable) => Promise<ReturnType<StepGradients>>,
  tolerance: { readonly absolute: number; readonly relative: number },
): Promise<Difference | null> {
  const known = new Map<number, ReturnType<StepGradients>>();
  while (true) {
    try {
      return followDecisions(trace, {
        tolerance,
        gradients: (step, params) => {
          const found = known.get(step.step);
          if (found === undefined) throw new GradientsWanted(step, params);
          return found;
        },
      });
    } catch (error) {
      if (!(error instanceof GradientsWanted)) throw error;
      known.set(error.step.step, await gradientsAt(error.params));
    }
  }
}

/** The first gradient that is off by more than 1e-4 of the largest in its matrix, or a loss by 1e-4 of itself. */
function singleDifference(
  { step, loss, gradients }: TraceStep,
  found: ReturnType<StepGradients>,
): Difference | null {
  const at = { step, quantity: "loss", module: null, index: "" };
  const ofLoss = new Comparison({ absolute: 0, relative: 1e-4 });
  ofLoss.number(at, found.loss, loss);
  if (ofLoss.first !== null) return ofLoss.first;
  for (const [module, own] of Object.entries(gradients)) {
    for (const part of slotParts) {
      const numbers = (slots: ModuleSlots) =>
        part === "e" ? [...slots.e] : slots[part].flatMap((row) => [...row]);
      const wanted = numbers(own);
      const largest = Math.max(...wanted.map(Math.abs));
      const comparison = new Comparison({ absolute: 1e-4 * largest, relative: 0 });
      const place = { step, quantity: "gradient", module, index: part };
      comparison.list(place, numbers(found.gradients[module]!), wanted);
      if (comparison.first !== null) return comparison.first;
    }
  }
  return null;
}

for (const name of names) {
  Deno.test(`the native executor agrees with each step of ${name} in single precision`, async () => {
    const trace = parseTrace(load(name), name);
    const source = new SinglePrecision(await nativeExecutor(1), trace);
    for (const [i, recorded] of trace.steps.entries()) {
      const difference = singleDifference(recorded, await source.at(startOf(trace, i)));
      assertEquals(difference && describeDifference(difference), null);
    }
    await source.release();
  });

  Deno.test(`gradients in single precision lead to the ranks of ${name}`, async () => {
    const trace = parseTrace(load(name), name);
    const source = new SinglePrecision(await nativeExecutor(1), trace);
    // Gradients are of the order of 1, and their rounding is carried from step to step.
    const tolerance = { absolute: 5e-5, relative: 1e-4 };
    const difference = await followWith(trace, (params) => source.at(params), tolerance);
    assertEquals(difference && describeDifference(difference), null);
    await source.release();
  });
}
