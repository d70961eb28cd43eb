import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { buildReport } from "../../src/report/build.ts";
import { chartsOf } from "../../src/report/charts.ts";
import { labelsByPlace } from "../../src/report/charts/scores.ts";
import { stylesOf } from "../../src/report/method_styles.ts";
import type { ScoreRow } from "../../src/analysis/scores.ts";
import { fixtureMethods, fixtureStudy, manyFixtureMethods } from "../analysis/fixture.ts";
import { boundsIn, panelsOf } from "./chart_rows.ts";
import { assertWellFormed } from "./well_formed.ts";

const many = fixtureStudy({
  methods: manyFixtureMethods,
  tasks: [["RTE", "accuracy"], ["MRPC", "f1"], ["CoLA", "matthews"]],
  budgets: [4, 8],
  seeds: [1, 2],
  steps: 24,
  events: 4,
  examples: 4,
  hasAblation: true,
});
const { files } = await buildReport(analyse(many));
const page = files["report.html"]!;

Deno.test("seventeen methods: no two share a colour or a shape", () => {
  const styles = [...stylesOf(analyse(many)).values()];
  assertEquals(styles.length, 17);
  assertEquals(new Set(styles.map(({ colour }) => colour)).size, 17);
  assertEquals(new Set(styles.map(({ shape }) => shape)).size, 17);
});

Deno.test("seventeen methods: every method is named in the pictures that compare all", () => {
  for (const id of ["metric_budget", "score_heatmap", "loss", "cost_quality", "mean_ranks"]) {
    const picture = files[`charts/${id}.svg`]!;
    for (const { label } of manyFixtureMethods) {
      assertStringIncludes(picture, `>${label}</text>`, `${label} is not in ${id}`);
    }
  }
});

Deno.test("seventeen methods: the page is whole, folds long tables and folds charts by method", () => {
  assertWellFormed(page);
  assertStringIncludes(
    page,
    "<summary>Differences against LoRA, paired by seed (192 rows)</summary>",
  );
  // Final ranks, ranks over training, and two trajectories.
  assertStringIncludes(page, "<summary>ElaLoRA (4 charts)</summary>");
  assert(page.indexOf('id="ranks_overview"') < page.indexOf("<summary>AdaLoRA (4 charts)"));
  const sections = [...page.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id);
  const first = [
    "summary",
    "settings",
    "scores",
    "convergence",
    "differences",
    "effect-by-budget",
    "ranking",
  ];
  assertEquals(sections.filter((id) => first.includes(id!)), first);
  const links = [...page.matchAll(/<li><a href="#([^"]+)">/g)].map(([, id]) => id);
  // Sections that say only that there is nothing have no link.
  const none = ["spectra", "replay-ablation", "failed"];
  assertEquals(links, sections.filter((id) => !none.includes(id!)));
});

Deno.test("no picture is wider than the card that holds it, on the page or in its file", () => {
  const pictures = Object.entries(files).filter(([path]) => path.endsWith(".svg"));
  assert(pictures.length > 30);
  for (const [path, text] of pictures) {
    const width = Number(/^<svg [^>]*?width="(\d+)"/.exec(text)?.[1]);
    assert(width <= 940, `${path} is ${width} px wide`);
  }
  for (const [, part, body = ""] of page.matchAll(/<div class="(\w+)"[^>]*>(<svg[^]*?)<\/div>/g)) {
    for (const [, width] of body.matchAll(/<svg width="([\d.]+)"/g)) {
      assert(Number(width) <= (part === "wide" ? 940 : 420), `${part}: ${width}`);
    }
  }
});

Deno.test("a few methods keep lines over budgets and open charts", () => {
  const few = chartsOf(analyse(fixtureStudy({ steps: 12, events: 2, examples: 0 })));
  assertEquals(few.metric.map(({ id }) => id), ["metric_budget_average", "metric_budget"]);
  assertEquals(few.ranks.map(({ id }) => id), ["ranks_adalora", "ranks_elalora"]);
});

Deno.test("a mean over tasks is not drawn against the budget while no method with a budget has all of them", () => {
  const study = fixtureStudy({ steps: 12, events: 2, examples: 0 });
  const [task] = study.runs.map(({ record }) => record.asked.task);
  const runs = study.runs.filter(({ record: { asked } }) =>
    asked.budget === null || asked.task !== task
  );
  assertEquals(chartsOf(analyse({ ...study, runs })).metric.map(({ id }) => id), ["metric_budget"]);
});

Deno.test("a panel with one point shows two points of the metric around it, not digits of its mean", () => {
  const lone = chartsOf(analyse(fixtureStudy({
    tasks: [["RTE", "accuracy"]],
    methods: fixtureMethods.filter(({ method }) => method === "lora"),
    budgets: [4],
    seeds: [1],
    examples: 0,
  })));
  const [low, high] = boundsIn([...panelsOf(lone.metric[0]!).values()].flat());
  assertAlmostEquals(high! - low!, 2, 1e-9);
});

Deno.test("labelsByPlace sorts by the mean place within tasks, whatever their scale and direction", () => {
  const row = (task: string, metric: string, label: string, mean: number): ScoreRow => ({
    task,
    metric,
    label,
    budget: "rank 4",
    n: 3,
    failed: 0,
    missing: 0,
    mean,
    sd: 0,
    low: mean,
    high: mean,
    needsMoreSteps: false,
  });
  // Places: A 1, 0.5; B 0.5, 1; C 0, 0. A and B tie and keep their order.
  const rows = [
    row("t", "accuracy", "C", 0.1),
    row("t", "accuracy", "A", 0.9),
    row("t", "accuracy", "B", 0.8),
    row("u", "perplexity↓", "A", 30),
    row("u", "perplexity↓", "B", 20),
    row("u", "perplexity↓", "C", 90),
  ];
  assertEquals(labelsByPlace(rows), ["A", "B", "C"]);
  assertEquals(labelsByPlace([...rows, row("v", "f1", "A", 0.2), row("v", "f1", "B", 0.3)]), [
    "B",
    "A",
    "C",
  ]);
});
