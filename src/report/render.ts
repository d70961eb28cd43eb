/**
 * Charts as Vega-Lite specifications and as SVG, without a browser.
 *
 * @module
 */
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { printable } from "../base/text_width.ts";
import type { Spec } from "./charts/panels.ts";
import { fontFamily, textWidth } from "./charts/theme.ts";
import type { Chart } from "./types.ts";

/** A drawn chart. */
export interface Picture {
  /** The specification with title, description and data, as JSON. */
  readonly specification: string;
  /** The drawing as a file of its own. */
  readonly file: string;
  /** The drawing as it stands in the page: a legend, and panels that wrap. */
  readonly page: string;
}

/** Width of a chart on a screen and in its file, and on a telephone, in pixels. */
const [wide, narrow] = [900, 330];

/** The rectangle that a mark takes. */
interface Bounds {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** A mark of a drawing, as Vega keeps it. */
interface Mark {
  readonly name?: string;
  readonly role?: string;
  readonly bounds: Bounds;
  readonly items: readonly Item[];
}

interface Item {
  readonly x: number;
  readonly y: number;
  readonly bounds: Bounds;
  readonly items: readonly Mark[];
}

const { textMetrics, SVGStringRenderer } = vega as unknown as {
  readonly textMetrics: {
    width: (
      item: {
        readonly fontSize?: number;
        readonly fontWeight?: number | string;
        readonly limit?: number;
      },
      text: unknown,
    ) => number;
  };
  readonly SVGStringRenderer: new () => {
    initialize(
      element: null,
      width: number,
      height: number,
      origin: readonly [number, number],
    ): void;
    render(mark: Mark): void;
    svg(): string;
  };
};
// Vega takes each letter for 0.8 of its size where it cannot measure, which would leave gaps in legends and beside axes.
textMetrics.width = ({ fontSize, fontWeight, limit = 0 }, text) =>
  Math.min(
    textWidth(String(text), fontSize) * (Number(fontWeight) >= 600 ? 1.14 : 1),
    limit > 0 ? limit : Infinity,
  );

/**
 * Draws a chart.
 *
 * Identifiers inside carry the chart's id, so that many charts can stand in one HTML page.
 *
 * @throws {Error} If Vega-Lite or Vega refuses a specification, or drops a part of it; the message names the chart.
 */
export async function renderChart({ id, title, caption, draw }: Chart): Promise<Picture> {
  try {
    const specification = quotable(draw(wide)) as Spec;
    const { file, legend, panels, columns } = await drawn(specification, id);
    const isWide = (part: readonly Piece[]) => part.some(({ width }) => width > narrow);
    const small = isWide([...legend, ...panels])
      ? await drawn(quotable(draw(narrow)) as Spec, `${id}-narrow`)
      : null;
    const room = columns * Math.max(...panels.map(({ width }) => width));
    const parts = [
      { of: legend, other: small?.legend, style: "" },
      { of: panels, other: small?.panels, style: ` style="max-width:${room}px"` },
    ].flatMap(({ of, other = [], style }) => {
      const part = (name: string, pieces: readonly Piece[]) =>
        `<div class="${name}"${style}>${pieces.map(({ svg }) => svg).join("")}</div>`;
      if (of.length === 0) return [];
      return isWide(of) ? [part("wide", of), part("narrow", other)] : [part("any", of)];
    });
    return {
      specification: textOf({
        ...specification,
        ...quotable({ title, description: caption }) as Spec,
      }),
      file,
      page: parts.join("\n"),
    };
  } catch (error) {
    throw new Error(`Cannot draw chart "${id}"`, { cause: error });
  }
}

/** A part of a drawing that the page sets by itself. */
interface Piece {
  readonly width: number;
  readonly svg: string;
}

async function drawn(specification: Spec, id: string) {
  const { spec } = compile(specification as unknown as TopLevelSpec, { logger: strictLogger });
  const view = new vega.View(vega.parse(spec), { renderer: "none" });
  const whole = await view.toSVG();
  const { items: [root] } = (view.scenegraph() as unknown as { readonly root: Mark }).root;
  const cells = root!.items.find(({ name }) => name === "cell")!;
  // Panels that have the same room about their plots stand in line however they wrap.
  const room = unionOf(cells.items.map(({ x, y, bounds }) => movedBy(bounds, -x, -y)));
  const pieces = {
    file: svgOf(whole, id, ` xmlns="http://www.w3.org/2000/svg" font-family="${fontFamily}"`),
    legend: root!.items.filter(({ role }) => role === "legend").map((mark) =>
      pieceOf(mark, mark.bounds, `${id}-legend`)
    ),
    panels: cells.items.map((cell, i) =>
      pieceOf({ ...cells, items: [cell] }, movedBy(room, cell.x, cell.y), `${id}-${i}`)
    ),
    columns: Number(specification["columns"]),
  };
  view.finalize();
  return pieces;
}

function unionOf(all: readonly Bounds[]): Bounds {
  const end = (side: keyof Bounds, most: (...values: number[]) => number) =>
    most(...all.map((bounds) => bounds[side]));
  return {
    x1: end("x1", Math.min),
    y1: end("y1", Math.min),
    x2: end("x2", Math.max),
    y2: end("y2", Math.max),
  };
}

const movedBy = ({ x1, y1, x2, y2 }: Bounds, x: number, y: number): Bounds => ({
  x1: x1 + x,
  y1: y1 + y,
  x2: x2 + x,
  y2: y2 + y,
});

/** Pixels about what the page sets by itself. */
const margin = 8;

function pieceOf(mark: Mark, { x1, y1, x2, y2 }: Bounds, id: string): Piece {
  const renderer = new SVGStringRenderer();
  const width = Math.ceil(x2 - x1) + 2 * margin;
  renderer.initialize(null, width, Math.ceil(y2 - y1) + 2 * margin, [margin - x1, margin - y1]);
  renderer.render(mark);
  return { width, svg: svgOf(renderer.svg(), id) };
}

/** A drawing with its size and as little else as shows the same. */
function svgOf(drawing: string, id: string, more = ""): string {
  const [, width, height, body = ""] =
    /^<svg[^>]* width="([\d.]+)" height="([\d.]+)"[^>]*>([\s\S]*)$/.exec(drawing) ?? [];
  return `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"${more}>` +
    slim(withOwnIds(body, id));
}

/** Leaves out what the renderer writes of each mark and nothing shows: the page is half as large. */
function slim(body: string): string {
  return body
    .replace(/<path class="(?:background|foreground)"(?![^>]* (?:fill|stroke)=)[^>]*\/>/g, "")
    .replace(/ (?:class|role|aria-[a-z]+|pointer-events|font-family)="[^"]*"/g, "")
    .replaceAll(' opacity="1"', "")
    .replace(/ (?:d|transform|x|y|x1|y1|x2|y2|width|height)="[^"]*"/g, rounded);
}

/** A tenth of a pixel is enough. */
const rounded = (attribute: string): string =>
  attribute.replace(/\d+\.\d{2,}/g, (digits) => String(Number(Number(digits).toFixed(1))));

/** Vega numbers its identifiers over all that it draws. */
function withOwnIds(svg: string, id: string): string {
  const names = [...new Set(svg.matchAll(/ id="([^"]+)"/g).map(([, name]) => name!))];
  return svg.replace(
    /( id="|url\(#)([^")]+)/g,
    (_, before: string, name: string) => `${before}${id}-${names.indexOf(name)}`,
  );
}

/** Puts spaces for line breaks and numbers for control characters in all strings: Vega's expressions cannot quote them. */
function quotable(value: unknown): unknown {
  if (typeof value === "string") return printable(value.replace(/\r?\n|[\t\u2028\u2029]/g, " "));
  if (Array.isArray(value)) return value.map(quotable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, quotable(held)]));
}

/** A specification as JSON, with a line a row of its data. */
function textOf({ data, ...rest }: Spec): string {
  const rows = (data as { readonly values: readonly unknown[] }).values;
  const head = JSON.stringify(rest, null, 2).replace(/\n\}$/, "");
  const lines = rows.map((row) => `      ${JSON.stringify(row)}`).join(",\n");
  return `${head},\n  "data": {\n    "values": [\n${lines}\n    ]\n  }\n}\n`;
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
