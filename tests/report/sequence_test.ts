/** Tables and charts of sequences, with figures by hand. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { sequenceOutcome } from "../../src/runs/run_figures.ts";
import type { EvaluationLine } from "../../src/record/types.ts";
import { buildReport } from "../../src/report/build.ts";
import { sequenceScores, stageAccuracies } from "../../src/analysis/sequences.ts";
import type { RunResults, StudyResults } from "../../src/analysis/results.ts";
import { fixtureStudy } from "../analysis/fixture.ts";
import { assertWellFormed } from "./well_formed.ts";
import { tableOf } from "./table_of.ts";

const single = fixtureStudy({ tasks: [["Topic", "accuracy"]], budgets: [4], seeds: [1, 2] });

const stages = [
  { task: "Topic", classes: 8, firstStep: 0, steps: 10 },
  { task: "Genre", classes: 3, firstStep: 10, steps: 10 },
];

/** A run's results as those of a sequence, with these accuracies on Topic, and 0.6 on Genre. */
function throughSequence(run: RunResults, before: number, after: number): RunResults {
  const line = (step: number, split: string, metrics: EvaluationLine["metrics"]) => ({
    step,
    epoch: 1,
    split,
    loss: 1,
    metrics,
  });
  const evaluated = (accuracy: number) => ({ accuracy, task_aware_accuracy: accuracy + 0.1 });
  const sequence = sequenceOutcome(stages, [
    line(10, "Topic", evaluated(before)),
    line(20, "Topic", evaluated(after)),
    line(20, "Genre", evaluated(0.6)),
  ]);
  const average = (after + 0.6) / 2;
  const last = line(20, "all tasks", {
    average_accuracy: average,
    average_task_aware_accuracy: average + 0.1,
  });
  const { asked, happened } = run.record;
  return {
    ...run,
    record: {
      ...run.record,
      asked: { ...asked, task: "Both" },
      happened: {
        ...happened,
        primaryMetric: "average_accuracy",
        keep: "last",
        best: last,
        last,
        others: [],
        sequence,
      },
    },
  };
}

const results: StudyResults = {
  ...single,
  runs: single.runs.map((run) =>
    run.record.asked.seed === 1 ? throughSequence(run, 0.9, 0.4) : throughSequence(run, 0.8, 0.5)
  ),
};

Deno.test("a method's row holds means over seeds of what its runs came to", () => {
  const row = sequenceScores(results).find(({ label }) => label === "LoRA")!;
  assertEquals([row.sequence, row.budget, row.n], ["Both", "rank 4", 2]);
  assertAlmostEquals(row.average.mean!, (0.5 + 0.55) / 2, 1e-12);
  assertAlmostEquals(row.taskAware.mean!, (0.6 + 0.65) / 2, 1e-12);
  // After the first stage 0.9 and 0.8, after the second 0.5 and 0.55.
  assertAlmostEquals(row.overTime.mean!, (0.7 + 0.675) / 2, 1e-12);
  assertAlmostEquals(row.forgetting.mean!, (0.5 + 0.3) / 2, 1e-12);
  // Two values d apart have the sample standard deviation d / √2.
  assertAlmostEquals(row.forgetting.sd!, 0.2 / Math.SQRT2, 1e-12);
  const { rows: [first], columns } = tableOf(analyse(results), "sequences");
  const cell = (title: string) => columns.find((column) => column.title === title)!.cell(first!);
  assertEquals(cell("average accuracy ↑"), "52.50 ± 3.54");
  assertEquals(cell("forgetting ↓"), "40.00 ± 14.14");
});

Deno.test("each stage has a row for each task seen by then, and one for their mean", () => {
  const rows = stageAccuracies(results).filter(({ label }) => label === "LoRA");
  const shown = rows.map(({ stage, after, task, classIncremental }) =>
    [stage, after, task, Math.round(classIncremental * 1000)].join(" ")
  );
  assertEquals(shown, [
    "1 Topic Topic 850",
    "1 Topic mean of tasks seen 850",
    "2 Genre Topic 450",
    "2 Genre Genre 600",
    "2 Genre mean of tasks seen 525",
  ]);
});

Deno.test("the report of a sequence has its section, and others have none", async () => {
  const { files } = await buildReport(analyse(results));
  const page = files["report.html"]!;
  assertWellFormed(page);
  assertStringIncludes(page, 'section id="sequences"');
  assertStringIncludes(files["tables/methods.md"]!, "average accuracy ↑");
  assertStringIncludes(files["tables/methods.md"]!, "52.50 ± 3.54 (n 2)");
  for (const path of ["tables/sequences.csv", "charts/sequence_both.svg"]) {
    assert(files[path] !== undefined, `no ${path}`);
  }
  const plain = await buildReport(analyse(single));
  assertEquals(Object.keys(plain.files).filter((path) => path.includes("sequence")), []);
  assert(!plain.files["report.html"]!.includes("equence"), "the page tells of sequences");
});
