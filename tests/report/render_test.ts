/** Plots as SVG, in the page and in a file. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { panelOf } from "../../src/report/charts/panel.ts";
import { renderChart } from "../../src/report/render.ts";
import type { Chart, Panel } from "../../src/report/types.ts";
import { assertWellFormed } from "./well_formed.ts";

const point = (value: number) => ({
  data: { values: [{ x: 1, y: value, text: "0.123456" }] },
  mark: { type: "text" },
  encoding: {
    x: { field: "x", type: "quantitative", title: null },
    y: { field: "y", type: "quantitative", title: null },
    text: { field: "text" },
  },
});

const panel = (title: string, width: number, value = 2): Panel =>
  panelOf({ title, lines: ["a line"] }, { width, height: 60 }, point(value));

const chart = (panels: readonly Panel[], rest: Partial<Chart> = {}): Chart => ({
  id: "c",
  title: "A chart",
  caption: "",
  keys: [{ name: "<one>", colour: "#4477aa", shape: "circle", dash: [4, 2] }],
  panels,
  columns: 3,
  ...rest,
});

/** Where the plots of a file stand: `x,y`. */
const placesIn = (file: string) =>
  [...file.matchAll(/<svg x="([\d.]+)" y="([\d.]+)"/g)].map(([, x, y]) => `${x},${y}`);

Deno.test("a file sets plots in rows of at most its columns, below the keys", async () => {
  const panels = ["a", "b", "c", "d"].map((title) => panel(title, 290));
  const three = await renderChart(chart(panels));
  assertWellFormed(three.file);
  const height = 60 + 26 + 14 + 42;
  const top = 14 + 12;
  assertEquals(placesIn(three.file), [
    `0,${top}`,
    `308,${top}`,
    `616,${top}`,
    `0,${top + height + 14}`,
  ]);
  const two = await renderChart(chart(panels, { columns: 2, keys: [] }));
  assertEquals(placesIn(two.file).map((place) => place.split(",")[1]), [
    "0",
    "0",
    `${height + 14}`,
    `${height + 14}`,
  ]);
  // Plots that are wider than a row of the file stand alone in theirs, whatever the columns.
  const wide = await renderChart(chart([panel("a", 600), panel("b", 600)], { keys: [] }));
  assertEquals(placesIn(wide.file), ["0,0", `0,${height + 14}`]);
});

Deno.test("the title stands at the same place whatever the labels of the axes, and is cut where it has no room", async () => {
  const { page } = await renderChart(
    chart([panel("short", 290, 2), panel("long ".repeat(30), 290, 123_456_789)]),
  );
  assertWellFormed(`<div>${page}</div>`);
  assertStringIncludes(page, '<text x="4" y="13" font-size="12px" font-weight="600"');
  assertEquals(page.match(/<text x="4" y="13"/g)?.length, 2);
  assertEquals(page.match(/<text x="4" y="27"[^>]*>a line</g)?.length, 2);
  assertStringIncludes(page, `>${"long ".repeat(30).slice(0, 39)}…</text>`);
});

Deno.test("places are rounded to a tenth of a pixel, and texts are not", async () => {
  const { page } = await renderChart(chart([panel("a", 290)], { keys: [] }));
  assertStringIncludes(page, ">0.123456</text>");
  assert(!/ (?:d|transform)="[^"]*\d\.\d\d/.test(page));
});

Deno.test("plots too wide for a telephone keep nine tenths of their size and scroll, unless smaller ones stand in", async () => {
  const wide = await renderChart(chart([panel("a", 400)]));
  assertStringIncludes(wide.page, 'style="min-width:360px"');
  const small = await renderChart(chart([panel("a", 328)]));
  assert(!small.page.includes("min-width"));
  const both = await renderChart(chart([panel("a", 600)], { narrowPanels: [panel("a", 290)] }));
  assertWellFormed(`<div>${both.page}</div>`);
  assert(!both.page.includes("min-width"));
  assertEquals([...both.page.matchAll(/class="(panels[^"]*)"/g)].map(([, names]) => names), [
    "panels for-wide",
    "panels for-narrow",
  ]);
  assertEquals(placesIn(both.file).length, 1);
});
