/**
 * Two sides that take turns, and what their times say.
 *
 * @module
 */
import { type Measurement, median } from "./setup.ts";

/** How often each side has its turn, where nothing else is asked for. */
export const defaultPairs = 5;

/** Threads of the side that ran last spin on for a while; nobody runs meanwhile. */
const pauseMillis = 300;

/** Waits until the other side's threads are asleep. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pauseMillis));
}

/** Two sides: ours, and what it is held against. */
export interface Sides<T> {
  readonly ours: T;
  readonly other: T;
}

/** A turn: it runs for a while and returns the milliseconds of one step (or of what else is measured). */
export type Turn = () => Promise<number>;

/** Takes turns, one side at a time; who goes first alternates. */
export async function takeTurns(
  sides: Sides<Turn>,
  count: number,
): Promise<Sides<readonly number[]>> {
  const times: Sides<number[]> = { ours: [], other: [] };
  for (let pair = 0; pair < count; pair++) {
    const order = pair % 2 === 0 ? ["ours", "other"] as const : ["other", "ours"] as const;
    for (const side of order) {
      await pause();
      times[side].push(await sides[side]());
    }
  }
  return times;
}

/** The mean of some numbers. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A ratio with the two figures it is made of; `goal` is the most it may be, or null. */
export function ratioMeasurement(
  what: string,
  goal: number | null,
  { ours, other }: Sides<number>,
  show: (value: number) => string,
): Measurement {
  const ratio = ours / other;
  return {
    what,
    goal: goal === null ? "-" : `at most ${goal.toFixed(2)}`,
    measured: `${ratio.toFixed(3)} (${show(ours)}, ${show(other)})`,
    isMet: goal === null ? null : ratio <= goal,
  };
}

/** The ratio of the medians over the turns. */
export function medianRatio(
  what: string,
  goal: number | null,
  times: Sides<readonly number[]>,
): Measurement {
  const medians = { ours: median(times.ours), other: median(times.other) };
  return ratioMeasurement(what, goal, medians, (millis) => `${millis.toFixed(0)} ms`);
}
