/**
 * Charts as SVG, without a browser.
 *
 * @module
 */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { chartConfig } from "./style.ts";
import type { Chart } from "./types.ts";

/**
 * Renders a chart to SVG text.
 *
 * Identifiers inside carry the chart's id, so that many charts can stand in one HTML page.
 *
 * @throws {Error} If Vega-Lite or Vega refuses the specification; the message names the chart.
 */
export async function renderChart(chart: Chart): Promise<string> {
  try {
    const spec = printable({
      $schema: "https://vega.github.io/schema/vega-lite/v6.json",
      config: chartConfig,
      ...chart.spec,
    });
    const compiled = compile(spec as unknown as TopLevelSpec, { logger: strictLogger });
    const view = new View(parse(compiled.spec), { renderer: "none" });
    const svg = await view.toSVG();
    view.finalize();
    return withOwnIds(svg, chart.id);
  } catch (error) {
    throw new Error(`Cannot draw chart "${chart.id}"`, { cause: error });
  }
}

/** Puts spaces for line breaks and control characters in all strings: Vega's expressions cannot quote them. */
function printable(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/[\p{Cc}\u2028\u2029]/gu, " ");
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, printable(held)]));
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
    .replace(/url\(#([^)]+)\)/g, (_, name: string) => `url(#${own(name)})`)
    .replace(/ xlink:href="#([^"]+)"/g, (_, name: string) => ` xlink:href="#${own(name)}"`);
}
