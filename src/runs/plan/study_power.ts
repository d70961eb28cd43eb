/**
 * The power of a planned study: how many seeds its claims need, by records that are there.
 *
 * @module
 */
import {
  type ClaimPower,
  contrastsOf,
  type Pilot,
  powerOf,
} from "../../analysis/power/claim_power.ts";
import { beforeFirstLook, beyondPlan, type Undecidable } from "../../analysis/power/text.ts";
import { stepsOf } from "./asked_ranks.ts";
import type { Inputs } from "../inputs.ts";
import type { PlannedStudy } from "./planned_study.ts";
import { namedPilot, ownPilots, publishedPilots } from "./pilots.ts";

/** What is known of a planned study, and where records of its arms may be. */
type Planned = Pick<PlannedStudy, "study" | "grid" | "folder" | "results"> & {
  readonly inputs: Pick<Inputs, "examplesOf">;
};

/** The power of a study. */
export interface StudyPower {
  /** One a claim; in a study without claims one for each method beside plain LoRA at each budget. */
  readonly powers: readonly ClaimPower[];
  /** Whether the study has claims. */
  readonly areClaimed: boolean;
}

/**
 * The power of a study's claims, or of what would be its claims.
 *
 * @param named Results to take the spread from, by path or name. Default: its own, else published ones.
 *
 * @throws {UsageError} If the results that are named are not there.
 */
export async function studyPower(
  { study: asked, grid, inputs, folder, results }: Planned,
  named: string | null = null,
): Promise<StudyPower> {
  const { study, areClaimed } = contrastsOf(asked, grid);
  const wanted = { study, planned: grid };
  const powersBy = (pilots: readonly (readonly Pilot[])[]) =>
    powerOf({ ...wanted, pilots, stepsOf: (run) => stepsOf(run, inputs) });
  if (named !== null) {
    return { powers: powersBy([await namedPilot(named, results, wanted)]), areClaimed };
  }
  const first = await ownPilots(folder, wanted);
  const powers = powersBy([first]);
  if (powers.every(({ pilot }) => pilot !== null)) return { powers, areClaimed };
  return { powers: powersBy([first, await publishedPilots(wanted)]), areClaimed };
}

/**
 * What is to be told of a study's claims before anything runs: those that its plan will hardly decide, as far as there are records
 * to tell it.
 *
 * @param isAdding Whether seeds are added until they are decided; otherwise claims are told that the study has too few seeds for.
 */
export async function undecidableClaims(
  planned: Planned,
  isAdding: boolean,
): Promise<readonly Undecidable[]> {
  if ((planned.study.claims ?? []).length === 0) return [];
  const { powers } = await studyPower(planned);
  return [
    isAdding ? null : beforeFirstLook(powers),
    ...powers.map((power) => beyondPlan(power, { own: planned.folder })),
  ]
    .filter((found) => found !== null);
}
