/**
 * How long a run takes, over all its sittings.
 *
 * @module
 */

/** Where the time of a run went, its earlier sittings included; it grows while the run is under way. */
export interface Timings {
  trainMillis: number;
  evaluateMillis: number;
  eventMillis: number;
  wallMillis: number;
  startedAt: string;
  /** The most runs that were made side by side in a sitting; absent where that is not known of one of them. */
  jobs?: number;
}

/**
 * The timings that a sitting of a run starts from.
 *
 * @param before Those of its earlier sittings, or null for a run that begins.
 * @param jobs Runs that are made side by side now, this one included.
 */
export function timingsBefore(before: Timings | null, jobs: number): Timings {
  if (before !== null) {
    const { jobs: most, ...timings } = before;
    return most === undefined ? timings : { ...timings, jobs: Math.max(most, jobs) };
  }
  return {
    trainMillis: 0,
    evaluateMillis: 0,
    eventMillis: 0,
    wallMillis: 0,
    startedAt: new Date().toISOString(),
    jobs,
  };
}
