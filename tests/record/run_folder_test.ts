/** What a run makes of what an earlier attempt left, and how it takes its place. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { checkSeal, encodeCheckpoint, sealCheckpoint } from "../../src/record/checkpoint_file.ts";
import { DamagedFileError } from "../../src/record/damage.ts";
import { denoDisk, type Disk } from "../../src/record/disk.ts";
import { StorageError } from "../../src/record/durable.ts";
import { LostAttemptError, RunFolder } from "../../src/record/run_folder.ts";
import { attemptPath } from "../../src/record/lease.ts";
import {
  checkpointAt,
  makeSmallRun,
  recordOf,
  smallFolder,
  stepLine,
  timings,
} from "./small_run.ts";
import { withFolder } from "../with_folder.ts";

const first = "1111111111111111", second = "2222222222222222", id = "0123456789abcdef";

const namesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

/** A run that stopped after 5 steps, with a checkpoint at the third; gives its folder. */
async function stopped(results: string): Promise<string> {
  await makeSmallRun({ disk: denoDisk, results, attempt: first, stopAt: 5 });
  return attemptPath(results, smallFolder, first);
}

function goOn(results: string, own: string = id) {
  return makeSmallRun({ disk: denoDisk, results, attempt: second, id: own });
}

Deno.test("a run goes on from its checkpoint, and its folder appears with its record", async () => {
  await withFolder(async (results) => {
    const attempt = await stopped(results);
    assertEquals(namesIn(results), ["under-way"]);
    assertStringIncludes(await Deno.readTextFile(`${attempt}/steps.jsonl`), '{"step":1,');
    const { made, anew, finished } = await goOn(results);
    assertEquals([made, anew, finished?.twice], [5, null, null]);
    assertEquals(namesIn(results), [smallFolder]);
    const text = await Deno.readTextFile(`${results}/${smallFolder}/steps.jsonl`);
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines, [1, 2, 3, 4, 5, 6, 7, 8].map(stepLine));
    const { files } = JSON.parse(
      await Deno.readTextFile(`${results}/${smallFolder}/record.json`),
    );
    assertEquals(files["steps.jsonl"].bytes, text.length);
    assertEquals(Object.keys(files).sort(), [
      "adapter.safetensors",
      "evaluations.jsonl",
      "importance.jsonl",
      "predictions.jsonl",
      "ranks.jsonl",
      "steps.jsonl",
    ]);
  });
});

Deno.test("a checkpoint that counts on other journals makes the run start anew, and says so", async () => {
  const damages: readonly [string, (attempt: string) => Promise<void>, string][] = [
    ["emptied", (at) => Deno.truncate(`${at}/steps.jsonl`, 0), "found 0 bytes, want the"],
    ["cut", (at) => Deno.truncate(`${at}/steps.jsonl`, 100), "found 100 bytes, want the"],
    ["a folder", async (at) => {
      await Deno.remove(`${at}/steps.jsonl`);
      await Deno.mkdir(`${at}/steps.jsonl/with`, { recursive: true });
    }, "found a folder"],
    ["a checkpoint's folder", async (at) => {
      await Deno.remove(`${at}/checkpoint.safetensors`);
      await Deno.mkdir(`${at}/checkpoint.safetensors/with`, { recursive: true });
    }, "found a folder"],
    ["removed", (at) => Deno.remove(`${at}/importance.jsonl`), "importance.jsonl"],
    ["changed", async (at) => {
      const text = await Deno.readTextFile(`${at}/steps.jsonl`);
      await Deno.writeTextFile(`${at}/steps.jsonl`, text.replace('"loss":1,', '"loss":2,'));
    }, "found other content"],
    [
      "garbage",
      (at) => Deno.writeTextFile(`${at}/checkpoint.safetensors`, "garbage"),
      "checkpoint.safetensors",
    ],
    ["empty", (at) => Deno.truncate(`${at}/checkpoint.safetensors`, 0), "checkpoint.safetensors"],
  ];
  for (const [name, damage, wanted] of damages) {
    await withFolder(async (results) => {
      await damage(await stopped(results));
      const { made, anew } = await goOn(results);
      assertEquals(made, 8, name);
      assertStringIncludes(anew ?? "nothing said", wanted);
      const text = await Deno.readTextFile(`${results}/${smallFolder}/steps.jsonl`);
      assertEquals(text.split("\n").length, 9, name);
      assert(!text.includes("\0"), name);
    });
  }
});

Deno.test("what follows the checkpoint in a journal, or lies beside it, is dropped", async () => {
  await withFolder(async (results) => {
    const attempt = await stopped(results);
    for (const name of ["steps", "importance"]) {
      await Deno.writeTextFile(`${attempt}/${name}.jsonl`, '{"step":\0x', { append: true });
    }
    await Deno.mkdir(`${attempt}/best.safetensors/with`, { recursive: true });
    const { made, anew, finished } = await goOn(results);
    assertEquals([made, anew, finished?.twice], [5, null, null]);
    const text = await Deno.readTextFile(`${results}/${smallFolder}/steps.jsonl`);
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines, [1, 2, 3, 4, 5, 6, 7, 8].map(stepLine));
    assert(!namesIn(`${results}/${smallFolder}`).includes("best.safetensors"));
  });
});

Deno.test("a checkpoint of which any byte is changed makes the run start anew", async () => {
  const whole = await sealCheckpoint(
    encodeCheckpoint({ run: id, checkpoint: checkpointAt(3), journals: {}, timings }),
  );
  await checkSeal(whole, "checkpoint");
  for (const at of whole.keys()) {
    const changed = whole.with(at, whole[at]! ^ 1 << at % 8);
    await assertRejects(() => checkSeal(changed, "checkpoint"), DamagedFileError, `want that of`);
  }
  await assertRejects(() => checkSeal(whole.subarray(0, 20), "checkpoint"), DamagedFileError);
  await withFolder(async (results) => {
    const path = `${await stopped(results)}/checkpoint.safetensors`;
    const bytes = await Deno.readFile(path);
    // The last byte is one of the trained numbers.
    await Deno.writeFile(path, bytes.with(-1, bytes.at(-1)! ^ 1));
    const { made, anew } = await goOn(results);
    assertEquals(made, 8);
    assertStringIncludes(anew!, "want that of its own header");
  });
});

Deno.test("a file where a run is made, or where its folder belongs, gives way", async () => {
  await withFolder(async (results) => {
    const attempt = await stopped(results);
    await Deno.remove(attempt, { recursive: true });
    await Deno.writeTextFile(attempt, "no folder");
    await Deno.writeTextFile(`${results}/${smallFolder}`, "no folder");
    const { made, finished } = await goOn(results);
    assertEquals([made, finished?.twice], [8, null]);
    assertEquals(namesIn(results), [smallFolder]);
  });
});

Deno.test("a checkpoint of another run is not gone on from", async () => {
  await withFolder(async (results) => {
    await stopped(results);
    const { made, anew } = await goOn(results, "fedcba9876543210");
    assertEquals(made, 8);
    assertStringIncludes(anew!, "a checkpoint of run 0123456789abcdef");
  });
});

Deno.test("a checkpoint whose state has another layout makes the run start anew, and says so", async () => {
  await withFolder(async (results) => {
    const path = `${await stopped(results)}/checkpoint.safetensors`;
    const text = new TextDecoder("latin1").decode(await Deno.readFile(path));
    const older = text.replace('\\"layout\\":2', '\\"layout\\":1');
    assert(older !== text);
    const bytes = Uint8Array.from(older, (character) => character.charCodeAt(0));
    await Deno.writeFile(path, await sealCheckpoint(bytes));
    const { made, anew } = await goOn(results);
    assertEquals(made, 8);
    assertStringIncludes(anew!, "layout");
  });
});

Deno.test("what an older ranklab left in the run's own folder gives way", async () => {
  await withFolder(async (results) => {
    const old = `${results}/${smallFolder}`;
    await Deno.mkdir(old);
    for (const name of ["checkpoint.safetensors", "steps.jsonl", "ablation.json"]) {
      await Deno.writeTextFile(`${old}/${name}`, "old");
    }
    const { anew } = await goOn(results);
    assertStringIncludes(anew!, "is of an older ranklab");
    assert(!namesIn(old).includes("ablation.json"));
    assertEquals(namesIn(results), [smallFolder]);
  });
});

Deno.test("a record that is none makes the run be made again, and says so", async () => {
  for (const text of ["", "{", "null", "{}"]) {
    await withFolder(async (results) => {
      await Deno.mkdir(`${results}/${smallFolder}`);
      await Deno.writeTextFile(`${results}/${smallFolder}/record.json`, text);
      const { anew, finished } = await goOn(results);
      assertStringIncludes(anew ?? "nothing said", `${smallFolder}/record.json`);
      assertEquals(finished?.twice, null);
    });
  }
});

Deno.test("a run that was taken over notices, and spoils nothing", async () => {
  await withFolder(async (results) => {
    const place = { results, folder: smallFolder, id, disk: denoDisk };
    const lost = await RunFolder.open({ ...place, attempt: first });
    lost.folder.append("steps", stepLine(1));
    await lost.folder.saveCheckpoint({ checkpoint: checkpointAt(1), timings });
    const taker = await RunFolder.open({ ...place, attempt: second });
    assertEquals(taker.stored!.checkpoint.step, 1);
    // The journals that the first one has open are no longer those of the run.
    lost.folder.append("steps", stepLine(99));
    await lost.folder.flush();
    for (
      const write of [
        () => lost.folder.saveCheckpoint({ checkpoint: checkpointAt(99), timings }),
        () => lost.folder.write("predictions.jsonl", "wrong"),
        () => lost.folder.read("steps"),
        () => lost.folder.finish(recordOf(id)),
      ]
    ) await assertRejects(write, LostAttemptError, "taken over by another process");
    lost.folder.close();
    taker.folder.append("steps", stepLine(2));
    await taker.folder.finish(recordOf(id));
    taker.folder.close();
    const text = await Deno.readTextFile(`${results}/${smallFolder}/steps.jsonl`);
    assertEquals(text.trimEnd().split("\n").map((line) => JSON.parse(line).step), [1, 2]);
  });
});

Deno.test("of a run that two made the first is kept, and the second compared with it", async () => {
  const finished = (results: string, loss: number) => async (attempt: string) => {
    const opened = await RunFolder.open({ results, folder: smallFolder, id, attempt });
    opened.folder.append("steps", { ...stepLine(1), loss, stepMillis: Math.random() });
    return {
      finish: () => opened.folder.finish(recordOf(id)).finally(() => opened.folder.close()),
      hide: () => Deno.rename(opened.folder.path, `${results}/hidden`),
      show: () => Deno.rename(`${results}/hidden`, opened.folder.path),
    };
  };
  for (const [loss, differences] of [[1, []], [2, ["steps"]]] as const) {
    await withFolder(async (results) => {
      const late = await finished(results, loss)(first);
      // Only so do both get to the end: an attempt that is seen is taken over.
      await late.hide();
      const early = await finished(results, 1)(second);
      await early.finish();
      await Deno.mkdir(`${results}/under-way`);
      await late.show();
      assertEquals((await late.finish()).twice, differences);
      const text = await Deno.readTextFile(`${results}/${smallFolder}/steps.jsonl`);
      assertEquals(JSON.parse(text).loss, 1);
      assertEquals(namesIn(results), [smallFolder]);
    });
  }
});

Deno.test("a failed run gives way to a later try", async () => {
  await withFolder(async (results) => {
    const place = { results, folder: smallFolder, id };
    const failed = await RunFolder.open({ ...place, attempt: first });
    const outcome = { state: "failed", cause: "unknown", message: "none", step: null } as const;
    await failed.folder.finish(recordOf(id, outcome));
    failed.folder.close();
    const { finished } = await goOn(results);
    assertEquals(finished!.twice, null);
    const record = JSON.parse(await Deno.readTextFile(`${results}/${smallFolder}/record.json`));
    assertEquals(record.happened.outcome.state, "finished");
  });
});

/** A disk on which one effect fails as on a full one. */
function fullAt(name: string): Disk {
  return {
    ...denoDisk,
    create: async (path) => {
      const file = await denoDisk.create(path);
      const error = Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
      return path.includes(name) ? { ...file, write: () => Promise.reject(error) } : file;
    },
  };
}

Deno.test("a full disk is an error of storage wherever it is met, and the run goes on later", async () => {
  for (const name of ["steps.jsonl", "checkpoint", "predictions", "record.json"]) {
    await withFolder(async (results) => {
      const error = await assertRejects(
        () => makeSmallRun({ disk: fullAt(name), results, attempt: first }),
        StorageError,
        name,
      );
      assertStringIncludes(error.message, "free some space");
      const left = namesIn(attemptPath(results, smallFolder, first));
      assertEquals(left.filter((file) => file.endsWith(".part")), [], name);
      const { anew, finished } = await goOn(results);
      assertEquals([anew, finished?.twice], [null, null]);
      assertEquals(namesIn(results), [smallFolder]);
    });
  }
});
