/**
 * Ranks that a run takes from another one: read from that run's record when it starts.
 *
 * @module
 */
import { errorMessage } from "../../base/error_message.ts";
import { readRecord } from "../../record/read_study.ts";
import { transformedRanks } from "../../study/budget/given.ts";
import { givenPlan } from "../../study/budget/ranks.ts";
import { stepsOf } from "./asked_ranks.ts";
import type { Inputs } from "../inputs.ts";
import type { PlannedRun } from "./planning.ts";

/** Thrown where a run cannot have the ranks of another one; an outcome of that run. */
export class RanksError extends Error {
  override readonly name = "RanksError";
}

/**
 * A run with the ranks of the run that it takes them from; any other run is returned as it is.
 *
 * @param context The study's results folder, and what was read for the run.
 *
 * @throws {RanksError} If that run failed or has no record, or its ranks do not fit.
 */
export async function withSourceRanks(
  planned: PlannedRun,
  { results, inputs }: { readonly results: string; readonly inputs: Inputs },
): Promise<PlannedRun> {
  const { run, method, modules, ranksFolder } = planned;
  const { ranksFrom } = run;
  if (ranksFolder === null || ranksFrom === undefined) return planned;
  const path = `${results}/${ranksFolder}`;
  const fail = (problem: string): never => {
    throw new RanksError(
      `Cannot start with the ranks of run ${ranksFrom.run} in "${path}": ${problem}`,
    );
  };
  const record = await readRecord(path);
  if (record === null) return fail("found no record, wanted a finished run; sweep it first");
  if (record.id !== ranksFrom.run) return fail(`found run ${record.id} there; sweep it again`);
  const { outcome, finalRanks } = record.happened;
  if (outcome.state === "failed") {
    const at = outcome.step === null ? "" : ` at step ${outcome.step}`;
    return fail(`that run failed (${outcome.cause}${at}): ${outcome.message}`);
  }
  if (finalRanks === null) return fail("found a run without ranks, wanted one with ranks");
  try {
    const ranks = transformedRanks(ranksFrom.as, modules, finalRanks, run.seed);
    const plan = givenPlan(method, run, modules, ranks, stepsOf(run, inputs));
    return { ...planned, plan, ranksFolder: null };
  } catch (error) {
    return fail(errorMessage(error));
  }
}
