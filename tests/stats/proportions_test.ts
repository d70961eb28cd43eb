/** Shares of examples against published numbers, and the coverage of their intervals. */
import { assert, assertAlmostEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { pairedShares, shareInterval, unpairedShares } from "../../src/stats/proportions.ts";

Deno.test("intervals of shares and of their differences are those of Newcombe's examples", () => {
  // Newcombe 1998a: 81 of 263; 1998b, example (a): 56 of 70 and 48 of 80, method 10.
  const { low, high } = shareInterval(81 / 263, 263);
  assertAlmostEquals(low, 0.2553, 5e-5);
  assertAlmostEquals(high, 0.3662, 5e-5);
  const found = unpairedShares({ share: 56 / 70, n: 70 }, { share: 48 / 80, n: 80 });
  assertAlmostEquals(found.low, 0.0524, 5e-5);
  assertAlmostEquals(found.high, 0.3339, 5e-5);
});

Deno.test("McNemar's exact test gives the p of statsmodels, and 1 where no example is apart", () => {
  // statsmodels 0.14: mcnemar([[101, 121], [59, 33]], exact=True).
  assertAlmostEquals(pairedShares(121, 59, 314).p, 4.434449271405893e-6, 1e-12);
  assertAlmostEquals(pairedShares(5, 0, 20).p, 0.0625, 1e-12);
  assertAlmostEquals(pairedShares(0, 0, 20).p, 1);
});

Deno.test("the paired interval covers the true difference in 95 of 100 samples, within noise", () => {
  const stream = RandomStream.fromSeed(7);
  const [firstOnly, secondOnly, n] = [0.12, 0.06, 200];
  let covered = 0;
  const samples = 2000;
  for (let i = 0; i < samples; i++) {
    let [a, b] = [0, 0];
    for (let k = 0; k < n; k++) {
      const u = stream.next();
      if (u < firstOnly) a++;
      else if (u < firstOnly + secondOnly) b++;
    }
    const { low, high } = pairedShares(a, b, n);
    if (low <= firstOnly - secondOnly && firstOnly - secondOnly <= high) covered++;
  }
  assert(Math.abs(covered / samples - 0.95) < 0.015, `${covered / samples}`);
});
