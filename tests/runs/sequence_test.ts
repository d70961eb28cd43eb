/** A study of a sequence from end to end: swept, verified, ablated, cut off and exported, on a tiny encoder. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import { execute } from "../../src/runs/execute.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { writeReport } from "../../src/runs/write_report.ts";
import { StorageError } from "../../src/record/durable.ts";
import type { EvaluationLine, PredictionLine } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import {
  ablateAll,
  assertRepeats,
  executionsOf,
  planTextIn,
  tinyStudy,
  withSwept,
} from "./tiny_study.ts";

/** Does somebody sit, and then which number is the last word, with a half more for the cat: two and eight classes. */
const study: Study = parseStudy({
  ...tinyStudy,
  name: "sequence",
  base: { ...tinyStudy.base, train: { ...tinyStudy.base!.train, keep: "last" } },
  userTasks: [...tinyStudy.userTasks!, {
    name: "Words",
    files: { train: "moves/scored_train.tsv", dev: "moves/scored_dev.tsv" },
    columns: { text: "text", label: "score" },
    labels: [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5],
  }],
  sequences: { SitThenCount: ["Moves", "Words"] },
  axes: { ...tinyStudy.axes, tasks: ["SitThenCount"] },
});

async function linesOf<T>(path: string): Promise<readonly T[]> {
  return (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("a sequence is swept, recorded, reported, verified, ablated and exported", async (t) => {
  await withSwept(async ({ home, folder, runOf, recordOf }) => {
    await t.step("a record holds the accuracies of its evaluations", async () => {
      for (const method of ["head", "lora", "adalora", "elalora"]) {
        const { happened } = recordOf(method);
        const { stages, classIncremental, averageAccuracy, forgetting } = happened.sequence!;
        assertEquals(stages, [
          { task: "Moves", classes: 2, firstStep: 0, steps: 14 },
          { task: "Words", classes: 8, firstStep: 14, steps: 14 },
        ]);
        assertEquals(happened.steps, 28);
        const lines = await linesOf<EvaluationLine>(`${runOf(method)}/evaluations.jsonl`);
        const at = (step: number, split: string) =>
          lines.find((line) => line.step === step && line.split === split)!.metrics;
        const [[first], [then, second]] = classIncremental as [[number], [number, number]];
        assertEquals(first, at(14, "Moves")["accuracy"]);
        assertEquals([then, second], [at(28, "Moves"), at(28, "Words")].map((m) => m["accuracy"]));
        assertAlmostEquals(averageAccuracy, (then + second) / 2, 1e-12);
        assertAlmostEquals(forgetting, first - then, 1e-12);
        assertEquals(happened.primaryMetric, "average_accuracy");
        assertEquals(happened.last!.split, "all tasks");
        assertAlmostEquals(happened.last!.metrics["average_accuracy"]!, averageAccuracy, 1e-12);
        assertEquals(happened.others.map(({ split }) => split), ["Moves", "Words"]);
        // Steps 5, 10 and 14 of each stage; the second evaluates two tasks.
        assertEquals(lines.length, 3 * 2 + 3 * 3);
      }
    });

    await t.step(
      "predictions are classes of the union, and give the recorded accuracy",
      async () => {
        const lines = await linesOf<PredictionLine>(`${runOf("lora")}/predictions.jsonl`);
        const words = lines.filter(({ split }) => split === "Words");
        assert(words.every(({ target }) => target >= 2 && target < 10));
        assert(lines.some(({ split }) => split === "Moves"));
        const right = words.filter(({ target, prediction }) => target === prediction).length;
        const found = recordOf("lora").happened.sequence!.classIncremental[1]![1];
        // Signs are looked for, yet no one answer is the majority's over several tasks.
        const { flags, majority } = recordOf("lora").happened;
        assertEquals([Array.isArray(flags), majority], [true, undefined]);
        assertAlmostEquals(right / words.length, found!, 1e-12);
      },
    );

    await t.step("the report has the sequence", async () => {
      const page = await writeReport(folder, await readStudyResults(folder));
      const table = await Deno.readTextFile(page.replace("report.html", "tables/sequences.md"));
      assertEquals(table.match(/SitThenCount/g)?.length, 4);
    });

    await t.step("a verification makes every run again, bit-equal", async () => {
      await assertRepeats(folder, 4);
    });

    await t.step(
      "an ablation starts from the recorded average, and ranks are replayed",
      async () => {
        const { ablated, replay } = await ablateStudy(folder, { ...ablateAll, replay: true });
        assertEquals([ablated, replay?.failed], [3, 0]);
        const { runs, replay: replayed } = await readStudyResults(folder);
        for (const { record, ablation } of runs) {
          if (record.happened.finalRanks === null) continue;
          assertEquals(ablation!.metric, "average_accuracy");
          assertAlmostEquals(
            ablation!.baseline,
            record.happened.sequence!.averageAccuracy,
            1e-5,
          );
        }
        assert(replayed!.runs.length > 0);
        assert(replayed!.runs.every(({ record }) => record.happened.sequence !== undefined));
      },
    );

    await t.step("an export has all classes, called by task and label", async () => {
      const out = `${home}/merged`;
      await exportRun(runOf("lora"), { format: "merged", out });
      const { id2label } = JSON.parse(await Deno.readTextFile(`${out}/config.json`));
      assertEquals(Object.keys(id2label).length, 10);
      assertEquals([id2label[0], id2label[9]], ["Moves: calm", "Words: 4.5"]);
    });

    await t.step("a run that is cut off in its second stage ends bit-equal", async () => {
      const { runs, context } = await executionsOf(home, `${home}/cut`, study);
      const planned = runs.find(({ run }) => run.method === "elalora")!;
      const dying = execute(planned, {
        ...context,
        onStep: ({ step }) =>
          step < 20 ? Promise.resolve() : Promise.reject(new StorageError("here", "cut off")),
      });
      await assertRejects(() => dying, StorageError, "cut off");
      await execute(planned, context);
      for (const file of ["adapter.safetensors", "evaluations.jsonl", "predictions.jsonl"]) {
        assertEquals(
          await Deno.readFile(`${context.results}/${planned.folder}/${file}`),
          await Deno.readFile(`${runOf("elalora")}/${file}`),
          file,
        );
      }
    });

    await t.step("a plan counts the steps of all stages", async () => {
      const text = await planTextIn(home, study, { results: home });
      assert(/SitThenCount +lora .* 28 +0\/1/.test(text), text);
    });
  }, study);
});

Deno.test("methods of every kind go through a sequence, and come out the same again", async () => {
  // One of each kind: no adapter, other forms, gates, masks, modules between layers, and updates that are merged.
  const names = ["bitfit", "full", "dora", "sora", "beamlora", "prilora", "houlsby", "raclora"];
  const others: Study = {
    ...study,
    deltas: [
      { when: { method: "prilora" }, options: { n: 5 } },
      { when: { method: "raclora" }, options: { blocks: 3 } },
    ],
    axes: { ...study.axes, methods: names, budgets: [4] },
  };
  await withSwept(async ({ folder, recordOf }) => {
    for (const name of names) {
      const { classIncremental } = recordOf(name).happened.sequence!;
      assertEquals(classIncremental.map((row) => row.length), [1, 2], name);
    }
    await assertRepeats(folder, names.length);
  }, others);
});
