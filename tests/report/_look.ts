import { fixtureStudy } from "./fixture.ts";
import * as c from "../../src/report/charts/metric_budget.ts";
import { stylesOf } from "../../src/report/style.ts";
import { renderChart } from "../../src/report/render.ts";
const s = fixtureStudy({ hasAblation: true, hasReplay: true, failures: ["LoRA/acceptability/4/2"] });
const st = stylesOf(s);
Deno.mkdirSync("/tmp/report", { recursive: true });
for (const x of [...c.metricBudgetCharts(s, st), c.replayChart(s, st)!]) { const svg = await renderChart(x); Deno.writeTextFileSync(`/tmp/report/${x.id}.svg`, svg); console.log(x.id, svg.length); }
