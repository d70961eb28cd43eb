import { assert, assertEquals, assertRejects } from "@std/assert";
import { hashBytes } from "../../src/base/hash.ts";
import { exportCommand } from "../../src/cli/export.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { UsageError } from "../../src/base/input_error.ts";
import { loadEncoder } from "../../src/models/load.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { goldenModel } from "../models/fixture.ts";
import { assertClose, onnxLogits, ownLogits } from "./exported_logits.ts";
import { baseName, type FormulaRun, withFormulaRuns } from "./exported_runs.ts";

/** What peft and transformers computed with the same exports (`tests/golden/peft_loads_export.py`). */
interface Loaded {
  /** SHA-256 of the adapter's files. */
  readonly files: Readonly<Record<string, string>>;
  /** alpha over rank of each adapted module. */
  readonly scales: Readonly<Record<string, number>>;
  readonly peft: readonly number[];
  readonly merged: readonly number[];
}

const golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/peft/export_logits.json", import.meta.url)),
) as Readonly<Record<string, Loaded>>;

/** A run's logits with all that it has stored, in room for what has moved or was merged. */
function logitsOf({ folder, record }: FormulaRun): Promise<Float32Array> {
  const isGrown = record.asked.method === "elalora" || record.happened.storedRanks !== undefined;
  return ownLogits(folder, record, {
    weights: "constant",
    capacityOf: (_, rank) => isGrown ? 6 : rank,
  });
}

Deno.test("exportRun writes what peft and transformers were seen to load, with the logits of ranklab", async () => {
  await withFormulaRuns(async (runs) => {
    assertEquals(runs.map(({ label }) => label).sort(), [
      "adalora",
      "beamlora",
      "dora",
      "elalora",
      "lora",
      "raclora",
      "rslora",
      "sora",
      "xgblora",
    ]);
    for (const run of runs) {
      const { files, scales, peft, merged } = golden[run.label]!;
      const out = `${run.folder}/exported`;
      const options = { model: null, baseName };
      await exportRun(run.folder, { ...options, format: "peft", out: `${out}/peft` });
      for (const [name, hash] of Object.entries(files)) {
        assertEquals(hashBytes(await Deno.readFile(`${out}/peft/${name}`)), hash, run.label);
      }
      const config = JSON.parse(await Deno.readTextFile(`${out}/peft/adapter_config.json`));
      assertEquals(config.target_modules, Object.keys(scales));
      const own = await logitsOf(run);
      assertClose(own, peft);
      assertClose(own, merged);

      await exportRun(run.folder, { ...options, format: "onnx", out: `${out}/onnx` });
      assertClose(await onnxLogits(`${out}/onnx/model.onnx`), own);
    }
  });
});

Deno.test("exportRun leaves modules without a rank out of the adapter and names them", async () => {
  await withFormulaRuns(async ([elalora]) => {
    assert(elalora !== undefined);
    const out = `${elalora.folder}/exported`;
    const { withoutRank } = await exportRun(elalora.folder, {
      format: "peft",
      out,
      model: null,
      baseName,
    });
    assertEquals(withoutRank, ["layer.0.query", "layer.0.output", "layer.1.intermediate"]);
    const config = JSON.parse(await Deno.readTextFile(`${out}/adapter_config.json`));
    assert(!config.target_modules.includes("bert.encoder.layer.0.attention.self.query"));
    assertEquals(config.target_modules.length, 9);
    const readme = await Deno.readTextFile(`${out}/README.md`);
    assert(readme.includes("layer.0.query, layer.0.output, layer.1.intermediate"));
  }, "elalora");
});

Deno.test("exportRun writes a merged folder that loads as an encoder, with the task's labels", async () => {
  await withFormulaRuns(async ([run]) => {
    assert(run !== undefined);
    const out = `${run.folder}/exported`;
    await exportRun(run.folder, { format: "merged", out });
    const weights = await Deno.readFile(`${out}/model.safetensors`);
    const config = await Deno.readTextFile(`${out}/config.json`);
    const vocab = await Deno.readTextFile(`${out}/vocab.txt`);
    const { tensors } = loadEncoder({ config, weights, vocab }, out);
    const base = goldenModel().tensors;
    assertEquals([...tensors.keys()], [...base.keys()]);
    const stored = readSafetensors(weights, out);
    assertEquals(stored.metadata, { format: "pt" });
    assertEquals(stored.tensors.get("classifier.weight")!.shape, [2, 16]);
    const changed = [...tensors].filter(([name, { data }]) =>
      data.some((value, i) => value !== base.get(name)!.data[i])
    ).map(([name]) => name);
    // All masked in layer.0.query: eleven adapted weights, and the pooler that was trained whole.
    assertEquals(changed.length, 13);
    assert(!changed.includes("encoder.layer.0.attention.self.query.weight"));
    const { id2label, num_labels, problem_type } = JSON.parse(config);
    assertEquals(id2label, { 0: "calm", 1: "lively" });
    assertEquals([num_labels, problem_type], [2, "single_label_classification"]);
  }, "adalora");
});

Deno.test("exportRun says what it found where it cannot export", async () => {
  await withFormulaRuns(async (runs) => {
    const [{ folder }] = runs as readonly [FormulaRun];
    const to = (out: string, model: string | null = null) =>
      ({ format: "merged", out, model, baseName: null }) as const;
    await assertRejects(
      () => exportRun(`${folder}/nowhere`, to(`${folder}/x`)),
      Error,
      "found no record.json, want the folder of a finished run",
    );
    await assertRejects(() => exportRun(folder, to(folder)), RangeError, "want a new or empty");
    const embedded = decodeURIComponent(
      new URL("../../src/models/embedded", import.meta.url).pathname,
    );
    await assertRejects(
      () => exportRun(folder, to(`${folder}/x`, embedded)),
      Error,
      "give the right one by --model DIR",
    );
  }, "lora");
});

Deno.test("exportCommand wants one folder and a format that it knows", async () => {
  await assertRejects(() => exportCommand([]), UsageError, "Usage: deno task export RUN_FOLDER");
  await assertRejects(() => exportCommand(["run"]), UsageError, '"--format" is missing');
  await assertRejects(
    () => exportCommand(["run", "--format", "pefd"]),
    UsageError,
    'Did you mean "peft"?',
  );
});
