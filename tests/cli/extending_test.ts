/** The programs of `docs/extending.md`, run from the page: LoRA with a frozen A, a policy with scores of its own, and a metric. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { exportRun } from "../../src/runs/share/export.ts";
import { readStudyFile } from "../../src/runs/plan/study_file.ts";
import { sweepStudy } from "../../src/runs/sweep.ts";
import { readTrainedRun } from "../../src/runs/trained_run.ts";
import { verify } from "../../src/cli/verify.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { readRun } from "../../src/record/results_reader.ts";
import { withFolder } from "../with_folder.ts";

/** A program of the page, with some words replaced. */
async function programOf(page: string, words: readonly (readonly [string, string])[], nth = 0) {
  const text = await Deno.readTextFile(new URL(`../../docs/${page}`, import.meta.url));
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
  assertEquals(blocks.length, 3);
  return words.reduce((program, [from, to]) => {
    assert(program.includes(from), from);
    return program.replace(from, to);
  }, blocks[nth]!);
}

const few = [["steps: 60, batchSize: 16", "steps: 4, batchSize: 8, devLimit: 40, warmup: 0"], [
  "seeds: [1, 2]",
  "seeds: [1]",
]] as const;

async function sweepIn(home: string, file: string) {
  return await sweepStudy(await readStudyFile(`${home}/${file}`), {
    data: null,
    model: null,
    device: "cpu",
    jobs: 1,
    threads: 1,
    results: `${home}/results`,
    retryFailed: false,
  });
}

/** The one run of a method: its record, its journals and its trained numbers by name. */
async function runOf(folder: string, method: string) {
  const name = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .find((name) => name.includes(`-${method}-r4-`));
  const path = `${folder}/${name}`;
  const weights = `${path}/adapter.safetensors`;
  const { tensors } = readSafetensors(await Deno.readFile(weights), weights);
  return { path, stored: (await readRun(path))!, tensors };
}

const query = "layer.0.query";

Deno.test("the example of docs/extending.md trains B alone, is verified and leaves ranklab", async () => {
  await withFolder(async (home) => {
    await Deno.writeTextFile(`${home}/my_study.ts`, await programOf("extending.md", few));
    const { folder, finished } = await sweepIn(home, "my_study.ts");
    assertEquals(finished, 2);
    assertEquals((await sweepIn(home, "my_study.ts")).skipped, 2);
    const [lora, frozenA] = [await runOf(folder, "lora"), await runOf(folder, "frozen-a")];

    // While B is zero A has no gradient: the first step is that of LoRA, and the second starts where LoRA's does.
    const losses = ({ stored }: typeof lora) => stored.steps.map(({ loss }) => loss);
    assertEquals(losses(frozenA).slice(0, 2), losses(lora).slice(0, 2));
    assertNotEquals(losses(frozenA)[2], losses(lora)[2]);

    // A rank costs a column of B, out numbers, where LoRA's costs in + out as well.
    const budget = (run: typeof lora) => run.stored.record.happened.budget!.initial;
    const sizes = Object.keys(lora.stored.record.happened.initialRanks!).map((module) =>
      ["A", "B"].map((part) => lora.tensors.get(`${module}.${part}`)!.data.length)
    );
    assertEquals(budget(lora), sizes.flat().reduce((sum, size) => sum + size, 0));
    assertEquals(budget(frozenA), sizes.reduce((sum, [, B]) => sum + B!, 0));

    // Another learning rate gives another B, and the same A; LoRA's A differs.
    const faster = [...few, ['name: "frozen-a",\n  base', 'name: "faster",\n  base'], [
      "learningRate: 0.02",
      "learningRate: 0.04",
    ]] as const;
    await Deno.writeTextFile(`${home}/faster.ts`, await programOf("extending.md", faster));
    const other = (await sweepIn(home, "faster.ts")).folder;
    const [fastLora, fastFrozenA] = [await runOf(other, "lora"), await runOf(other, "frozen-a")];
    const part = ({ tensors }: typeof lora, name: string) => tensors.get(`${query}.${name}`)!.data;
    assertEquals(part(fastFrozenA, "A"), part(frozenA, "A"));
    assertNotEquals(part(fastFrozenA, "B"), part(frozenA, "B"));
    assertNotEquals(part(fastLora, "A"), part(lora, "A"));
    assertEquals(await verify([folder, "--all", "--jobs", "1"]), 0);

    // W + s·BA with s = 16/4, and the whole as a model that any ONNX runtime loads.
    const { updates } = await readTrainedRun(frozenA.path, { model: null });
    assertEquals(updates.length, sizes.length);
    assertEquals([updates[0]!.scale, updates[0]!.A.shape[0]], [4, 4]);
    assertEquals(updates[0]!.A.data, part(frozenA, "A"));
    const out = `${home}/onnx`;
    await exportRun(frozenA.path, { format: "onnx", out });
    assert((await Deno.stat(`${out}/model.onnx`)).size > 0);
  });
});

Deno.test("the policy of docs/extending.md moves one rank to the module with the longest row, by scores of its own", async () => {
  await withFolder(async (home) => {
    await Deno.writeTextFile(`${home}/policy.ts`, await programOf("extending.md", few, 1));
    const { folder, finished, failed } = await sweepIn(home, "policy.ts");
    assertEquals([finished, failed], [2, 0]);
    const { record, ranks, slots } = (await runOf(folder, "longest-wins")).stored;
    assertEquals([record.happened.rankEvents, record.happened.ranksMoved], [1, 1]);
    const ordered = Object.entries(slots!.scores)
      .flatMap(([module, scores]) => scores.map((score) => ({ module, score })))
      .sort((a, b) => a.score - b.score);
    const moves = ranks[0]!.changes.map(({ module, from, to }) => [module, to - from] as const);
    assertEquals(
      moves.toSorted(([, a], [, b]) => a - b),
      [[ordered[0]!.module, -1], [ordered.at(-1)!.module, 1]],
    );
  });
});

Deno.test("the metric of docs/extending.md counts a missed alarm ten times, and the lowest cost is kept", async () => {
  await withFolder(async (home) => {
    const short = [
      ["steps: 60, batchSize: 16", "steps: 6, batchSize: 8, warmup: 0, evaluateEvery: 2"],
      ["seeds: [1, 2]", "seeds: [1]"],
      ['["lora", "elalora"]', '["lora"]'],
    ] as const;
    await Deno.writeTextFile(`${home}/alarms.ts`, await programOf("extending.md", short, 2));
    const rows = Array.from(
      { length: 80 },
      (_, i) => i % 3 === 0 ? `smoke in room ${i}\tyes` : `room ${i} is quiet\tno`,
    );
    await Deno.writeTextFile(`${home}/alarms.tsv`, ["message\talarm", ...rows, ""].join("\n"));
    const { folder, finished } = await sweepIn(home, "alarms.ts");
    assertEquals(finished, 1);
    const { stored: { record, evaluations, predictions } } = await runOf(folder, "lora");
    const { best, primaryMetric } = record.happened;
    assertEquals([primaryMetric, Object.keys(best!.metrics)], ["cost↓", ["cost↓", "f1"]]);
    assertEquals(best!.metrics["cost↓"], Math.min(...evaluations.map((l) => l.metrics["cost↓"]!)));
    const costs = predictions.map(({ target, prediction }): number =>
      target === prediction ? 0 : target === 1 ? 10 : 1
    );
    const cost = costs.reduce((sum, own) => sum + own, 0) / costs.length;
    assertEquals(best!.metrics["cost↓"], cost);
  });
});
