/** What an adapter's files say to peft: ranks, scales, and whether lengths are trained. */
import { assertEquals, assertThrows } from "@std/assert";
import { peftAdapter } from "../../src/peft/peft_export.ts";

interface Module {
  readonly rank: number;
  readonly scale: number;
  readonly hasLengths?: boolean;
}

/** The config of an adapter of zeros on layers that are called by their numbers. */
function configOf(modules: readonly Module[], rootScaling = false) {
  const zeros = (rows: number, columns: number) => ({
    shape: [rows, columns],
    data: new Float32Array(rows * columns),
  });
  const { configJson } = peftAdapter({
    updates: modules.map(({ rank, scale, hasLengths = false }, i) => ({
      path: `layer.${i}`,
      A: zeros(rank, 2),
      B: zeros(2, rank),
      scale,
      ...(hasLengths ? { lengths: { type: "whole", values: [1, 1] } } : {}),
    })),
    base: new Map(
      modules.map((_, i) => [`layer.${i}.weight`, { type: "f32", ...zeros(2, 2) }]),
    ),
    head: new Map(),
    nameOf: (name) => name,
    rootScaling,
    dropout: 0,
    baseModel: "base",
    revision: null,
  });
  return JSON.parse(configJson);
}

/** The scale that peft gives each module: alpha over the rank, or over its root. */
function scalesInPeft(modules: readonly Module[], rootScaling: boolean): readonly number[] {
  const config = configOf(modules, rootScaling);
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

Deno.test("the most common rank and the most common alpha of its modules are the usual ones, of equally common ones the first", () => {
  const shown = (...modules: readonly Module[]) => {
    const { r, rank_pattern, lora_alpha, alpha_pattern } = configOf(modules);
    return { r, rank_pattern, lora_alpha, alpha_pattern };
  };
  const [one, two] = [{ rank: 1, scale: 8 }, { rank: 2, scale: 3 }];
  const twos = { r: 2, rank_pattern: { "layer.0": 1 }, lora_alpha: 6 };
  assertEquals(shown(one, two, two), { ...twos, alpha_pattern: { "layer.0": 8 } });
  assertEquals(shown(one, two), {
    r: 1,
    rank_pattern: { "layer.1": 2 },
    lora_alpha: 8,
    alpha_pattern: { "layer.1": 6 },
  });
  // Alpha 8 is the most common of all, but not of the modules with the usual rank.
  const three = { rank: 4, scale: 2 };
  assertEquals(shown(one, two, two, three).lora_alpha, 6);
  assertEquals(shown(one, three, two, { rank: 2, scale: 1 }, two).lora_alpha, 6);
  assertEquals(shown(two), { r: 2, rank_pattern: {}, lora_alpha: 6, alpha_pattern: {} });
});

Deno.test("one module with trained lengths makes an adapter of DoRA, and no module is no adapter", () => {
  const plain = { rank: 1, scale: 1 };
  assertEquals(configOf([plain, { ...plain, hasLengths: true }]).use_dora, true);
  assertEquals(configOf([plain]).use_dora, false);
  assertThrows(() => configOf([]), RangeError, "found no module with a rank of at least 1");
});
