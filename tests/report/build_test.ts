import { analyse } from "../../src/analysis/analysis.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { buildReport } from "../../src/report/build.ts";
import { chartsOf } from "../../src/report/charts.ts";
import { renderChart } from "../../src/report/render.ts";
import { importanceCurves, lossCurves, rankCurves } from "../../src/analysis/rank_series.ts";
import { stylesOf } from "../../src/report/method_styles.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import { fixtureMethods, fixtureStudy } from "../analysis/fixture.ts";
import { scoredStudy } from "../analysis/scored_study.ts";
import { assertWellFormed } from "./well_formed.ts";

const full = fixtureStudy({
  hasAblation: true,
  hasReplay: true,
  failures: ["LoRA/acceptability/4/2"],
});
const report = await buildReport(analyse(full));
const page = report.files["report.html"]!;

Deno.test("assertWellFormed fails where it should", () => {
  for (
    const bad of [
      "<p>a < b</p>",
      "<p>a & b</p>",
      "<p><b>x</p></b>",
      '<p title=x">y</p>',
      "<p>open",
      '<i id="a"></i><i id="a"></i>',
    ]
  ) assertThrows(() => assertWellFormed(bad), Error);
});

Deno.test("buildReport writes the page, every chart as SVG and every table as Markdown and CSV", () => {
  const paths = Object.keys(report.files);
  for (
    const path of [
      "report.html",
      "charts/metric_budget.svg",
      "charts/metric_budget_average.svg",
      "charts/ranks_elalora.svg",
      "charts/timeline_elalora.svg",
      "charts/trajectory_layer_elalora.svg",
      "charts/importance_part_elalora.svg",
      "charts/ablation_layer.svg",
      "charts/ablation_module.svg",
      "charts/ablation_part.svg",
      "charts/replay.svg",
      "charts/loss.svg",
      "charts/cost_quality.svg",
      "charts/cost_parameters.svg",
      "charts/mean_ranks.svg",
      ...[
        "methods",
        "ranking",
        "ranking_tests",
        "ranking_pairs",
        "paired",
        "cost",
        "budgets",
        "failed",
        "runs",
        "ablation",
        "replay_paired",
      ]
        .flatMap((id) => [`tables/${id}.md`, `tables/${id}.csv`]),
    ]
  ) assert(paths.includes(path), `no ${path}`);
});

Deno.test("buildReport gives the same bytes for the same results", async () => {
  const study = fixtureStudy({
    budgets: [4],
    layers: 2,
    steps: 24,
    events: 4,
    examples: 8,
    hasAblation: true,
  });
  const first = await buildReport(analyse(study));
  assertEquals(first, await buildReport(analyse(structuredClone(study))));
  // A study of seconds has some.
  assertMatch(first.files["report.html"]!, /<b>[1-9][0-9]* s<\/b> <span>run time/);
});

Deno.test("the page is well-formed, holds its pictures and loads nothing", () => {
  assertWellFormed(page);
  for (const [path, text] of Object.entries(report.files)) {
    if (path.endsWith(".svg")) assertWellFormed(text);
  }
  for (const path of Object.keys(report.files).filter((path) => path.endsWith(".svg"))) {
    const id = path.slice("charts/".length, -".svg".length);
    const [, figure = ""] = new RegExp(`<figure id="${id}">([^]*?)</figure>`).exec(page) ?? [];
    assert(/<div class="(any|wide)"[^>]*><svg/.test(figure), `the page does not show ${path}`);
  }
  for (const forbidden of ["<script", "src=", "@import", 'href="http', "url(http"]) {
    assert(!page.includes(forbidden), `the page has ${forbidden}`);
  }
});

Deno.test("the page escapes names, messages and descriptions", async () => {
  const nasty = `<img onerror="x"> & 'q' \\ \n \u2028`;
  const methods = fixtureMethods.map((m) => ({ ...m, label: `${m.label} ${nasty}` }));
  const study = fixtureStudy({
    methods,
    tasks: [[`task ${nasty}`, "f1"]],
    seeds: [1, 2],
    budgets: [4],
    hasAblation: true,
  });
  const named: StudyResults = {
    ...study,
    study: { name: nasty, title: nasty, description: nasty },
  };
  const { files } = await buildReport(analyse(named));
  const text = files["report.html"]!;
  assertWellFormed(text);
  assert(!text.includes("<img"));
  assertStringIncludes(text, "&lt;img onerror=");
  for (const path of Object.keys(files)) assert(/^[a-z0-9_./-]+$/.test(path), path);
});

Deno.test("sections without data say which command makes it", async () => {
  const bare = fixtureStudy({ seeds: [1], budgets: [4] });
  const text = (await buildReport(analyse(bare))).files["report.html"]!;
  assertStringIncludes(
    text,
    "<code>deno task ablate fixture</code> removes the adapters of each layer, module and part in turn",
  );
  assertStringIncludes(text, "<code>deno task ablate fixture</code> trains LoRA again");
  const empty = { ...bare, runs: [] };
  const none = (await buildReport(analyse(empty))).files["report.html"]!;
  assertWellFormed(none);
  assertStringIncludes(none, "<code>deno task sweep fixture</code>");
});

Deno.test("reports hold for one seed, only failures, parameter budgets and a study without LoRA", async () => {
  const all = fixtureStudy({ seeds: [1], budgets: [2], tasks: [["one", "spearman"]] });
  const studies: readonly StudyResults[] = [
    all,
    fixtureStudy({
      seeds: [1],
      budgets: [4],
      tasks: [["one", "f1"]],
      methods: fixtureMethods.filter((m) => m.method === "lora"),
      failures: ["LoRA/one/4/1"],
    }),
    fixtureStudy({
      methods: fixtureMethods.filter((m) => m.method === "elalora"),
      budgets: [4],
      seeds: [1, 2],
    }),
    fixtureStudy({ methods: fixtureMethods.filter((m) => m.method === "head"), seeds: [1, 2] }),
    {
      ...all,
      runs: all.runs.map((run) => ({
        ...run,
        record: {
          ...run.record,
          asked: {
            ...run.record.asked,
            budget: run.record.asked.budget === null
              ? null
              : { type: "parameters" as const, value: 24576 },
          },
        },
      })),
    },
  ];
  for (const study of studies) {
    assertWellFormed((await buildReport(analyse(study))).files["report.html"]!);
  }
});

Deno.test("charts give a method one colour everywhere", async () => {
  const styles = stylesOf(analyse(full));
  assertEquals(new Set([...styles.values()].map(({ colour }) => colour)).size, styles.size);
  const { colour } = styles.get("ElaLoRA")!;
  const charts = chartsOf(analyse(full));
  for (const chart of [...charts.metric, ...charts.loss, ...charts.cost, ...charts.ablation]) {
    const { page, file } = await renderChart(chart);
    assertStringIncludes(page, colour);
    assertStringIncludes(file, colour);
  }
});

Deno.test("charts of LoRA, whose ranks stay equal, show no heatmap", () => {
  const ids = chartsOf(analyse(full)).ranks.map((chart) => chart.id);
  assertEquals(ids, ["ranks_adalora", "ranks_elalora"]);
});

Deno.test("renderChart names the chart that cannot be drawn", async () => {
  const error = await assertRejects(
    () =>
      renderChart({
        id: "broken",
        title: "",
        caption: "",
        draw: () => ({ data: { values: [] }, mark: "blob" }),
      }),
    Error,
  );
  assertStringIncludes(error.message, '"broken"');
});

Deno.test("rankCurves start at the initial ranks and end at the recorded final ranks", () => {
  const run = full.runs.find((r) => r.record.asked.label === "ElaLoRA")!;
  const curves = rankCurves({ ...full, runs: [run] }, "module", 11);
  for (const { name, values } of curves) {
    assertEquals(values[0], run.record.happened.initialRanks![name]);
    assertEquals(values.at(-1), run.record.happened.finalRanks![name]);
  }
  const total = run.ranks.at(-1)!.budget;
  const layers = rankCurves({ ...full, runs: [run] }, "layer", 11);
  assertEquals(Math.round(layers.reduce((sum, c) => sum + 6 * c.values.at(-1)!, 0)), total);
});

Deno.test("importanceCurves average 1 over layers and lossCurves average the steps of a bin", () => {
  const run = full.runs.find((r) => r.record.asked.label === "ElaLoRA")!;
  const one = { ...full, runs: [run] };
  const last = importanceCurves(one, "layer", 5).map((curve) => curve.values.at(-1)!);
  assert(Math.abs(last.reduce((sum, v) => sum + v, 0) / last.length - 1) < 1e-12);
  const [curve] = lossCurves(one, 4);
  const quarter = run.steps.slice(0, 50).reduce((sum, line) => sum + line.loss, 0) / 50;
  assert(Math.abs(curve!.values[0]! - quarter) < 1e-12);
});

Deno.test("buildReport builds a thousand runs and more without leaving rows out of its files", async () => {
  // One method with many seeds: what is long here is lists of runs, not pictures or tests of pairs.
  const large = fixtureStudy({
    methods: fixtureMethods.filter(({ method }) => method === "elalora"),
    tasks: [["one", "f1"]],
    budgets: [4, 8],
    seeds: Array.from({ length: 510 }, (_, i) => i + 1),
    layers: 1,
    steps: 12,
    events: 3,
    examples: 4,
  });
  const { files } = await buildReport(analyse(large));
  assertEquals(files["tables/runs.csv"]!.trimEnd().split("\n").length, 1 + large.runs.length);
  assertStringIncludes(files["report.html"]!, "1,000 of 1,020 rows");
});

Deno.test("control characters of labels and tasks stand as numbers in every file of a report", async () => {
  const odd = "a\u001b[2J\u0000\u0007\ufffe\u202eb";
  const { files } = await buildReport(analyse(scoredStudy({
    labels: ["lora", odd],
    tasks: [[`t\u0001`, "accuracy"]],
    score: ({ label, seed }) => (label === "lora" ? 0.5 : 0.6) + 0.01 * seed * seed,
  })));
  const paths = Object.keys(files);
  for (const ending of [".html", ".md", ".csv", ".svg"]) {
    assert(paths.some((path) => path.endsWith(ending) && files[path]!.includes("u{1b}")), ending);
  }
  for (const [path, text] of Object.entries(files)) {
    // deno-lint-ignore no-control-regex
    const found = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\ufffe\uffff]/.exec(text);
    assertEquals(found?.index, undefined, path);
  }
});
