import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { repeatedMeasures } from "../../src/stats/repeated_measures.ts";
import golden from "../golden/repeated_measures.json" with { type: "json" };

Deno.test("repeated measures agree with pingouin's, for two conditions and for more", () => {
  for (const { blocks, f, epsilon, p } of golden.cases) {
    const found = repeatedMeasures(blocks)!;
    assertAlmostEquals(found.f, f, 1e-9 * Math.max(1, f));
    assertAlmostEquals(found.epsilon, epsilon, 1e-9);
    assertAlmostEquals(found.p, p, 1e-9);
  }
});

Deno.test("nothing can be said of one block, one condition, or values that do not vary", () => {
  assertEquals(repeatedMeasures([[1, 2]]), null);
  assertEquals(repeatedMeasures([[1], [2]]), null);
  assertEquals(repeatedMeasures([[1, 1], [2, 2]]), null);
});

Deno.test("equal means are rejected in five of a hundred, with unequal spreads too", () => {
  const stream = RandomStream.fromSeed(4).fork("repeated measures");
  let rejected = 0;
  const repeats = 4000;
  for (let i = 0; i < repeats; i++) {
    const blocks = Array.from({ length: 6 }, () => {
      const shared = stream.normal();
      return [0.5, 1, 2, 3].map((spread) => shared + spread * stream.normal());
    });
    if (repeatedMeasures(blocks)!.p < 0.05) rejected++;
  }
  assert(rejected > 0.02 * repeats && rejected < 0.065 * repeats, String(rejected / repeats));
});
