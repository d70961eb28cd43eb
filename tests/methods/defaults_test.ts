/** What a method is that states its parts, how they are prepared and its scale, and nothing else. */
import { assertEquals } from "@std/assert";
import * as z from "zod";
import { type Adapter, capacityOf } from "../../src/methods/adapter.ts";
import { loraParts, loraPrepare } from "../../src/methods/lora.ts";
import { defineMethod } from "../../src/methods/method.ts";

const common = { title: "Own", source: "this test", version: 1, options: z.strictObject({}) };

Deno.test("a method of parts, prepare and scale trains fixed ranks beside a frozen encoder", () => {
  const adapter: Adapter = { parts: loraParts, prepare: loraPrepare, scale: () => 1 };
  const own = defineMethod({ ...common, name: "own", bind: () => ({ adapter }) });
  assertEquals(own.bind({}), { backbone: "frozen", adapter });
  assertEquals(capacityOf(adapter, 3), 3);
  assertEquals([own.usesBudget, own.initialFactor({}), own.moduleParts({})], [true, 1, null]);
  assertEquals(own.rankWeights({}, []), null);
  const module = { name: "layer.0.query", layer: 0, part: "query", inSize: 2, outSize: 3 } as const;
  assertEquals(own.costs({}).perRank(module), 5);
});

Deno.test("a method without an adapter takes no budget", () => {
  const own = defineMethod({ ...common, name: "own", budget: null, bind: () => ({}) });
  assertEquals(own.bind({}), { backbone: "frozen", adapter: null });
  assertEquals(own.usesBudget, false);
});
