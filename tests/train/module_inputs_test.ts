/** States at the boundaries of layers; directions of what enters each module, and ranks by what they explain, against peft's EVA (`tests/golden/peft_variants.py`). */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { findMethod } from "../../src/methods/table.ts";
import type { InputEstimate } from "../../src/methods/rank_estimate.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import { bert } from "../../src/models/bert.ts";
import { targetModules } from "../../src/models/config.ts";
import { layerStates, moduleInputs } from "../../src/train/module_inputs.ts";
import { expected, goldenModel } from "../models/fixture.ts";
import { batchOf, paddedTokens } from "../models/golden_tokens.ts";
import { goldenEncoder, goldenFamilies } from "../models/encoders.ts";
import { common, debertaModel } from "../models/deberta_fixture.ts";
import { goldenUrl, readDoubles } from "./peft_runs.ts";
import { type Batch } from "../../src/tasks/types.ts";

const golden: {
  readonly rho: number;
  readonly evaRank: number;
  readonly eva: Readonly<
    Record<string, { readonly rows: number; readonly explained: readonly number[] }>
  >;
} = JSON.parse(Deno.readTextFileSync(goldenUrl("peft_variants.json")));
const stored = readDoubles(Deno.readFileSync(goldenUrl("peft_variants.safetensors")));

const executor = new ReferenceExecutor();
const model = goldenModel();
const modules = targetModules(model.config);

const batches = [expected.ids, expected.ids.map((id) => (id * 7 + 3) % 40)]
  .map((ids) => batchOf({ ...expected, ids }, [0, 0, 0]));

function estimateOf(options: Readonly<Record<string, unknown>> = {}): InputEstimate {
  const eva = findMethod("eva");
  const { estimate } = eva.bind(eva.parseOptions({ rho: golden.rho, ...options }));
  assert(estimate?.of === "inputs");
  return estimate;
}

async function found(
  { rank = golden.evaRank, cap = null, options = {} }: {
    readonly rank?: number;
    readonly cap?: number | null;
    readonly options?: Readonly<Record<string, unknown>>;
  },
) {
  return await moduleInputs(executor, model, batches, estimateOf(options), {
    modules,
    ranks: modules.map(() => rank),
    purse: {
      total: rank * modules.length,
      costs: modules.map(({ inSize, outSize }) => inSize + outSize),
      cap,
    },
  });
}

Deno.test("directions, what they explain, when they are found and the ranks are peft's", async () => {
  const { ranks, explained, found: principal } = await found({});
  const { directionsOf } = estimateOf();
  const wantedRanks = modules.map(({ name, inSize }) =>
    stored.get(`eva/${name}.A`)!.length / 2 / inSize
  );
  assert(new Set(wantedRanks).size > 2);
  assertEquals(ranks, wantedRanks);
  modules.forEach((module, i) => {
    const wanted = golden.eva[`bert.${bert.modulePath(module.layer, module.part)}`];
    if (wanted !== undefined) {
      assertEquals(principal[i]!.count, wanted.rows, module.name);
      wanted.explained.forEach((share, k) =>
        assertAlmostEquals(explained[i]![k]!, share, 1e-6, module.name)
      );
    }
    // peft has them in single precision.
    const rows = stored.get(`eva/${module.name}.A`)!;
    directionsOf(principal[i]!).slice(0, ranks[i]).forEach((row, k) =>
      Array.from(row).forEach((value, j) =>
        assertAlmostEquals(value, rows[k * module.inSize + j]!, 1e-5, module.name)
      )
    );
  });
  assertEquals(Object.keys(golden.eva).length, 8);
});

Deno.test("rho of 1 gives every module the budget's rank; a cap of numbers is kept and used", async () => {
  const even = await found({ rank: 2, options: { rho: 1 } });
  assertEquals(even.ranks, modules.map(() => 2));
  const cap = 700;
  const { ranks } = await found({ cap });
  const costs = modules.map(({ inSize, outSize }) => inSize + outSize);
  const spent = ranks.reduce((sum, rank, i) => sum + rank * costs[i]!, 0);
  assert(spent <= cap && spent > cap - Math.min(...costs), `${spent}`);
});

Deno.test("a batch with fewer tokens than directions is refused when there is no other", async () => {
  const error = await assertRejects(() => found({ rank: 10 }), RangeError);
  assertEquals(
    error.message,
    'Cannot find 20 directions of what enters "layer.0.output": no batch of texts has so many tokens; ' +
      'lower the budget or "rho", or raise "examples"',
  );
});

Deno.test("every family's modules have inputs of their own width; those of a layer's queries, keys and values are one", async () => {
  const encoders = [
    ...goldenFamilies.map((family) => {
      const { model: { config, tensors }, expected } = goldenEncoder(family);
      return { config, tensors, tokens: expected };
    }),
    { ...debertaModel("shared", 3), tokens: common },
  ];
  for (const { config, tensors, tokens } of encoders) {
    const own = targetModules(config);
    const { title } = architectureOf(config);
    const { found: principal } = await moduleInputs(
      executor,
      { config, tensors },
      [batchOf(tokens, Array(tokens.size).fill(0))],
      estimateOf({ rho: 1 }),
      {
        modules: own,
        ranks: own.map(() => 1),
        purse: { total: own.length, costs: own.map(() => 1), cap: null },
      },
    );
    own.forEach(({ name, inSize }, i) =>
      assertEquals(principal[i]!.components[0]!.length, inSize, `${title} ${name}`)
    );
    // Queries, keys and values share one input; the other three modules of a layer have one each.
    assertEquals(new Set(principal).size, 4 * config.layers, title);
  }
});

const { size, length } = expected;
/** The golden turned, its texts in another order than their rows. */
const turned = {
  ...paddedTokens(expected),
  rows: Array.from({ length: size }, (_, i) => size - 1 - i),
} as unknown as Batch;

Deno.test("the states after the last layer are transformers', pooled over tokens or the first one", async () => {
  const { config } = goldenModel();
  const at = (text: number, place: number, j: number) =>
    expected.hidden[(text * length + place) * config.hidden + j]!;
  const mean = await layerStates(executor, goldenModel(), [turned], "mean");
  const first = await layerStates(executor, goldenModel(), [turned], "first");
  assertEquals(mean.length, config.layers + 1);
  for (let text = 0; text < size; text++) {
    const tokens = Array.from({ length }, (_, place) => place)
      .filter((place) => expected.mask[text * length + place] === 1);
    for (let j = 0; j < config.hidden; j++) {
      const wanted = tokens.reduce((sum, place) => sum + at(text, place, j), 0) / tokens.length;
      assertAlmostEquals(mean.at(-1)![size - 1 - text]![j]!, wanted, 1e-5);
      assertAlmostEquals(first.at(-1)![size - 1 - text]![j]!, at(text, 0, j), 1e-5);
    }
  }
});

Deno.test("the states that enter a layer are those that an encoder without it and its successors gives", async () => {
  const model = goldenModel();
  const whole = await layerStates(executor, model, [turned], "mean");
  for (let layers = 0; layers < model.config.layers; layers++) {
    const short = { ...model, config: { ...model.config, layers } };
    const states = await layerStates(executor, short, [turned], "mean");
    assertEquals(states.length, layers + 1);
    assertEquals(states.at(-1), whole[layers]);
  }
});
