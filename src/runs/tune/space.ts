/**
 * The points of a search: values drawn from ranges, laid out as a grid, or added where the best value lies.
 *
 * @module
 */
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import type { RandomStream } from "../../base/random.ts";
import type { Bounds, TuneRange } from "../../study/schema/tune.ts";

/** Values by the paths of the settings that vary. */
export type Point = Readonly<Record<string, Json>>;

/** The ranges of the settings that a method has. */
export type Space = Readonly<Record<string, TuneRange>>;

interface NumberRange {
  readonly isLog: boolean;
  /** What values are drawn within. */
  readonly bounds: Bounds;
  /** What the bounds may be widened to. */
  readonly limits: Bounds;
}

/** Significant digits of the values that are tried: they are read by people, and the same on every machine. */
const digits = 4;

/** A value as it is tried. */
export function rounded(value: number): number {
  return Number(value.toPrecision(digits));
}

/** A range of numbers with its limits, which are its bounds unless others are given; null for choices. */
export function numbersOf(range: TuneRange): NumberRange | null {
  if ("choices" in range) return null;
  const isLog = "log" in range;
  const bounds = isLog ? range.log : range.linear;
  return { isLog, bounds, limits: range.limits ?? bounds };
}

function scaled({ isLog }: NumberRange, value: number): number {
  return isLog ? Math.log(value) : value;
}

function scaledEnds(range: NumberRange, [low, high]: Bounds): readonly [number, number] {
  return [scaled(range, low), scaled(range, high)];
}

/** The value at a place of the scale, rounded and within the limits. */
function valueAt(range: NumberRange, place: number): number {
  const [least, most] = range.limits;
  const value = rounded(range.isLog ? Math.exp(place) : place);
  return Math.min(most, Math.max(least, value));
}

/** Values from one to another, both included, evenly spaced on the range's scale. */
function spaced(range: NumberRange, from: number, to: number, count: number): readonly number[] {
  const [start, end] = [scaled(range, from), scaled(range, to)];
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) return from;
    return i === count - 1 ? to : valueAt(range, start + (end - start) * i / (count - 1));
  });
}

/** Points that a space has: infinitely many where a setting has a range. */
export function sizeOf(space: Space): number {
  return Object.values(space).reduce(
    (size, range) => size * ("choices" in range ? range.choices.length : Infinity),
    1,
  );
}

/** What tells whether two points are the same. */
export function pointKey(point: Point): string {
  return canonicalJson(point);
}

/**
 * Points drawn independently of each other, each other than those before it; those that the space has where that are fewer.
 *
 * The value of a setting depends on the stream, the path and the trial alone, so that methods with other settings beside it are
 * given the same values.
 *
 * @param taken Points that are not drawn again.
 */
export function drawnPoints(
  space: Space,
  stream: RandomStream,
  count: number,
  taken: readonly Point[] = [],
): readonly Point[] {
  const known = new Set(taken.map(pointKey));
  const most = Math.min(count, sizeOf(space) - known.size);
  const points: Point[] = [];
  for (let again = 0; points.length < most;) {
    const trial = taken.length + points.length;
    const point = Object.fromEntries(
      Object.entries(space).map(([path, range]) => [
        path,
        drawn(range, stream.fork(path).fork(trial).fork(again)),
      ]),
    );
    const key = pointKey(point);
    again = known.has(key) ? again + 1 : 0;
    if (again > 0) continue;
    known.add(key);
    points.push(point);
  }
  return points;
}

function drawn(range: TuneRange, stream: RandomStream): Json {
  if ("choices" in range) return range.choices[stream.int(range.choices.length)]!;
  const numbers = numbersOf(range)!;
  const [low, high] = scaledEnds(numbers, numbers.bounds);
  return valueAt(numbers, low + stream.next() * (high - low));
}

/**
 * How many points each range of numbers has in a grid of so many trials: with c combinations of choices and k ranges, the m for
 * which c · mᵏ is the number of trials.
 *
 * @throws {RangeError} If there is no such number; the message names trials that make a grid.
 */
export function gridLevels(space: Space, trials: number): number {
  const ranges = Object.values(space).filter((range) => numbersOf(range) !== null).length;
  const choices = Object.values(space).reduce(
    (product, range) => product * ("choices" in range ? range.choices.length : 1),
    1,
  );
  if (ranges === 0) {
    if (choices === trials) return 1;
    throw new RangeError(
      `found ${trials} trials, wanted ${choices}: the choices have so many combinations`,
    );
  }
  const near = Math.max(2, Math.floor((trials / choices) ** (1 / ranges) + 1e-9));
  const size = (levels: number) => choices * levels ** ranges;
  if (size(near) === trials) return near;
  const fit = size(near) > trials ? [near] : [near, near + 1];
  const of = ranges === 1 ? "the range" : `each of ${ranges} ranges`;
  const times = choices === 1 ? "" : `, times ${choices} combinations of choices`;
  throw new RangeError(
    `found ${trials} trials, which make no grid, wanted ${
      fit.map((levels) => `${size(levels)} (${levels} points of ${of}${times})`).join(" or ")
    }`,
  );
}

/**
 * The points of a grid, the last setting varying fastest; ranges are divided evenly, both ends included.
 *
 * @throws {RangeError} As {@linkcode gridLevels}.
 */
export function gridPoints(space: Space, trials: number): readonly Point[] {
  const count = gridLevels(space, trials);
  return Object.entries(space).reduce<readonly Point[]>((points, [path, range]) => {
    const values: readonly Json[] = "choices" in range
      ? range.choices
      : spaced(numbersOf(range)!, ...numbersOf(range)!.bounds, count);
    return points.flatMap((point) => values.map((value) => ({ ...point, [path]: value })));
  }, [{}]);
}

/** A point at each end of all that its ranges may be widened to: what is wrong there is found before anything runs. */
export function limitPoints(space: Space, point: Point): readonly Point[] {
  return Object.entries(space).flatMap(([path, range]) =>
    (numbersOf(range)?.limits ?? []).map((limit) => ({ ...point, [path]: limit }))
  );
}

/** A setting whose best value lies at an edge. */
export interface Edge {
  readonly path: string;
  readonly value: number;
  readonly edge: "low" | "high";
  /** Whether its range may be widened there. */
  readonly isOpen: boolean;
}

/** The settings whose best value lies at the edge of all that were tried. */
export function edgesOf(space: Space, tried: readonly Point[], best: Point): readonly Edge[] {
  return Object.entries(space).flatMap(([path, range]): readonly Edge[] => {
    const numbers = numbersOf(range);
    if (numbers === null) return [];
    const value = best[path] as number;
    const [least, most] = numbers.limits;
    const values = tried.map((point) => point[path] as number);
    if (!values.some((other) => other > value)) {
      return [{ path, value, edge: "high", isOpen: value < most }];
    }
    return values.some((other) => other < value)
      ? []
      : [{ path, value, edge: "low", isOpen: value > least }];
  });
}

/**
 * Further points of a combination, as many as asked for: beyond the best value where that lies at an edge that may be widened, by
 * half the width of the range or up to its limit; else between the best value and its neighbours. Other settings keep their best
 * values.
 *
 * A space without a range of numbers gives points that were not tried yet, as far as there are any.
 */
export function furtherPoints(
  space: Space,
  tried: readonly Point[],
  best: Point,
  count: number,
  stream: RandomStream,
): readonly Point[] {
  const edge = edgesOf(space, tried, best).find(({ isOpen }) => isOpen);
  const path = edge?.path ?? Object.keys(space).find((path) => numbersOf(space[path]!) !== null);
  if (path === undefined) return drawnPoints(space, stream, count, tried);
  const range = numbersOf(space[path]!)!;
  const value = best[path] as number;
  const known = new Set(tried.map(pointKey));
  const points: Point[] = [];
  const add = (values: readonly number[]) => {
    for (const value of values) {
      const point = { ...best, [path]: value };
      if (points.length >= count || known.has(pointKey(point))) continue;
      known.add(pointKey(point));
      points.push(point);
    }
  };
  if (edge !== undefined) add(spaced(range, value, widened(range, edge), count + 1));
  const values = tried.map((point) => point[path] as number);
  const below = values.filter((other) => other < value);
  const above = values.filter((other) => other > value);
  // Twice as dense each time, until there are enough; a range of few numbers has no more.
  for (let parts = 2; points.length < count && parts <= 4 * count + 4; parts *= 2) {
    for (
      const [near, ends] of [[Math.max(...below), below], [Math.min(...above), above]] as const
    ) {
      if (ends.length > 0) add(spaced(range, value, near, parts + 1).slice(1, -1));
    }
  }
  return points;
}

function widened(range: NumberRange, { value, edge }: Edge): number {
  const [low, high] = scaledEnds(range, range.bounds);
  const half = (high - low) / 2;
  return valueAt(range, scaled(range, value) + (edge === "low" ? -half : half));
}
