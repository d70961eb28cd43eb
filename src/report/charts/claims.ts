/**
 * The picture of a study's claims: each difference with its intervals against the region of equivalence, and how it came there.
 *
 * @module
 */
import {
  decidingInterval,
  decimalsOf,
  hiddenInterval,
  marginText,
} from "../../analysis/claims/text.ts";
import type { Answer, ClaimVerdict } from "../../analysis/claims/verdict.ts";
import { signed } from "../../base/format.ts";
import { chartColours } from "../style.ts";
import type { Chart, Panel } from "../types.ts";
import { boundsOf, panelOf, plotWidth, smallWidth } from "./panel.ts";

/** Colours of answers, near in lightness so that they hold on light and on dark pages. */
const answerColours: Readonly<Record<Answer, string>> = {
  supported: "#2a9563",
  refuted: "#cf4f4a",
  equivalent: "#4b86c2",
  undecided: "#8b93a1",
  "more steps needed": "#c08a2b",
  "not bracketed": "#c08a2b",
  "nothing learned": "#c08a2b",
  "runs failed": "#c08a2b",
};

/** Width of the figure, in pixels. */
const wideWidth = 900;
/** Height of a claim's row; its looks stand above the interval that counts. */
const rowHeight = 58;
/** Looks that a row shows; of more, the last ones. */
const mostLooks = 8;
/** Farther than this from the others, in margins, an interval is cut off. */
const farthest = 4;

interface Row {
  readonly verdict: ClaimVerdict;
  readonly name: string;
  readonly answer: string;
  readonly number: string;
  readonly colour: string;
  /** From differences in margins to the axis. */
  readonly scale: number;
}

interface Line {
  readonly low: number;
  readonly high: number;
  readonly mean: number;
  /** In rows from the top. */
  readonly y: number;
  readonly colour: string;
}

interface Look extends Line {
  readonly opacity: number;
}

/** The picture; null without claims. */
export function claimsChart(verdicts: readonly ClaimVerdict[]): Chart | null {
  const first = verdicts[0];
  if (first === undefined) return null;
  // One axis for all: in their unit where they share it, else in margins.
  const isShared = verdicts.every(({ unit }) =>
    unit.name === first.unit.name && unit.perMargin === first.unit.perMargin
  );
  const perMargin = isShared ? first.unit.perMargin : 1;
  const unit = isShared ? first.unit.name : "margins";
  const rows = verdicts.map((verdict): Row => ({
    verdict,
    name: verdict.claim.name,
    answer: verdict.answer,
    number: numberText(verdict, isShared),
    colour: answerColours[verdict.answer],
    scale: perMargin,
  }));
  const within = isShared ? marginText(first) : "the margin";
  return {
    id: "claims",
    title: "The difference that each claim is about",
    caption:
      `Differences a − b in ${unit}, a being the arm that the claim names first. Dots are means. Thick bars are the intervals that decide whether a and b are equivalent, thin lines ` +
      `those that decide which one is better; both hold over all looks. Shaded: differences within ${within}, of no practical interest.` +
      (rows.some(({ verdict: { looks } }) => looks.length > 1)
        ? " Faint marks above a row are its earlier looks, the first at the top; where an interval is wider than the axis, only its mean is shown."
        : ""),
    keys: [],
    panels: [panel(rows, perMargin, unit, wideWidth)],
    narrowPanels: [panel(rows, perMargin, unit, smallWidth + 38)],
    columns: 1,
  };
}

/** @param isShared Whether the axis has the unit of the numbers. */
function numberText(verdict: ClaimVerdict, isShared: boolean): string {
  const { state, unit } = verdict;
  if (state.mean === null) return "";
  const shown = (margins: number) => signed(margins * unit.perMargin, decimalsOf(verdict));
  const { low, high } = decidingInterval(verdict);
  const mean = isShared ? shown(state.mean) : `${shown(state.mean)} ${unit.name}`;
  return hiddenInterval(unit, low, high) === null
    ? `${mean} [${shown(low)}, ${shown(high)}]`
    : mean;
}

/** Size of the letters of names, in pixels. */
const nameSize = 12;

/** About the width of a bold letter of that size, in pixels. */
const boldWidth = 7.4;

/** The limit to give Vega for a name that may be `room` pixels long: it takes each letter for 0.8 of its size. */
function nameLimit(room: number): number {
  return Math.round(room * 0.8 * nameSize / boldWidth);
}

/** Room for names in bold and for answers below them, in pixels. */
function roomFor(names: readonly string[]): number {
  const longest = Math.max(...names.map((name) => name.length));
  return Math.max(160, Math.min(330, Math.ceil(boldWidth * longest) + 28));
}

/** About the width of a digit of that size, in pixels. */
const digitWidth = 6.9;

/** Room for the numbers beside the plot, in pixels. */
function roomForNumbers(numbers: readonly string[]): number {
  const longest = Math.max(...numbers.map((number) => number.length));
  return Math.max(215, Math.ceil(digitWidth * longest) + 24);
}

/** Bounds of the axis, in margins. */
function domainOf(rows: readonly Row[]): readonly [number, number] {
  const ends = rows.flatMap(({ verdict: { state } }) =>
    state.mean === null
      ? []
      : [state.low, state.high].map((end) =>
        Math.max(state.mean! - farthest, Math.min(state.mean! + farthest, end))
      )
  );
  return boundsOf([-1.6, 1.6, ...ends], { margin: 0.04 });
}

function panel(
  rows: readonly Row[],
  perMargin: number,
  unit: string,
  width: number,
): Panel {
  const isNarrow = width < wideWidth;
  const size = {
    width,
    height: rowHeight * rows.length + (isNarrow ? 16 * rows.length : 0),
    left: isNarrow ? 12 : roomFor(rows.map(({ name }) => name)),
    right: isNarrow ? 12 : roomForNumbers(rows.map(({ number }) => number)),
    bottom: 44,
  };
  const high = isNarrow ? rowHeight + 16 : rowHeight;
  const [from, to] = domainOf(rows).map((end) => end * perMargin) as [number, number];
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: `difference a − b, ${unit}`,
    scale: { domain: [from, to], nice: false, zero: false },
    axis: { grid: false, tickCount: isNarrow ? 5 : 9, labelFlush: false },
  });
  const y = {
    field: "y",
    type: "quantitative",
    scale: { domain: [0, rows.length], reverse: true, nice: false, zero: false },
    axis: null,
  };
  const colour = { field: "colour", type: "nominal", scale: null, legend: null };
  const opacity = { field: "opacity", type: "quantitative", scale: null, legend: null };
  // Ends far outside need not be exact, and must be finite.
  const clamp = (end: number) => Math.max(2 * from - to, Math.min(2 * to - from, end));
  const clamped = <T extends Line>(line: T): T => ({
    ...line,
    low: clamp(line.low),
    high: clamp(line.high),
  });
  /** Where the interval of a row stands. */
  const place = (i: number) => i + (high - 18) / high;
  const mains = rows.flatMap((row, i) => lineOf(row, place(i)));
  const looks = rows.flatMap((row, i) => looksOf(row, place(i), high));
  const text = (
    field: string,
    at: number,
    dy: number,
    rest: object,
    encoding: object = { color: { value: chartColours.ink } },
  ) => ({
    data: {
      values: rows.map((row, i) => ({
        y: place(i),
        text: row[field as "name" | "answer" | "number"],
        colour: row.colour,
      })),
    },
    mark: { type: "text", x: at, dy, baseline: "middle", fontSize: 12, clip: false, ...rest },
    encoding: { y, text: { field: "text" }, ...encoding },
  });
  const plot = plotWidth(size);
  const head = (text: string, at: object) => ({
    data: { values: [{ text }] },
    mark: { type: "text", y: -10, fontSize: 11, clip: false, ...at },
    encoding: { text: { field: "text" }, color: { value: chartColours.muted } },
  });
  const right = { align: "left" };
  return panelOf(
    { title: "" },
    size,
    {
      layer: [
        {
          data: { values: [{ low: -perMargin, high: perMargin }] },
          mark: { type: "rect", opacity: 0.13, clip: true },
          encoding: {
            x: x("low"),
            x2: { field: "high" },
            color: { value: answerColours.equivalent },
          },
        },
        {
          data: { values: [{ at: -perMargin }, { at: perMargin }] },
          mark: { type: "rule", strokeWidth: 1, strokeDash: [3, 3], opacity: 0.7, clip: true },
          encoding: { x: x("at"), color: { value: answerColours.equivalent } },
        },
        {
          data: { values: [{ at: 0 }] },
          mark: { type: "rule", strokeWidth: 1, clip: true },
          encoding: { x: x("at"), color: { value: chartColours.muted } },
        },
        {
          data: { values: rows.slice(1).map((_, i) => ({ y: i + 1 })) },
          mark: { type: "rule", strokeWidth: 1, clip: true },
          encoding: { y, color: { value: chartColours.grid } },
        },
        {
          data: { values: looks.filter(({ low, high }) => low > from || high < to).map(clamped) },
          mark: { type: "rule", strokeWidth: 1.2, clip: true },
          encoding: { y, x: x("low"), x2: { field: "high" }, color: colour, opacity },
        },
        {
          data: { values: looks },
          mark: { type: "point", filled: true, size: 12, clip: true },
          encoding: { y, x: x("mean"), color: colour, opacity },
        },
        {
          data: { values: mains.map(clamped) },
          mark: { type: "rule", strokeWidth: 1.8, clip: true },
          encoding: { y, x: x("low"), x2: { field: "high" }, color: colour },
        },
        {
          data: { values: mains.map((line) => clamped({ ...line, ...line.inner })) },
          mark: { type: "rule", strokeWidth: 7, opacity: 0.45, clip: true },
          encoding: { y, x: x("low"), x2: { field: "high" }, color: colour },
        },
        {
          data: { values: mains },
          mark: { type: "point", filled: true, size: 92, opacity: 1, clip: true },
          encoding: { y, x: x("mean"), color: colour },
        },
        head("b is better", { x: 0, align: "left" }),
        head("a is better", { x: plot, align: "right" }),
        ...(isNarrow
          ? [
            text("name", 0, -high + 30, { align: "left", fontWeight: 600 }),
            text("answer", plot, -high + 30, { align: "right", fontWeight: 600 }, {
              color: colour,
            }),
          ]
          : [
            text("name", -16, -9, {
              align: "right",
              fontWeight: 600,
              limit: nameLimit(size.left - 24),
            }),
            text("answer", -16, 8, { align: "right", fontSize: 11.5 }, { color: colour }),
            text("number", plot + 16, 0, right),
          ]),
      ],
    },
  );
}

/** The interval that counts, and that of equivalence; none before the first look. */
function lineOf(
  { verdict: { state }, scale, colour }: Row,
  y: number,
): readonly (Line & { readonly inner: { readonly low: number; readonly high: number } })[] {
  if (state.mean === null) return [];
  return [{
    low: state.low * scale,
    high: state.high * scale,
    mean: state.mean * scale,
    inner: { low: state.innerLow * scale, high: state.innerHigh * scale },
    y,
    colour,
  }];
}

/** Earlier looks, between the top of the row and its interval: the later, the darker. */
function looksOf(
  { verdict: { looks }, scale, colour }: Row,
  y: number,
  height: number,
): readonly Look[] {
  const earlier = looks.slice(0, -1).slice(-mostLooks);
  const room = height - 30;
  const step = Math.min(4.5, room / Math.max(1, earlier.length)) / height;
  return earlier.flatMap(({ low, high, mean }, i) =>
    mean === null ? [] : [{
      low: low * scale,
      high: high * scale,
      mean: mean * scale,
      y: y - 9 / height - step * (earlier.length - i - 0.5),
      opacity: 0.25 + 0.4 * (i + 1) / earlier.length,
      colour,
    }]
  );
}
