import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError, UsageError } from "../../src/base/input_error.ts";
import { readSafetensors, writeSafetensors } from "../../src/models/safetensors.ts";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  readWeightsFile,
} from "../../src/record/checkpoint_file.ts";
import { ownerHost, ownerName, ownerText } from "../../src/record/lease.ts";
import { isDamage } from "../../src/record/damage.ts";
import { folderReader, readRecord, wantWithin } from "../../src/record/results_reader.ts";
import { checkpointAt, recordOf, timings } from "./small_run.ts";
import { withFolder } from "../with_folder.ts";

/** Files of runs that are not what was written: each is refused with its file, place, what was found and what is wanted. */

const file = "run/checkpoint.safetensors";
const stored = { run: "0123456789abcdef", checkpoint: checkpointAt(3), journals: {}, timings };

/** A checkpoint whose header was changed. */
function changed(change: (header: { rest: Record<string, unknown> }) => void): Uint8Array {
  const { tensors, metadata } = readSafetensors(encodeCheckpoint(stored), file);
  const header = JSON.parse(metadata["checkpoint"]!);
  change(header);
  return writeSafetensors(tensors, "F32", { checkpoint: JSON.stringify(header) });
}

Deno.test("a checkpoint that lacks what training goes on from is refused, and its key is named", () => {
  const plateau = { best: 0.5, waited: 2 };
  const whole = { ...stored.checkpoint, plateau };
  assertEquals(
    decodeCheckpoint(changed(({ rest }) => rest["plateau"] = plateau), file).checkpoint,
    whole,
  );
  for (const key of ["order", "cursor", "step", "capacities", "policyState", "isRatePinned"]) {
    const lacking = changed(({ rest }) => delete rest[key]);
    const error = assertThrows(() => decodeCheckpoint(lacking, file), InputError, `rest.${key}`);
    assertEquals([error.file, isDamage(error)], [file, true]);
  }
  const without = writeSafetensors(new Map(), "F32", {});
  assertThrows(() => decodeCheckpoint(without, file), InputError, "no checkpoint in its header");
});

Deno.test("evaluations in a checkpoint keep figures that are no numbers", () => {
  const best = {
    step: 3,
    epoch: 1,
    evaluations: [{ split: "dev", loss: NaN, metrics: { f1: NaN }, predictions: [1, 0] }],
    theta: Float32Array.of(1),
    order: {},
    off: [],
    merged: 0,
  };
  const bytes = encodeCheckpoint({ ...stored, checkpoint: { ...stored.checkpoint, best } });
  assertEquals(decodeCheckpoint(bytes, file).checkpoint.best, best);
});

Deno.test("weights say which slots were masked, in a form that is checked", () => {
  const tensors = new Map([["a", { shape: [1], data: Float32Array.of(1) }]]);
  const weights = (metadata: Readonly<Record<string, string>>) =>
    readWeightsFile(writeSafetensors(tensors, "F32", metadata), "adapter.safetensors");
  const off = [{ module: "layer.0.query", slot: 1 }];
  assertEquals(weights({ run: "r", step: "4", off: JSON.stringify(off) }), {
    tensors,
    run: "r",
    step: "4",
    off,
  });
  assertEquals(weights({}).off, []);
  for (const wrong of ["[", "{}", '[{"module": 1, "slot": 0}]', '[{"module": "a", "slot": -1}]']) {
    const error = assertThrows(() => weights({ off: wrong }), InputError, "adapter.safetensors");
    assert(error.found !== "" && error.wanted !== "", error.message);
  }
});

Deno.test("a record with a key twice, and one that is a folder, are damaged and named", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/record.json`;
  try {
    const text = JSON.stringify(recordOf("0123456789abcdef"));
    await Deno.writeTextFile(path, text.replace('"id":', '"id":"other","id":'));
    const twice = await assertRejects(() => readRecord(folder), InputError, 'the key "id" twice');
    await Deno.remove(path);
    await Deno.mkdir(path);
    const none = await assertRejects(() => readRecord(folder), InputError, "want a file");
    for (const error of [twice, none]) assertEquals([error.file, isDamage(error)], [path, true]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the owner of a lease is told only where its file names one", () => {
  const text = ownerText({ host: "here", pid: 7, command: "sweep" }, 3);
  assertEquals([ownerName(text, "lease"), ownerHost(text)], ["process 7 on here (sweep)", "here"]);
  const unnamed = 'a process that "lease" does not name (if none is at work there, delete that)';
  const others = [
    "",
    "{",
    "null",
    "7",
    '{"pid": 7}',
    '{"pid": 7, "host": 5, "command": "x"}',
    text + text,
  ];
  for (const other of others) {
    assertEquals([ownerName(other, "lease"), ownerHost(other)], [unnamed, null], other);
  }
});

Deno.test("a link that leaves the results folder is refused by name, and one that stays is followed", async () => {
  await withFolder(async (home) => {
    const results = `${home}/results`;
    await Deno.mkdir(`${results}/run`, { recursive: true });
    await Deno.mkdir(`${home}/elsewhere`);
    await Deno.writeTextFile(`${home}/secret`, "secret");
    await Deno.writeTextFile(`${results}/run/record.json`, "{}");
    await Deno.symlink(`${home}/secret`, `${results}/log.txt`);
    await Deno.symlink(`${home}/elsewhere`, `${results}/report`);
    await Deno.symlink("run", `${results}/again`);
    // The folder itself may be a link.
    await Deno.symlink(results, `${home}/linked`);
    for (const folder of [results, `${home}/linked`]) {
      const reader = folderReader(folder);
      await assertRejects(() => reader.read("log.txt"), UsageError, `${folder}/log.txt`);
      assertEquals((await reader.read("again/record.json"))?.length, 2);
      assertEquals(await reader.read("none.json"), null);
      await assertRejects(
        () => wantWithin(folder, `${folder}/report/charts`),
        UsageError,
        "a link",
      );
      await wantWithin(folder, `${folder}/spectra/new`);
    }
  });
});
