/** Total rank against the metric over a run, from journals written by hand. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { buildReport } from "../../src/report/build.ts";
import { chartsOf } from "../../src/report/charts.ts";
import { renderChart } from "../../src/report/render.ts";
import type { RunResults, StudyResults } from "../../src/analysis/results.ts";
import { fixtureMethods, fixtureStudy } from "../analysis/fixture.ts";
import { panelsOf, seriesOf } from "./chart_rows.ts";
import { tableOf } from "./table_of.ts";

const base = fixtureStudy({
  tasks: [["acceptability", "matthews"]],
  methods: [
    fixtureMethods[1]!,
    { ...fixtureMethods[2]!, method: "sora", label: "SoRA" },
  ],
  budgets: [2],
  seeds: [1, 2],
  layers: 1,
  examples: 0,
});

/** The run with total ranks after some steps and a metric after others; it starts with 12 ranks in 6 modules. */
function journals(
  run: RunResults,
  budgets: readonly (readonly [step: number, budget: number])[],
  scores: readonly (readonly [step: number, score: number])[],
): RunResults {
  return {
    ...run,
    ranks: budgets.map(([step, budget]) => ({ step, budget, moved: 0, threshold: 0, changes: [] })),
    evaluations: scores.map(([step, matthews]) => ({
      ...run.record.happened.last!,
      step,
      metrics: { matthews },
    })),
  };
}

const runs = base.runs.map((run) => {
  const { label, seed } = run.record.asked;
  const scores = [[50, 0.5], [100, 0.7 + 0.02 * seed], [200, 0.6]] as const;
  if (label !== "SoRA") return journals(run, [], scores);
  return journals(run, seed === 1 ? [[80, 9], [100, 6], [150, 4], [200, 3]] : [[100, 9]], scores);
});
const staged: StudyResults = { ...base, runs };

Deno.test("a row an evaluation: the total rank of the last count, its share of the start, the mean metric", () => {
  const rows = analyse(staged).rankMetric;
  assertEquals(rows.map(({ label, step, n, rank }) => [label, step, n, rank]), [
    ["SoRA", 50, 2, 12],
    ["SoRA", 100, 2, (6 + 9) / 2],
    ["SoRA", 200, 2, (3 + 9) / 2],
  ]);
  [1, 7.5 / 12, 0.5].forEach((held, i) => assertAlmostEquals(rows[i]!.held, held, 1e-12));
  assertAlmostEquals(rows[1]!.mean, 0.73, 1e-12);
  // Of two numbers the deviation is their difference over √2.
  assertAlmostEquals(rows[1]!.sd!, 0.02 / Math.SQRT2, 1e-12);
  const table = tableOf(analyse(staged), "rank_metric");
  const cells = table.columns.map(({ cell }) => cell(table.rows[1]!));
  assertEquals(cells.slice(3), ["100", "2", "7.5", "62.5", "Matthews ↑", "73.00 ± 1.41"]);
});

Deno.test("methods that keep their total rank have neither rows nor a chart", () => {
  const still = { ...staged, runs: runs.filter(({ record }) => record.asked.label !== "SoRA") };
  assertEquals(analyse(still).rankMetric, []);
  assertEquals(chartsOf(analyse(still)).rankMetric, []);
});

Deno.test("a sequence has no rows, since its later evaluations are of more classes", () => {
  const sequence = {
    stages: [],
    classIncremental: [[0.5], [0.4, 0.6]],
    taskAware: [[0.5], [0.4, 0.6]],
    averageAccuracy: 0.5,
    accuracyOverTime: 0.5,
    forgetting: 0.1,
  };
  const inSequence = runs.map((run) => ({
    ...run,
    record: { ...run.record, happened: { ...run.record.happened, sequence } },
  }));
  assertEquals(analyse({ ...staged, runs: inSequence }).rankMetric, []);
});

/** The study with as many evaluations a run. */
const evaluated = (count: number): StudyResults => ({
  ...staged,
  runs: staged.runs.map((run) => {
    const step = (i: number) => Math.round(200 * (i + 1) / count);
    return {
      ...run,
      evaluations: Array.from({ length: count }, (_, i) => ({
        ...run.evaluations[0]!,
        step: step(i),
        metrics: { matthews: 0.5 + 0.01 * i },
      })),
    };
  }),
});

Deno.test("the page shows the curve beside the ranks", async () => {
  const [chart] = chartsOf(analyse(evaluated(5))).rankMetric;
  assertStringIncludes((await renderChart(chart!)).file, "ranks held (% of the start)");
  const { files } = await buildReport(analyse(evaluated(5)));
  assertStringIncludes(files["tables/rank_metric.csv"]!, "SoRA");
  assertStringIncludes(files["report.html"]!, "Metric while ranks change");
});

Deno.test("a curve of fewer than five evaluations is not drawn, and stays in the table", () => {
  for (const count of [1, 2, 4]) assertEquals(chartsOf(analyse(evaluated(count))).rankMetric, []);
  assertEquals(analyse(evaluated(4)).rankMetric.length, 4);
  const [chart] = chartsOf(analyse(evaluated(5))).rankMetric;
  assertEquals([...panelsOf(chart!).keys()], ["acceptability, rank 2"]);
  // Of two methods, only the one with enough evaluations is drawn.
  const more = evaluated(5).runs.map((run) => ({
    ...run,
    record: { ...run.record, asked: { ...run.record.asked, label: `${run.record.asked.label} 2` } },
  }));
  const [mixed] =
    chartsOf(analyse({ ...staged, runs: [...evaluated(4).runs, ...more] })).rankMetric;
  assertEquals(seriesOf(mixed!), ["SoRA 2"]);
});
