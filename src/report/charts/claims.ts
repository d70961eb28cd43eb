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
import type { ClosedAnswer } from "../../analysis/claims/gates.ts";
import type { Answer, ClaimVerdict } from "../../analysis/claims/verdict.ts";
import { aligned, meanCourse } from "../../analysis/claims/course.ts";
import { signed } from "../../base/format.ts";
import { summarise } from "../../stats/statistics.ts";
import { fullLine } from "../markers.ts";
import type { Chart } from "../types.ts";
import { intervals } from "./intervals.ts";
import { type LineRow, lines, progressAxis } from "./lines.ts";
import { boundsOf, rounded } from "./panels.ts";
import { chartColours } from "./theme.ts";

/** Colours of answers, near in lightness so that they hold on light and on dark pages. */
const answerColours: Readonly<Record<Exclude<Answer, ClosedAnswer>, string>> = {
  supported: "#2a9563",
  refuted: "#cf4f4a",
  equivalent: "#4b86c2",
  undecided: "#8b93a1",
};

/** Where a gate keeps a claim from a verdict. */
const closedColour = "#c08a2b";

function colourOf(answer: Answer): string {
  return answer in answerColours
    ? answerColours[answer as keyof typeof answerColours]
    : closedColour;
}

/** Looks that a row shows; of more, the last ones. */
const mostLooks = 8;
/** Farther than this from the others, in margins, an interval is cut off. */
const farthest = 4;

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
  const ends = verdicts.flatMap(({ state: { mean, low, high } }) =>
    mean === null
      ? []
      : [low, high].map((end) => Math.max(mean - farthest, Math.min(mean + farthest, end)))
  );
  const [from, to] = boundsOf([-1.6, 1.6, ...ends], { margin: 0.04 });
  const panel = `← b is better, a is better →`;
  const looksOf = ({ looks }: ClaimVerdict) => looks.slice(0, -1).slice(-mostLooks);
  const most = Math.max(...verdicts.map((verdict) => looksOf(verdict).length));
  const rows = verdicts.flatMap((verdict) => {
    const { claim, answer, state } = verdict;
    const own = { panel, name: claim.name, series: answer };
    const interval = (low: number, high: number, mean: number) => ({
      ...own,
      value: mean * perMargin,
      low: low * perMargin,
      high: high * perMargin,
    });
    const earlier = looksOf(verdict);
    return [
      ...earlier.flatMap(({ low, high, mean }, i) =>
        mean === null ? [] : [{
          // Of an interval that covers the axis only the mean says something.
          ...(low <= from && high >= to ? interval(mean, mean, mean) : interval(low, high, mean)),
          beside: `look ${most - earlier.length + i + 1}`,
          isFaint: true,
        }]
      ),
      {
        ...own,
        ...(state.mean === null ? { value: null } : {
          ...interval(state.low, state.high, state.mean),
          innerLow: state.innerLow * perMargin,
          innerHigh: state.innerHigh * perMargin,
        }),
        ...(most > 0 ? { beside: "now" } : {}),
        note: [answer, numberText(verdict, isShared)],
      },
    ];
  });
  const answers = new Set(verdicts.map(({ answer }) => answer));
  return {
    id: "claims",
    title: "The difference that each claim is about",
    caption:
      `Differences a − b in ${unit}, a being the arm that the claim names first. Dots are means. Thick bars are the intervals that decide whether a and b are equivalent, thin lines ` +
      `those that decide which one is better; both hold over all looks. Shaded: differences within ${
        isShared ? marginText(first) : "the margin"
      }, of no practical interest.` +
      (verdicts.some(({ looks }) => looks.length > 1)
        ? " Faint marks above a row are its earlier looks, the first at the top; where an interval is wider than the axis, only its mean is shown."
        : ""),
    draw: intervals(rows, {
      styles: new Map([...answers].map((answer) => [
        answer,
        { colour: colourOf(answer), shape: "circle", dash: fullLine },
      ])),
      x: {
        title: `difference a − b, ${unit}`,
        domain: [from * perMargin, to * perMargin],
        axis: { tickCount: 7 },
      },
      order: verdicts.map(({ claim }) => claim.name),
      ...(most > 0
        ? { besides: [...Array.from({ length: most }, (_, i) => `look ${i + 1}`), "", "now", " "] }
        : {}),
      step: 58,
      width: 470,
      shaded: [-perMargin, perMargin],
      references: [0],
      hasLongNames: true,
    }),
  };
}

/** Evaluations of a run from which a line over its steps says something. */
const fewestPoints = 3;

/** The difference of each claim over training, a panel a claim; null where runs were evaluated too rarely. */
export function claimCourseChart(verdicts: readonly ClaimVerdict[]): Chart | null {
  const [difference, margin] = ["difference", "margin"];
  const rows = verdicts.flatMap(({ claim, differences, state, unit }): readonly LineRow[] => {
    const counting = state.n === 0 ? differences : differences.slice(0, state.n);
    const points = aligned(
      counting.map(({ tasks }) =>
        meanCourse(
          tasks.map((task) =>
            (task.course ?? []).map((point) => ({ ...point, value: point.value / task.margin }))
          ),
        )
      ),
    );
    if (points.length < fewestPoints) return [];
    const panel = [claim.name, unit.name];
    const shown = (margins: number) => rounded(margins * unit.perMargin);
    return [
      ...[-1, 1].map((end) => ({ panel, series: margin, x: null, value: shown(end) })),
      ...points.map(({ done, values }) => {
        const { mean, low, high } = summarise(values);
        return {
          panel,
          series: difference,
          x: rounded(100 * done),
          value: shown(mean!),
          ...(low === null || high === null ? {} : { low: shown(low), high: shown(high) }),
        };
      }),
    ];
  });
  if (rows.length === 0) return null;
  return {
    id: "claim_course",
    title: "How each difference came about",
    caption:
      "The difference a − b at each evaluation, averaged over the seeds that the verdict counts and over tasks; the band is its 95% t interval at that step alone. " +
      "A claim has a verdict only once its difference has stopped moving: by no more than a third of the margin, or by no more than noise, from the last fifth of the steps but one to the last.",
    draw: lines(rows, {
      styles: new Map([
        [difference, { colour: answerColours.equivalent, shape: "circle", dash: fullLine }],
        [margin, { colour: chartColours.muted, shape: "circle", dash: fullLine }],
      ]),
      x: progressAxis,
      y: { title: null },
      points: 28,
      hasBand: true,
      height: 190,
      columns: 2,
      hasLegend: false,
    }),
  };
}
