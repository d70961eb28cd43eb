/** Houlsby's and Pfeiffer's adapters through the commands: swept, verified, ablated, exported. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { ablateStudy } from "../../src/cli/ablate.ts";
import { exportRun } from "../../src/cli/export.ts";
import { keptWeightsFile } from "../../src/cli/layer_ablation.ts";
import { verifyStudy } from "../../src/cli/verify.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { findMethod } from "../../src/methods/table.ts";
import { adaptableModules } from "../../src/models/modules.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import type { RunAblation } from "../../src/record/types.ts";
import { parseStudy } from "../../src/spec/study.ts";
import { defaultSettings } from "../../src/spec/settings.ts";
import type { Batch } from "../../src/tasks/types.ts";
import { assemble } from "../../src/train/assemble.ts";
import { batchDims, inputFeeds } from "../../src/train/feeds.ts";
import { importTensors } from "../../src/train/stored_tensors.ts";
import { expected, goldenModel } from "../models/fixture.ts";
import { type Swept, tinyStudy, withSwept } from "./tiny_study.ts";

const study = parseStudy({
  ...tinyStudy,
  deltas: [],
  axes: { ...tinyStudy.axes, methods: ["houlsby", "pfeiffer"], budgets: [{ parameters: 700 }] },
});

const batch: Batch = {
  rows: Array.from({ length: expected.size }, (_, i) => i),
  size: expected.size,
  length: expected.length,
  ids: Int32Array.from(expected.ids),
  types: Int32Array.from(expected.types),
  mask: Float32Array.from(expected.mask),
  targets: new Float32Array(expected.size),
  tokens: expected.mask.reduce((sum, value) => sum + value, 0),
};

/** The logits of a run's stored weights by its own evaluation program. */
async function ownLogits({ runOf, recordOf }: Swept, name: string): Promise<ArrayLike<number>> {
  const record = recordOf(name);
  const path = `${runOf(name)}/${keptWeightsFile(record)}`;
  const { tensors } = readSafetensors(await Deno.readFile(path), path);
  const model = goldenModel();
  const method = findMethod(name);
  const assembly = assemble({
    encoder: model,
    output: { type: "classification", labels: ["calm", "lively"] },
    method: method.bind(record.asked.options),
    ranks: adaptableModules(model.config, method.moduleParts({})!).map((module) => ({
      module,
      rank: record.happened.initialRanks![module.name]!,
    })),
    train: defaultSettings.train,
  });
  const data = importTensors(assembly, tensors).theta;
  const executor = await nativeExecutor(1);
  const evaluate = await executor.load(assembly.evaluationProgram);
  const theta = { type: "f32", shape: [data.length], data } as const;
  const { read } = await evaluate.run({
    feeds: { theta, ...inputFeeds(assembly, batch) },
    dims: batchDims(batch),
    read: ["logits"],
  });
  await evaluate.release();
  return read["logits"]!.data as Float32Array;
}

async function onnxLogits(path: string): Promise<ArrayLike<number>> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1 });
  const feed = (values: ArrayLike<number>) =>
    new Tensor("int64", BigInt64Array.from(Array.from(values), BigInt), [batch.size, batch.length]);
  const { logits } = await session.run({
    input_ids: feed(batch.ids),
    attention_mask: feed(batch.mask),
    token_type_ids: feed(batch.types),
  });
  await session.release();
  return logits!.data as Float32Array;
}

Deno.test("runs of bottleneck adapters are verified, ablated and exported", async (t) => {
  await withSwept(async (swept) => {
    const { folder, runOf, recordOf } = swept;

    await t.step("records count what was trained: 33 a unit, 16 or 48 a module", () => {
      // 700 = 4 · 48 + 15 · 33 + 13 and 2 · 16 + 20 · 33 + 8.
      const ranksOf = (method: string) => Object.values(recordOf(method).happened.finalRanks!);
      assertEquals(ranksOf("houlsby"), [3, 4, 4, 4]);
      assertEquals(ranksOf("pfeiffer"), [10, 10]);
    });

    await t.step("made again, they are bit-equal", async () => {
      const { runs } = await verifyStudy(folder, {
        data: null,
        model: null,
        device: null,
        threads: null,
        sample: null,
        seed: 0,
        tolerance: 1e-4,
      });
      assertEquals(runs.map(({ verdict }) => verdict), ["bit-equal", "bit-equal"]);
    });

    await t.step("each layer and each adapted module is taken away in turn", async () => {
      const { ablated } = await ablateStudy(folder, {
        data: null,
        model: null,
        device: null,
        threads: 1,
        sample: null,
        replay: false,
      });
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
      ]);
      assertEquals(ablationOf("pfeiffer").removals.map(({ name }) => name), [
        "layer.0",
        "layer.1",
        "layer.0.output",
        "layer.1.output",
      ]);
    });

    for (const method of ["houlsby", "pfeiffer"]) {
      await t.step(`${method}: the ONNX model has the logits of the run`, async () => {
        const out = `${runOf(method)}/onnx`;
        const { withoutRank } = await exportRun(runOf(method), {
          format: "onnx",
          out,
          model: null,
          baseName: null,
        });
        assertEquals(withoutRank, []);
        const [found, wanted] = [
          await onnxLogits(`${out}/model.onnx`),
          await ownLogits(swept, method),
        ];
        assertEquals(found.length, wanted.length);
        assert(new Set(Array.from(wanted)).size > 3);
        for (let i = 0; i < wanted.length; i++) assertAlmostEquals(found[i]!, wanted[i]!, 1e-5);
      });

      await t.step(`${method}: the library adapters gets a base and its adapter`, async () => {
        const out = `${runOf(method)}/adapters`;
        await exportRun(runOf(method), { format: "adapters", out, model: null, baseName: null });
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
            () => exportRun(runOf(method), { format, out, model: null, baseName: null }),
            RangeError,
            "want an adapter of weights; --format adapters writes such layers",
          );
          await assertRejects(() => Deno.stat(out), Deno.errors.NotFound);
        });
      }
    }
  }, study);
});
