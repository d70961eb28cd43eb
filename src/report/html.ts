/**
 * HTML text in which everything is escaped unless it is HTML already.
 *
 * @module
 */
import { printable } from "../base/text_width.ts";

/** A piece of finished HTML. */
export class Html {
  constructor(readonly text: string) {}
}

/** What a template may hold: text and numbers are escaped, pieces and lists of pieces are not. */
export type HtmlValue = string | number | Html | readonly Html[];

/** Text as HTML and SVG show it, in elements and in quoted attributes; control characters stand as their numbers. */
function escapeHtml(text: string): string {
  return printable(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/**
 * A template of HTML; white space at its ends is cut, so that it may be indented.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { html } from "./html.ts";
 * assertEquals(html`<p>${"a < b"}</p>`.text, "<p>a &lt; b</p>");
 * ```
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const text = strings.reduce((text, part, i) => text + written(values[i - 1]!) + part);
  return new Html(text.trim());
}

function written(value: HtmlValue): string {
  if (value instanceof Html) return value.text;
  if (typeof value === "string") return escapeHtml(value);
  if (typeof value === "number") return String(value);
  return value.map((piece) => piece.text).join("");
}
