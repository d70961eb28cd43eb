/**
 * Which runs have settings that were tuned, and whether these are bracketed.
 *
 * @module
 */
import { isTunedFor, type Tuned } from "../study/schema/tuned.ts";
import type { PlannedRun, RunResults, StudyResults } from "./results.ts";

/** What tells whether a choice is for a run. */
type TunedRun = Pick<PlannedRun, "task" | "label" | "budget"> & { readonly arm?: string };

/** Whether a run has settings that were chosen for it; null where nothing was tuned. */
export function hasTunedSettings(
  tuned: Pick<Tuned, "best"> | null,
): ((run: TunedRun) => boolean) | null {
  return tuned === null ? null : (run) => tuned.best.some((choice) => isTunedFor(choice, run));
}

/**
 * Whether no setting of a run was chosen at the edge of all that were allowed; between arms of which one has such runs, there is no
 * verdict.
 */
export function hasBracketedSettings(
  { tuned }: Pick<StudyResults, "tuned">,
): (run: Pick<RunResults, "record">) => boolean {
  const edges = tuned?.notBracketed ?? [];
  return ({ record: { asked } }) => !edges.some((edge) => isTunedFor(edge, asked));
}

/** Labels of a tuned study of which some runs have settings that were not tuned. */
export function untunedLabels(
  { tuned, planned }: Pick<StudyResults, "tuned" | "planned">,
): readonly string[] {
  const isTuned = hasTunedSettings(tuned);
  if (isTuned === null) return [];
  const without = planned.filter((run) => !isTuned(run));
  return [...new Set(without.map(({ label }) => label))];
}
