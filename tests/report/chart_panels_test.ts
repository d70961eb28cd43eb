/** What charts decide: ranges, shared scales, spread, sizes; read from their specifications, without drawing. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { chartsOf, type ReportCharts } from "../../src/report/charts.ts";
import { frameOf } from "../../src/report/charts/frame.ts";
import { boundsOf, largeWidth, smallWidth } from "../../src/report/charts/panel.ts";
import { importanceCurves, rankCurves } from "../../src/analysis/rank_series.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import type { Chart, Panel } from "../../src/report/types.ts";
import { fixtureMethods, fixtureStudy, manyFixtureMethods } from "../analysis/fixture.ts";

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

/** The domain of a channel of a panel's first mark that has one. */
function domainOf(panel: Panel, channel: string): readonly number[] {
  const text = JSON.stringify(panel.spec);
  const at = text.indexOf(`"${channel}":{"field"`);
  assert(at >= 0, `no ${channel} in ${panel.title}`);
  const [, list = ""] = /"domain":\[([^\]]*)\]/.exec(text.slice(at)) ?? [];
  return list.split(",").map(Number);
}

const outerWidth = ({ spec }: Panel): number => {
  const { left, right } = spec["padding"] as { readonly left: number; readonly right: number };
  return Number(spec["width"]) + left + right;
};

const place = (label: string, mean: number, spread = 0) => ({
  label,
  mean,
  low: mean - spread,
  high: mean + spread,
});

Deno.test("frameOf: a method without budget sets the range only within half the span of the others", () => {
  const budgeted = [place("a", 60, 1), place("b", 70, 1)];
  // The span is 59 … 71; half of it reaches from 53 to 77.
  const near = frameOf(budgeted, [place("head", 53.1), place("full", 76.9)], 100);
  assertEquals([near.below, near.above], [[], []]);
  assert(near.domain[0] < 53.1 && near.domain[1] > 76.9);
  const far = frameOf(budgeted, [place("head", 52.9), place("full", 77.1)], 100);
  assertEquals(far.below.map(({ label }) => label), ["head"]);
  assertEquals(far.above.map(({ label }) => label), ["full"]);
  assertEquals(far.inside, []);
  assertAlmostEquals(far.domain[0], 59 - 0.06 * 12, 1e-12);
  assertAlmostEquals(far.domain[1], 71 + 0.06 * 12, 1e-12);
});

Deno.test("frameOf: lines of text at the edge get room of their own, and a wide interval of a near method sets nothing", () => {
  const budgeted = [place("a", 60), place("b", 70)];
  const { domain } = frameOf(budgeted, [place("head", 1), place("none", 2)], 100, 0.1);
  const [low, high] = domain;
  // Two lines take a fifth of the panel below the lowest point and its margin.
  assertAlmostEquals((60 - 0.6 - low) / (high - low), 0.2, 1e-12);
  const wide = frameOf(budgeted, [place("full", 65, 40)], 100);
  assertAlmostEquals(wide.domain[0], 59.4, 1e-12);
  // Without methods with a budget there is nothing to squash.
  const alone = frameOf([], [place("head", 40, 1), place("full", 90, 1)], 100);
  assert(alone.domain[0] < 39 && alone.domain[1] > 91 && alone.below.length === 0);
});

Deno.test("head stands at the edge of panels that it would squash, with its mean, and nothing is drawn there", () => {
  for (const id of ["metric_budget", "cost_quality", "cost_parameters"]) {
    const chart = chartOf(fewCharts, id);
    const cola = chart.panels.find(({ title }) => title === "CoLA")!;
    const [, mean = ""] = /▾ head only (\d+\.\d)"/.exec(JSON.stringify(cola.spec)) ?? [];
    const [low = NaN] = domainOf(cola, "y");
    assert(Number(mean) > 10 && Number(mean) < low, `${id}: head ${mean}, domain from ${low}`);
    assertStringIncludes(chart.caption, "stands at the edge of the panel");
  }
  const rows = chartOf(manyCharts, "metric_budget").panels.find(({ title }) => title === "CoLA")!;
  const [, mean = ""] = /"◂ (\d+\.\d)"/.exec(JSON.stringify(rows.spec)) ?? [];
  assert(Number(mean) > 10 && Number(mean) < domainOf(rows, "x")[0]!);
});

Deno.test("a method without budget that lies near is drawn to scale", () => {
  const methods = fixtureMethods.map((method) =>
    method.method === "head" ? { ...method, gain: -0.01 } : method
  );
  const chart = chartOf(chartsOf(analyse(fixtureStudy({ ...size, methods }))), "metric_budget");
  assert(!JSON.stringify(chart.panels).includes("▾"));
  assert(!chart.caption.includes("stands at the edge of the panel"));
});

Deno.test("every task and budget has a panel of its own, and none is wider than what holds it", () => {
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
    assertEquals(chart.panels.map(({ title }) => title), titles, id);
    assertEquals(chart.columns, 2, id);
  }
  for (const chart of [...Object.values(fewCharts).flat(), ...Object.values(manyCharts).flat()]) {
    for (const panel of chart.panels) {
      assert(outerWidth(panel) <= largeWidth, `${chart.id}: ${outerWidth(panel)} px`);
      // What facets, legends and titles of Vega-Lite would add has no fixed size.
      for (const key of ["facet", "concat", "title"]) assert(!(key in panel.spec), chart.id);
    }
    const narrow = chart.narrowPanels ?? chart.panels;
    assertEquals(narrow.length, chart.panels.length);
    for (const panel of narrow) {
      const room = chart.id === "score_heatmap" ? 400 : 328;
      assert(outerWidth(panel) <= room, `${chart.id}, narrow: ${outerWidth(panel)} px`);
    }
  }
  assertEquals(chartOf(manyCharts, "metric_budget").panels.map(({ title }) => title), [
    ...five.map(([task]) => task),
  ]);
});

Deno.test("a lone panel is large, and small on a small screen", () => {
  const { panels, narrowPanels } = chartOf(fewCharts, "metric_budget_average");
  assertEquals(panels.map(outerWidth), [largeWidth]);
  assertEquals(narrowPanels?.map(outerWidth), [smallWidth]);
  assertEquals(chartOf(fewCharts, "metric_budget").narrowPanels, undefined);
});

Deno.test("panels that are compared share their scales: ranks by budget, importance all, losses and metrics lost by task", () => {
  const groups = (id: string, channel: string, keyOf: (title: string) => string) => {
    const domains = new Map<string, Set<string>>();
    for (const panel of chartOf(fewCharts, id).panels) {
      const key = keyOf(panel.title);
      const known = domains.get(key) ?? new Set();
      domains.set(key, known.add(domainOf(panel, channel).join()));
    }
    return [...domains.values()].map((set) => set.size);
  };
  const budgetOf = (title: string) => title.split(", ")[1]!;
  const taskOf = (title: string) => title.split(", ")[0]!;
  assertEquals(groups("trajectory_layer_elalora", "y", budgetOf), [1, 1]);
  assertEquals(groups("importance_part_elalora", "y", () => ""), [1]);
  assertEquals(groups("loss", "y", taskOf), [1, 1, 1, 1, 1]);
  assertEquals(groups("ablation_module", "y", taskOf), [1, 1, 1, 1, 1]);
  assertEquals(groups("ablation_module", "x", budgetOf), [1, 1]);
  assertEquals(groups("mean_ranks", "x", () => ""), [1]);
  // Metrics of different tasks do not; the caption says so.
  assert(groups("metric_budget", "y", () => "")[0]! > 1);
  assertStringIncludes(chartOf(fewCharts, "metric_budget").caption, "Each task has its own scale.");
});

Deno.test("curves of ranks and importance show their spread over seeds, and none of one seed", () => {
  const layersOf = (panel: Panel) =>
    (panel.spec["layer"] as { mark: { type: string } }[]).map(({ mark }) => mark.type);
  const one = chartsOf(analyse(fixtureStudy({ ...size, seeds: [1], budgets: [4] })));
  for (const id of ["trajectory_layer_elalora", "importance_part_elalora"]) {
    const { panels, caption } = chartOf(fewCharts, id);
    for (const panel of panels) assertEquals(layersOf(panel)[0], "area");
    assertStringIncludes(caption, "from the lowest to the highest seed");
    const lone = chartOf(one, id);
    for (const panel of lone.panels) assert(!layersOf(panel).includes("area"));
    assert(!lone.caption.includes("seed."));
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
  const panel = chartOf(fewCharts, "trajectory_layer_elalora").panels[0]!;
  const { values } = panel.spec["data"] as {
    readonly values: readonly { name: string; progress: number; value: number }[];
  };
  const own = values.filter(({ name }) => name === "layer 0");
  assertEquals(own[0]!.progress, 0);
  assertEquals(own.at(-1)!.progress, 100);
  assert(own.length < 41 && own.length > 2);
  const curve = rankCurves(few, "layer", 41).find(({ task, label, budget, name }) =>
    task === "RTE" && label === "ElaLoRA" && budget === "rank 2" && name === "layer 0"
  )!;
  // Read as steps, the rows that are kept give the whole curve again.
  curve.values.forEach((value, point) => {
    const at = own.findLast(({ progress }) => progress <= 100 * point / 40 + 1e-9)!;
    assertAlmostEquals(at.value, value!, 1e-4);
  });
});

Deno.test("correlations stand above the plot, not on its points, with as many lines in every panel", () => {
  for (const charts of [fewCharts, manyCharts]) {
    for (const id of ["ablation_layer", "ablation_module", "ablation_part"]) {
      const { panels } = chartOf(charts, id);
      assertEquals(new Set(panels.map(({ lines }) => lines.length)).size, 1);
      assert(panels.every(({ lines }) => lines.some((line) => line.includes("ρ "))));
      assert(!JSON.stringify(panels.map(({ spec }) => spec)).includes("ρ"));
    }
  }
});

Deno.test("a panel in which a method has no correlation keeps the height of the others", () => {
  const runs = few.runs.map((run) => {
    const { asked } = run.record;
    return asked.label === "AdaLoRA" && asked.task === "RTE" ? { ...run, ablation: null } : run;
  });
  const { panels } = chartOf(chartsOf(analyse({ ...few, runs })), "ablation_layer");
  const words = panels.map(({ lines }) => lines.filter((line) => line.trim() !== "").length);
  assertEquals(words, [1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
  assertEquals(new Set(panels.map(({ lines }) => lines.length)), new Set([2]));
});

Deno.test("layers carry their numbers at the ends of their lines, apart from each other", () => {
  for (const panel of chartOf(fewCharts, "trajectory_layer_elalora").panels) {
    const [low = 0, high = 0] = domainOf(panel, "y");
    const layer = (panel.spec["layer"] as { data?: { values: readonly object[] } }[]).at(-1)!;
    const names = layer.data!.values as readonly { name: string; value: number }[];
    assertEquals(names.map(({ name }) => name).toSorted(), ["0", "1", "2", "3", "4", "5"]);
    const pixels = names.map(({ value }) => 160 * (value - low) / (high - low))
      .sort((a, b) => a - b);
    assert(pixels[0]! >= 0 && pixels.at(-1)! <= 160);
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
