/**
 * The range that a panel of metrics shows: set by what is compared, not by what lies far away.
 *
 * @module
 */
import { fixed } from "../../base/format.ts";
import { chartColours } from "../style.ts";
import { boundsOf } from "./panel.ts";

/** A mean as the metric is shown, with what else must be in sight. */
export interface Placed {
  readonly label: string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** The bounds of a panel, and the methods without budget that stand at its edge because they lie far beyond. */
export interface Frame<T extends Placed> {
  readonly domain: readonly [number, number];
  readonly inside: readonly T[];
  readonly below: readonly T[];
  readonly above: readonly T[];
}

/** The least part of a metric's range that a panel shows: below it, ticks would be seven digits that differ in the last. */
const leastSpan = 0.02;

/**
 * Bounds that show the methods with a budget whole, and the means of those without that lie near: within half the span
 * of the others. A method further away would take half the panel or more; it is written at the edge instead.
 *
 * Without any method with a budget, those without are shown whole.
 *
 * @param scale What the metric is multiplied by to be shown.
 * @param lineShare Share of the panel that the text of one far method takes; default 0, for text beside the plot.
 */
export function frameOf<T extends Placed>(
  budgeted: readonly T[],
  free: readonly T[],
  scale: number,
  lineShare = 0,
): Frame<T> {
  const ends = (points: readonly T[]) => points.flatMap(({ low, high }) => [low, high]);
  const bounds = { margin: 0.06, leastSpan: leastSpan * scale };
  if (budgeted.length === 0) {
    return { domain: boundsOf(ends(free), bounds), inside: free, below: [], above: [] };
  }
  const [low, high] = boundsOf(ends(budgeted), { ...bounds, margin: 0 });
  const reach = (high - low) / 2;
  const below = free.filter(({ mean }) => mean < low - reach);
  const above = free.filter(({ mean }) => mean > high + reach);
  const inside = free.filter((point) => !below.includes(point) && !above.includes(point));
  const [bottom, top] = boundsOf(
    [...ends(budgeted), ...inside.map(({ mean }) => mean)],
    bounds,
  );
  // Lines of text stand within the panel, where no point may be.
  const span = (top - bottom) / (1 - lineShare * (below.length + above.length));
  return {
    domain: [
      bottom - span * lineShare * below.length,
      top + span * lineShare * above.length,
    ],
    inside,
    below: below.toSorted((a, b) => a.mean - b.mean),
    above: above.toSorted((a, b) => b.mean - a.mean),
  };
}

/** Height of a line of text at the edge, in pixels. */
export const edgeLine = 15;

/** What stands at the edge for a method beyond it, for instance `▾ head 41.7`. */
export function edgeText({ label, mean }: Placed, side: "below" | "above"): string {
  return `${side === "below" ? "▾" : "▴"} ${label} ${fixed(mean, 1)}`;
}

type Edges = Pick<Frame<Placed>, "below" | "above">;

/** Width and height of a plot in pixels. */
interface PlotSize {
  readonly width: number;
  readonly height: number;
}

/** A dotted rule at each edge of a plot beyond which methods lie. */
export function edgeRules({ below, above }: Edges, size: PlotSize): readonly object[] {
  const rule = (y: number) => ({
    data: { values: [{}] },
    mark: { type: "rule", strokeDash: [1.5, 3], strokeWidth: 2 },
    encoding: {
      x: { value: 0 },
      x2: { value: size.width },
      y: { value: y },
      color: { value: chartColours.muted },
    },
  });
  return [
    ...(below.length > 0 ? [rule(size.height)] : []),
    ...(above.length > 0 ? [rule(0)] : []),
  ];
}

/** Layers that mark the edges of a plot beyond which methods lie: a dotted rule and a line a method. */
export function edgeLayers(edges: Edges, size: PlotSize): readonly object[] {
  const texts = (points: readonly Placed[], side: "below" | "above") =>
    points.map((point, i) => ({
      data: { values: [{ text: edgeText(point, side) }] },
      mark: {
        type: "text",
        align: "left",
        baseline: "middle",
        fontSize: 11,
        x: 4,
        y: side === "below" ? size.height - edgeLine * (i + 0.55) : edgeLine * (i + 0.55),
      },
      encoding: { text: { field: "text" }, color: { value: chartColours.ink } },
    }));
  return [
    ...edgeRules(edges, size),
    ...texts(edges.below, "below"),
    ...texts(edges.above, "above"),
  ];
}

/** What a caption says where a panel has methods at its edge; empty where none has. */
export function edgeCaption(frames: readonly Edges[]): string {
  return frames.some(({ below, above }) => below.length + above.length > 0)
    ? " A method without a budget whose mean is far from the others stands at the edge of the panel, marked ▾ (below) or ▴ (above), with its mean."
    : "";
}
