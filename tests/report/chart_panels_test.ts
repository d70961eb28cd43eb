/** What charts decide: ranges, shared scales, spread, sizes; read from their specifications, without drawing. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { chartsOf, type ReportCharts } from "../../src/report/charts.ts";
import { boundsOf, rangesOf } from "../../src/report/charts/panels.ts";
import { importanceCurves, rankCurves } from "../../src/analysis/rank_series.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import type { Chart } from "../../src/report/types.ts";
import { fixtureMethods, fixtureStudy, manyFixtureMethods } from "../analysis/fixture.ts";
import { boundsIn, panelsOf, specOf } from "./chart_rows.ts";

const five = [
  ["RTE", "accuracy"],
  ["MRPC", "f1"],
  ["CoLA", "matthews"],
  ["STS-B", "spearman"],
  ["SST-2", "accuracy"],
] as const;

const size = { steps: 24, events: 6, examples: 0, layers: 6, hasAblation: true };
const few = fixtureStudy({ ...size, tasks: five, budgets: [2, 8] });
const many = fixtureStudy({
  ...size,
  tasks: five,
  methods: manyFixtureMethods,
  budgets: [4, 8],
  seeds: [1, 2],
});
const fewCharts = chartsOf(analyse(few));
const manyCharts = chartsOf(analyse(many));

const chartOf = (charts: ReportCharts, id: string): Chart => {
  const found = Object.values(charts).flat().find((chart) => chart.id === id);
  assert(found !== undefined, `no chart ${id}`);
  return found;
};

/** The range of a panel with methods whose means and intervals are given; those without a budget come second. */
function rangeOf(
  budgeted: readonly (readonly [series: string, value: number, spread?: number])[],
  free: readonly (readonly [series: string, value: number, spread?: number])[],
  options: Parameters<typeof rangesOf>[1] = {},
) {
  const rows = [budgeted, free].flatMap((list, i) =>
    list.map(([series, value, spread = 0]) => ({
      panel: "p",
      series,
      value,
      low: value - spread,
      high: value + spread,
      isFree: i === 1,
    }))
  );
  return rangesOf(rows, { margin: 0.06, leastSpan: 2, ...options }).get("p")!;
}

Deno.test("rangesOf: a method without budget sets the range only within half the span of the others", () => {
  const budgeted = [["a", 60, 1], ["b", 70, 1]] as const;
  // The span is 59 … 71; half of it reaches from 53 to 77.
  const near = rangeOf(budgeted, [["head", 53.1], ["full", 76.9]]);
  assertEquals([near.below, near.above], [[], []]);
  assert(near.domain[0] < 53.1 && near.domain[1] > 76.9);
  const far = rangeOf(budgeted, [["head", 52.9], ["full", 77.1]]);
  assertEquals([far.below, far.above], [["▾ head 52.9"], ["▴ full 77.1"]]);
  assertAlmostEquals(far.domain[0], 59 - 0.06 * 12, 1e-12);
  assertAlmostEquals(far.domain[1], 71 + 0.06 * 12, 1e-12);
});

Deno.test("rangesOf: lines of text at the edge get room of their own, and a wide interval of a near method sets nothing", () => {
  const budgeted = [["a", 60], ["b", 70]] as const;
  const { domain: [low, high] } = rangeOf(budgeted, [["head", 1], ["none", 2]], { lineShare: 0.1 });
  // Two lines take a fifth of the panel below the lowest point and its margin.
  assertAlmostEquals((60 - 0.6 - low) / (high - low), 0.2, 1e-12);
  assertAlmostEquals(rangeOf(budgeted, [["full", 65, 40]]).domain[0], 59.4, 1e-12);
  // Without methods with a budget there is nothing to squash.
  const alone = rangeOf([], [["head", 40, 1], ["full", 90, 1]]);
  assert(alone.domain[0] < 39 && alone.domain[1] > 91 && alone.below.length === 0);
});

const inPanel = (chart: Chart, name: string) =>
  [...panelsOf(chart)].find(([panel]) => panel.startsWith(name))![1];

Deno.test("head stands at the edge of panels that it would squash, with its mean, and nothing is drawn there", () => {
  for (
    const [id, field] of [
      ["metric_budget", "bound"],
      ["cost_quality", "cornerY"],
      ["cost_parameters", "cornerY"],
    ] as const
  ) {
    const chart = chartOf(fewCharts, id);
    const cola = inPanel(chart, "CoLA");
    const [, mean = ""] = /▾ head only (\d+\.\d)"/.exec(JSON.stringify(cola)) ?? [];
    const low = boundsIn(cola, field)[0]!;
    assert(Number(mean) > 10 && Number(mean) < low, `${id}: head ${mean}, domain from ${low}`);
    assertStringIncludes(chart.caption, "stands at the edge of the panel");
  }
  const rows = inPanel(chartOf(manyCharts, "metric_budget"), "CoLA");
  const [, mean = ""] = /"◂ (\d+\.\d)"/.exec(JSON.stringify(rows)) ?? [];
  assert(Number(mean) > 10 && Number(mean) < boundsIn(rows)[0]!);
});

Deno.test("a method without budget that lies near is drawn to scale", () => {
  const methods = fixtureMethods.map((method) =>
    method.method === "head" ? { ...method, gain: -0.01 } : method
  );
  const chart = chartOf(chartsOf(analyse(fixtureStudy({ ...size, methods }))), "metric_budget");
  assert(!JSON.stringify(specOf(chart)).includes("▾"));
  assert(!chart.caption.includes("stands at the edge of the panel"));
});

Deno.test("every task and budget has a panel of its own: the budgets of a task side by side, and one below the other on a telephone", () => {
  const titles = five.flatMap(([task]) => [`${task}, rank 2`, `${task}, rank 8`]);
  for (
    const id of [
      "ranks_elalora",
      "trajectory_layer_elalora",
      "trajectory_part_elalora",
      "importance_layer_adalora",
      "ablation_layer",
    ]
  ) {
    const chart = chartOf(fewCharts, id);
    assertEquals([...panelsOf(chart).keys()], titles, id);
    assertEquals([specOf(chart).columns, specOf(chart, 330).columns], [2, 1], id);
  }
  assertEquals(
    [...panelsOf(chartOf(manyCharts, "metric_budget")).keys()].map((name) => name.split(",")[0]),
    five.map(([task]) => task),
  );
});

Deno.test("a lone panel is large, and small on a small screen", () => {
  const widths = (id: string) =>
    [900, 330].map((room) => specOf(chartOf(fewCharts, id), room).spec.width);
  const [large, small] = widths("metric_budget_average");
  assert(large! > 2 * small!);
  assertEquals(widths("metric_budget"), [small, small]);
});

Deno.test("panels that are compared share their scales: ranks by budget, importance all, losses and metrics lost by task", () => {
  const groups = (id: string, field: string, keyOf: (title: string) => string) => {
    const panels = Map.groupBy(panelsOf(chartOf(fewCharts, id)), ([title]) => keyOf(title));
    return [...panels.values()].map((own) =>
      new Set(own.map(([, rows]) => boundsIn(rows, field).join())).size
    );
  };
  const budgetOf = (title: string) => title.split(", ")[1]!;
  const taskOf = (title: string) => title.split(", ")[0]!;
  assertEquals(groups("trajectory_layer_elalora", "bound", budgetOf), [1, 1]);
  assertEquals(groups("importance_part_elalora", "bound", () => ""), [1]);
  assertEquals(groups("loss", "bound", taskOf), [1, 1, 1, 1, 1]);
  assertEquals(groups("ablation_module", "cornerY", taskOf), [1, 1, 1, 1, 1]);
  assertEquals(groups("ablation_module", "cornerX", budgetOf), [1, 1]);
  // Metrics of different tasks do not; the caption says so.
  assert(groups("metric_budget", "bound", () => "")[0]! > 1);
  assertStringIncludes(chartOf(fewCharts, "metric_budget").caption, "Each task has its own scale.");
});

Deno.test("curves of ranks and importance show their spread over seeds, and none of one seed", () => {
  const hasBand = (chart: Chart) =>
    JSON.stringify(specOf(chart).spec.layer).includes('"type":"area"');
  const one = chartsOf(analyse(fixtureStudy({ ...size, seeds: [1], budgets: [4] })));
  for (const id of ["trajectory_layer_elalora", "importance_part_elalora"]) {
    assert(hasBand(chartOf(fewCharts, id)));
    assertStringIncludes(chartOf(fewCharts, id).caption, "from the lowest to the highest seed");
    assert(!hasBand(chartOf(one, id)));
    assert(!chartOf(one, id).caption.includes("seed."));
  }
});

Deno.test("rankCurves and importanceCurves know the lowest and the highest run of each point", () => {
  const label = "ElaLoRA";
  const runs = few.runs.filter(({ record: { asked } }) =>
    asked.label === label && asked.task === "RTE" && asked.budget?.value === 8
  );
  assertEquals(runs.length, 3);
  const of = (own: StudyResults["runs"]) => ({ ...few, runs: own });
  for (const curvesOf of [rankCurves, importanceCurves]) {
    const each = runs.map((run) => curvesOf(of([run]), "layer", 9));
    for (const curve of curvesOf(of(runs), "layer", 9)) {
      assertEquals(curve.runs, 3);
      const own = each.map((curves) => curves.find(({ name }) => name === curve.name)!.values);
      curve.values.forEach((mean, point) => {
        const values = own.flatMap((list) => list[point] ?? []);
        if (mean === null) return assertEquals(values, []);
        assertEquals(curve.lows[point], Math.min(...values));
        assertEquals(curve.highs[point], Math.max(...values));
      });
    }
  }
});

Deno.test("steps of a curve keep every change and the last point", () => {
  const rows = panelsOf(chartOf(fewCharts, "trajectory_layer_elalora")).get("RTE, rank 2")!;
  const own = rows.filter(({ series, x }) => series === "layer 0" && x !== undefined);
  assertEquals([own[0]!["x"], own.at(-1)!["x"]], [0, 100]);
  assert(own.length < 41 && own.length > 2);
  const curve = rankCurves(few, "layer", 41).find(({ task, label, budget, name }) =>
    task === "RTE" && label === "ElaLoRA" && budget === "rank 2" && name === "layer 0"
  )!;
  // Read as steps, the rows that are kept give the whole curve again.
  curve.values.forEach((value, point) => {
    const at = own.findLast(({ x }) => Number(x) <= 100 * point / 40 + 1e-9)!;
    assertAlmostEquals(Number(at["value"]), value!, 1e-4);
  });
});

/** Lines of the headings of a chart's panels. */
const headings = (chart: Chart): readonly (readonly string[])[] =>
  [...panelsOf(chart).values()].map(([row]) => [row!["panel"]].flat().map(String));

Deno.test("correlations stand above the plot, not on its points, with as many lines in every panel", () => {
  for (const charts of [fewCharts, manyCharts]) {
    for (const id of ["ablation_layer", "ablation_module", "ablation_part"]) {
      const chart = chartOf(charts, id);
      assertEquals(new Set(headings(chart).map((lines) => lines.length)).size, 1);
      assert(headings(chart).every((lines) => lines.some((line) => line.includes("ρ "))));
      assert(!JSON.stringify(specOf(chart).spec).includes("ρ"));
    }
  }
});

Deno.test("a panel in which a method has no correlation keeps the height of the others", () => {
  const runs = few.runs.map((run) => {
    const { asked } = run.record;
    return asked.label === "AdaLoRA" && asked.task === "RTE" ? { ...run, ablation: null } : run;
  });
  const lines = headings(chartOf(chartsOf(analyse({ ...few, runs })), "ablation_layer"));
  const words = lines.map((own) => own.filter((line) => line.trim() !== "").length);
  assertEquals(words, [2, 2, 3, 3, 3, 3, 3, 3, 3, 3]);
  assertEquals(new Set(lines.map((own) => own.length)), new Set([3]));
});

Deno.test("layers carry their numbers at the ends of their lines, apart from each other", () => {
  const chart = chartOf(fewCharts, "trajectory_layer_elalora");
  const { height } = specOf(chart).spec;
  for (const rows of panelsOf(chart).values()) {
    const [low = 0, high = 0] = boundsIn(rows);
    const names = rows.filter((row) => "endName" in row);
    assertEquals(names.map(({ endName }) => endName).toSorted(), ["0", "1", "2", "3", "4", "5"]);
    const pixels = boundsIn(names, "at").map((at) => height * (at - low) / (high - low))
      .sort((a, b) => a - b);
    assert(pixels[0]! >= 0 && pixels.at(-1)! <= height);
    pixels.slice(1).forEach((pixel, i) => assert(pixel - pixels[i]! > 10.99));
  }
});

Deno.test("boundsOf passes over gaps, holds 0 where asked, and never has an empty span", () => {
  assertEquals(boundsOf([null, 2, 4, NaN], { margin: 0.5 }), [1, 5]);
  assertEquals(boundsOf([2, 4], { margin: 0, hasZero: true }), [0, 4]);
  assertEquals(boundsOf([]), [0, 1]);
  const [low, high] = boundsOf([7, 7]);
  assert(low < 7 && high > 7);
});
