/** Runs whose best evaluation is not their last, of methods that merge or prune: all that is kept is of the best one. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { ablate } from "../../src/cli/ablate.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { importPeft } from "../../src/runs/share/import.ts";
import { summaryOf } from "../../src/cli/work_status.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import type { StoredRun } from "../../src/record/results_reader.ts";
import { stepFigures } from "../../src/runs/run_figures.ts";
import type { RunAblation } from "../../src/record/types.ts";
import { compareNumbers } from "../../src/record/compare_numbers.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { runsIn, sweepIn, tinyModel, tinyStudy } from "./tiny_study.ts";
import { withFolder } from "../with_folder.ts";

const labels = ["entailment", "neutral", "contradiction"];
const words = ["one", "two", "red"];

/** Pairs whose label is told by a word; of six, four are of the first class. `isFirst` gives all pairs that class. */
function pairs(count: number, isFirst: boolean): string {
  const actors = ["the cat", "a dog", "the bird", "she", "he", "it", "a tree"];
  const rows = Array.from({ length: count }, (_, i) => {
    const label = Math.max(0, i % 6 - 3);
    return [
      `${actors[i % 7]} sat`,
      Array(3).fill(words[label]).join(" "),
      labels[isFirst ? 0 : label],
    ].join("\t");
  });
  return ["sentence1\tsentence2\tgold_label", ...rows, ""].join("\n");
}

/** Evaluations after 9, 18, 27 and 34 steps, of one to four merged blocks of 8 steps. */
const study = parseStudy({
  ...tinyStudy,
  userTasks: [],
  base: {
    ...tinyStudy.base,
    train: { ...tinyStudy.base?.train, steps: 34, evaluateEvery: 9, keep: "best" },
  },
  deltas: [],
  axes: {
    tasks: ["MNLI"],
    methods: [
      { method: "raclora", options: { blockSteps: 8 } },
      { method: "xgblora", options: { rank: 2 } },
      { method: "prilora", options: { n: 10, finalPrune: true } },
    ],
    budgets: [1],
    // With this one XGBLoRA's boosters are in one layer at step 9 and in the other at the end.
    seeds: [5],
  },
});

/** The module of a stored tensor's name. */
function moduleOf(tensor: string): string {
  return tensor.slice(0, tensor.lastIndexOf("."));
}

/** Ranks at a step, and with those of all blocks before, told by the journal of events; no event is at the step itself. */
function ranksAt({ record, ranks }: StoredRun, step: number) {
  const now: Record<string, number> = { ...record.happened.initialRanks };
  const stored = { ...now };
  for (const { changes } of ranks.filter((event) => event.step < step)) {
    for (const { module, to } of changes) now[module] = to;
    for (const [module, rank] of Object.entries(now)) stored[module]! += rank;
  }
  return { now, stored };
}

/** Accuracy by the journal of predictions. */
function accuracyOf({ predictions }: StoredRun, split: string): number {
  const own = predictions.filter((line) => line.split === split);
  return own.filter(({ target, prediction }) => target === prediction).length / own.length;
}

Deno.test("a run that is best early is recorded, ablated, exported, compared and told by that", async (t) => {
  await withFolder(async (home) => {
    await Deno.mkdir(`${home}/MNLI`);
    // Who learns that most pairs are of the first class is right at first, and wrong with the words that tell the others.
    for (const file of ["train", "dev_matched", "dev_mismatched"]) {
      const count = file === "train" ? 60 : 42;
      await Deno.writeTextFile(`${home}/MNLI/${file}.tsv`, pairs(count, file === "dev_matched"));
    }
    const { folder, failed } = await sweepIn(home, study, { data: home });
    assertEquals(failed, 0);
    const results = await readStudyResults(folder);
    const runs = await runsIn(folder);
    assertEquals(runs.length, 3);

    await t.step("the record is of the best evaluation", () => {
      for (const run of runs) {
        const { best, last, others, keep, finalRanks, storedRanks, budget } = run.record.happened;
        assertEquals([keep, best!.step, last!.step], ["best", 9, 34]);
        const dev = run.evaluations.filter(({ split }) => split === "dev");
        assertEquals(dev.map(({ step }) => step), [9, 18, 27, 34]);
        assertEquals([best, last], [dev[0]!, dev[3]!]);
        assert(
          dev.slice(1).every(({ metrics, loss }) =>
            metrics["accuracy"]! <= best!.metrics["accuracy"]! && loss !== best!.loss
          ),
        );
        const further = run.evaluations.filter(({ split }) => split === "dev_mismatched");
        assertEquals(others, [further[0]!]);
        assertAlmostEquals(accuracyOf(run, "dev"), best!.metrics["accuracy"]!, 1e-12);
        assertAlmostEquals(
          accuracyOf(run, "dev_mismatched"),
          others[0]!.metrics["accuracy"]!,
          1e-12,
        );
        const { epochs, finalTrainLoss, time } = run.record.happened;
        const { medianStepMillis, tokensPerSecond } = time;
        assertEquals(
          { epochs, finalTrainLoss, medianStepMillis, tokensPerSecond },
          stepFigures(run.steps),
        );
        const { now, stored } = ranksAt(run, 9);
        assertEquals(finalRanks, now);
        const { method } = run.record.asked;
        if (method === "prilora") continue;
        assertEquals(storedRanks, stored);
        const atEnd = ranksAt(run, 34);
        assert(JSON.stringify(stored) !== JSON.stringify(atEnd.stored));
        if (method === "xgblora") assert(JSON.stringify(now) !== JSON.stringify(atEnd.now));
        // Modules are 16 by 16, and 16 by 24 in the feed-forward part.
        const sizeOf = (module: string) =>
          /^layer\.\d\.(intermediate|output)$/.test(module) ? 40 : 32;
        assertEquals(
          budget!.stored,
          Object.entries(stored).reduce((sum, [name, rank]) => sum + rank * sizeOf(name), 0),
        );
      }
    });

    await t.step(
      "of pruned weights, those of the best evaluation that are not zero are counted",
      () => {
        const { folder, record } = runs.find(({ record }) => record.asked.method === "prilora")!;
        const [best, last] = ["best", "adapter"].map((file) => {
          const path = `${folder}/${file}.safetensors`;
          return [...readSafetensors(Deno.readFileSync(path), path).tensors]
            .filter(([name]) => name.startsWith("layer."))
            .reduce(
              (sum, [, { data }]) => sum + [...data].filter((value) => value !== 0).length,
              0,
            );
        });
        assertEquals(record.happened.budget!.stored, best);
        assert(best !== last);
      },
    );

    await t.step(
      "its weights hold the blocks of its time, the file of the last one those of all",
      () => {
        for (const run of runs) {
          for (const [file, step] of [["best", 9], ["adapter", 34]] as const) {
            const path = `${run.folder}/${file}.safetensors`;
            const { tensors, metadata } = readSafetensors(Deno.readFileSync(path), path);
            assertEquals(metadata["step"], String(step));
            const { now, stored } = ranksAt(run, step);
            const ranks = run.record.happened.storedRanks === undefined ? now : stored;
            const adapters = [...tensors].filter(([name]) => name.startsWith("layer."));
            assertEquals(adapters.length, 24);
            for (const [name, { shape }] of adapters) {
              assertEquals(shape[0], ranks[moduleOf(name)], `${file}: ${name}`);
            }
          }
        }
      },
    );

    await t.step("progress and report show its metric", () => {
      const scores = new Map(results.rows.map(({ method, score }) => [method, score]));
      for (const { record } of runs) {
        const accuracy = record.happened.best!.metrics["accuracy"]!;
        assert(accuracy !== record.happened.last!.metrics["accuracy"]);
        assertEquals(scores.get(record.asked.method), accuracy);
        assertStringIncludes(summaryOf(record), `accuracy ${(100 * accuracy).toFixed(2)} in `);
      }
    });

    await t.step("ablation starts from it", async () => {
      const only = "method=raclora blockSteps=8";
      assertEquals(
        await ablate([folder, ..."--threads 1 --no-report --only".split(" "), only]),
        0,
      );
      const { folder: own, record: { happened } } = runs.find(({ record }) =>
        record.asked.method === "raclora"
      )!;
      const { baseline, removals }: RunAblation = JSON.parse(
        Deno.readTextFileSync(`${own}/ablation.json`),
      );
      assertAlmostEquals(baseline, happened.best!.metrics["accuracy"]!, 1e-12);
      for (const { kind, name, rank } of removals) {
        if (kind === "module") assertEquals(rank, happened.storedRanks![name], name);
      }
    });

    await t.step("an export has its weights", async () => {
      const executor = await nativeExecutor(1);
      for (const { folder, record } of runs) {
        const out = `${home}/${record.asked.method}`;
        await exportRun(folder, { format: "peft", out });
        const page = Deno.readTextFileSync(`${out}/README.md`);
        const { best, others } = record.happened;
        assertStringIncludes(page, `the best evaluation: accuracy ${best!.metrics["accuracy"]}`);
        const options = {
          ...{ model: tinyModel, task: "MNLI", study: null, data: home },
          ...{ maxLength: 12, out: null },
        };
        const { evaluations } = await importPeft(out, options, executor);
        const losses = [best!, ...others].map(({ loss }) => loss);
        evaluations.forEach(({ loss }, i) => assertAlmostEquals(loss, losses[i]!, 1e-5));
        assertEquals(evaluations.length, 2);
      }
    });

    await t.step("verification compares it", () => {
      const numbers = runs[0]!;
      const { happened } = numbers.record;
      const changed = (of: Partial<typeof happened>) => ({
        ...numbers,
        record: { ...numbers.record, happened: { ...happened, ...of } },
      });
      const partOf = (of: Partial<typeof happened>) =>
        compareNumbers(changed(of), numbers, 1e-3).filter(({ first }) => first !== null)
          .map(({ quantity }) => quantity);
      assertEquals(partOf({ best: { ...happened.best!, loss: 9 } }), ["final metrics"]);
      assertEquals(partOf({ last: { ...happened.last!, loss: 9 } }), []);
    });
  });
});
