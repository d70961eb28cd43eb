/**
 * The order of runs of which some take their ranks from others.
 *
 * @module
 */
import type { Problem } from "../../study/check/problems.ts";
import { toldOnce } from "../../study/check/runs.ts";
import type { PlannedRun } from "./planning.ts";

/**
 * Runs in groups that can be made one after the other: no run takes its ranks from one of its own group or of a later one.
 *
 * @param runs Those that are to be made; sources that are not among them are there already.
 */
export function inRankOrder(runs: readonly PlannedRun[]): readonly (readonly PlannedRun[])[] {
  const byId = new Map(runs.map((planned) => [planned.id, planned]));
  const depths = new Map<string, number>();
  const depthOf = ({ id, run: { ranksFrom } }: PlannedRun): number => {
    const source = ranksFrom === undefined ? undefined : byId.get(ranksFrom.run);
    const depth = depths.get(id) ?? (source === undefined ? 0 : depthOf(source) + 1);
    depths.set(id, depth);
    return depth;
  };
  const groups = Map.groupBy(runs, depthOf);
  return [...groups.keys()].sort((a, b) => a - b).map((depth) => groups.get(depth)!);
}

/**
 * Problems of a part of a study: runs that take their ranks from a run that is neither in the part nor recorded.
 *
 * @param pending The runs of the part that are to be made.
 * @param part All runs of the part.
 * @param all All runs of the study.
 * @param isRecorded Whether a run has a record.
 */
export async function problemsOfPart(
  pending: readonly PlannedRun[],
  part: readonly PlannedRun[],
  all: readonly PlannedRun[],
  isRecorded: (planned: PlannedRun) => Promise<boolean>,
): Promise<readonly Problem[]> {
  const chosen = new Set(part.map(({ id }) => id));
  const problems = [];
  for (const { run } of pending) {
    const { ranksFrom } = run;
    if (ranksFrom === undefined || chosen.has(ranksFrom.run)) continue;
    const source = all.find(({ id }) => id === ranksFrom.run);
    if (source !== undefined && await isRecorded(source)) continue;
    problems.push({
      run,
      where: "ranks",
      message:
        `found that run "${
          source?.title ?? ranksFrom.run
        }", which its ranks come from, is not finished and is ` +
        "left out by --only; choose it too, or sweep it first",
    });
  }
  return toldOnce(problems);
}
