/**
 * Names beside the points of a Pareto front, where they cover neither each other nor the points.
 *
 * @module
 */

/** Pixels between the baselines of two names. */
const lineHeight = 13;
/** About the width of a letter of a name, in pixels. */
export const letterWidth = 5.5;

/** An axis of numbers. */
export interface Axis {
  readonly domain: readonly [number, number];
  /** 0 … 1 along the axis. */
  readonly placeOf: (value: number) => number;
}

/** An axis that leaves `margin` of its length free at both ends. */
export function axisOf(
  values: readonly number[],
  scale: "linear" | "log",
  margin: number,
): Axis {
  const [to, from] = scale === "log" ? [Math.log, Math.exp] : [(v: number) => v, (v: number) => v];
  const low = to(Math.min(...values));
  const high = to(Math.max(...values));
  const room = Math.max(
    (high - low) * margin / (1 - 2 * margin),
    1e-3 * Math.max(1, Math.abs(low)),
  );
  return {
    domain: [from(low - room), from(high + room)],
    placeOf: (value) => (to(value) - low + room) / (high - low + 2 * room),
  };
}

/** A point of the front. */
interface Named {
  readonly score: number;
  readonly cost: number;
  readonly name: string;
}

/**
 * Where the names of the front's points stand: up and left of a point nothing is, so there; a name moves down where the
 * one above leaves no room, and stands to the right where it would reach over the axis and has room there.
 */
export function namesOf<T extends Named>(
  front: readonly T[],
  panel: {
    readonly x: Axis;
    readonly y: Axis;
    /** Size of the plot in pixels. */
    readonly width: number;
    readonly height: number;
    /** 1 where a metric is better high. */
    readonly sign: 1 | -1;
  },
): readonly (T & { readonly pixel: number; readonly isLeft: boolean })[] {
  const { x, y, width, height, sign } = panel;
  let last = -Infinity;
  return front.toSorted((a, b) => sign * (b.score - a.score)).map((point) => {
    const wanted = sign > 0
      ? (1 - y.placeOf(point.score)) * height
      : y.placeOf(point.score) * height;
    last = Math.max(wanted - 7, last + lineHeight);
    const at = x.placeOf(point.cost) * width;
    const length = letterWidth * point.name.length + 9;
    return {
      ...point,
      pixel: sign > 0 ? last : height - last,
      isLeft: at > length || at + length > width,
    };
  });
}
