/** What the page's style sheet promises to screens and to paper. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { buildReport } from "../../src/report/build.ts";
import { chartColours } from "../../src/report/charts/theme.ts";
import { pageStyle } from "../../src/report/page_style.ts";
import { fixtureStudy } from "../analysis/fixture.ts";

/** The rules within `@media QUERY`, as text. */
function media(query: string): string {
  const start = pageStyle.indexOf(`@media ${query} {`);
  assert(start >= 0, `no rules for ${query}`);
  let depth = 0;
  for (let at = pageStyle.indexOf("{", start); at < pageStyle.length; at++) {
    if (pageStyle[at] === "{") depth++;
    if (pageStyle[at] === "}" && --depth === 0) return pageStyle.slice(start, at);
  }
  throw new Error(`The rules for ${query} never end`);
}

/** Declarations of the rules within `css` that name `selector`. */
function declarations(css: string, selector: string): string {
  return [...css.matchAll(/([^{}]+)\{([^{}]*)\}/g)]
    .filter(([, selectors = ""]) => selectors.split(",").some((one) => one.trim() === selector))
    .map(([, , rules = ""]) => rules).join(" ");
}

Deno.test("paper shows what the screen folds away", () => {
  const rules = declarations(media("print"), "details::details-content");
  assertMatch(rules, /content-visibility: visible/);
  assertMatch(rules, /block-size: auto/);
});

Deno.test("paper keeps headings, summaries and legends with what follows, and breaks between panels and rows", () => {
  const print = media("print");
  for (
    const selector of ["h2", "h3", "summary", ".chart > div:not(:last-child)", "section > .note"]
  ) {
    assertMatch(declarations(print, selector), /break-after: avoid/, selector);
  }
  assertMatch(declarations(print, "tr"), /break-inside: avoid/);
  assertMatch(declarations(pageStyle, ".chart svg"), /break-inside: avoid/);
  // A figure of many panels is longer than a page: it must break.
  assertEquals(declarations(print, "figure"), "");
});

Deno.test("paper is light whatever the screen is", () => {
  assert(!pageStyle.includes("@media (prefers-color-scheme"));
  assert(media("screen and (prefers-color-scheme: dark)").includes("--page"));
});

Deno.test("a dark screen shows lines and texts of charts in its own colours", () => {
  for (const [name, colour] of Object.entries(chartColours)) {
    const rule = declarations(pageStyle, `.chart [stroke="${colour}"]`);
    assertMatch(rule, /var\(--/, `strokes in the colour of ${name}`);
  }
});

Deno.test("panels wrap, and a small screen has panels of its own where the others are too wide", () => {
  assertMatch(declarations(pageStyle, ".chart > div"), /flex-wrap: wrap/);
  assertMatch(declarations(pageStyle, ".chart svg"), /max-width: 100%/);
  const [always = ""] = pageStyle.split("@media screen and (max-width: 40rem)");
  assertMatch(declarations(always, ".chart > .narrow"), /display: none/);
  const narrow = media("screen and (max-width: 40rem)");
  assertMatch(declarations(narrow, ".chart > .wide"), /display: none/);
  assertMatch(declarations(narrow, ".chart > .narrow"), /display: flex/);
});

Deno.test("every class of a figure has its rules", async () => {
  const { files } = await buildReport(
    analyse(fixtureStudy({ budgets: [4], steps: 12, events: 2, examples: 0 })),
  );
  const figures = files["report.html"]!.match(/<figure[^]*?<\/figure>/g) ?? [];
  const classes = new Set(
    figures.flatMap((figure) => [...figure.matchAll(/ class="([^"]+)"/g)])
      .flatMap(([, names = ""]) => names.split(" ")),
  );
  assertEquals(
    [...classes].toSorted(),
    ["any", "chart", "narrow", "wide"],
  );
});

Deno.test("paper has verdicts, summary, scores, settings and reproducibility, and the rest by choice", async () => {
  const { files } = await buildReport(
    analyse(fixtureStudy({ budgets: [4], steps: 12, events: 2 })),
  );
  const page = files["report.html"]!;
  const printed = [...page.matchAll(/<section id="([\w-]+)" class="printed">/g)].map(([, id]) =>
    id
  );
  assertEquals(printed, ["summary", "settings", "scores", "reproducibility"]);
  assert(page.includes('<input type="checkbox" id="print-all">'));
  assertMatch(
    media("print"),
    /body:not\(:has\(#print-all:checked\)\) :is\(main > section:not\(\.printed\)[^{]*\) \{ display: none/,
  );
});

Deno.test("the navigation has no sections that say only that there is nothing", async () => {
  const { files } = await buildReport(
    analyse(fixtureStudy({ budgets: [4], steps: 12, events: 2 })),
  );
  const page = files["report.html"]!;
  const links = new Set([...page.matchAll(/<li><a href="#([\w-]+)">/g)].map(([, id]) => id));
  for (
    const [, id, , body = ""] of page.matchAll(
      /<section id="([\w-]+)"( class="\w+")>([^]*?)<\/section>/g,
    )
  ) {
    const isEmpty = /^<h2>[^<]*<\/h2>\s*<p class="empty">[^]*<\/p>\s*$/.test(body) &&
      !/<(table|figure|details)/.test(body);
    assertEquals(links.has(id), !isEmpty, id);
  }
  assert(!links.has("ablation") && links.has("scores") && links.has("glossary"));
});

Deno.test("tables have captions, charts say what they show, and words are explained where they stand and at the end", async () => {
  const { files } = await buildReport(
    analyse(fixtureStudy({ budgets: [4], steps: 12, events: 2 })),
  );
  const page = files["report.html"]!;
  assertEquals(
    [...page.matchAll(/<table>/g)].length,
    [...page.matchAll(/<table>\s*<caption>[^<]+/g)].length,
  );
  const [, answer = ""] = /<p class="answer">([^<]*)</.exec(page)!;
  assert(new RegExp(`aria-label="[^"]*: ${answer.slice(0, 40)}`).test(page), answer);
  assertMatch(page, /<abbr title="Methods that share a letter[^"]*">letters<\/abbr>/);
  for (const word of ["block", "letters", "rule"]) assert(page.includes(`<dt>${word}</dt>`), word);
});

Deno.test("a label that a study gives is explained by what it sets: where it stands, below tables and at the end", async () => {
  const results = fixtureStudy({ budgets: [4], steps: 12, events: 2 });
  const policy = { type: "moves", every: 2 };
  const methods = [
    { method: "lora", label: "LoRA" },
    { method: "composed", label: "ElaLoRA", options: { form: { type: "svd" }, policy } },
    { method: "lora", label: "no run has it" },
  ];
  const { files } = await buildReport(
    analyse({ ...results, study: { ...results.study, methods } }),
  );
  const page = files["report.html"]!;
  const meaning = "composed with form svd, policy moves (every 2)";
  assertMatch(page, /<td><abbr title="lora with its default options">LoRA<\/abbr><\/td>/);
  assert(page.includes(`<abbr title="${meaning}">ElaLoRA</abbr>`));
  assertMatch(page, /<dt>ElaLoRA<\/dt>\s*<dd>composed with form svd, policy moves \(every 2\)</);
  assert(!page.includes("no run has it"));
  assert(files["tables/methods.md"]!.endsWith(`\n\n“ElaLoRA” is ${meaning}.\n`));
  assert(!files["tables/failed.md"]?.includes("“ElaLoRA” is"));
});
