/**
 * The power of a planned study: how many seeds its claims need, by records that are there.
 *
 * @module
 */
import {
  type ClaimPower,
  contrastsOf,
  isOfClaim,
  type Pilot,
  powerOf,
  tasksOfClaim,
} from "../../analysis/power/claim_power.ts";
import { beforeFirstLook, beyondPlan, type Undecidable } from "../../analysis/power/text.ts";
import { stepsOf } from "./ranks.ts";
import type { Inputs } from "../inputs.ts";
import type { PlannedStudy } from "./planned_study.ts";
import { InputError } from "../../base/input_error.ts";
import { unlessDamaged } from "../../record/damage.ts";
import { namesIn } from "../../record/durable.ts";
import { packSuffix } from "../../record/pack.ts";
import {
  isFile,
  openResults,
  readRecord,
  type ResultsReader,
  within,
} from "../../record/results_reader.ts";
import type { ScoredRun } from "../../analysis/claims/series.ts";
import type { ArmRun } from "../../study/compare/arms.ts";
import type { ClaimsOfStudy } from "../../study/schema/claims.ts";
import { readEach } from "../../record/read_bounded.ts";
import { readStoredStudy } from "../stored_study.ts";

type Planned = Pick<PlannedStudy, "study" | "grid" | "folder"> & {
  readonly inputs: Pick<Inputs, "examplesOf">;
};

interface StudyPower {
  /** One a claim; in a study without claims one for each method beside plain LoRA at each budget. */
  readonly powers: readonly ClaimPower[];
  /** Whether the study has claims. */
  readonly areClaimed: boolean;
}

/**
 * The power of a study's claims, or of what would be its claims.
 *
 * @param named The path of results to take the spread from. Default: its own, else published ones.
 */
export async function studyPower(
  { study: asked, grid, inputs, folder }: Planned,
  named: string | null = null,
): Promise<StudyPower> {
  const { study, areClaimed } = contrastsOf(asked, grid);
  const wanted = { study, planned: grid };
  const powersBy = (pilots: readonly (readonly Pilot[])[]) =>
    powerOf({ ...wanted, pilots, stepsOf: (run) => stepsOf(run, inputs) });
  if (named !== null) return { powers: powersBy([[await readPilot(named, wanted)]]), areClaimed };
  const own = await readAll([folder, folder + packSuffix], wanted);
  const powers = powersBy([own]);
  if (powers.every(({ pilot }) => pilot !== null)) return { powers, areClaimed };
  const names = [...await namesIn(publishedResults)].sort();
  const published = await readAll(names.map((name) => `${publishedResults}/${name}`), wanted);
  return { powers: powersBy([own, published]), areClaimed };
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

/** Where finished studies are that everybody has. */
export const publishedResults = "results/published";

interface PilotsWanted {
  /** The study with its claims. */
  readonly study: ClaimsOfStudy;
  /** All runs that it asks for. */
  readonly planned: readonly ArmRun[];
}

/** The pilots at some paths; what is no study's results, or cannot be read, is none. */
async function readAll(paths: readonly string[], wanted: PilotsWanted): Promise<readonly Pilot[]> {
  const pilots: Pilot[] = [];
  for (const path of paths) {
    if (!await isFile(path.endsWith(packSuffix) ? path : `${path}/study.json`)) continue;
    try {
      pilots.push(await readPilot(path, wanted));
    } catch (error) {
      // Nobody asked for these results, and the commands that read them say what is wrong with them.
      if (!(error instanceof InputError)) throw error;
    }
  }
  return pilots;
}

async function readPilot(path: string, { study, planned }: PilotsWanted): Promise<Pilot> {
  const reader = await openResults(path);
  const stored = await readStoredStudy(reader);
  const claims = (study.claims ?? []).map((claim) => ({
    claim,
    tasks: tasksOfClaim(claim, planned),
  }));
  const places = stored.runs.filter(({ run }) =>
    claims.some(({ claim, tasks }) => isOfClaim(claim, tasks, run))
  );
  const runs = await readEach(places, ({ folder, run }) => recordOf(within(reader, folder), run));
  return {
    path,
    planned: stored.runs.map(({ run }) => run),
    runs: runs.filter((run) => run !== null),
  };
}

/** A run's record, called as the plan calls the run; null where there is none, or none that can be read. */
async function recordOf(reader: ResultsReader, { label }: ArmRun): Promise<ScoredRun | null> {
  const record = await unlessDamaged(() => readRecord(reader));
  return record === null ? null : { record: { ...record, asked: { ...record.asked, label } } };
}
