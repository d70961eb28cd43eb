import { fixtureStudy } from "./fixture.ts";
import * as c from "../../src/report/charts/metric_budget.ts";
import * as r from "../../src/report/charts/ranks.ts";
import * as t from "../../src/report/charts/trajectories.ts";
import * as ab from "../../src/report/charts/ablation.ts";
import * as co from "../../src/report/charts/cost.ts";
import { gridOf } from "../../src/report/facts.ts";
import { stylesOf } from "../../src/report/style.ts";
import { renderChart } from "../../src/report/render.ts";
const s = fixtureStudy({ hasAblation: true, hasReplay: true, failures: ["LoRA/acceptability/4/2"] });
const st = stylesOf(s); const g = gridOf(s);
Deno.mkdirSync("/tmp/report", { recursive: true });
let html = "";
for (const x of [...c.metricBudgetCharts(s, st), c.replayChart(s, st)!, ...r.rankHeatmaps(s,g), ...r.rankTimelines(s,g), ...t.rankTrajectories(s,g), ...t.importanceTrajectories(s,g), t.lossChart(s,g,st)!, ...ab.ablationCharts(s,g,st), co.costChart(s,st)!]) { const svg = await renderChart(x); Deno.writeTextFileSync(`/tmp/report/${x.id}.svg`, svg); console.log(x.id, svg.length); html += `<h3>${x.id}</h3><img src=${x.id}.svg style="max-width:560px">`; }
Deno.writeTextFileSync("/tmp/report/a.html", `<div style="columns:2">${html}</div>`);
