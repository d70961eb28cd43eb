/** A metric that a study module brings, through every command. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { UsageError } from "../../src/base/input_error.ts";
import { planText } from "../../src/cli/plan_text.ts";
import { readRun } from "../../src/record/results_reader.ts";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import { type VerifyOptions, verifyStudy } from "../../src/runs/after/verify.ts";
import { type NamedModule, UntrustedCodeError } from "../../src/runs/method_modules.ts";
import { furtherGrid } from "../../src/runs/plan/planning.ts";
import { planStudy } from "../../src/runs/plan/planned_study.ts";
import { readStudyFile } from "../../src/runs/plan/study_file.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { readStoredStudy } from "../../src/runs/stored_study.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { plannedTuning } from "../../src/runs/tune/tune_study.ts";
import { loadModel } from "../../src/runs/trained_run.ts";
import { writeReport } from "../../src/runs/write_report.ts";
import { softmaxOf } from "../../src/train/evaluate.ts";
import { type OwnFiles, sweepModule } from "./own_study.ts";
import { copyFolder, inHome, tinyModel, tinyStudy, verifyAll } from "./tiny_study.ts";

/** What a missed `calm` costs; a wrong answer costs 1 otherwise. */
const weight = 4;

const costText = `
import { defineMetric } from "@ranklab/ranklab";
import { weight } from "./weight.ts";

export const cost = defineMetric({
  name: "cost",
  better: "lower",
  output: "classification",
  module: import.meta.url,
  compute: (targets, _predictions, probabilities) =>
    probabilities.reduce(
      (sum, own, i) => sum + (1 - own[targets[i]!]!) * (targets[i] === 0 ? weight : 1),
      0,
    ) / targets.length,
});
`;

const [moves] = tinyStudy.userTasks! as readonly { readonly name: string }[];

const study = {
  ...tinyStudy,
  name: "with-metric",
  deltas: [],
  userTasks: [
    { ...moves, metrics: ["cost↓", "accuracy"] },
    { ...moves, name: "Plain" },
  ],
  axes: { ...tinyStudy.axes, tasks: ["Moves", "Plain"], methods: ["head", "lora"] },
};

const studyText = `
import { defineStudy } from "@ranklab/ranklab";
import { cost } from "./cost.ts";

export const metrics = [cost];
export default defineStudy(${JSON.stringify(study)});
`;

const files: OwnFiles = {
  "study.ts": studyText,
  "cost.ts": costText,
  "weight.ts": `export const weight = ${weight};\n`,
};

/** Calls `check` with a folder that holds the study, its files changed as given. */
function withStudy(check: (home: string) => Promise<void>, changed: OwnFiles = {}) {
  return inHome(check, { ...files, ...changed });
}

async function plan(home: string) {
  const options = { model: tinyModel, results: `${home}/results` };
  return await planStudy(await readStudyFile(`${home}/study.ts`), options);
}

async function verdicts(results: string, more: Partial<VerifyOptions> = {}) {
  const { runs } = await verifyStudy(results, { ...verifyAll, ...more });
  return runs.map(({ verdict }) => verdict);
}

function runsOf(folder: string, task: string): readonly string[] {
  return [...Deno.readDirSync(folder)].filter(({ name }) => name.startsWith(`${task}-`))
    .map(({ name }) => `${folder}/${name}`).sort();
}

Deno.test("a metric of a study module goes through every command as a built-in one does", async (t) => {
  await withStudy(async (home) => {
    const file = await readStudyFile(`${home}/study.ts`);
    let folder = "";

    await t.step("a plan and further seeds know it", async () => {
      assertMatch(await planText(file, { model: tinyModel }), /Moves +lora +rank 2/);
      assertEquals(furtherGrid(file.study, [7], file).length, 8);
      const tune = {
        vary: { "train.learningRate": { choices: [0.1, 0.2] } },
        trials: 2,
        seeds: [5],
      };
      const tuning = { ...file, study: { ...file.study, tune } as never };
      assertEquals(plannedTuning(tuning).combinations.length, 4);
    });

    await t.step("workers load it, and it decides, the lower the better", async () => {
      const swept = await sweepModule(home);
      folder = swept.folder;
      assertEquals([swept.finished, swept.failed], [4, 0]);
      const [, run] = runsOf(folder, "Moves");
      const { record, evaluations, predictions } = (await readRun(run!))!;
      const { best, primaryMetric } = record.happened;
      assertEquals(primaryMetric, "cost↓");
      assertEquals(Object.keys(best!.metrics), ["cost↓", "accuracy"]);
      const costs = evaluations.map(({ metrics }) => metrics["cost↓"]!);
      assertEquals(best!.metrics["cost↓"], Math.min(...costs));
      const sum = predictions.reduce(
        (sum, { target, logits }) =>
          sum + (1 - softmaxOf(logits!)[target]!) * (target === 0 ? weight : 1),
        0,
      );
      assertAlmostEquals(best!.metrics["cost↓"]!, sum / predictions.length, 1e-12);
    });

    await t.step("the record says where it came from, where it was used", async () => {
      const [run] = runsOf(folder, "Moves");
      const { metrics: [found] = [] } = (await readRun(run!))!.record.where;
      const { name, study, module, hash } = found!;
      assertEquals(name, "cost↓");
      assertEquals(await Deno.realPath(study), await Deno.realPath(`${home}/study.ts`));
      assertEquals(await Deno.realPath(module), await Deno.realPath(`${home}/cost.ts`));
      assertMatch(hash, /^[0-9a-f]{64}$/);
      assertEquals((await readStoredStudy(folder)).metrics, [found!]);
      for (const plain of runsOf(folder, "Plain")) {
        assert(!Object.hasOwn((await readRun(plain))!.record.where, "metrics"));
      }
      assertEquals((await sweepModule(home)).skipped, 4);
    });

    await t.step("runs are verified, ablated, loaded and reported", async () => {
      assertEquals(await verdicts(folder, { jobs: 2, threads: 1 }), Array(4).fill("bit-equal"));
      const ablation = { ...verifyAll, jobs: 2, threads: 1, replay: false };
      assertEquals((await ablateStudy(folder, ablation)).ablated, 2);
      const [, run] = runsOf(folder, "Moves");
      const model = await loadModel(run!, { device: "cpu" });
      const { metrics } = await model.evaluate([{ text: "the cat sat", label: "calm" }]);
      assert(metrics["cost↓"]! > 0 && metrics["cost↓"]! < weight);
      await model.dispose();
      const page = await Deno.readTextFile(
        await writeReport(folder, await readStudyResults(folder)),
      );
      assertMatch(page, /metric source[\s\S]*cost↓ [0-9a-f]{64}/);
      const note = /“cost” is a metric of the study(?:'|&#39;)s own \([^)]*cost\.ts\)/;
      assertMatch(page, note);
    });

    await t.step("a source that changed is told by name; runs without it go on", async () => {
      await Deno.writeTextFile(`${home}/weight.ts`, "export const weight = 3;\n");
      const error = await assertRejects(() => verifyStudy(folder, verifyAll), UsageError);
      assertMatch(error.message, /metric "cost↓": found that the source of ".*cost\.ts" has hash/);
      await exportRun(runsOf(folder, "Moves")[1]!, {
        format: "peft",
        out: `${home}/peft`,
        baseName: "bert",
      });
    });
  });
});

Deno.test("a metric that results name runs where it is allowed, and no report or export needs it", async () => {
  await withStudy(async (home) => {
    const { folder } = await sweepModule(home);
    const place = `${home}/theirs`;
    await copyFolder(folder, `${place}/with-metric`);
    for (const name of Object.keys(files)) {
      await Deno.copyFile(`${home}/${name}`, `${place}/${name}`);
    }
    await Deno.writeTextFile(`${place}/study.ts`, `throw new Error("ran");\n${studyText}`);
    const results = `${place}/with-metric`;
    const stored = JSON.parse(await Deno.readTextFile(`${results}/study.json`));
    const theirs = (path: string) => path.replace(/([^/]*\.ts)$/, "theirs/$1");
    for (const metric of stored.metrics) {
      Object.assign(metric, { study: theirs(metric.study), module: theirs(metric.module) });
    }
    await Deno.writeTextFile(`${results}/study.json`, JSON.stringify(stored));
    const error = await assertRejects(() => verifyStudy(results, verifyAll), UntrustedCodeError);
    const [module] = error.modules as [NamedModule];
    assertEquals([module.path, module.methods, module.metrics], [stored.metrics[0].study, [], [
      "cost↓",
    ]]);
    assertStringIncludes(error.message, 'which the results name for "cost↓"');
    // With its hash it runs.
    const ran = await assertRejects(
      () => verifyStudy(results, { ...verifyAll, trust: [module.hash] }),
      TypeError,
    );
    assertStringIncludes(ran.message, "ran");
    await writeReport(results, await readStudyResults(results));
    const plain = `${place}/plain`;
    await copyFolder(folder, plain);
    for (const run of runsOf(plain, "Moves")) await Deno.remove(run, { recursive: true });
    await Deno.writeTextFile(
      `${plain}/study.json`,
      JSON.stringify({
        ...stored,
        runs: stored.runs.filter(({ run }: { run: { task: string } }) => run.task === "Plain"),
      }),
    );
    assertEquals(await verdicts(plain), ["bit-equal", "bit-equal"]);
  });
});

Deno.test("a change of its source makes new runs of the tasks that name a metric, and of no other", async () => {
  const idsOf = async (changed: OwnFiles = {}) => {
    let ids: readonly (readonly string[])[] = [];
    await withStudy(async (home) => {
      const { runs } = await plan(home);
      ids = ["Moves", "Plain"].map((task) =>
        runs.filter(({ run }) => run.task === task).map(({ id }) => id)
      );
    }, changed);
    return ids;
  };
  const [moves, plain] = await idsOf();
  assertEquals(await idsOf({ "study.ts": `${studyText}// A comment.\n` }), [moves!, plain!]);
  const [changed, same] = await idsOf({ "weight.ts": "export const weight = 3;\n" });
  assertEquals(same, plain);
  for (const [i, id] of moves!.entries()) assertNotEquals(changed![i], id);
});

Deno.test("a metric that cannot be used is told before a run starts, with its file or key", async () => {
  const exporting = (metrics: string) => ({
    "study.ts": studyText.replace("metrics = [cost]", `metrics = ${metrics}`),
  });
  const naming = (...names: readonly string[]) => ({
    "study.ts": studyText.replace('["cost↓","accuracy"]', JSON.stringify(names)),
  });
  const giving = (value: string) => ({
    "cost.ts": costText.replace(
      /compute: [\s\S]*\n\}\);/,
      `compute: (() => ${value}) as never,\n});`,
    ),
  });
  const key = String.raw`task "Moves", userTasks\[0\]\.metrics`;
  const tried = String
    .raw`${key}\[0\]: Cannot evaluate "Moves" by the metric "cost↓" of ".*cost\.ts": its function`;
  const cases: readonly [OwnFiles, RegExp][] = [
    [exporting("{ cost }"), /study\.ts": its export "metrics" is no array of metrics/],
    [exporting('[cost, "f1"]'), /study\.ts": "metrics\[1\]" is no metric, want what defineMetric/],
    [exporting("[{ ...cost, compute: 1 }]"), /study\.ts": "metrics\[0\]" is no metric/],
    [exporting("[cost, { ...cost }]"), /metric "cost↓" of ".*study\.ts": found two of that name/],
    [
      exporting('[{ ...cost, name: "f1", better: "higher" }]'),
      /metric "f1" of ".*study\.ts": found a built-in metric of that name, want a name of its own/,
    ],
    [
      { "cost.ts": costText.replace('"cost"', '"accuracy"') },
      /study\.ts": Cannot define the metric "accuracy": found that ranklab has it, want another/,
    ],
    [
      { "cost.ts": costText.replace('"cost"', '"average"') },
      /Cannot define the metric "average": found that ranklab has it/,
    ],
    [
      naming("accuracy", "cost"),
      new RegExp(
        String.raw`"with-metric": ${key}\[1\]: Unknown metric "cost": .*Did you mean "cost↓"`,
      ),
    ],
    [naming("cost↓", "cost↓"), new RegExp(String.raw`${key}\[1\]: found "cost↓" a second time`)],
    [
      { "cost.ts": costText.replace('"classification"', '"regression"') },
      new RegExp(String.raw`${key}\[0\]: found "cost↓", which evaluates regression`),
    ],
    [giving("NaN"), new RegExp(`${tried} gave NaN for 40 rows, want a finite number`)],
    [giving('"0.5"'), new RegExp(`${tried} gave 0\\.5 for 40 rows, want a finite number`)],
    [giving("Promise.resolve(1)"), new RegExp(`${tried} gave \\[object Promise\\] for 40 rows`)],
    [giving("[].reduce(() => 1)"), new RegExp(`${tried} threw "Reduce of empty array`)],
  ];
  for (const [changed, message] of cases) {
    await withStudy(async (home) => {
      const error = await assertRejects(() => sweepModule(home), Error);
      assertMatch(error.message, message);
      await assertRejects(() => Deno.stat(`${home}/results`), Deno.errors.NotFound);
    }, changed);
  }
});
