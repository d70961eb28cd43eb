/** AdamW, clipping, decay and the schedule against PyTorch. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { type HostTensor, input, makeProgram } from "../../src/graph/mod.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import { learningRateAt } from "../../src/study/grid/steps.ts";
import { decayMask, makeLayout } from "../../src/train/slots.ts";
import { adamW, optimiserInputs, optimiserVectors } from "../../src/train/optimiser.ts";
import { goldenModel } from "../models/fixture.ts";
import { assertClose, doubles } from "../graph/numbers.ts";

/** What PyTorch computed (`tests/golden/adamw.py`). */
interface Golden {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly decayed: readonly string[];
  readonly settings: {
    readonly learningRate: number;
    readonly warmup: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    readonly weightDecay: number;
    readonly clipNorm: number;
  };
  readonly start: readonly number[];
  readonly steps: readonly {
    readonly gradient: readonly number[];
    readonly norm: number;
    readonly learningRate: number;
    readonly theta: readonly number[];
  }[];
}

const golden: Golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/adamw.json", import.meta.url)),
);
const { settings, steps } = golden;
const layout = makeLayout(
  Object.entries(golden.shapes).map(([name, shape]) => ({
    name,
    shape,
    decay: golden.decayed.includes(name),
  })),
);
const { size } = layout;

type State = Readonly<Record<(typeof optimiserVectors)[number], HostTensor>>;

function freshState(isPerParameter: boolean): State {
  const zeros = () => doubles(new Float64Array(size));
  const weights = () => doubles(new Float64Array(isPerParameter ? size : 1));
  return { theta: doubles(golden.start), m: zeros(), v: zeros(), c1: weights(), c2: weights() };
}

/** A function that takes one step. */
async function makeStep(executor: Executor, isPerParameter: boolean) {
  const state = optimiserInputs(size, isPerParameter);
  const update = adamW(
    state,
    input("gradient", [size]),
    input("learningRate", []),
    settings,
    decayMask(layout),
  );
  const program = makeProgram({
    ...Object.fromEntries(optimiserVectors.map((name) => [`${name}.next`, update.state[name]])),
    norm: update.gradientNorm,
  });
  const session = await executor.load(program);
  return async (at: State, gradient: readonly number[], learningRate: number) => {
    const { read } = await session.run({
      feeds: { ...at, gradient: doubles(gradient), learningRate: doubles([learningRate], []) },
      dims: {},
      read: [...program.outputs.keys()],
    });
    const next = Object.fromEntries(
      optimiserVectors.map((name) => [name, read[`${name}.next`]!]),
    ) as State;
    return { next, norm: Number(read["norm"]!.data[0]) };
  };
}

const numbers = ({ data }: HostTensor) => Array.from(data, Number);

for (
  const [executor, tolerance] of [
    [new ReferenceExecutor(), 1e-9],
    [await nativeExecutor(1), 1e-5],
  ] as const
) {
  Deno.test(`${executor.kind}: ten steps are PyTorch's, with shared and with own corrections`, async () => {
    for (const isPerParameter of [false, true]) {
      const step = await makeStep(executor, isPerParameter);
      let state = freshState(isPerParameter);
      for (const [i, { gradient, learningRate, norm, theta }] of steps.entries()) {
        const own = learningRateAt(i, steps.length, { ...settings, schedule: "linear" });
        assertAlmostEquals(own, learningRate, 1e-15);
        const result = await step(state, gradient, own);
        assertClose([result.norm], [norm], tolerance, `norm of step ${i + 1}`);
        assertClose(numbers(result.next.theta), theta, tolerance, `theta after step ${i + 1}`);
        state = result.next;
      }
    }
    // The figures cover both cases of clipping.
    assert(steps.some(({ norm }) => norm < settings.clipNorm));
    assert(steps.some(({ norm }) => norm > settings.clipNorm));
  });
}

Deno.test("own corrections equal the shared one from step 0 on, to the bit", async () => {
  const executor = new ReferenceExecutor();
  const [shared, own] = [await makeStep(executor, false), await makeStep(executor, true)];
  let a = freshState(false), b = freshState(true);
  for (const { gradient, learningRate } of steps) {
    a = (await shared(a, gradient, learningRate)).next;
    b = (await own(b, gradient, learningRate)).next;
    for (const name of ["theta", "m", "v"] as const) {
      assertEquals(numbers(b[name]), numbers(a[name]));
    }
    for (const name of ["c1", "c2"] as const) {
      assertEquals(numbers(b[name]), new Array(size).fill(Number(a[name].data[0])));
    }
  }
});

Deno.test("an entry that is restarted in mid-training steps like a fresh parameter, of size lr", async () => {
  const step = await makeStep(new ReferenceExecutor(), true);
  let state = freshState(true);
  for (const { gradient, learningRate } of steps) {
    state = (await step(state, gradient, learningRate)).next;
  }
  // Entries of a bias, which no decay moves besides.
  const restarted = [12, 14];
  const cleared = Object.fromEntries(
    optimiserVectors.map((name) => [
      name,
      name === "theta"
        ? state.theta
        : doubles(numbers(state[name]).map((value, i) => restarted.includes(i) ? 0 : value)),
    ]),
  ) as State;
  const { gradient } = steps[0]!;
  const rate = 0.01;
  const { next } = await step(cleared, gradient, rate);
  const { next: fresh } = await step(freshState(true), gradient, rate);
  const { next: kept } = await step(state, gradient, rate);
  for (let i = 0; i < size; i++) {
    const moved = (after: State, before: State) =>
      Number(after.theta.data[i]) - Number(before.theta.data[i]);
    const found = moved(next, cleared);
    if (restarted.includes(i)) {
      assertAlmostEquals(found, moved(fresh, freshState(true)), 1e-15);
      assertAlmostEquals(Math.abs(found), rate, 1e-6);
    } else {
      assertEquals(found, moved(kept, state));
    }
  }
});

Deno.test("decay spares biases and norms, as the usual list of names does", () => {
  const { config } = goldenModel();
  const parameters = [
    ...architectureOf(config).encoderParameters(config),
    ...architectureOf(config).headParameters(config, 3),
  ];
  for (const { name, decay } of parameters) {
    assertEquals(decay, !/bias|LayerNorm/.test(name), name);
  }
  const layout = makeLayout(parameters);
  const mask = decayMask(layout);
  for (const slice of layout.slices) {
    const own = mask.subarray(slice.offset, slice.offset + slice.size);
    assert(own.every((value) => value === (/bias|LayerNorm/.test(slice.name) ? 0 : 1)), slice.name);
  }
});
