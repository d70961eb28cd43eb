/** Intrinsic dimensions against known clouds and scikit-dimension, and the ranks that GeLoRA makes of them. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { gelora, ranksOfDimensions } from "../../src/methods/gelora.ts";
import { twonn } from "../../src/methods/twonn.ts";
import { spreadOver } from "../../src/study/budget/costs.ts";
import type { ModuleShape } from "../../src/study/types.ts";
import { factsOf } from "./policies.ts";
import golden from "../golden/twonn.json" with { type: "json" };

const usual = { estimator: "regression", discard: 0.1 } as const;

/** Gaussian points of some dimension, turned and stretched into another. */
function cloud(count: number, dimension: number, into: number): Float64Array[] {
  const stream = RandomStream.fromSeed(dimension);
  const axes = Array.from({ length: dimension }, () => stream.normals(into));
  return Array.from({ length: count }, () => {
    const at = stream.normals(dimension);
    return Float64Array.from(
      { length: into },
      (_, j) => axes.reduce((sum, axis, i) => sum + at[i]! * axis[j]!, 0),
    );
  });
}

Deno.test("twonn() finds the dimension of 2000 Gaussian points within a tenth", () => {
  for (const dimension of [2, 5, 10]) {
    const found = twonn(cloud(2000, dimension, 50), usual);
    assert(Math.abs(found / dimension - 1) < 0.1, `${found} for dimension ${dimension}`);
  }
});

Deno.test("twonn() gives scikit-dimension's figures", () => {
  for (const [discard, wanted] of Object.entries(golden.regression)) {
    const found = twonn(golden.points, { estimator: "regression", discard: Number(discard) });
    assertAlmostEquals(found, wanted, 1e-9);
  }
  assertAlmostEquals(
    twonn(golden.points, { estimator: "likelihood", discard: 0.1 }),
    golden.likelihood,
    1e-9,
  );
});

Deno.test("twonn() leaves out points that equal another, and refuses too few", () => {
  const doubled = [...golden.points, ...golden.points.slice(0, 40)];
  assertEquals(twonn(doubled, usual), twonn(golden.points, usual));
  assertThrows(
    () => twonn(Array.from({ length: 90 }, (_, i) => [i % 19, 0]), usual),
    RangeError,
    "found 19 distinct points among 90, want at least 20",
  );
});

Deno.test("ranksOfDimensions() adds one to a rise, rounded half up, and gives a fall one", () => {
  assertEquals(ranksOfDimensions([10.2, 12.7, 12.1, 15.0]), [4, 1, 4]);
  assertEquals(ranksOfDimensions([0, 0.49, 0.99, 0.5]), [1, 2, 1]);
});

function modulesOf(layers: number): readonly ModuleShape[] {
  return Array.from(
    { length: layers },
    (_, layer) =>
      (["query", "output"] as const).map((part): ModuleShape => ({
        name: `layer.${layer}.${part}`,
        layer,
        part,
        inSize: 8,
        outSize: 8,
      })),
  ).flat();
}

Deno.test("GeLoRA spreads a budget by the rule's ranks, or takes them as they are", () => {
  const ranksOf = (options: Record<string, string>) => {
    const { estimate } = gelora.bind(gelora.parseOptions(options));
    assert(estimate !== undefined && (estimate.of === undefined || estimate.of === "states"));
    return estimate.ranksOf(
      [10.2, 12.7, 12.1, 15.0],
      modulesOf(3),
      (weights) => spreadOver(24, weights),
    );
  };
  assertEquals(ranksOf({ ranks: "paper" }), [4, 4, 1, 1, 4, 4]);
  // 24 ranks over weights of 18: 5.33, 1.33, 5.33 a module.
  const scaled = ranksOf({});
  assertEquals(scaled.reduce((sum, rank) => sum + rank), 24);
  scaled.forEach((rank, i) => assert(Math.abs(rank - [16, 16, 4, 4, 16, 16][i]! / 3) < 1));
});

Deno.test("GeLoRA refuses a run with fewer texts than it is to measure", () => {
  const facts = factsOf({ trainExamples: 640 });
  assertThrows(
    () => gelora.check(gelora.parseOptions({}), facts),
    RangeError,
    'found 640 training examples, the option "examples" wants 1000; set it to at most 640',
  );
  gelora.check(gelora.parseOptions({ examples: 640 }), facts);
});
