/**
 * The one loop of all work on runs: lanes are opened, take pieces until none is left or a stop is asked for, and are closed.
 *
 * @module
 */
import { readSurroundings } from "../record/provenance.ts";
import type { Lane } from "./lanes.ts";
import { kindOf, type Opening } from "./open_lanes.ts";
import type { PlannedRun } from "./planning.ts";
import { WorkQueue, workSideBySide } from "./side_by_side.ts";
import type { StopFlag } from "./stop_flag.ts";

/** Work on runs; a piece is a run with whatever belongs to it. */
export interface LaneWork<T, R> {
  /** At least one. */
  readonly pieces: readonly T[];
  readonly plannedOf: (piece: T) => PlannedRun;
  readonly stop: StopFlag;
  readonly openLanes: (opening: Opening) => Promise<readonly Lane[]>;
  readonly work: (lane: Lane, piece: T) => Promise<R>;
  /** Told of each result, one after the other; false if its lane is to take no more. */
  readonly onResult: (piece: T, result: R) => Promise<boolean>;
  /** Whether an error in one lane stops what the others have begun. Default true. */
  readonly isStoppedByErrors?: boolean;
}

/** Does all pieces, or those that are begun before a stop; the first error is thrown when all lanes have come to rest. */
export async function workInLanes<T, R>(request: LaneWork<T, R>): Promise<void> {
  const { pieces, plannedOf, stop, openLanes, work, onResult, isStoppedByErrors = true } = request;
  const surroundings = await readSurroundings();
  const lanes = await openLanes({ stop, surroundings, pieces: pieces.length });
  try {
    await workSideBySide(new WorkQueue(pieces, (piece) => kindOf(plannedOf(piece))), {
      lanes: lanes.map((lane) => (piece: T) => work(lane, piece)),
      onResult: async (piece, result) => await onResult(piece, result) && !stop.isRaised,
      onError: () => {
        if (isStoppedByErrors) stop.raise();
      },
    });
  } finally {
    for (const lane of lanes) await lane.close();
  }
}
