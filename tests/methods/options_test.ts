/** Options that many methods share: B's rate, and a scale that does not fall with the rank. */
import { assert, assertEquals } from "@std/assert";
import type { Json } from "../../src/base/canonical_json.ts";
import { methods } from "../../src/methods/table.ts";

/** The names of a method's options. */
function optionsOf({ optionsSchema }: (typeof methods)[number]): readonly string[] {
  return Object.keys((optionsSchema as { readonly properties?: object }).properties ?? {});
}

const withRate = methods.filter((method) =>
  optionsOf(method).includes("bRate") && method.name !== "loraplus"
);
const withScaling = methods.filter((method) => optionsOf(method).includes("scaling"));

Deno.test("bRate at 1 is left out of the options, so that ids stay, and else is the rate of B alone", () => {
  assert(withRate.length >= 11, `${withRate.map(({ name }) => name)}`);
  for (const { name, parseOptions, bind } of withRate) {
    assertEquals(parseOptions({ bRate: 1 }), parseOptions({}), name);
    assertEquals(Object.hasOwn(parseOptions({}) as object, "bRate"), false, name);
    const rates = (options: Json) =>
      Object.fromEntries(bind(options).adapter!.parts.map(({ name, rate }) => [name, rate ?? 1]));
    const plain = rates(parseOptions({}));
    assertEquals(new Set(Object.values(plain)), new Set([1]), name);
    assertEquals(rates(parseOptions({ bRate: 4 })), { ...plain, B: 4 }, name);
  }
});

Deno.test('scaling "alpha" holds the scale at every rank, and "alpha/r" does not', () => {
  assert(withScaling.length >= 9, `${withScaling.map(({ name }) => name)}`);
  for (const { name, parseOptions, bind } of withScaling) {
    const scales = (scaling: string) =>
      [2, 8].map((rank) => bind(parseOptions({ alpha: 6, scaling })).adapter!.scale(rank));
    assertEquals(scales("alpha"), [6, 6], name);
    const [low, high] = scales("alpha/r") as [number, number];
    assert(Math.abs(low - 3) < 1e-4 && Math.abs(high - 0.75) < 1e-4, name);
  }
});

Deno.test("forms have both options too, left out at their defaults", () => {
  const composed = methods.find(({ name }) => name === "composed")!;
  for (const type of ["lora", "svd", "gated"]) {
    const plain = composed.parseOptions({ form: { type } });
    const said = composed.parseOptions({ form: { type, bRate: 1, scaling: "alpha/r" } });
    assertEquals(said, plain, type);
    const { parts, scale } = composed.bind(
      composed.parseOptions({ form: { type, alpha: 6, bRate: 4, scaling: "alpha" } }),
    ).adapter!;
    assertEquals([scale(2), scale(8)], [6, 6], type);
    assertEquals(parts.find(({ name }) => name === "B")!.rate, 4, type);
  }
});
