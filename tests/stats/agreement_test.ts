/** Agreement of allocations against pairs counted one by one. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { agreementOf } from "../../src/stats/agreement.ts";
import { bootstrapInterval, spearman } from "../../src/stats/statistics.ts";

const stream = RandomStream.fromSeed(3);
const drawn = (count: number, length: number) =>
  Array.from({ length: count }, () => Array.from({ length }, () => stream.int(5)));

Deno.test("the mean over pairs is that of Spearman's correlation of each, ties included", () => {
  const groups = [drawn(4, 12), drawn(3, 12)];
  const pairs = groups.flatMap((series) =>
    series.flatMap((own, i) => series.slice(i + 1).map((other) => spearman(own, other)!))
  );
  const { mean, pairs: count, low, high } = agreementOf(groups, 1)!;
  assertEquals(count, 6 + 3);
  assertAlmostEquals(mean, pairs.reduce((sum, value) => sum + value, 0) / pairs.length, 1e-12);
  assert(low! < mean && mean < high!);
  assertEquals(agreementOf(groups, 1), agreementOf(groups, 1));
});

Deno.test("the interval is that of the correlations of resampled units", () => {
  const groups = [drawn(3, 10)];
  const { low, high } = agreementOf(groups, 5)!;
  const wanted = bootstrapInterval(10, (units) => {
    const [a, b, c] = groups[0]!.map((own) => units.map((unit) => own[unit]!));
    const pairs = [spearman(a!, b!), spearman(a!, c!), spearman(b!, c!)].filter((rho) =>
      rho !== null
    );
    return pairs.length === 0 ? null : pairs.reduce((sum, rho) => sum + rho, 0) / pairs.length;
  }, { seed: 5, draws: 1000 })!;
  assertAlmostEquals(low!, wanted.low, 1e-9);
  assertAlmostEquals(high!, wanted.high, 1e-9);
});

Deno.test("equal allocations agree whole, and allocations without an order have no agreement", () => {
  const one = drawn(1, 8)[0]!;
  assertAlmostEquals(agreementOf([[one, one, one]], 1)!.mean, 1, 1e-12);
  // Rounding alone would give 1.0000000000000002 for some lengths.
  for (let length = 3; length < 30; length++) {
    const own = Array.from({ length }, (_, i) => i % 7);
    assert(agreementOf([[own, own]], 1)!.mean <= 1);
  }
  assertEquals(agreementOf([[[2, 2, 2], [2, 2, 2]], [[1, 2, 3]]], 1), null);
  // A constant one is passed over; a single pair is left.
  const { pairs, mean } = agreementOf([[[1, 2, 3], [3, 2, 1], [4, 4, 4]]], 1)!;
  assertEquals([pairs, Math.round(mean * 1e12) / 1e12], [1, -1]);
  assertEquals(agreementOf([], 1), null);
});
