/** Exports of encoders whose head no class of transformers computes: what Python was seen to open, and the way back. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { hashBytes } from "../../src/base/hash.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { importAdapter } from "../../src/runs/share/imported_model.ts";
import { pythonLines } from "../../src/models/classifier_folder.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { outputCount } from "../../src/train/assembly_request.ts";
import { type BareRun, withBareRuns } from "./bare_exports.ts";
import { assertClose, ownLogits } from "./exported_logits.ts";

/** What the lines of the README.md gave in Python (`tests/golden/bare_loads_export.py`). */
interface Opened {
  /** SHA-256 of the lines. */
  readonly lines: string;
  /** SHA-256 of the files beside them. */
  readonly files: Readonly<Record<string, string>>;
  /** Text by text. */
  readonly logits: readonly number[];
}

const golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/bare_exports.json", import.meta.url)),
) as Readonly<Record<string, Opened>>;

function linesOf(readme: string): string {
  return /```python\n(.*?)\n```/s.exec(readme)![1]!;
}

/** Reads a run's exported adapter with its head and holds it against the exported whole. */
async function assertImports({ folder, model, output, name }: BareRun): Promise<void> {
  const outputs = outputCount(output);
  const { tensors, contents } = await importAdapter(`${folder}/exported/peft`, model, outputs);
  assertEquals(contents.wholeTensors, model.config.pooler ? 4 : 2, name);
  assertEquals(contents.baseHead, [], name);
  const read = (file: string) =>
    readSafetensors(Deno.readFileSync(`${folder}/exported/merged/${file}`), file).tensors;
  const [encoder, head] = [read("model.safetensors"), read("head.safetensors")];
  assertEquals(encoder.size + head.size, tensors.size, name);
  for (const [parameter, { data }] of [...encoder, ...head]) {
    const found = tensors.get(parameter)!.data as Float32Array;
    assertEquals(found.length, data.length, parameter);
    // DoRA's lengths have been rounded once more on their way.
    const far = data.findIndex((value, i) => Math.abs(value - found[i]!) > 1e-6);
    assertEquals(far, -1, `${name}: ${parameter}`);
  }
}

/** Layers beside an encoder's own are in no weights, and the library for them has no such head. */
async function assertRefuses({ folder }: BareRun): Promise<void> {
  const messages = {
    merged: "want an adapter of weights",
    adapters: 'the encoder has pooling "mean" and a pooler',
  } as const;
  for (const [format, message] of Object.entries(messages)) {
    const options = {
      format: format as keyof typeof messages,
      out: `${folder}/${format}`,
    };
    await assertRejects(() => exportRun(folder, options), RangeError, message);
  }
}

Deno.test("the page on results shows the lines that open a run of the embedded encoder", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/results.md", import.meta.url));
  const config = { pooling: "mean", pooler: false } as const;
  const wanted = pythonLines({ format: "merged", config, maxLength: 128 });
  assertEquals(linesOf(page).split("\n"), wanted);
});

Deno.test("exportRun writes what the lines of its README.md were seen to open in Python, with the logits of ranklab", async () => {
  const seen: string[] = [];
  await withBareRuns(async (runs) => {
    for (const run of runs) {
      const { name, folder, record, formats, model, output, batches } = run;
      if (formats.length === 0) {
        await assertRefuses(run);
        continue;
      }
      const own = await ownLogits(folder, record, {}, { model, output, batches });
      for (const format of formats) {
        const key = `${name}/${format}`;
        seen.push(key);
        const { lines, files, logits } = golden[key]!;
        const out = `${folder}/exported/${format}`;
        const { hasLines } = await exportRun(folder, {
          format,
          out,
        });
        assert(hasLines, key);
        assertEquals(hashBytes(linesOf(await Deno.readTextFile(`${out}/README.md`))), lines, key);
        for (const [file, hash] of Object.entries(files)) {
          assertEquals(hashBytes(await Deno.readFile(`${out}/${file}`)), hash, `${key}/${file}`);
        }
        assertClose(own, logits);
      }
      if (formats.includes("peft")) await assertImports(run);
    }
  });
  assertEquals(seen.sort(), Object.keys(golden).filter((key) => key !== "versions").sort());
});
