/** Pretraining that is stopped, with its files. */
import { assertEquals, assertRejects } from "@std/assert";
import { pretrain } from "../../../tools/pretrain/main.ts";
import { StopFlag, StoppedError } from "../../../src/runs/events.ts";
import { readSafetensors } from "../../../src/models/safetensors.ts";
import { pretrainingSettings } from "../../../tools/pretrain/run.ts";
import { encodeSequences } from "../../../tools/pretrain/sequence_file.ts";
import { withFolder } from "../../with_folder.ts";

/** Four sequences of five words each. */
const sequences = Array.from({ length: 4 }, (_, i) => {
  const ids = Uint16Array.from([2, 5 + i, 6, 7, 8, 9, 3]);
  return { ids, boundary: ids.length };
});

Deno.test("pretraining that is stopped keeps every step at a checkpoint and goes on from it to the end", async () => {
  await withFolder(async (cache) => {
    await Deno.writeFile(
      `${cache}/sequences.bin`,
      encodeSequences({ vocabularySize: 12, sequences }),
    );
    const settings = { ...pretrainingSettings, steps: 3, batchSize: 2, heldOut: 2 };
    const options = { output: cache, cache, settings, threads: 1 };
    for (const step of [1, 2]) {
      const stop = new StopFlag();
      stop.raise();
      await assertRejects(
        () => pretrain(options, stop),
        StoppedError,
        `kept up to its checkpoint at step ${step} of 3`,
      );
      const path = `${cache}/checkpoint.safetensors`;
      const { metadata } = readSafetensors(await Deno.readFile(path), path);
      assertEquals(metadata["step"], String(step));
    }
    await pretrain(options);
    const record = JSON.parse(await Deno.readTextFile(`${cache}/pretraining.json`));
    // Seven tokens of two sequences in each of three steps, those before the stops included.
    assertEquals(record.tokensSeen, 42);
    assertEquals(record.curve.map(({ step }: { readonly step: number }) => step), [3]);
  });
});
