/**
 * What a plan says of its study's power: all of it where that is asked for, else warnings alone.
 *
 * @module
 */
import { beyondPlan, powerJson, powerText } from "../analysis/power/text.ts";
import type { PlannedStudy } from "../runs/plan/planned_study.ts";
import { findResults } from "../runs/stored_study.ts";
import { studyPower, undecidableClaims } from "../runs/plan/study_power.ts";
import { warningText } from "./terminal_watch.ts";

/** What is wanted of a study's power: all of it, by the records of a pilot or by those that are found. */
export interface PowerAsked {
  /** Results by path or name, or null for those that are found. */
  readonly pilot: string | null;
  /** What the study was asked for by, a name or a file. Default its name. */
  readonly study?: string;
}

/** Lines of a plan about power. */
export async function powerShown(
  planned: PlannedStudy,
  { power = null, json = false }: { readonly power?: PowerAsked | null; readonly json?: boolean },
): Promise<readonly string[]> {
  const { study: { name, axes: { seeds } } } = planned;
  const pilot = (power?.pilot ?? null) === null
    ? null
    : await findResults(power!.pilot!, planned.results);
  const found = power === null ? null : await studyPower(planned, pilot);
  const hard = found === null
    // The plan of each claim says where its look comes too late.
    ? await undecidableClaims(planned, true)
    : found.areClaimed
    ? found.powers.map((own) =>
      beyondPlan(own, { own: planned.folder, isNamed: power!.pilot !== null })
    )
      .filter((one) => one !== null)
    : [];
  if (json) {
    const values = [
      ...hard.map((undecidable) => ({ kind: "hardly decidable", undecidable })),
      ...powerJson(found?.powers ?? []),
    ];
    return values.map((value) => JSON.stringify(value));
  }
  const text = found === null
    ? []
    : powerText(found.powers, { study: power?.study ?? name, seeds, areClaimed: found.areClaimed });
  return [...text, ...hard.map(warningText)];
}
