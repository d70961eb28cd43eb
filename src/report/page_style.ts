/**
 * The style sheet of the report's page, for light and dark screens and for paper.
 *
 * @module
 */
import { chartColours, fontFamily } from "./charts/theme.ts";

const { background, ink, muted, grid } = chartColours;

/** The whole style sheet; nothing is loaded from elsewhere. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --ink: #1d2229; --muted: #5c6672; --line: #e1e5ea; --row: #f7f8fa;
  --accent: #3a6ea5; --good: #1b7f4d; --good-back: #e6f4ec; --bad: #b3363d; --bad-back: #fbeaea; --chart-grid: ${grid};
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --card: #1b1f25; --ink: #e6e9ed; --muted: #9aa5b1; --line: #2c333c; --row: #20252c;
    --accent: #83b1e0; --good: #6fd0a0; --good-back: #18342a; --bad: #f0959a; --bad-back: #3a2124; --chart-grid: #2f3741;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.55 ${fontFamily}; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
code { font: 0.92em ui-monospace, 'SF Mono', Menlo, Consolas, monospace; background: var(--row); border: 1px solid var(--line);
  border-radius: 4px; padding: 0.05em 0.35em; }
.layout { display: grid; grid-template-columns: 13.5rem minmax(0, 1fr); gap: 0.4rem 2.2rem; max-width: 84rem; margin: 0 auto; padding: 0 1.6rem 4rem; }
header { grid-column: 1 / -1; padding: 1.5rem 0 0; }
header .kind { color: var(--muted); font-size: 0.8rem; letter-spacing: 0.08em; text-transform: uppercase; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0.15rem 0 0.35rem; letter-spacing: -0.015em; }
header p { max-width: 66rem; margin: 0; color: var(--muted); font-size: 0.92rem; }
.facts { display: flex; flex-wrap: wrap; gap: 0.2rem 1.5rem; margin: 0.6rem 0 0; padding: 0; list-style: none; }
.facts b { font-variant-numeric: tabular-nums; }
.facts span { color: var(--muted); font-size: 0.88rem; }
nav { position: sticky; top: 1.2rem; align-self: start; font-size: 0.9rem; padding-top: 1.4rem; max-height: calc(100vh - 2.4rem); overflow-y: auto; }
nav ol { list-style: none; margin: 0; padding: 0; border-left: 2px solid var(--line); }
nav a { display: block; padding: 0.26rem 0 0.26rem 0.9rem; color: var(--muted); }
nav a:hover { color: var(--ink); text-decoration: none; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1.5rem 1.7rem 1.7rem; margin: 1.4rem 0 0; }
h2 { font-size: 1.3rem; margin: 0 0 0.35rem; letter-spacing: -0.01em; }
h3 { font-size: 1.02rem; margin: 1.7rem 0 0.2rem; }
section > p, .note { color: var(--muted); max-width: 54rem; margin: 0 0 0.8rem; font-size: 0.92rem; }
.findings { margin: 0.7rem 0 0; padding: 0; list-style: none; display: grid; gap: 0.55rem; max-width: 58rem; }
.findings li { padding-left: 1.2rem; position: relative; }
.findings li::before { content: ""; position: absolute; left: 0; top: 0.62em; width: 0.45rem; height: 0.45rem; border-radius: 50%; background: var(--accent); }
section > .answer { color: var(--ink); font-size: 1.22rem; line-height: 1.45; font-weight: 600; margin: 0.2rem 0 0.7rem; max-width: 60rem; }
.basis { color: var(--muted); font-size: 0.92rem; max-width: 60rem; margin: 0.9rem 0 0; padding-left: 1.1rem; }
.notice { border: 0; border-left: 3px solid var(--bad); border-radius: 4px; background: var(--bad-back); color: var(--ink); max-width: 60rem; margin: 0.5rem 0 0; padding: 0.45rem 0.9rem; font-size: 0.9rem; }
section > p.notice { color: var(--ink); margin: 0.5rem 0 0; }
.notice ul { margin: 0.25rem 0 0; padding-left: 1.2rem; }
.notice summary { font-weight: 500; font-size: inherit; }
.empty { border: 1px dashed var(--line); border-radius: 10px; padding: 0.9rem 1.1rem; color: var(--muted); margin: 0.8rem 0 0; }
.scroll { overflow-x: auto; margin: 0.7rem 0 0; }
table { border-collapse: collapse; font-size: 0.87rem; font-variant-numeric: tabular-nums; min-width: 60%; }
th { text-align: left; font-weight: 600; color: var(--muted); font-size: 0.78rem; padding: 0.35rem 0.75rem; border-bottom: 2px solid var(--line); white-space: nowrap; }
td { padding: 0.32rem 0.75rem; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: top; }
td.wrap { white-space: normal; overflow-wrap: anywhere; min-width: 16rem; }
th.right, td.right { text-align: right; }
tr.block > td { border-top: 2px solid var(--line); }
tbody tr:hover { background: var(--row); }
td.repeat { color: transparent; }
tbody tr:hover td.repeat { color: var(--muted); }
.good, .bad { display: inline-block; border-radius: 999px; padding: 0 0.6rem; font-weight: 600; font-size: 0.82rem; }
.good { color: var(--good); background: var(--good-back); }
.bad { color: var(--bad); background: var(--bad-back); }
.muted { color: var(--muted); }
figure { margin: 1.5rem 0 0; }
figure + .note { margin-top: 1.3rem; }
figure h3 { margin: 0 0 0.5rem; }
figcaption { color: var(--muted); font-size: 0.84rem; max-width: 54rem; margin-top: 0.3rem; }
.chart > div { display: flex; flex-wrap: wrap; font-family: ${fontFamily}; }
.chart svg { max-width: 100%; height: auto; break-inside: avoid; }
.chart > .narrow { display: none; }
.chart [fill="${background}"] { fill: transparent; }
.chart [stroke="${background}"] { stroke: var(--card); }
.chart [fill="${ink}"] { fill: var(--ink); }
.chart [stroke="${ink}"] { stroke: var(--ink); }
.chart [fill="${muted}"] { fill: var(--muted); }
.chart [stroke="${muted}"] { stroke: var(--muted); }
.chart [stroke="${grid}"] { stroke: var(--chart-grid); }
caption { caption-side: bottom; text-align: left; color: var(--muted); font-size: 0.8rem; padding: 0.3rem 0.75rem; }
abbr { text-decoration: underline dotted; cursor: help; }
nav label { display: block; margin-top: 0.9rem; color: var(--muted); font-size: 0.84rem; }
.glossary { display: grid; gap: 0.45rem; margin: 0.6rem 0 0; max-width: 58rem; } .glossary div { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: 0.6rem; }
.glossary dt { font-weight: 600; } .glossary dd { margin: 0; color: var(--muted); }
details { margin: 1.1rem 0 0; border: 1px solid var(--line); border-radius: 10px; padding: 0.7rem 1rem; }
summary { cursor: pointer; font-weight: 600; font-size: 0.95rem; }
details[open] > summary { margin-bottom: 0.5rem; }
footer { grid-column: 1 / -1; color: var(--muted); font-size: 0.84rem; padding-top: 1rem; }
@media (max-width: 62rem) {
  .layout { grid-template-columns: minmax(0, 1fr); gap: 0; padding: 0 0.9rem 3rem; }
  nav { position: static; max-height: none; } nav ol { border: 0; columns: 2; }
  section { padding: 1.1rem 1rem 1.3rem; }
}
@media screen and (max-width: 40rem) { .chart > .wide { display: none; } .chart > .narrow { display: flex; } }
@media print {
  @page { margin: 12mm; }
  :root { --page: #fff; --card: #fff; }
  body { background: #fff; font-size: 10.5pt; } nav { display: none; } .layout { display: block; padding: 0; max-width: none; } header { padding: 0; margin: 0; }
  section { border: 0; padding: 0; margin: 1.6rem 0 0; break-inside: auto; }
  h1, h2, h3, summary, section > .note, details > .note, .chart > div:not(:last-child) { break-after: avoid; }
  h3, figure h3, figcaption { break-inside: avoid; } figcaption { break-before: avoid; }
  tr, li { break-inside: avoid; } thead { display: table-header-group; }
  .scroll { overflow: visible; } .chart svg { max-height: 225mm; }
  table { font-size: 7.4pt; min-width: 0; } th, td, td.wrap { white-space: normal; min-width: 0; padding: 0.14rem 0.3rem; } th { font-size: 7pt; }
  td.repeat { color: var(--muted); } .good, .bad { padding: 0; background: none; }
  details { border: 0; padding: 0; } summary { list-style: none; } summary::-webkit-details-marker { display: none; }
  body:not(:has(#print-all:checked)) :is(main > section:not(.printed), .divider, main details:not([open], .notice)) { display: none; }
  details::details-content { display: block; content-visibility: visible; block-size: auto; }
}
`;

/** What a page with verdicts has besides. */
export const claimsStyle = `
:root { --equal: #3a6ea5; --equal-back: #e8f0f9; --open-back: #eef0f3; --void: #8a5d0b; --void-back: #fbf2df; }
@media screen and (prefers-color-scheme: dark) {
  :root { --equal: #93bdea; --equal-back: #1d3148; --open-back: #2a3038; --void: #e5b869; --void-back: #3a2f18; }
}
section > .stated { color: var(--muted); margin: 0 0 0.4rem; }
.verdicts { list-style: none; margin: 0.9rem 0 0; padding: 0; border-top: 1px solid var(--line); }
.verdicts li { display: grid; grid-template-columns: 12.5rem minmax(0, 1fr) auto; gap: 0.1rem 1.2rem; padding: 0.7rem 0; border-bottom: 1px solid var(--line); align-items: baseline; }
.verdicts b { font-size: 1.05rem; font-weight: 600; } .verdicts .number { font-variant-numeric: tabular-nums; }
.verdicts .wanted { grid-column: 1; color: var(--muted); font-size: 0.84rem; padding-left: 0.8rem; }
.verdicts .more { grid-column: 2 / -1; color: var(--muted); font-size: 0.88rem; overflow-wrap: anywhere; }
.verdicts .answer { justify-self: start; white-space: nowrap; border-radius: 999px; padding: 0.08rem 0.8rem; font-weight: 600; font-size: 0.92rem; }
.supported { color: var(--good); background: var(--good-back); }
.refuted { color: var(--bad); background: var(--bad-back); }
.equivalent { color: var(--equal); background: var(--equal-back); }
.undecided { color: var(--muted); background: var(--open-back); }
.void { color: var(--void); background: var(--void-back); }
.divider { margin: 2.6rem 0 0; padding: 0 0.2rem; } .divider p { color: var(--muted); max-width: 54rem; margin: 0; font-size: 0.95rem; }
.divider h2 { font-size: 1.5rem; }
nav .part a { margin-top: 0.7rem; font-weight: 600; color: var(--ink); }
@media screen and (max-width: 62rem) { .verdicts li { grid-template-columns: minmax(0, 1fr); } .verdicts .wanted { grid-column: 1; color: var(--muted); font-size: 0.84rem; padding-left: 0.8rem; }
.verdicts .more { grid-column: 1; } }
@media print { .verdicts .answer, .verdicts .wanted { padding: 0; background: none; } .verdicts li { grid-template-columns: 11rem minmax(0, 1fr) auto; } }
`;
