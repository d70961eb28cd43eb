/** Runs whose ranks are estimated before they train: of the encoder's states, of its inputs, and of gradients. */
import { assert, assertEquals } from "@std/assert";
import { ablateStudy } from "../../../src/runs/after/ablate.ts";
import { exportRun } from "../../../src/runs/share/export.ts";
import { ranksByImportance } from "../../../src/methods/before_training.ts";
import { ranksOfDimensions } from "../../../src/methods/gelora.ts";
import { targetModules } from "../../../src/models/config.ts";
import { readSafetensors } from "../../../src/models/safetensors.ts";
import type { StoredRun } from "../../../src/record/results_reader.ts";
import { spreadOver } from "../../../src/study/budget/costs.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { goldenConfig } from "../../models/fixture.ts";
import { assertCountsAsPlanned } from "../counts_as_planned.ts";
import { ablateAll, assertRepeats, runsIn, withSwept } from "../tiny_study.ts";

const train = { steps: 4, batchSize: 8, maxLength: 12, evaluateEpochs: false, devLimit: 40 };
const policy = { type: "before", by: "gradients", examples: 100, most: 3 };
const study = parseStudy({
  name: "estimated",
  base: { model: "folder", train },
  deltas: [{ when: { method: "gelora" }, options: { examples: 200, alphaOverRank: 2 } }],
  except: [{ method: ["gelora", "rule"], budget: 3 }],
  axes: {
    tasks: ["Genre"],
    methods: [
      "gelora",
      { method: "gelora", label: "rule", options: { ranks: "paper" } },
      { method: "eva", label: "eva", options: { examples: 100 } },
      { method: "composed", label: "gradients", options: { policy } },
    ],
    budgets: [3, { parameters: 3000 }],
    seeds: [1, 2],
  },
});

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

Deno.test("ranks follow from what is recorded of the frozen encoder, and every command takes them from there", async (t) => {
  await withSwept(async ({ folder, home }) => {
    const runs = await runsIn(folder);
    assertEquals(runs.length, 12);
    const runOf = (label: string, type = "parameters", seed = 1) =>
      runs.find(({ record: { asked } }) =>
        asked.label === label && asked.budget!.type === type && asked.seed === seed
      )!;
    const of = (...which: Parameters<typeof runOf>) => runOf(...which).record.happened;

    await t.step("GeLoRA's are those of the measured dimensions", () => {
      const { estimate, initialRanks, finalRanks, budget } = of("gelora");
      const { dimensions, millis } = estimate!;
      assertEquals(dimensions.length, 3);
      assert(dimensions.every((dimension) => dimension > 0.5 && dimension < 40));
      const byLayer = ranksOfDimensions(dimensions).flatMap((rank) => Array(6).fill(rank));
      const ranks = Object.values(initialRanks!);
      assertEquals(ranks, spreadOver(sumOf(ranks), byLayer));
      assertEquals(finalRanks, initialRanks);
      assertEquals(budget!.requested, 3000);
      assert(budget!.final <= 3000 && budget!.final > 2800, `${budget!.final} of 3000`);
      assert(millis > 0);
      const rule = of("rule");
      assertEquals(Object.values(rule.initialRanks!), byLayer);
      assertEquals(rule.estimate!.dimensions, dimensions);
      assertEquals(rule.budget!.requested, budget!.requested);
    });

    await t.step("EVA's sum to the budget, and differ where directions explain more", () => {
      for (const type of ["rank", "parameters"]) {
        const [one, two] = [of("eva", type, 1), of("eva", type, 2)];
        assertEquals(one.initialRanks, two.initialRanks);
        assertEquals(one.estimate!.explained, two.estimate!.explained);
        const ranks = Object.entries(one.initialRanks!);
        if (type === "rank") assertEquals(sumOf(ranks.map(([, rank]) => rank)), 3 * ranks.length);
        else assert(one.budget!.peak <= 3000 && one.budget!.peak > 2900, `${one.budget!.peak}`);
        assert(new Set(ranks.map(([, rank]) => rank)).size > 1);
        // What got a rank explains at least as much as what did not, where all cost the same.
        const { explained } = one.estimate!;
        const given = ranks.flatMap(([name, rank]) => explained![name]!.slice(0, rank));
        const others = ranks.flatMap(([name, rank]) => explained![name]!.slice(rank));
        if (type === "rank") assert(Math.min(...given) >= Math.max(...others));
        assertEquals(one.estimate!.dimensions, []);
      }
    });

    await t.step(
      "EVA's A has the measured directions: after few steps they are hardly changed",
      () => {
        const [module] = Object.entries(of("eva", "rank").initialRanks!).find(([, rank]) =>
          rank > 0
        )!;
        const rowOf = ({ folder }: StoredRun) => {
          const path = `${folder}/adapter.safetensors`;
          const { data, shape } = readSafetensors(Deno.readFileSync(path), path).tensors
            .get(`${module}.A`)!;
          return Array.from({ length: shape[1]! }, (_, i) => Number(data[i]));
        };
        const [a, b] = [rowOf(runOf("eva", "rank", 1)), rowOf(runOf("eva", "rank", 2))];
        const dot = (x: readonly number[], y: readonly number[]) =>
          sumOf(x.map((value, i) => value * y[i]!));
        assert(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)) > 0.99);
      },
    );

    await t.step("those of gradients are what the importance gives under the budget", () => {
      const { estimate, initialRanks, finalRanks } = of("gradients", "rank");
      const { importance, dimensions, explained } = estimate!;
      assertEquals([dimensions, explained], [[], undefined]);
      const names = Object.keys(initialRanks!);
      assertEquals(Object.keys(importance!), names);
      assert(Object.values(importance!).every((value) => value > 0));
      const purse = { total: 3 * names.length, costs: names.map(() => 1), cap: null };
      assertEquals(
        Object.values(initialRanks!),
        ranksByImportance(
          Object.values(importance!),
          targetModules(goldenConfig),
          purse,
          policy.most,
        ),
      );
      assertEquals(finalRanks, initialRanks);
      assert(new Set(Object.values(initialRanks!)).size > 1);
      const { peak } = of("gradients").budget!;
      assert(peak <= 3000 && peak > 2900, `${peak}`);
    });

    await t.step("budgets share what was measured of gradients, seeds do not", () => {
      const [one, same, two] = [
        of("gradients", "rank"),
        of("gradients", "parameters"),
        of("gradients", "rank", 2),
      ];
      assertEquals(one.estimate!.importance, same.estimate!.importance);
      const [first, second] = [one, two].map(({ estimate }) =>
        Object.values(estimate!.importance!)
      );
      assert(first!.join() !== second!.join());
      assertEquals(sumOf(Object.values(two.initialRanks!)), 3 * first!.length);
    });

    await t.step("the plan bounded the parameters, or knew that it could not", async () => {
      const found = await assertCountsAsPlanned(study, home, folder);
      assertEquals(found.get("gelora")!.counts.final!.most, 3000);
      assertEquals(found.get("rule")!.counts, { initial: null, peak: null, final: null });
    });

    await t.step("a repeated run has the same ranks and losses", async () => {
      await assertRepeats(folder, 12, { device: "cpu", threads: 1, tolerance: 1e-6 });
    });

    await t.step("ablation and export read the recorded ranks", async () => {
      const only = ["method=gelora,rule"];
      assertEquals((await ablateStudy(folder, { ...ablateAll, only, device: "cpu" })).ablated, 4);
      const out = `${home}/peft`;
      await exportRun(runOf("gelora").folder, { format: "peft", out, baseName: "bert" });
      const config = JSON.parse(await Deno.readTextFile(`${out}/adapter_config.json`));
      assertEquals(config.lora_alpha / config.r, 2);
      const bytes = await Deno.readFile(`${out}/adapter_model.safetensors`);
      const shapes = [...readSafetensors(bytes, out).tensors]
        .filter(([name]) => name.includes("lora_A")).map(([, { shape }]) => shape[0]!);
      assertEquals(sumOf(shapes), sumOf(Object.values(of("gelora").finalRanks!)));
    });
  }, study);
});
