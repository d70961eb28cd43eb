/** The entry for browser tabs, as far as it can be asked without one. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { train } from "../../src/runs/train.ts";
import type { TrainEvent } from "../../src/runs/training.ts";
import { chooseExecutor, type EncoderFiles, train as trainInTab } from "../../src/runs/web.ts";
import { tinyModel } from "./tiny_study.ts";

const files: EncoderFiles = {
  config: await Deno.readTextFile(`${tinyModel}/config.json`),
  weights: await Deno.readFile(`${tinyModel}/model.safetensors`),
  vocab: await Deno.readTextFile(`${tinyModel}/vocab.txt`),
};

const options = {
  method: "lora",
  budget: 1,
  task: {
    name: "sat or not",
    labels: ["calm", "lively"],
    train: [{ text: "the cat sat", label: "calm" }, { text: "a dog ran", label: "lively" }],
    dev: [{ text: "the bird flew", label: "lively" }],
  },
  train: { steps: 2, batchSize: 2, maxLength: 8 },
} as const;

async function lossesOf(events: AsyncIterable<TrainEvent>): Promise<readonly number[]> {
  const losses: number[] = [];
  for await (const event of events) {
    if (event.kind === "step") losses.push(event.loss);
    if (event.kind === "done") await event.model.dispose();
  }
  return losses;
}

Deno.test("an encoder may be given as the contents of its files", async () => {
  const device = new ReferenceExecutor();
  const wanted = await lossesOf(train({ ...options, device, modelFolder: tinyModel }));
  assertEquals(await lossesOf(train({ ...options, device, model: files })), wanted);
  assertEquals(await lossesOf(trainInTab({ ...options, device, model: files })), wanted);
  assertEquals(wanted.length, 2);
});

Deno.test("files of an encoder are refused beside a folder, and where they are wrong", async () => {
  await assertRejects(
    () => lossesOf(train({ ...options, model: files, modelFolder: tinyModel })),
    TypeError,
    `found files as model and the modelFolder "${tinyModel}", want one of them`,
  );
  await assertRejects(
    () => lossesOf(trainInTab({ ...options, model: { ...files, config: "{" } })),
    InputError,
    "model/config.json",
  );
  const buffer = new ArrayBuffer(8) as unknown as Uint8Array;
  await assertRejects(
    () => lossesOf(trainInTab({ ...options, model: { ...files, weights: buffer } })),
    TypeError,
    "found weights of the kind ArrayBuffer, want a Uint8Array",
  );
});

Deno.test("a tab refuses names of encoders and of tasks, and threads without the runtime's own files", async () => {
  const named = (own: object) => () => trainInTab({ ...options, model: files, ...own });
  const wanted = 'found model "embedded", want the contents';
  assertThrows(named({ model: "embedded" }), TypeError, wanted);
  assertThrows(named({ task: "Topic" }), TypeError, 'found task "Topic", want a task with its');
  assertThrows(named({ threads: 2 }), RangeError, "found no runtime, want the address");
  await assertRejects(() => chooseExecutor("wasm", { threads: 2 }), RangeError, "found no runtime");
  await assertRejects(() => chooseExecutor("cpu"), Error, "a browser tab has none");
});
