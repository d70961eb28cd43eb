/** Directions of what enters each module, and ranks by what they explain, against peft's EVA (`tests/golden/peft_variants.py`). */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { findMethod } from "../../src/methods/table.ts";
import type { InputEstimate } from "../../src/methods/rank_estimate.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import { bert } from "../../src/models/bert.ts";
import { targetModules } from "../../src/models/config.ts";
import { moduleInputs } from "../../src/train/module_inputs.ts";
import { expected, goldenModel } from "../models/fixture.ts";
import { batchOf } from "../models/golden_tokens.ts";
import { goldenEncoder, goldenFamilies } from "../models/encoders.ts";
import {
  common,
  configOf,
  golden as debertaGolden,
  parametersFor,
} from "../models/deberta_fixture.ts";
import { goldenUrl, readDoubles } from "./peft_runs.ts";

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
  const deberta = configOf(
    debertaGolden<{ readonly config: Parameters<typeof configOf>[0] }>("shared").config,
  );
  const encoders = [
    ...goldenFamilies.map((family) => {
      const { model: { config, tensors }, expected } = goldenEncoder(family);
      return { config, tensors, tokens: expected };
    }),
    { config: deberta, tensors: parametersFor(deberta, 3), tokens: common },
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
