/** Colours, shapes and dashes of methods: the same in every report. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { methods } from "../../src/methods/table.ts";
import { shapePaths } from "../../src/report/markers.ts";
import { stylesOfMethods } from "../../src/report/method_styles.ts";

const named = (...entries: readonly (readonly [label: string, method: string])[]) =>
  stylesOfMethods(new Map(entries));

Deno.test("a built-in method looks the same whatever else a study holds, and in whatever order", () => {
  const all = methods.map(({ name }) => [name, name] as const);
  const whole = named(...all);
  const reversed = named(["mine", "mine"], ...all.toReversed());
  for (const [label] of all) {
    assertEquals(named([label, label]).get(label), whole.get(label), label);
    assertEquals(reversed.get(label), whole.get(label), label);
    assertEquals(named(["other", "other"], ["x", label]).get("x"), whole.get(label), label);
  }
});

Deno.test("no two built-in methods share a colour or a shape", () => {
  const styles = [...named(...methods.map(({ name }) => [name, name] as const)).values()];
  assertEquals(new Set(styles.map(({ colour }) => colour)).size, methods.length);
  assertEquals(new Set(styles.map(({ shape }) => shapePaths[shape])).size, methods.length);
});

Deno.test("a study's own method keeps its looks from report to report", () => {
  const alone = named(["mine", "mine"]).get("mine");
  assertEquals(named(["lora", "lora"], ["mine", "mine"]).get("mine")?.dash, alone?.dash);
  assertEquals(named(["mine", "mine"], ["lora", "lora"]).get("mine"), alone);
  // Another name of the method's only label changes nothing: the method is what has the style.
  assertEquals(named(["renamed", "mine"]).get("renamed"), alone);
});

Deno.test("a second variant of a method differs from the first in colour and shape, the same whatever its place", () => {
  const styles = named(["LoRA", "lora"], ["LoRA+, ratio 16", "lora"], ["LoRA+, ratio 4", "lora"]);
  const [first, second, third] = [...styles.values()];
  assertEquals(first, named(["lora", "lora"]).get("lora"));
  for (const [a, b] of [[first, second], [first, third], [second, third]]) {
    assertNotEquals(a?.colour, b?.colour);
    assertNotEquals(a?.shape, b?.shape);
  }
  const swapped = named(["LoRA", "lora"], ["LoRA+, ratio 4", "lora"], ["LoRA+, ratio 16", "lora"]);
  assertEquals(swapped.get("LoRA+, ratio 16"), second);
});

Deno.test("more methods than shapes and colours still all have a style", () => {
  const styles = named(...Array.from({ length: 60 }, (_, i) => [`m${i}`, `m${i}`] as const));
  assertEquals(styles.size, 60);
  assert(
    [...styles.values()].every(({ colour, shape, dash }) =>
      /^#[0-9a-f]{6}$/.test(colour) && shape in shapePaths && dash.length > 0
    ),
  );
});
