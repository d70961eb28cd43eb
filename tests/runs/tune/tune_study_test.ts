/** Tuning a tiny study: grid and random search to the chosen settings, widened ranges, what is told before anything runs. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { StudyError } from "../../../src/study/check/problems.ts";
import { UsageError } from "../../../src/base/input_error.ts";
import type { StoredRun } from "../../../src/record/results_reader.ts";
import { tablesOf } from "../../../src/report/build.ts";
import { readStudyFile } from "../../../src/runs/plan/study_file.ts";
import { readStudyResults } from "../../../src/runs/study_results.ts";
import { sweepStudy } from "../../../src/runs/sweep.ts";
import type { RunSpec } from "../../../src/study/types.ts";
import { tuneStudy } from "../../../src/runs/tune/tune_study.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import { inHome, planTextIn, runsIn, scoredStudy, tinyModel, tuneIn } from "../tiny_study.ts";

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

Deno.test("tuneStudy() chooses the best point of a grid for each method, and makes nothing twice", async () => {
  await inHome(async (home) => {
    const first = await tuneIn(home, studyWith({}));
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
    const again = await tuneIn(home, studyWith({}));
    assertEquals([again.finished, again.skipped], [0, 6]);
    assertEquals(again.file, first.file);
  });
});

Deno.test("tuneStudy() evaluates trials on what is held out and says what failed or lies at an edge", async () => {
  await inHome(async (home) => {
    const study = studyWith({
      vary: {
        "train.learningRate": { log: [1e-4, 1e30], limits: [1e-5, 1e30] },
        "options.alpha": { choices: [4, 8] },
      },
      search: "random",
      trials: 4,
      tasks: ["Numbers"],
      methods: ["lora"],
      per: ["method", "budget"],
    });
    const rounds = { begun: 0, opened: 0 };
    const { file, folder, failed } = await tuneIn(home, study, {}, {
      onEvent: ({ kind }) => {
        if (kind === "begun") rounds.begun++;
        if (kind === "device") rounds.opened++;
      },
    });
    assert(rounds.begun > 1, "no range was widened");
    assertEquals(rounds.opened, 1, "workers do not stay open from round to round");
    const { best: [choice], ...found } = file!.tuned;
    assertEquals([choice!.method, choice!.task, choice!.budget], ["lora", undefined, 2]);
    assert(failed > 0 && choice!.trials.some(({ score }) => score === null));
    assert(choice!.trials.every(({ added }, i) => (added ?? false) === (i >= 4)));
    const runs = await runsIn(folder);
    assertEquals([found.runs, choice!.trials.length], [runs.length, runs.length]);
    for (const { record, evaluations } of runs) {
      const { settings, seed } = record.asked.run as unknown as RunSpec;
      assertEquals([settings.train.heldOut, seed], [0.25, 101]);
      assert(evaluations.every(({ split }) => split === "held_out"));
    }
    const rates = choice!.trials.map(({ values }) => values["train.learningRate"] as number);
    const own = choice!.values["train.learningRate"] as number;
    const isOut = Math.min(...rates) === own || Math.max(...rates) === own;
    assertEquals(found.notBracketed.length, isOut ? 1 : 0);
    assertEquals(file!.deltas, [{
      when: { method: "lora", budget: 2 },
      set: { train: { learningRate: own } },
      options: { alpha: choice!.values["options.alpha"]! },
    }]);
  });
});

Deno.test("tuneStudy() tells everything that is wrong before anything runs", async () => {
  const cases: readonly [object, object, string][] = [
    [{ seeds: [1, 7] }, {}, "tune.seeds: found 1, which the study has too, wanted other seeds"],
    [{ methods: ["dora"] }, {}, 'tune.methods: Unknown method "dora"'],
    // The limits of a range are planned as trials are.
    [
      { vary: { "train.warmup": { linear: [0, 0.1], limits: [0, 40] } } },
      {},
      "wanted fewer steps than the run has",
    ],
  ];
  await inHome(async (home) => {
    for (const [tune, axes, text] of cases) {
      const error = await assertRejects(() => tuneIn(home, studyWith(tune, axes)), StudyError);
      assert(error.message.includes(text), `${error.message}\n\nwanted ${text}`);
    }
    const wrong = studyWith({ seeds: [1] });
    await assertRejects(
      () => planTextIn(home, wrong),
      StudyError,
      "tune.seeds: found 1",
    );
    // Steps that the study says are known before its data are.
    const short = studyWith({ search: "asha", trials: 81, asha: { leastShare: 0.01 } });
    await assertRejects(
      () => planTextIn(home, short),
      StudyError,
      "wanted at least 81 for a reduction of 3 from a share of 0.01",
    );
    const plan = await planTextIn(home, studyWith({}));
    assert(plan.includes("Tuning: 3 trials (grid) of each of 2 choices, 6 runs at first"), plan);
    const named = { ...studyWith({}), base: { ...scoredStudy.base, model: "embedded" } };
    await assertRejects(
      () => tuneIn(home, named),
      StudyError,
      `--model: found "${tinyModel}", but no run reads it`,
    );
    const { tune: _tune, ...without } = studyWith({});
    await assertRejects(
      () => tuneIn(home, without),
      UsageError,
      'found no "tune", want what varies',
    );
    await assertRejects(() => Deno.stat(`${home}/results`), Deno.errors.NotFound);
  });
});

Deno.test("a study that extends the file is swept with the chosen settings, and its report says so", async () => {
  await inHome(async (home) => {
    const { tune, ...study } = studyWith({ trials: 2 }, { methods: ["lora"] });
    const text = JSON.stringify({ ...study, tune, extends: "results/tiny/tuning/tuned.json" });
    await Deno.writeTextFile(`${home}/tiny.json`, text);
    const results = `${home}/results`;
    const place = { model: tinyModel, device: "cpu", jobs: 1, threads: 1, results };
    const chosen = await tuneStudy(await readStudyFile(`${home}/tiny.json`, results), place);
    const { folder, finished } = await sweepStudy(await readStudyFile(`${home}/tiny.json`), place);
    const read = await readStudyResults(folder);
    assertEquals([finished, read.tuned], [1, chosen.file!.tuned]);
    const [{ record }] = read.runs as [StoredRun];
    const { settings } = record.asked.run as unknown as RunSpec;
    assertEquals(
      settings.train.learningRate,
      chosen.file!.tuned.best[0]!.values["train.learningRate"] as number,
    );
    assertEquals(settings.train.heldOut, null);
    const table = tablesOf(read).find(({ id }) => id === "tuning")!;
    assertEquals(table.rows.length, 1);
  });
});

Deno.test("trials of runs that end at a plateau find it on what they are judged by, without the dev set", async () => {
  await inHome(async (home) => {
    const { base, ...study } = studyWith({ trials: 2 }, { methods: ["head"] });
    const until = { plateau: { patience: 1, leastGain: 1, heldOut: 0.1 } };
    const train = { ...base!.train, steps: 20, evaluateEvery: 2, until };
    const { file, folder } = await tuneIn(home, parseStudy({ ...study, base: { ...base, train } }));
    assertEquals(file!.tuned.runs, 2);
    for (const { record } of await runsIn(folder)) {
      assert(record.happened.steps < 20);
      assertEquals(record.happened.others, []);
      assertEquals(record.happened.last!.split, "held_out");
    }
  });
});
