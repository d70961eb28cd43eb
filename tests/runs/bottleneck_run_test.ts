/** Houlsby's and Pfeiffer's adapters through the commands: swept, verified, ablated, exported. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import type { RunAblation } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { goldenModel } from "../models/fixture.ts";
import { assertClose, onnxLogits, ownLogits } from "../cli/exported_logits.ts";
import { ablateAll, assertRepeats, tinyStudy, withSwept } from "./tiny_study.ts";

const study = parseStudy({
  ...tinyStudy,
  deltas: [],
  axes: { ...tinyStudy.axes, methods: ["houlsby", "pfeiffer"], budgets: [{ parameters: 700 }] },
});

Deno.test("runs of bottleneck adapters are verified, ablated and exported", async (t) => {
  await withSwept(async ({ folder, runOf, recordOf }) => {
    await t.step("records count what was trained: 33 a unit, 16 or 48 a module", () => {
      // 700 = 4 · 48 + 15 · 33 + 13 and 2 · 16 + 20 · 33 + 8.
      const ranksOf = (method: string) => Object.values(recordOf(method).happened.finalRanks!);
      assertEquals(ranksOf("houlsby"), [3, 4, 4, 4]);
      assertEquals(ranksOf("pfeiffer"), [10, 10]);
    });

    await t.step("repeated, they are bit-equal", async () => {
      await assertRepeats(folder, 2);
    });

    await t.step(
      "each layer, each adapted module and each of several parts is taken away in turn",
      async () => {
        const { ablated } = await ablateStudy(folder, ablateAll);
        assertEquals(ablated, 2);
        const ablationOf = (method: string): RunAblation =>
          JSON.parse(Deno.readTextFileSync(`${runOf(method)}/ablation.json`));
        assertEquals(ablationOf("houlsby").removals.map(({ name }) => name), [
          "layer.0",
          "layer.1",
          "layer.0.attention_output",
          "layer.0.output",
          "layer.1.attention_output",
          "layer.1.output",
          "attention_output",
          "output",
        ]);
        assertEquals(ablationOf("pfeiffer").removals.map(({ name }) => name), [
          "layer.0",
          "layer.1",
          "layer.0.output",
          "layer.1.output",
        ]);
      },
    );

    for (const method of ["houlsby", "pfeiffer"]) {
      await t.step(`${method}: the ONNX model has the logits of the run`, async () => {
        const out = `${runOf(method)}/onnx`;
        const { withoutRank } = await exportRun(runOf(method), { format: "onnx", out });
        assertEquals(withoutRank, []);
        const [found, wanted] = [
          await onnxLogits(`${out}/model.onnx`),
          await ownLogits(runOf(method), recordOf(method)),
        ];
        assert(new Set(wanted).size > 3);
        assertClose(found, wanted);
      });

      await t.step(`${method}: the library adapters gets a base and its adapter`, async () => {
        const out = `${runOf(method)}/adapters`;
        await exportRun(runOf(method), { format: "adapters", out });
        const names = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
        assertEquals(names, [
          "README.md",
          "adapter",
          "config.json",
          "model.safetensors",
          "vocab.txt",
        ]);
        assertEquals([...Deno.readDirSync(`${out}/adapter`)].map(({ name }) => name).sort(), [
          "adapter.safetensors",
          "adapter_config.json",
        ]);
        const path = `${out}/model.safetensors`;
        const { tensors } = readSafetensors(await Deno.readFile(path), path);
        const norm = "encoder.layer.0.attention.output.LayerNorm.weight";
        const isChanged = tensors.get(`bert.${norm}`)!.data.some((value, i) =>
          value !== goldenModel().tensors.get(norm)!.data[i]
        );
        assertEquals(isChanged, method === "houlsby");
      });

      for (const format of ["peft", "merged"] as const) {
        await t.step(`${method}: ${format} is refused, with what would do`, async () => {
          const out = `${runOf(method)}/${format}`;
          await assertRejects(
            () => exportRun(runOf(method), { format, out }),
            RangeError,
            "want an adapter of weights; --format adapters writes such layers",
          );
          await assertRejects(() => Deno.stat(out), Deno.errors.NotFound);
        });
      }
    }
  }, study);
});
