/** A model folder whose weights lie in several files, as runs read it. */
import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { Inputs } from "../../src/runs/inputs.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { goldenEncoder, goldenEncoderFiles } from "../models/encoders.ts";
import { weightsOf } from "../models/fixture.ts";
import { withFolder } from "../with_folder.ts";

/** Writes the golden DistilBERT with its weights in two files. */
async function writeSharded(folder: string): Promise<void> {
  const { config, weights, vocab } = goldenEncoderFiles("distilbert");
  const tensors = [...readSafetensors(weights, "golden").tensors];
  const halves = [tensors.slice(0, 15), tensors.slice(15)];
  const fileOf = (half: number) => `model-0000${half + 1}-of-00002.safetensors`;
  const map = halves.flatMap((own, half) => own.map(([name]) => [name, fileOf(half)]));
  await Deno.writeTextFile(`${folder}/config.json`, config);
  await Deno.writeTextFile(`${folder}/vocab.txt`, vocab!);
  await Deno.writeTextFile(
    `${folder}/model.safetensors.index.json`,
    JSON.stringify({ metadata: {}, weight_map: Object.fromEntries(map) }),
  );
  for (const [half, own] of halves.entries()) {
    await Deno.writeFile(`${folder}/${fileOf(half)}`, weightsOf(own));
  }
}

Deno.test("a model folder may have its weights in several files; one that is missing is named", async () => {
  await withFolder(async (folder) => {
    await writeSharded(folder);
    const folders = { data: null, model: folder, study: "." };
    const { config, tensors } = await new Inputs(folders, []).model("folder");
    const whole = goldenEncoder("distilbert").model;
    assertEquals(config, whole.config);
    assertEquals(tensors, whole.tensors);
    await Deno.remove(`${folder}/model-00002-of-00002.safetensors`);
    await assertRejects(
      () => new Inputs(folders, []).model("folder"),
      InputError,
      `Cannot load the model folder "${folder}": "model-00002-of-00002.safetensors" is missing`,
    );
  });
});
