/**
 * A stored study's claims, and when they were stated.
 *
 * @module
 */
import * as z from "zod";
import { isDamage, parseJsonFile } from "../record/damage.ts";
import { readIfThere } from "../record/durable.ts";
import type { ClaimsStatement, StatedClaims } from "../report/claims/statement.ts";
import type { Study } from "../study/study.ts";
import type { RunSpec } from "../study/types.ts";
import { statementsSchema } from "./stored_study_schema.ts";

/** What is read of a stored study. */
interface Stored {
  readonly study: Study;
  readonly claimsStated?: readonly ClaimsStatement[];
  readonly runs: readonly { readonly run: RunSpec }[];
}

/** What a stored study claims, and since when; null where it claims nothing. */
export function claimsOfStored({ study, claimsStated, runs }: Stored): StatedClaims | null {
  return (study.claims ?? []).length === 0
    ? null
    : { study, planned: runs.map(({ run }) => run), statements: claimsStated ?? [] };
}

/** When the claims of the study in a folder were stated so far: never, where there is no plan or none that can be read. */
export async function claimsStatedIn(folder: string): Promise<readonly ClaimsStatement[]> {
  const path = `${folder}/study.json`;
  const bytes = await readIfThere(path);
  if (bytes === null) return [];
  try {
    const stated = z.looseObject({ claimsStated: statementsSchema });
    return stated.safeParse(parseJsonFile(bytes, path)).data?.claimsStated ?? [];
  } catch (error) {
    // A plan that is damaged is written anew; runs that began before show that its claims were not stated before them.
    if (!isDamage(error)) throw error;
    return [];
  }
}
