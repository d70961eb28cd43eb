/** What a method is that states its parts, how they are prepared and its scale, and nothing else. */
import { assertEquals, assertThrows } from "@std/assert";
import * as z from "zod";
import { type Adapter, capacityOf } from "../../src/methods/adapter.ts";
import { loraParts, loraPrepare } from "../../src/methods/lora_form.ts";
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

Deno.test("a misspelt field is refused, since its default would be used in silence", () => {
  const adapter: Adapter = { parts: loraParts, prepare: loraPrepare, scale: () => 1 };
  const named = (bound: object, more: object = {}) =>
    defineMethod({ ...common, ...more, name: "own", bind: () => bound }).bind({});
  const refused = (text: string, ...stated: Parameters<typeof named>) => {
    const error = assertThrows(() => named(...stated), RangeError);
    assertEquals(error.message.startsWith(`Cannot use method "own": Unknown ${text}: known`), true);
  };
  refused('field of what it binds "adaptor"', { adaptor: adapter });
  refused('field of its adapter "dynamics"', { adapter: { ...adapter, dynamics: null } });
  refused('field of its step "regulator"', { adapter: { ...adapter, step: { regulator: null } } });
  refused('field of its policy "rules"', { adapter: { ...adapter, policy: { rules: null } } });
  refused('field of its storage "cost"', { adapter: { ...adapter, storage: { cost: null } } });
  refused('field of its budget "factor"', { adapter }, { budget: { factor: () => 1 } });
  refused('field of the definition "usesBudget"', { adapter }, { usesBudget: false });
});

Deno.test("the JSON schema of options is made when it is asked for, and once", () => {
  let made = 0;
  const options = {
    parse: () => ({}),
    toJSONSchema: () => {
      made++;
      return { type: "object" };
    },
  };
  const own = defineMethod({ ...common, options, name: "own", budget: null, bind: () => ({}) });
  assertEquals(made, 0);
  assertEquals([own.optionsSchema, own.optionsSchema], [{ type: "object" }, { type: "object" }]);
  assertEquals(made, 1);
});
