/** What a run's folder still holds of an earlier try. */
import { assertEquals } from "@std/assert";
import { encodeCheckpoint } from "../../src/record/checkpoint_file.ts";
import { RunFolder } from "../../src/record/run_folder.ts";

const endFiles = [
  "ablation.json",
  "adapter.safetensors",
  "best.safetensors",
  "predictions.jsonl",
  "record.json",
];
const journals = ["evaluations.jsonl", "importance.jsonl", "ranks.jsonl", "steps.jsonl"];

const timings = {
  trainMillis: 0,
  evaluateMillis: 0,
  wallMillis: 0,
  startedAt: "2001-02-03T04:05:06.000Z",
};

/** A folder with all files of a finished run, and journals of 9 bytes. */
async function inOldFolder(check: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir();
  try {
    for (const name of endFiles) await Deno.writeTextFile(`${path}/${name}`, "old");
    for (const name of journals) await Deno.writeTextFile(`${path}/${name}`, '{"a": 1}\n');
    await check(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

const namesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();
const textsOf = (path: string) => journals.map((name) => Deno.readTextFileSync(`${path}/${name}`));

Deno.test("RunFolder.open() leaves nothing of an earlier try to a run that starts anew", async () => {
  await inOldFolder(async (path) => {
    const { folder, stored } = await RunFolder.open(path);
    folder.close();
    assertEquals(stored, null);
    assertEquals(namesIn(path), journals);
    assertEquals(textsOf(path), ["", "", "", ""]);
  });
});

Deno.test("RunFolder.open() of a run that goes on keeps its files, and its journals up to the checkpoint", async () => {
  await inOldFolder(async (path) => {
    const checkpoint = {
      step: 3,
      cursor: { epoch: 0, batch: 3 },
      vectors: { theta: Float32Array.of(1, 2) },
      order: {},
      openingRanks: {},
      capacities: {},
      policyState: null,
      cache: null,
      history: [],
      off: [],
      isMaskPermanent: false,
      isRatePinned: false,
      rankEvents: 0,
      ranksMoved: 0,
      peakParameters: 0,
      trainedSum: 0,
      countedSteps: 0,
      best: null,
      last: null,
    };
    const bytes = encodeCheckpoint({ checkpoint, journals: { "steps": 4, "ranks": 9 }, timings });
    await Deno.writeFile(`${path}/checkpoint.safetensors`, bytes);
    const { folder, stored } = await RunFolder.open(path);
    assertEquals(stored!.checkpoint, checkpoint);
    assertEquals(namesIn(path), [...endFiles, ...journals, "checkpoint.safetensors"].sort());
    assertEquals(textsOf(path), ["", "", '{"a": 1}\n', '{"a"']);
    folder.append("steps", { b: 2 });
    folder.append("steps", { b: 3 });
    folder.append("ranks", { c: 4 });
    const sizes = await folder.flush();
    folder.close();
    assertEquals(textsOf(path), ["", "", '{"a": 1}\n{"c":4}\n', '{"a"{"b":2}\n{"b":3}\n']);
    assertEquals(sizes, { steps: 20, evaluations: 0, ranks: 17, importance: 0 });
  });
});
