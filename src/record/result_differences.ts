/**
 * What two executions of one run have not in common, times apart.
 *
 * @module
 */
import type { RunRecord, RunResults } from "./types.ts";

/** A record without what differs from one execution to the next: times, the prints of files with times, and the machine. */
function timeless({ id, asked, happened }: RunRecord): unknown {
  const { time: _time, estimate, ...rest } = happened;
  return { id, asked, happened: { ...rest, dimensions: estimate?.dimensions ?? null } };
}

/** The prints of files that hold no times. */
function timelessFiles({ files = {} }: RunRecord): unknown {
  return Object.fromEntries(Object.entries(files).filter(([name]) => name !== "steps.jsonl"));
}

/**
 * The parts of their results in which two executions of a run differ; none where they computed the same numbers.
 */
export function resultDifferences(a: RunResults, b: RunResults): readonly string[] {
  const parts: Readonly<Record<string, (run: RunResults) => unknown>> = {
    record: ({ record }) => timeless(record),
    steps: ({ steps }) => steps.map(({ stepMillis: _millis, ...line }) => line),
    evaluations: ({ evaluations }) => evaluations,
    ranks: ({ ranks }) => ranks,
    importance: ({ importance }) => importance,
    predictions: ({ predictions }) => predictions,
    files: ({ record }) => timelessFiles(record),
  };
  return Object.entries(parts).filter(([, of]) => JSON.stringify(of(a)) !== JSON.stringify(of(b)))
    .map(([name]) => name);
}
