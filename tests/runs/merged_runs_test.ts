/** Runs that merge while training, through every command: their records, ablation, verification, and how they leave. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ablate } from "../../src/cli/ablate.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { importPeft } from "../../src/runs/share/import.ts";
import { verify } from "../../src/cli/verify.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import type { RunAblation } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { assertCountsAsPlanned } from "./counts_as_planned.ts";
import { tinyModel, tinyStudy, withSwept } from "./tiny_study.ts";

/** Three whole blocks of 8 steps and one of 2; boosters of rank 2 in one of two layers. */
const study = parseStudy({
  ...tinyStudy,
  base: {
    ...tinyStudy.base,
    train: { ...tinyStudy.base?.train, steps: 26, evaluateEvery: 7, keep: "last" },
  },
  deltas: [],
  axes: {
    ...tinyStudy.axes,
    methods: [
      { method: "raclora", options: { blockSteps: 8 } },
      { method: "xgblora", options: { rank: 2 } },
    ],
    budgets: [1],
  },
});

const total = (ranks: Readonly<Record<string, number>>) =>
  Object.values(ranks).reduce((sum, rank) => sum + rank, 0);

Deno.test("runs that merge are recorded, ablated, verified and exported as one LoRA of all blocks", async (t) => {
  await withSwept(async ({ home, folder, runOf, recordOf }) => {
    await t.step("records count what a block trains and what all blocks leave", () => {
      for (const method of ["raclora", "xgblora"]) {
        const { happened } = recordOf(method);
        const { budget, initialRanks, finalRanks, storedRanks, time } = happened;
        // Twelve modules: 16 x 16, and 16 and 24 for the feed-forward part. LoRA's rank 1 costs 416 numbers.
        const whole = 2 * (4 * 32 + 2 * 40),
          trained = method === "raclora" ? 2 * (5 * 16 + 24) : whole;
        const { requested, initial, peak } = budget!;
        assertEquals([requested, initial, peak], Array(3).fill(trained));
        assertEquals([total(initialRanks!), total(finalRanks!)], [12, 12]);
        const { keep, rankEvents } = happened;
        assertEquals([keep, rankEvents], ["last", 3]);
        assertEquals(total(storedRanks!), 12 * 4);
        assertEquals(budget!.stored, whole * 4);
        assert(time.eventMillis! > 0);
      }
    });

    await t.step("the plan knew what a block trains", async () => {
      const found = await assertCountsAsPlanned(study, home, folder);
      assertEquals(found.size, 2);
      for (const { counts: { peak, final } } of found.values()) assertEquals(peak, final);
    });

    await t.step("ablation finds the recorded metric and names the stored ranks", async () => {
      assertEquals(await ablate([folder, "--jobs", "1", "--threads", "1"]), 0);
      for (const method of ["raclora", "xgblora"]) {
        const { happened } = recordOf(method);
        const { baseline, removals }: RunAblation = JSON.parse(
          await Deno.readTextFile(`${runOf(method)}/ablation.json`),
        );
        assertAlmostEquals(baseline, happened.last!.metrics["accuracy"]!, 1e-5);
        for (const { kind, name, rank } of removals) {
          if (kind === "module") assertEquals(rank, happened.storedRanks![name], name);
        }
      }
    });

    await t.step("verification makes the same run again", async () => {
      assertEquals(await verify([folder, "--jobs", "1", "--threads", "1"]), 0);
    });

    await t.step("peft's format holds all blocks and gives the recorded loss", async () => {
      await Deno.mkdir(`${home}/SST-2`);
      for (const split of ["train", "dev"]) {
        const text = await Deno.readTextFile(`${home}/moves/${split}.tsv`);
        const rows = text.replace("text\tlabel", "sentence\tlabel")
          .replaceAll("\tcalm", "\t0").replaceAll("\tlively", "\t1");
        await Deno.writeTextFile(`${home}/SST-2/${split}.tsv`, rows);
      }
      for (const method of ["raclora", "xgblora"]) {
        const { happened } = recordOf(method);
        const out = `${home}/${method}`;
        await exportRun(runOf(method), { format: "peft", out });
        const config = JSON.parse(await Deno.readTextFile(`${out}/adapter_config.json`));
        const weights = await Deno.readFile(`${out}/adapter_model.safetensors`);
        const { tensors } = readSafetensors(weights, out);
        const query = [...tensors].find(([name]) => /layer\.0\..*query.*lora_A/.test(name));
        const rank = happened.storedRanks!["layer.0.query"]!;
        assertEquals(query?.[1].shape ?? [0], rank === 0 ? [0] : [rank, 16]);
        assertEquals(config.peft_type, "LORA");
        if (method === "raclora") assertEquals(config.r, rank);
        const options = {
          ...{ model: tinyModel, task: "SST-2", study: null, data: home },
          ...{ maxLength: 12, out: null },
        };
        const { evaluations } = await importPeft(out, options, await nativeExecutor(1));
        assertAlmostEquals(evaluations[0]!.loss, happened.last!.loss, 1e-5);
      }
    });
  }, study);
});
