/**
 * Runs of encoders whose head no class of transformers computes, with trained numbers of a formula, so that their exports are the
 * same everywhere; and texts to open them with.
 *
 * @module
 */
import { Inputs } from "../../src/runs/inputs.ts";
import { ownTasksOf } from "../../src/runs/plan/planning.ts";
import type { EncoderModel } from "../../src/models/load.ts";
import type { RunRecord } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import { evaluationBatches } from "../../src/tasks/batches.ts";
import { encodeExamples } from "../../src/tasks/tokenizer.ts";
import type { Batch, Example, TaskOutput } from "../../src/tasks/types.ts";
import { replaceWeights } from "./exported_runs.ts";
import { ownPath } from "../../src/fetch/own_data.ts";
import { tinyModel, tinyStudy, withSwept } from "../runs/tiny_study.ts";
import { withFolder } from "../with_folder.ts";

/** Texts, alone and as pairs; some are cut at the runs' 12 tokens, some have words that no vocabulary has. */
export const texts = [
  "the cat sat on the mat .",
  "It was very SMALL, and she ran!",
  "a large red bird flew under one tree and two green cats sat or ran , not three dogs ?",
  "café naïve 1984 日本",
  "she",
] as const;

/** The second texts of pairs. */
export const pairs = ["a dog ran", "he", "four trees .", "was it the bird ?", texts[2]] as const;

/** A run to be exported. */
export interface BareRun {
  /** `<name>/<task>` of the golden file. */
  readonly name: string;
  readonly folder: string;
  readonly record: RunRecord;
  /** What it can be exported as. */
  readonly formats: readonly ("peft" | "merged")[];
  readonly model: EncoderModel;
  readonly output: TaskOutput;
  /** The texts, encoded. */
  readonly batches: readonly Batch[];
}

/** What Python opens of a method. */
const formatsOf: Readonly<Record<string, BareRun["formats"]>> = {
  dora: ["peft", "merged"],
  lora: ["peft", "merged"],
  full: ["merged"],
  houlsby: [],
};

/** One step of a study: its numbers are replaced. */
const train = {
  steps: 1,
  warmup: 0,
  batchSize: 4,
  learningRate: 1e-3,
  maxLength: 12,
  trainLimit: 8,
  devLimit: 8,
  evaluateEpochs: false,
} as const;

const embeddedStudy: Study = parseStudy({
  name: "embedded-exports",
  base: { train },
  axes: { tasks: ["Topic", "YearsApart"], methods: ["dora"], budgets: [2], seeds: [1] },
});

function tinyOf(...methods: readonly string[]): Study {
  return parseStudy({
    ...tinyStudy,
    base: { model: "folder", train },
    deltas: [],
    axes: {
      tasks: ["Moves"],
      methods,
      ...(methods.includes("full") ? {} : { budgets: [2] }),
      seeds: [1],
    },
  });
}

/** The tiny BERT, pooled in another way, in a folder that is removed afterwards. */
async function withPooling(
  pooling: "first" | "mean",
  pooler: boolean,
  check: (folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    for (const name of ["model.safetensors", "vocab.txt"]) {
      await Deno.copyFile(`${tinyModel}/${name}`, `${folder}/${name}`);
    }
    const config = JSON.parse(await Deno.readTextFile(`${tinyModel}/config.json`));
    const changed = { ...config, ranklab_pooling: pooling, ranklab_pooler: pooler };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(changed));
    await check(folder);
  });
}

function batchesOf({ tokenizer }: EncoderModel, isPair: boolean): readonly Batch[] {
  const examples = texts.map((text, id): Example => ({
    id,
    text,
    pair: isPair ? pairs[id]! : null,
    target: 0,
  }));
  return evaluationBatches({
    encoded: encodeExamples(tokenizer, examples, train.maxLength),
    targets: examples.map(({ target }) => target),
    batchSize: examples.length,
    maxLength: train.maxLength,
    padId: tokenizer.padId,
  });
}

/** Sweeps a study, replaces all weights, and removes everything afterwards. */
async function withRuns(
  name: string,
  { study, folder = tinyModel, spread }: {
    readonly study: Study;
    /** The encoder's, where the study does not name it. */
    readonly folder?: string;
    readonly spread: number;
  },
  check: (runs: readonly BareRun[]) => Promise<void>,
): Promise<void> {
  const inputs = new Inputs({ data: null, model: folder, study: "." }, ownTasksOf(study));
  const model = await inputs.model(study.base?.model ?? "embedded");
  await withSwept(
    async ({ folder: results }) => {
      const runs: BareRun[] = [];
      for (const { name: own, isDirectory } of Deno.readDirSync(results)) {
        if (!isDirectory) continue;
        const path = `${results}/${own}`;
        const record = JSON.parse(await Deno.readTextFile(`${path}/record.json`)) as RunRecord;
        const { task, method } = record.asked;
        const formats = formatsOf[method]!;
        if (formats.length > 0) await replaceWeights(path, spread);
        runs.push({
          name: `${name}/${task}`,
          folder: path,
          record,
          formats,
          model,
          output: inputs.taskOf(task).output,
          batches: batchesOf(model, task === "YearsApart"),
        });
      }
      await check(runs);
    },
    study,
    folder,
  );
}

/** Runs `check` with the runs of all encoders, one encoder after the other. */
export async function withBareRuns(
  check: (runs: readonly BareRun[]) => Promise<void>,
): Promise<void> {
  await withRuns("embedded", {
    study: embeddedStudy,
    folder: ownPath("src/models/embedded"),
    spread: 0.1,
  }, check);
  await withPooling(
    "mean",
    true,
    (folder) =>
      withRuns("mean-pooler", { study: tinyOf("lora", "houlsby"), folder, spread: 0.8 }, check),
  );
  await withPooling(
    "first",
    false,
    (folder) => withRuns("first", { study: tinyOf("full"), folder, spread: 0.8 }, check),
  );
}
