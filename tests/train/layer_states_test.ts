/** Hidden states at the boundaries of layers. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { layerStates } from "../../src/train/module_inputs.ts";
import type { Batch } from "../../src/tasks/types.ts";
import { expected, goldenModel } from "../models/fixture.ts";
import { paddedTokens } from "../models/golden_tokens.ts";

const executor = new ReferenceExecutor();
const { size, length } = expected;
/** The golden batch, its texts in another order than their rows. */
const batch = {
  ...paddedTokens(expected),
  rows: Array.from({ length: size }, (_, i) => size - 1 - i),
} as unknown as Batch;

Deno.test("the states after the last layer are transformers', pooled over tokens or the first one", async () => {
  const { config } = goldenModel();
  const at = (text: number, place: number, j: number) =>
    expected.hidden[(text * length + place) * config.hidden + j]!;
  const mean = await layerStates(executor, goldenModel(), [batch], "mean");
  const first = await layerStates(executor, goldenModel(), [batch], "first");
  assertEquals(mean.length, config.layers + 1);
  for (let text = 0; text < size; text++) {
    const tokens = Array.from({ length }, (_, place) => place)
      .filter((place) => expected.mask[text * length + place] === 1);
    for (let j = 0; j < config.hidden; j++) {
      const wanted = tokens.reduce((sum, place) => sum + at(text, place, j), 0) / tokens.length;
      assertAlmostEquals(mean.at(-1)![size - 1 - text]![j]!, wanted, 1e-5);
      assertAlmostEquals(first.at(-1)![size - 1 - text]![j]!, at(text, 0, j), 1e-5);
    }
  }
});

Deno.test("the states that enter a layer are those that an encoder without it and its successors gives", async () => {
  const model = goldenModel();
  const whole = await layerStates(executor, model, [batch], "mean");
  for (let layers = 0; layers < model.config.layers; layers++) {
    const short = { ...model, config: { ...model.config, layers } };
    const states = await layerStates(executor, short, [batch], "mean");
    assertEquals(states.length, layers + 1);
    assertEquals(states.at(-1), whole[layers]);
  }
});
