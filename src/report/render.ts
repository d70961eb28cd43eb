/**
 * Charts as SVG, without a browser.
 *
 * Each plot is drawn for itself and set beside the others twice: in the page by its style sheet, which breaks rows where
 * the screen or the paper ends, and in the chart's own file in rows of fixed length.
 *
 * @module
 */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { printable } from "../base/printable.ts";
import { escapeHtml } from "./html.ts";
import { keyMark, keySize } from "./markers.ts";
import { chartColours, chartConfig, fontFamily } from "./style.ts";
import type { Chart, Panel } from "./types.ts";

/** A drawn chart. */
export interface Picture {
  /** The keys and plots as they stand in the page. */
  readonly page: string;
  /** All of them in one SVG file. */
  readonly file: string;
}

/**
 * Draws a chart.
 *
 * Identifiers inside carry the chart's id, so that many charts can stand in one HTML page.
 *
 * @throws {Error} If Vega-Lite or Vega refuses a specification; the message names the chart.
 */
export async function renderChart(chart: Chart): Promise<Picture> {
  try {
    const panels = await drawn(chart.panels, chart.id);
    const narrow = chart.narrowPanels === undefined
      ? null
      : await drawn(chart.narrowPanels, `${chart.id}-narrow`);
    return { page: pageOf(chart, panels, narrow), file: fileOf(chart, panels) };
  } catch (error) {
    throw new Error(`Cannot draw chart "${chart.id}"`, { cause: error });
  }
}

/** A drawn plot: what stands inside its SVG element, and its size in pixels. */
interface Plot {
  readonly body: string;
  readonly width: number;
  readonly height: number;
}

async function drawn(panels: readonly Panel[], id: string): Promise<readonly Plot[]> {
  const plots: Plot[] = [];
  for (const [i, panel] of panels.entries()) plots.push(await draw(panel, `${id}-${i}`));
  return plots;
}

async function draw(panel: Panel, id: string): Promise<Plot> {
  const spec = quotable({
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: chartConfig,
    ...panel.spec,
  });
  const compiled = compile(spec as unknown as TopLevelSpec, { logger: strictLogger });
  const view = new View(parse(compiled.spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  const [, head = "", body = ""] = /^<svg([^>]*)>([\s\S]*)<\/svg>\s*$/.exec(svg) ?? [];
  const size = (name: string) => Number(new RegExp(` ${name}="([\\d.]+)"`).exec(head)?.[1]);
  const width = size("width");
  return {
    body: titleOf(panel, width) + slim(withOwnIds(body, id)),
    width,
    height: size("height"),
  };
}

/** Title and lines at fixed places: Vega's own title moves with the labels of the axes, out of line with its neighbours. */
function titleOf({ title, lines }: Panel, width: number): string {
  const text = (said: string, y: number, attributes: string, letterWidth: number) => {
    const words = String(quotable(said));
    const most = Math.floor((width - 6) / letterWidth);
    const letters = [...words];
    const shown = letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : words;
    return `<text x="4" y="${y}" ${attributes}>${escapeHtml(shown)}</text>`;
  };
  return [
    text(title, 13, `font-size="12px" font-weight="600" fill="${chartColours.ink}"`, 7),
    ...lines.map((line, i) =>
      text(line, 27 + 14 * i, `font-size="11px" fill="${chartColours.muted}"`, 5.6)
    ),
  ].join("");
}

/** Leaves out what the renderer writes of each mark and nothing shows: the page is a quarter smaller. */
function slim(body: string): string {
  return body
    .replace(/^<rect [^>]*\/>/, "")
    .replace(/<path class="(?:background|foreground)"(?![^>]* (?:fill|stroke)=)[^>]*\/>/g, "")
    .replace(
      / (?:class|role|aria-roledescription|aria-label|aria-hidden|pointer-events|font-family)="[^"]*"/g,
      "",
    )
    .replaceAll(' opacity="1"', "")
    .replace(/ (?:d|transform|x|y|x1|y1|x2|y2|width|height)="[^"]*"/g, rounded);
}

/** A tenth of a pixel is enough. */
const rounded = (attribute: string): string =>
  attribute.replace(/\d+\.\d{2,}/g, (digits) => String(Number(Number(digits).toFixed(1))));

/** Puts spaces for line breaks and numbers for control characters in all strings: Vega's expressions cannot quote them. */
function quotable(value: unknown): unknown {
  if (typeof value === "string") return printable(value.replace(/\r?\n|[\t\u2028\u2029]/g, " "));
  if (Array.isArray(value)) return value.map(quotable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, quotable(held)]));
}

/** Makes Vega-Lite's warnings errors: a warning means that part of a chart was dropped. */
const strictLogger = {
  level: () => strictLogger,
  error: (...problems: readonly unknown[]) => fail(problems),
  warn: (...problems: readonly unknown[]) => fail(problems),
  info: () => strictLogger,
  debug: () => strictLogger,
} as unknown as NonNullable<Parameters<typeof compile>[1]>["logger"] & object;

function fail(problems: readonly unknown[]): never {
  throw new Error(problems.map(String).join(" "));
}

function withOwnIds(svg: string, id: string): string {
  const numbers = new Map<string, string>();
  const own = (name: string) => {
    const known = numbers.get(name) ?? `${id}-${numbers.size}`;
    numbers.set(name, known);
    return known;
  };
  return svg
    .replace(/ id="([^"]+)"/g, (_, name: string) => ` id="${own(name)}"`)
    .replace(/url\(#([^)]+)\)/g, (_, name: string) => `url(#${own(name)})`);
}

/** Pixels between plots in a row, and between rows. */
const gap = { x: 18, y: 14 } as const;

/** The narrowest screen's room for a plot; a wider one may shrink by a tenth, then it scrolls. */
const narrowRoom = 328;

function pageOf(chart: Chart, panels: readonly Plot[], narrow: readonly Plot[] | null): string {
  const { width, height } = keySize;
  const keys = chart.keys.map((key) =>
    `<span class="key"><svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">${
      keyMark(key)
    }</svg>${escapeHtml(key.name)}</span>`
  );
  // Paper has room for one large panel, or for two small ones.
  const several = panels.length > 1 ? " several" : "";
  const list = (plots: readonly Plot[], name: string) => {
    const most = Math.max(0, ...plots.map((plot) => plot.width));
    const room = chart.columns * most + (chart.columns - 1) * gap.x;
    return `<div class="${name}" style="max-width:${Math.ceil(room)}px">${
      plots.map(({ body, width, height }) => {
        const least = width > narrowRoom && (narrow === null || plots === narrow)
          ? ` style="min-width:${Math.round(0.9 * width)}px"`
          : "";
        return `<div class="panel"><svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"${least}>${body}</svg></div>\n`;
      }).join("")
    }</div>`;
  };
  return (keys.length === 0 ? "" : `<div class="keys">${keys.join("\n")}</div>\n`) +
    (narrow === null
      ? list(panels, "panels")
      : list(panels, `panels for-wide${several}`) + list(narrow, `panels for-narrow${several}`));
}

/** Width of the rows of a chart's own file, in pixels. */
const fileWidth = 920;

interface Box {
  readonly width: number;
  readonly height: number;
  readonly svg: (x: number, y: number) => string;
}

/** Boxes in rows of at most `columns` that are no wider than the file; a row is as high as its highest box. */
function inRows(
  boxes: readonly Box[],
  columns: number,
  top: number,
  space: { readonly x: number; readonly y: number },
) {
  let [x, y, count, rowHeight, width] = [0, top, 0, 0, 0];
  const pieces: string[] = [];
  for (const box of boxes) {
    if (count > 0 && (count === columns || x + box.width > fileWidth)) {
      [x, y, count, rowHeight] = [0, y + rowHeight + space.y, 0, 0];
    }
    pieces.push(box.svg(x, y));
    width = Math.max(width, x + box.width);
    x += box.width + space.x;
    rowHeight = Math.max(rowHeight, box.height);
    count++;
  }
  return { text: pieces.join("\n"), width, bottom: y + rowHeight };
}

function fileOf(chart: Chart, plots: readonly Plot[]): string {
  const keys = chart.keys.map((key): Box => ({
    // About the width of the text: no font is at hand to measure it.
    width: keySize.width + 6 + 7 * key.name.length,
    height: keySize.height,
    svg: (x, y) =>
      `<g transform="translate(${x},${y})">${keyMark(key)}<text x="${
        keySize.width + 6
      }" y="11" font-size="12px" fill="${chartColours.ink}">${escapeHtml(key.name)}</text></g>`,
  }));
  const above = inRows(keys, Infinity, 0, { x: 14, y: 6 });
  const below = inRows(
    plots.map(({ body, width, height }): Box => ({
      width,
      height,
      svg: (x, y) =>
        `<svg x="${x}" y="${y}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${body}</svg>`,
    })),
    chart.columns,
    keys.length === 0 ? 0 : above.bottom + 12,
    gap,
  );
  const edge = 8;
  const width = Math.ceil(Math.max(above.width, below.width)) + 2 * edge;
  const height = Math.ceil(below.bottom) + 2 * edge;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${-edge} ${-edge} ${width} ${height}" font-family="${
    escapeHtml(fontFamily)
  }"><rect x="${-edge}" y="${-edge}" width="${width}" height="${height}" fill="${chartColours.background}"/>\n${above.text}\n${below.text}</svg>`;
}
