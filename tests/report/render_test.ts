/** Charts as specifications and as SVG, in the page and in a file. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compile } from "vega-lite";
import { analyse } from "../../src/analysis/analysis.ts";
import { chartsOf } from "../../src/report/charts.ts";
import { heatmap } from "../../src/report/charts/heatmap.ts";
import { renderChart } from "../../src/report/render.ts";
import type { Chart } from "../../src/report/types.ts";
import { fixtureStudy } from "../analysis/fixture.ts";
import { assertWellFormed } from "./well_formed.ts";

/** A heatmap with panels of some titles, and a legend if its colours have names. */
const chart = (panels: readonly string[], xs: readonly string[] = ["x"], name?: string): Chart => ({
  id: "c",
  title: "A <chart>",
  caption: "It says\nsomething.",
  draw: heatmap(
    panels.flatMap((panel) => xs.map((x) => ({ panel, x, y: "y", value: 1, text: "0.123456" }))),
    {
      xs,
      ys: ["y"],
      colours: {
        stops: name === undefined ? [[0, "#eeeeee"]] : [[0, "#eeeeee", name], [1, "#4477aa", name]],
        whiteAbove: 2,
      },
      step: { x: 100, y: 20 },
    },
  ),
});

/** Classes of the parts of a page's picture. */
const partsOf = (page: string) => [...page.matchAll(/<div class="(\w+)"/g)].map(([, name]) => name);

Deno.test("every specification compiles without a warning, has its data inside, and gives the same bytes twice", async () => {
  const charts = Object.values(chartsOf(analyse(fixtureStudy({
    steps: 12,
    events: 2,
    examples: 0,
    hasAblation: true,
    budgets: [4],
    seeds: [1, 2],
  })))).flat();
  assert(charts.length > 15);
  for (const chart of charts) {
    const { specification, file, page } = await renderChart(chart);
    const warnings: unknown[] = [];
    const logger = Object.assign(Object.create(null), {
      warn: (...words: readonly unknown[]) => warnings.push(...words),
      error: (...words: readonly unknown[]) => warnings.push(...words),
      info: () => {},
      debug: () => {},
      level: () => {},
    });
    const spec = JSON.parse(specification);
    compile(spec, { logger });
    assertEquals(warnings, [], chart.id);
    assertEquals(spec.title, chart.title);
    assert(spec.data.values.length > 0 && !specification.includes('"url"'), chart.id);
    assertWellFormed(file);
    assertWellFormed(`<div>${page}</div>`);
    // Clips of one chart are not those of another in the same page.
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
    assertEquals(new Set(ids).size, ids.length, chart.id);
    assert(ids.every((id) => id.startsWith(`${chart.id}-`)), chart.id);
    assertEquals(await renderChart(chart), { specification, file, page });
  }
});

Deno.test("the page has each panel once, in a drawing of its own of the same size, and cuts a title that has no room", async () => {
  const { page, file } = await renderChart(chart(["<short>", "long ".repeat(20).trim(), "c"]));
  assertEquals(partsOf(page), ["any"]);
  const sizes = [...page.matchAll(/<svg ([^>]*)>/g)].map(([, size]) => size);
  assertEquals([sizes.length, new Set(sizes).size], [3, 1]);
  for (const text of [page, file]) {
    assertEquals(text.match(/>&lt;short&gt;<\/text>/g)?.length, 1);
    assert(/>[long ]+…<\/text>/.test(text), "a title that is cut");
  }
});

Deno.test("places are rounded to a tenth of a pixel, and texts are not", async () => {
  const { page, file } = await renderChart(chart(["a", "b"]));
  for (const text of [page, file]) {
    assertStringIncludes(text, ">0.123456</text>");
    assert(!/ (?:d|transform|x|y)="[^"]*\d\.\d\d/.test(text));
  }
});

Deno.test("a panel or a legend too wide for a telephone is drawn for it besides", async () => {
  const large = await renderChart(chart(["a"], ["1", "2", "3", "4", "5"]));
  assertEquals(partsOf(large.page), ["wide", "narrow"]);
  const legend = await renderChart(chart(["a"], ["1"], "what this colour stands for"));
  assertEquals(partsOf(legend.page), ["wide", "narrow", "any"]);
  const small = await renderChart(chart(["a"], ["1"], "word"));
  assertEquals(partsOf(small.page), ["any", "any"]);
});
