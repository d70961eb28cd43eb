/** SD-LoRA's decisions at the end of a task, and how a direction is expressed by earlier ones, in plain numbers. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { actionsOf, droppedSlots } from "../../src/methods/rank_actions.ts";
import type { RowView } from "../../src/methods/rank_policy.ts";
import { sdlora } from "../../src/methods/sdlora.ts";
import { type Direction, expressed, innerProduct } from "../../src/methods/factored_directions.ts";
import { contextOf, factsOf, grownIn, viewOf } from "./policies.ts";
import {
  type SdloraOptions,
  sdloraOptions,
  sdloraPolicy,
} from "../../src/methods/sdlora_policy.ts";

/** Random factors of a direction, `rank` rows. */
function direction(seed: number, rank = 2, factor = 1): Direction {
  const stream = RandomStream.fromSeed(seed);
  const rows = (width: number) => Array.from({ length: rank }, () => stream.normals(width));
  return { A: rows(5), B: rows(4), factor };
}

/** BA, whole, `[4][5]`. */
function whole({ A, B, factor }: Direction): readonly number[] {
  return Array.from({ length: 20 }, (_, at) => {
    const [o, i] = [Math.floor(at / 5), at % 5];
    return factor * A.reduce((sum, a, k) => sum + a[i]! * B[k]![o]!, 0);
  });
}

Deno.test("inner products of directions follow from their factors", () => {
  const [one, other] = [direction(1, 2, 0.5), direction(2, 3)];
  const wanted = whole(one).reduce((sum, value, i) => sum + value * whole(other)[i]!, 0);
  assertAlmostEquals(innerProduct(one, other), wanted, 1e-12);
});

Deno.test("a direction that is a mix of earlier ones has a residual of 0 and the coefficients of the mix", () => {
  const [one, two] = [direction(1), direction(2)];
  const mix: Direction = {
    A: [...one.A, ...two.A],
    B: [
      ...one.B.map((row) => Array.from(row, (value) => 0.3 * value)),
      ...two.B.map((row) => Array.from(row, (value) => -2 * value)),
    ],
    factor: 1,
  };
  const { a, residual } = expressed([[one], [two]], [mix]);
  assertAlmostEquals(residual, 0, 1e-12);
  assertAlmostEquals(a[0]!, 0.3, 1e-12);
  assertAlmostEquals(a[1]!, -2, 1e-12);
  // Earlier directions that are multiples of one another are no obstacle.
  const twice = expressed([[one], [{ ...one, factor: 2 }], [two]], [mix]);
  assertAlmostEquals(twice.residual, 0, 1e-9);
  assertAlmostEquals(twice.a[0]! + 2 * twice.a[1]!, 0.3, 1e-9);
  // Directions at right angles, the second with a squared norm of 1.1 and of 0.9 millionths of the first's.
  const crossed = (squared: number) => {
    const [along, across]: [Direction, Direction] = [
      { A: [[1, 0]], B: [[1]], factor: 1 },
      { A: [[0, Math.sqrt(squared)]], B: [[1]], factor: 1 },
    ];
    const both = { A: [...along.A, ...across.A], B: [[1], [1]], factor: 1 };
    return expressed([[along], [across]], [both]).a.map((value) => Math.round(value * 1e6) / 1e6);
  };
  assertEquals([crossed(1.1e-6), crossed(0.9e-6)], [[1, 1], [1, 0]]);
  // The residual of another direction is that of the least squares over the whole matrices, by their projections.
  const other = direction(3);
  const found = expressed([[one], [two]], [other]);
  const left = whole(other).map((value, i) =>
    value - found.a[0]! * whole(one)[i]! - found.a[1]! * whole(two)[i]!
  );
  const squares = (values: readonly number[]) => values.reduce((sum, v) => sum + v * v, 0);
  assertAlmostEquals(found.residual, squares(left) / squares(whole(other)), 1e-12);
  for (const earlier of [one, two]) {
    const along = left.reduce((sum, value, i) => sum + value * whole(earlier)[i]!, 0);
    assertAlmostEquals(along, 0, 1e-10);
  }
});

const plain = sdloraOptions.parse({ tau: 9e-4 });
const shapes = ["query", "key"].map((name) => ({ name, inSize: 5, outSize: 4 }));
const stages = [0, 1, 2, 3].map((task) => ({
  task: `task ${task}`,
  firstStep: 4 * task,
  steps: 4,
  classes: null,
}));

/** Rows of both modules after the first two tasks, the second of which is a multiple of the first in `query`. */
function rowsAfterTwo(
  isMultiple: Readonly<Record<string, boolean>>,
  alpha: readonly number[],
): RowView {
  const rows: Record<string, readonly ArrayLike<number>[]> = {};
  shapes.forEach(({ name }, i) => {
    const first = direction(10 + i), second = isMultiple[name] ? first : direction(20 + i);
    const factor = isMultiple[name] ? -3 : 1;
    rows[`${name}.A`] = [...first.A, ...second.A];
    rows[`${name}.B`] = [
      ...first.B,
      ...second.B.map((row) => Array.from(row, (value) => factor * value)),
    ];
    rows[`${name}.alpha`] = [alpha];
  });
  return viewOf({
    rows: (module, part) => rows[`${module}.${part}`]!.map((row) => Float32Array.from(row)),
  });
}

/** The decision when the second of four tasks ends. */
function secondEnd(
  changed: Partial<SdloraOptions>,
  isMultiple: Readonly<Record<string, boolean>>,
) {
  const policy = sdloraPolicy({ ...plain, ...changed });
  const begun = policy.start(contextOf([2, 2], { modules: shapes, totalSteps: 16, stages }));
  const seen = rowsAfterTwo(isMultiple, [0.5, 2, 1, 1]);
  const { state } = policy.decide(begun, 3, [], seen);
  const next = policy.decide(state, 7, [], seen);
  const drop = droppedSlots(next.decision);
  const grow = grownIn(next.decision);
  const rows = actionsOf(next.decision, "write").flatMap((action) => action.rows);
  const alpha = (module: string) =>
    rows.find((row) => row.module === module && row.part === "alpha")?.values;
  const factorOf = (module: string, slot: number) =>
    rows.find((row) => row.module === module && row.slot === slot && row.part === "factor")
      ?.values;
  return { policy, state: next.state, drop, grow, rows: rows!, alpha, factorOf };
}

Deno.test("a direction that earlier ones express is dropped and its magnitude handed over", () => {
  const both = { query: true, key: true };
  // D₂ is −3 D₁ and so, divided by its norm, −D₁: α₁ + α₂·(−1) = 0.5 − 2.
  const dropped = secondEnd({}, both);
  assertEquals(dropped.drop.map(({ module, slot }) => `${module}${slot}`), [
    "query2",
    "query3",
    "key2",
    "key3",
  ]);
  assertAlmostEquals((dropped.alpha("query") as number[])[0]!, -1.5, 1e-6);
  assertEquals(dropped.state.tasksOf["query"], [0, 0, 2, 2]);
  // Two of the first two tasks' magnitudes are left, with that of the third.
  assertEquals(dropped.policy.trainedNumbers!(dropped.state), 2 * 2 * 9 + 2);
  // A direction in one module alone is not enough where magnitudes are shared …
  assertEquals(secondEnd({}, { query: true }).drop, []);
  // … and is where each module has its own: there α₂ is also multiplied by ‖D₂‖.
  const one = secondEnd({ alphaPer: "module" }, { query: true });
  assertEquals(one.drop.map(({ module, slot }) => `${module}${slot}`), ["query2", "query3"]);
  const first = direction(10);
  const norm = Math.sqrt(innerProduct(first, first));
  assertAlmostEquals((one.alpha("query") as number[])[0]!, 0.5 - 2 * 3 * norm, 1e-4);
  assertEquals(one.state.tasksOf["key"], [0, 0, 1, 1, 2, 2]);
  assertEquals(secondEnd({ tau: null }, both).drop, []);
});

Deno.test("the end of a task freezes its own slots, labels those of the next one and leaves all others alone", () => {
  const { rows, factorOf } = secondEnd({ tau: null }, {});
  const second = direction(21);
  const factor = 1 / Math.sqrt(innerProduct(second, second));
  // Slots 0 and 1 are the first task's, 2 and 3 the second's, 4 and 5 are new.
  const told = rows.filter(({ module }) => module === "key")
    .map(({ slot, part, values }) => `${part} ${slot} ${Array.from(values as number[], Number)}`);
  assertAlmostEquals((factorOf("key", 3) as number[])[0]!, factor, 1e-6);
  const own = (factorOf("key", 3) as number[])[0]!;
  assertEquals(told, [
    ...["live 2 0", `factor 2 ${own}`, "live 3 0", `factor 3 ${own}`],
    ...["task 4 2", "task 5 2"],
  ]);
  assert(rows.every(({ moments }) => moments === "zero"));
  // Magnitudes that all modules share are written once.
  assertEquals(rows.filter(({ part }) => part === "alpha").map(({ module }) => module), ["query"]);
  const each = secondEnd({ tau: null, alphaPer: "module" }, {}).rows;
  assertEquals(each.filter(({ part }) => part === "alpha").map(({ module }) => module), [
    "query",
    "key",
  ]);
});

Deno.test("upstream divides by the norm of A times that of B, which is never less", () => {
  const squares = (rows: readonly ArrayLike<number>[]) =>
    rows.reduce((all, row) => Array.from(row).reduce((sum, value) => sum + value * value, all), 0);
  const { A, B } = direction(21);
  const { factorOf } = secondEnd({ tau: null, norms: "upstream" }, {});
  const found = (factorOf("key", 2) as number[])[0]!;
  assertAlmostEquals(found, 1 / Math.sqrt(squares(A) * squares(B)), 1e-6);
  const product = (secondEnd({ tau: null }, {}).factorOf("key", 2) as number[])[0]!;
  const one = { A, B, factor: 1 };
  assertAlmostEquals(product, 1 / Math.sqrt(innerProduct(one, one)), 1e-6);
  assert(found < product);
});

Deno.test("later tasks have lower ranks where ranks are reduced", () => {
  const { grow, state } = secondEnd(
    { tau: null, rankReduction: { mu: 2, nu: 3, ranks: [10, 5, 2] } },
    {},
  );
  assertEquals(grow, ["query", "key"]);
  assertEquals(state.tasksOf["key"], [0, 0, 1, 1, 2]);
});

Deno.test("a single task, and options that would do nothing, are refused with what would work", () => {
  const check = (options: Record<string, unknown>, count: number) => () =>
    sdlora.check(sdlora.parseOptions(options), factsOf({ stages: stages.slice(0, count) }));
  const refused = (text: string, ...given: Parameters<typeof check>) =>
    assertThrows(check(...given), RangeError, text);
  check({}, 2)();
  check({ rankReduction: { mu: 1 }, tau: 9e-4, alphaPer: "module" }, 2)();
  refused("name a sequence of tasks, or use lora", {}, 1);
  refused('found "mu" of 4 and 4 tasks', { rankReduction: {} }, 4);
  refused("raise nu to 2", { rankReduction: { mu: 2, nu: 1 } }, 4);
  refused('found the "ranks" 4, 6, 2', { rankReduction: { mu: 2, ranks: [4, 6, 2] } }, 4);
  refused("set alphas to carried", { alphas: "upstream", tau: 1e-3 }, 4);
  refused("set norms to product", { norms: "upstream", normaliseCurrent: true }, 4);
  refused("nothing to fold", { foldNorms: true, alphaPer: "module" }, 4);
  const alone = () => sdloraPolicy(plain).start(contextOf([2, 2]));
  assertThrows(alone, RangeError, "at least 2 are wanted");
});
