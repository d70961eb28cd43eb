/** What an adapter's files say to peft of its scale. */
import { assertEquals } from "@std/assert";
import { peftAdapter } from "../../src/peft/peft_export.ts";

/** The scale that peft gives each module: alpha over the rank, or over its root. */
function scalesInPeft(
  modules: readonly { readonly rank: number; readonly scale: number }[],
  rootScaling: boolean,
): readonly number[] {
  const zeros = (rows: number, columns: number) => ({
    shape: [rows, columns],
    data: new Float32Array(rows * columns),
  });
  const { configJson } = peftAdapter({
    updates: modules.map(({ rank, scale }, i) => ({
      path: `layer.${i}`,
      A: zeros(rank, 2),
      B: zeros(2, rank),
      scale,
    })),
    base: new Map(),
    head: new Map(),
    nameOf: (name) => name,
    rootScaling,
    dropout: 0,
    baseModel: "base",
    revision: null,
  });
  const config = JSON.parse(configJson);
  return modules.map((_, i) => {
    const rank = config.rank_pattern[`layer.${i}`] ?? config.r;
    const alpha = config.alpha_pattern[`layer.${i}`] ?? config.lora_alpha;
    return alpha / (rootScaling ? Math.sqrt(rank) : rank);
  });
}

Deno.test("alpha over the rank is the scale in peft too, to the bit where a double has it", () => {
  const ranks = Array.from({ length: 32 }, (_, i) => i + 1);
  for (const rootScaling of [false, true]) {
    const divisor = (rank: number) => rootScaling ? Math.sqrt(rank) : rank;
    for (const scale of [2, 0.5, 16 / 7, 1 / 3, 0.1]) {
      const found = scalesInPeft(ranks.map((rank) => ({ rank, scale })), rootScaling);
      const best = ranks.map((rank) => scale * divisor(rank) / divisor(rank));
      assertEquals(found, best);
      found.forEach((own) => assertEquals(Math.fround(own), Math.fround(scale)));
    }
  }
  const halves = ranks.map((rank) => ({ rank, scale: 16 / rank }));
  assertEquals(scalesInPeft(halves, false), halves.map(({ scale }) => scale));
});
