/** What runs read: shared between workers, and of weights in several files. */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { methods } from "../../src/methods/table.ts";
import { Inputs } from "../../src/runs/inputs.ts";
import { expand, ownTasksOf, planRuns } from "../../src/runs/plan/planning.ts";
import { encodingsFrom, sharedEncodings } from "../../src/runs/shared_models.ts";
import { readStudyFile } from "../../src/runs/plan/study_file.ts";
import type { RunSpec } from "../../src/study/types.ts";
import { runData } from "../../src/train/run_data.ts";
import { inHome, planIn, tinyStudy } from "./tiny_study.ts";
import { InputError } from "../../src/base/input_error.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { goldenEncoder, goldenEncoderFiles } from "../models/encoders.ts";
import { weightsOf } from "../models/fixture.ts";
import { withFolder } from "../with_folder.ts";

/** The same inputs in a worker: messages are cloned as between threads, and shared memory stays shared. */
function inWorker(inputs: Inputs, ownTasks: ReturnType<typeof ownTasksOf>): Inputs {
  // Whoever builds a tokenizer or reads a model again finds nothing there.
  const models = structuredClone(inputs.shareModels());
  const withoutFiles = new Map(
    [...models].map(([name, model]) => [name, { ...model, tokenizerFiles: {} }]),
  );
  const worker = new Inputs(inputs.folders, ownTasks, withoutFiles);
  worker.giveData(structuredClone(inputs.shareData()));
  return worker;
}

Deno.test("what the inputs of a sweep have tokenised, those of a worker take from shared memory", async () => {
  const { study } = await readStudyFile("quickstart");
  const small = {
    ...study,
    axes: { ...study.axes, tasks: ["Topic"], methods: ["head"], seeds: [1] },
  };
  const folders = { data: null, model: null, study: "experiments" };
  const { inputs, runs } = await planRuns(small, expand(small, methods), folders, methods);
  const { run } = runs[0]!;
  const { parts: [own] } = await inputs.read(run);
  const encoded = own!.encodedOf("dev");
  const [shared] = [...inputs.shareData().encodings.values()];
  assert(shared!.ids.buffer instanceof SharedArrayBuffer);
  const worker = inWorker(inputs, []);
  const { parts: [taken] } = await worker.read(run);
  const found = taken!.encodedOf("dev");
  assertEquals(
    found.map(({ ids, types }) => ({ ids: [...ids], types: [...types] })),
    encoded.map(({ ids, types }) => ({ ids: [...ids], types: [...types] })),
  );
  assert(found.every(({ ids }) => ids.buffer instanceof SharedArrayBuffer));
});

/** The runs of the tiny study with two seeds, and what has been read for them. */
const planned = (home: string) =>
  planIn(home, { ...tinyStudy, axes: { ...tinyStudy.axes, seeds: [1, 2] } });

async function dataOf(inputs: Inputs, run: RunSpec) {
  return runData(run, await inputs.read(run));
}

Deno.test("a worker reads no file of a task again, and builds no tokenizer", async () => {
  await inHome(async (home) => {
    const { runs, inputs } = await planned(home);
    const { run } = runs[0]!;
    await inputs.encodeFor([run]);
    const worker = inWorker(inputs, ownTasksOf(tinyStudy));
    await Deno.remove(`${home}/moves`, { recursive: true });
    const there = await dataOf(worker, run);
    const here = await dataOf(inputs, run);
    assert(there.splits[0]!.batches.length > 0);
    assertEquals(there.splits, here.splits);
    assertEquals((await worker.task("Moves")).hashes, (await inputs.task("Moves")).hashes);
    const [first, again] = [here, there].map(({ stages: [stage] }) =>
      stage!.batches.next({ epoch: 0, batch: 0 }).batch
    );
    assertEquals(again, first);
  });
});

Deno.test("what is encoded for workers is what their runs read: for tuning, the training split alone", async () => {
  await inHome(async (home) => {
    const splitsFor = async (heldOut: number | null) => {
      const { runs: [first], inputs } = await planned(home);
      const { run } = first!;
      const { settings } = run;
      const train = { ...settings.train, heldOut };
      await inputs.encodeFor([{ ...run, settings: { ...settings, train } }]);
      return [...inputs.shareData().encodings.keys()].map((key) => JSON.parse(key)[2]);
    };
    assertEquals(await splitsFor(null), ["train", "dev"]);
    assertEquals(await splitsFor(0.2), ["train"]);
  });
});

Deno.test("runs of a task are evaluated by the batches of the run before, unless they want others", async () => {
  await inHome(async (home) => {
    const { runs, inputs } = await planned(home);
    const of = (method: string, seed: number) =>
      runs.find(({ run }) => run.method === method && run.seed === seed)!.run;
    const first = await dataOf(inputs, of("head", 1));
    const second = await dataOf(inputs, of("elalora", 2));
    assertStrictEquals(second.splits[0]!.batches, first.splits[0]!.batches);
    const { settings } = of("head", 1);
    const limited = { ...settings, train: { ...settings.train, devLimit: 5 } };
    const few = await dataOf(inputs, { ...of("head", 1), settings: limited });
    assertEquals(few.splits[0]!.targets.length, 5);
    assert(few.splits[0]!.batches !== first.splits[0]!.batches);
    const short = { ...settings, train: { ...settings.train, maxLength: 6 } };
    const cut = await dataOf(inputs, { ...of("head", 1), settings: short });
    assert(cut.splits[0]!.batches.every(({ length }) => length <= 6));
  });
});

Deno.test("choices come back from shared memory as they were", () => {
  const encoding = (...ids: readonly number[]) => ({
    ids: Int32Array.from(ids),
    types: Int32Array.from(ids, () => 1),
  });
  const encoded = [
    { ...encoding(2, 5), further: [encoding(2, 6, 7)] },
    { ...encoding(2), further: [encoding(2, 9)] },
  ];
  const plain = JSON.stringify(encodingsFrom(sharedEncodings(encoded)));
  assertEquals(plain, JSON.stringify(encoded));
});

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
