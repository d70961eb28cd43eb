/** Pretraining with its files: what it writes, where it is stopped, and what it refuses. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../../src/base/input_error.ts";
import { loadEncoder } from "../../../src/models/load.ts";
import { readSafetensors } from "../../../src/models/safetensors.ts";
import { StopFlag, StoppedError } from "../../../src/runs/events.ts";
import { pretrain } from "../../../tools/pretrain/main.ts";
import { withFolder } from "../../with_folder.ts";
import { makeCorpora, settings, writeTeacher } from "./fixture.ts";

const open = (chapters = 8) => () => Promise.resolve(makeCorpora(chapters));

function optionsOf(folder: string) {
  const steps = { ...settings, steps: 3, decay: 2 };
  return {
    teacher: `${folder}/teacher`,
    output: `${folder}/out`,
    cache: `${folder}/cache`,
    settings: steps,
    threads: 1,
  };
}

async function withTeacher(check: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/teacher`);
    await writeTeacher(`${folder}/teacher`);
    await check(folder);
  });
}

Deno.test("pretraining that is stopped keeps every step, goes on to the end, and writes an encoder that loads", async () => {
  await withTeacher(async (folder) => {
    const options = optionsOf(folder);
    for (const step of [1, 2]) {
      const stop = new StopFlag();
      stop.raise();
      await assertRejects(
        () => pretrain(options, stop, open()),
        StoppedError,
        `kept up to its checkpoint at step ${step} of 3`,
      );
      const path = `${folder}/cache/checkpoint.safetensors`;
      const { metadata } = readSafetensors(await Deno.readFile(path), path);
      assertEquals(metadata["step"], String(step));
    }
    await pretrain(options, new StopFlag(), open());
    const text = (name: string) => Deno.readTextFile(`${folder}/out/${name}`);
    const weights = await Deno.readFile(`${folder}/out/model.safetensors`);
    const { config, tokenizer } = loadEncoder({
      config: await text("config.json"),
      tokenizerJson: await text("tokenizer.json"),
      weights,
    }, folder);
    assertEquals([config.layers, config.hidden, config.heads, config.vocabulary], [2, 16, 1, 225]);
    assertEquals(tokenizer.vocabularySize, 225);
    assert(new TextDecoder().decode(weights).includes('"I8"'));
    const record = JSON.parse(await text("pretraining.json"));
    assertEquals(record.curve.map(({ step }: { readonly step: number }) => step), [3]);

    await assertRejects(
      () =>
        pretrain(
          { ...options, settings: { ...options.settings, seed: 2 } },
          new StopFlag(),
          open(),
        ),
      InputError,
      "found a run with another teacher, other texts or other settings",
    );
  });
});

Deno.test("a teacher of another family or tokenizer is refused before anything is read or written", async () => {
  await withTeacher(async (folder) => {
    const options = optionsOf(folder);
    const rewrite = async (name: string, change: (text: string) => string) => {
      const path = `${folder}/teacher/${name}`;
      const before = await Deno.readTextFile(path);
      await Deno.writeTextFile(path, change(before));
      return () => Deno.writeTextFile(path, before);
    };
    const never = () => Promise.reject(new Error("the corpora were read"));
    const back = await rewrite("tokenizer.json", (text) => {
      const json = JSON.parse(text);
      json.model = { type: "WordLevel", vocab: json.model.vocab, unk_token: "[UNK]" };
      return JSON.stringify(json);
    });
    await assertRejects(() => pretrain(options, new StopFlag(), never), InputError, "okenizer");
    await back();
    await rewrite("config.json", (text) => text.replace('"bert"', '"distilbert"'));
    await assertRejects(() => pretrain(options, new StopFlag(), never), InputError);
    await assertRejects(() => Deno.stat(`${folder}/out`), Deno.errors.NotFound);
  });
});

Deno.test("texts too few for a step beside those kept apart are refused; NULs are no words", async () => {
  await withTeacher(async (folder) => {
    await assertRejects(
      () => pretrain(optionsOf(folder), new StopFlag(), open(0)),
      RangeError,
      "Cannot distil on these texts: found ",
    );
    const corpora = makeCorpora(8);
    const torn = {
      ...corpora,
      chapters: corpora.chapters.map((chapter) => ({
        ...chapter,
        sentences: chapter.sentences.map((sentence) => sentence.replace(" ", "\0 \0\0")),
      })),
    };
    await pretrain(optionsOf(folder), new StopFlag(), () => Promise.resolve(torn));
    const record = JSON.parse(await Deno.readTextFile(`${folder}/out/pretraining.json`));
    assert(record.corpus.passages > 12);
  });
});
