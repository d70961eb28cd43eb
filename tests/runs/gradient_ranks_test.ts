/** Runs whose ranks follow from gradients before they train: recorded, repeated, and by seed. */
import { assert, assertEquals } from "@std/assert";
import { ranksByImportance } from "../../src/methods/before_training.ts";
import type { RunRecord } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { assertCountsAsPlanned } from "./counts_as_planned.ts";
import { assertRepeats, withSwept } from "./tiny_study.ts";

const train = { steps: 3, batchSize: 8, maxLength: 12, evaluateEpochs: false, devLimit: 40 };
const policy = { type: "before", by: "gradients", examples: 100, most: 3 };
const study = parseStudy({
  name: "gradients",
  base: { model: "folder", train },
  axes: {
    tasks: ["Genre"],
    methods: [{ method: "composed", label: "gradients", options: { policy } }],
    budgets: [3, { parameters: 3000 }],
    seeds: [1, 2],
  },
});

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

Deno.test("ranks follow from the recorded importance of weights, which belongs to a seed", async (t) => {
  await withSwept(async ({ folder, home }) => {
    const records = [...Deno.readDirSync(folder)].filter(({ name }) => name.startsWith("Genre"))
      .map(({ name }): RunRecord =>
        JSON.parse(Deno.readTextFileSync(`${folder}/${name}/record.json`))
      );
    assertEquals(records.length, 4);
    const of = (type: string, seed: number) =>
      records.find(({ asked }) => asked.budget!.type === type && asked.seed === seed)!.happened;

    await t.step("each rank is what the importance gives it under the budget", () => {
      const { estimate, initialRanks, finalRanks } = of("rank", 1);
      const { importance, dimensions, explained } = estimate!;
      assertEquals([dimensions, explained], [[], undefined]);
      const names = Object.keys(initialRanks!);
      assertEquals(Object.keys(importance!), names);
      assert(Object.values(importance!).every((value) => value > 0));
      // All modules but those of the wide part are 16 × 16 in the tiny encoder.
      const modules = names.map((name) => {
        const [inSize, outSize] = name.endsWith("intermediate")
          ? [16, 24]
          : name.endsWith(".output")
          ? [24, 16]
          : [16, 16];
        return { name, layer: 0, part: "query", inSize, outSize } as const;
      });
      const purse = { total: 3 * names.length, costs: names.map(() => 1), cap: null };
      assertEquals(
        Object.values(initialRanks!),
        ranksByImportance(Object.values(importance!), modules, purse, policy.most),
      );
      assertEquals(finalRanks, initialRanks);
      assert(new Set(Object.values(initialRanks!)).size > 1);
      const { peak } = of("parameters", 1).budget!;
      assert(peak <= 3000 && peak > 2900, `${peak}`);
    });

    await t.step("budgets share what was measured, seeds do not", () => {
      assertEquals(of("rank", 1).estimate!.importance, of("parameters", 1).estimate!.importance);
      const [one, two] = [1, 2].map((seed) =>
        Object.values(of("rank", seed).estimate!.importance!)
      );
      assert(one!.join() !== two!.join());
      assertEquals(sumOf(Object.values(of("rank", 2).initialRanks!)), 3 * one!.length);
    });

    await t.step("the plan bounded the parameters", async () => {
      await assertCountsAsPlanned(study, home, folder);
    });

    await t.step("a repeated run has the same ranks and losses", async () => {
      await assertRepeats(folder, 4, { tolerance: 1e-6 });
    });
  }, study);
});
