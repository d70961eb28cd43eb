/** Runs whose ranks are estimated before they train. */
import { assert, assertEquals } from "@std/assert";
import { ablateStudy } from "../../../src/runs/after/ablate.ts";
import { exportRun } from "../../../src/runs/share/export.ts";
import { ranksOfDimensions } from "../../../src/methods/gelora.ts";
import { readSafetensors } from "../../../src/models/safetensors.ts";
import type { RunRecord } from "../../../src/record/types.ts";
import { spreadOver } from "../../../src/study/budget/costs.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { assertCountsAsPlanned } from "../counts_as_planned.ts";
import { ablateAll, assertRepeats, withSwept } from "../tiny_study.ts";

const train = { steps: 4, batchSize: 8, maxLength: 12, evaluateEpochs: false, devLimit: 40 };
const study = parseStudy({
  name: "estimated",
  base: { model: "folder", train },
  deltas: [{ when: { method: "gelora" }, options: { examples: 200, alphaOverRank: 2 } }],
  axes: {
    tasks: ["Genre"],
    methods: ["gelora", { method: "gelora", label: "rule", options: { ranks: "paper" } }],
    budgets: [{ parameters: 3000 }],
    seeds: [1, 2],
  },
});
/** The record of the first run with a label. */
function labelled(folder: string, label: string): RunRecord {
  const records = [...Deno.readDirSync(folder)].filter(({ name }) => name.startsWith("Genre"))
    .map(({ name }) => JSON.parse(Deno.readTextFileSync(`${folder}/${name}/record.json`)));
  return records.find(({ asked }) => asked.label === label);
}

function ranksIn({ happened }: RunRecord): number {
  return Object.values(happened.finalRanks!).reduce((sum, rank) => sum + rank);
}

Deno.test("GeLoRA's ranks are in the record, and every command takes them from there", async (t) => {
  await withSwept(async ({ folder, home }) => {
    await t.step("the ranks are those of the measured dimensions", () => {
      const { happened } = labelled(folder, "gelora");
      const dimensions = happened.estimate!.dimensions;
      assertEquals(dimensions.length, 3);
      assert(dimensions.every((dimension) => dimension > 0.5 && dimension < 40));
      const byLayer = ranksOfDimensions(dimensions).flatMap((rank) => Array(6).fill(rank));
      const ranks = Object.values(happened.initialRanks!);
      const total = ranks.reduce((sum, rank) => sum + rank);
      assertEquals(ranks, spreadOver(total, byLayer));
      assertEquals(happened.finalRanks, happened.initialRanks);
      const { requested, final } = happened.budget!;
      assertEquals(requested, 3000);
      assert(final <= 3000 && final > 2800, `${final} of 3000`);
      assert(happened.estimate!.millis > 0);
      const rule = labelled(folder, "rule").happened;
      assertEquals(Object.values(rule.initialRanks!), byLayer);
      assertEquals(rule.estimate!.dimensions, dimensions);
      assertEquals(rule.budget!.requested, happened.budget!.requested);
    });

    await t.step("the plan bounded the parameters, or knew that it could not", async () => {
      const found = await assertCountsAsPlanned(study, home, folder);
      assertEquals(found.get("gelora")!.counts.final!.most, 3000);
      assertEquals(found.get("rule")!.counts, { initial: null, peak: null, final: null });
    });

    await t.step("a repeated run has the same ranks and losses", async () => {
      await assertRepeats(folder, 4, { device: "cpu", threads: 1, tolerance: 1e-6 });
    });

    await t.step("ablation and export read the recorded ranks", async () => {
      assertEquals((await ablateStudy(folder, { ...ablateAll, device: "cpu" })).ablated, 4);
      const out = `${home}/peft`;
      const { id } = labelled(folder, "gelora");
      const own = [...Deno.readDirSync(folder)].find(({ name }) => name.endsWith(id.slice(0, 8)))!;
      await exportRun(`${folder}/${own.name}`, { format: "peft", out, baseName: "bert" });
      const config = JSON.parse(await Deno.readTextFile(`${out}/adapter_config.json`));
      assertEquals(config.lora_alpha / config.r, 2);
      const bytes = await Deno.readFile(`${out}/adapter_model.safetensors`);
      const { tensors } = readSafetensors(bytes, out);
      const total = [...tensors].filter(([name]) => name.includes("lora_A"))
        .reduce((sum, [, { shape }]) => sum + shape[0]!, 0);
      assertEquals(total, ranksIn(labelled(folder, "gelora")));
    });
  }, study);
});
