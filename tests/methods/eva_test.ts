/** EVA: the incremental decomposition against the whole one, ranks by hand, and what it starts from. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { ranksByVariance } from "../../src/methods/eva.ts";
import {
  explainedShares,
  type PrincipalRows,
  type RowBatch,
  withRows,
} from "../../src/methods/incremental_svd.ts";
import { findMethod } from "../../src/methods/table.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { trainingRequest } from "../train/fixture.ts";
import { assertResumes, ended, executor } from "./adapted_runs.ts";
import { assertAlmost } from "../graph/numbers.ts";

const width = 5;

function drawn(count: number, seed: number): RowBatch {
  const stream = RandomStream.fromSeed(seed);
  // Columns of different size and with a mean, so that directions differ and the shift counts.
  const data = Float64Array.from(
    stream.normals(count * width),
    (value, i) => value * (1 + i % width) + seed * (i % width),
  );
  return { data, count, width };
}

function joined(batches: readonly RowBatch[]): RowBatch {
  return {
    data: Float64Array.from(batches.flatMap(({ data }) => Array.from(data))),
    count: batches.reduce((sum, { count }) => sum + count, 0),
    width,
  };
}

Deno.test("batch by batch the decomposition is that of all rows together, where nothing is cut off", () => {
  const batches = [drawn(7, 1), drawn(12, 2), drawn(6, 3)];
  const found = batches.reduce<PrincipalRows | null>(
    (before, batch) => withRows(before, batch, width),
    null,
  )!;
  const whole = withRows(null, joined(batches), width);
  assertEquals(found.count, 25);
  assertAlmostEquals(found.spread, whole.spread, 1e-9);
  assertAlmost(found.mean, whole.mean, 1e-12);
  assertAlmost(found.values, whole.values, 1e-9);
  found.components.forEach((component, k) => assertAlmost(component, whole.components[k]!, 1e-9));
  // All directions together explain all.
  assertAlmostEquals(explainedShares(found).reduce((sum, share) => sum + share), 1, 1e-12);
});

Deno.test("rows behind the count, which are padding, do not count", () => {
  const batch = drawn(9, 4);
  const padded = { ...batch, data: [...Array.from(batch.data), 99, 99, 99, 99, 99] };
  assertEquals(withRows(null, padded, 2), withRows(null, batch, 2));
});

Deno.test("ranks go to what explains most; of equal ones the first module's, and under a cap what can be paid for", () => {
  const shared = [0.5, 0.2, 0.1];
  const explained = [shared, shared, [0.4, 0.3, 0.05]];
  const ranks = (total: number, cap: number | null = null) =>
    ranksByVariance(explained, { total, costs: [3, 3, 5], cap });
  assertEquals(ranks(3), [1, 1, 1]);
  assertEquals(ranks(5), [2, 1, 2]);
  assertEquals(ranks(1), [1, 0, 0]);
  // 3 + 3 for the first two, 5 for the third; the third's second rank is too dear for 14, and one of 3 fits.
  assertEquals(ranks(99, 14), [2, 1, 1]);
  assertEquals(ranks(99), [3, 3, 3]);
});

Deno.test("A starts as the directions, divided by the root of their values where they are whitened, and B as zero", () => {
  const eva = findMethod("eva");
  const found = withRows(null, drawn(20, 5), 3);
  const rows = (whiten: boolean) => {
    const { estimate } = eva.bind(eva.parseOptions({ whiten }));
    assert(estimate?.of === "inputs");
    return estimate.directionsOf(found);
  };
  assertEquals(rows(false), found.components);
  rows(true).forEach((row, k) =>
    Array.from(row).forEach((value, j) =>
      assertAlmostEquals(value * Math.sqrt(found.values[k]!), found.components[k]![j]!, 1e-12)
    )
  );
});

const train = { steps: 4, learningRate: 2e-2 };

/** A request with directions that are drawn. */
const requestOf: typeof trainingRequest = (on, run) => {
  const request = trainingRequest(on, run);
  const stream = RandomStream.fromSeed(6);
  return {
    ...request,
    directions: Object.fromEntries(
      request.assembly.ranks.map(({ module: { name, inSize } }) => [
        name,
        [0, 1].map((k) => stream.fork(`${name}/${k}`).normals(inSize)),
      ]),
    ),
  };
};

Deno.test("a run starts from its directions and is resumed to the bit", async () => {
  using run = await ended({ method: "eva", train }, requestOf);
  await assertResumes(run, [2]);
});

Deno.test("a run without directions is refused, and says where they come from", async () => {
  const request = trainingRequest(executor, { method: "eva", train });
  const error = await assertRejects(() => Trainer.create(request, null), RangeError);
  assertEquals(
    error.message,
    'Cannot start EVA in "layer.0.query": found no directions of its inputs, want 2; they are measured before a run, ' +
      'and given with its request as "directions"',
  );
});
