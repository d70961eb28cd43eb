/** Tuning a tiny study: grid and random search to the chosen settings, widened ranges, what is told before anything runs. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { methods } from "../../../src/methods/table.ts";
import { type TuneResult, tuneStudy } from "../../../src/runs/tune/tune_study.ts";
import { parseStudy, type Study } from "../../../src/study/study.ts";
import { scoredStudy, tinyModel, writeTinyTasks } from "../tiny_study.ts";

const block = {
  vary: { "train.learningRate": { log: [1e-3, 1e-1] } },
  search: "grid",
  trials: 3,
  seeds: [101],
  heldOut: 0.25,
};

function studyWith(tune: object, axes: object = {}): Study {
  return parseStudy({
    ...scoredStudy,
    base: { ...scoredStudy.base, train: { ...scoredStudy.base!.train, steps: 4 } },
    deltas: [],
    axes: { ...scoredStudy.axes, methods: ["head", "lora"], ...axes },
    tune: { ...block, ...tune },
  });
}

async function inHome(check: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await writeTinyTasks(home);
    await check(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function tuned(home: string, study: Study): Promise<TuneResult> {
  return tuneStudy({ study, folder: home, methods }, {
    model: tinyModel,
    device: "cpu",
    jobs: 1,
    threads: 1,
    results: `${home}/results`,
  });
}

Deno.test("tuneStudy() chooses the best point of a grid for each method, and makes nothing twice", async () => {
  await inHome(async (home) => {
    const first = await tuned(home, studyWith({}));
    assertEquals([first.finished, first.failed, first.total], [6, 0, 6]);
    const { deltas, tuned: found } = JSON.parse(await Deno.readTextFile(first.path!));
    assertEquals(first.path, `${home}/results/tiny/tuning/tuned.json`);
    assertEquals(found, first.file!.tuned);
    assertEquals(found.best.map(({ method, task }: never) => [method, task]), [
      ["head", "Numbers"],
      ["lora", "Numbers"],
    ]);
    for (const [i, { trials, values, score }] of found.best.entries()) {
      const rates = trials.map((trial: never) => trial["values"]["train.learningRate"]);
      assertEquals(rates, [1e-3, 1e-2, 1e-1]);
      const scores: number[] = trials.map((trial: never) => trial["score"]);
      assertEquals(score, Math.max(...scores));
      const rate = rates[scores.indexOf(score)];
      assertEquals(values, { "train.learningRate": rate });
      assertEquals(deltas[i].set, { train: { learningRate: rate } });
    }
    assertEquals(found.runs, 6);
    const again = await tuned(home, studyWith({}));
    assertEquals([again.finished, again.skipped], [0, 6]);
    assertEquals(again.file, first.file);
  });
});
