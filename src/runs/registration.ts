/**
 * The file of a study's registration: `NAME.registration.json` beside the study, to be committed before the first run.
 *
 * @module
 */
import * as z from "zod";
import { canonicalJson, type Json } from "../base/canonical_json.ts";
import { hashBytes } from "../base/hash.ts";
import { InputError, UsageError } from "../base/input_error.ts";
import { editedKey, registrationOf } from "../analysis/claims/registration.ts";
import type {
  ClaimsStatement,
  Registered,
  RegisteredClaims,
  Registration,
} from "../analysis/claims/statement.ts";
import { parseJsonFile } from "../record/damage.ts";
import { readIfThere, writeWhole } from "../record/durable.ts";
import { committedIn, committedSince } from "../record/git_history.ts";
import { parserOf } from "../record/parser.ts";
import { readEnvironment } from "../record/provenance.ts";
import { runTitle } from "../study/grid/run_id.ts";
import type { RunSpec } from "../study/types.ts";
import { customNamesOf, type StudyPlan } from "./plan/planned_run.ts";

const text = z.string();

/** Validator of what is stated of claims, but for when. */
export const statementShape = {
  hash: text,
  arms: z.exactOptional(text),
  convergence: z.exactOptional(text),
  seeds: z.exactOptional(z.record(text, z.array(text))),
} satisfies { readonly [K in keyof Omit<ClaimsStatement, "at" | "begun">]-?: z.ZodType };

/** Validator of registrations; that nothing was edited is seen by {@linkcode checkUnedited}. */
export const registrationSchema = z.looseObject({
  schema: z.literal(1),
  study: text,
  claims: z.looseObject({}),
  statement: z.object(statementShape),
  plan: z.array(z.object({ title: text, id: text })),
  tuning: z.looseObject({ hash: text }).nullable(),
  code: z.looseObject({ source: text.nullable() }),
  hashes: z.record(text, text),
});

const parseRegistration = parserOf(registrationSchema, true);

/**
 * Sees that a registration is as it was written.
 *
 * @param file The file that it lies in.
 * @param under The key of that file below which it lies. Default: it is the whole file.
 *
 * @throws {InputError} If it was edited, with the key.
 */
export function checkUnedited(registration: Registration, file: string, under = ""): void {
  const edited = editedKey(registration);
  if (edited === null) return;
  throw new InputError({
    file,
    place: `key "${under}${edited.key}"`,
    found: `a registration that was edited (SHA-256 ${edited.found.slice(0, 12)}…)`,
    wanted: `what was registered (${edited.wanted.slice(0, 12)}…)`,
    fix:
      "get the file back from git, or delete it and run deno task register, which registers the study as it is now",
  });
}

/** The contents of the file. */
function fileText(registration: Registration): string {
  return `${JSON.stringify(registration, null, 2)}\n`;
}

/**
 * Registers a plan: what its claims, runs and tuning are and which code is to make them.
 *
 * @throws {UsageError} If the study claims nothing.
 */
export async function registrationOfPlan({ study, runs }: StudyPlan): Promise<Registration> {
  if ((study.claims ?? []).length === 0) {
    throw new UsageError(
      `Cannot register "${study.name}": it claims nothing, want "claims" in the study (see "Claims" in docs/study.md)`,
    );
  }
  const { ranklab, source, lock } = await readEnvironment();
  const { methods, metrics } = customNamesOf(runs);
  const own = [...methods, ...metrics];
  return registrationOf(study, runs, { ranklab, source, lock, own });
}

/**
 * Writes a registration; one that says the same is left as it is.
 *
 * @returns SHA-256 of the file.
 *
 * @throws {UsageError} If another one is there.
 */
export async function writeRegistration(
  path: string,
  registration: Registration,
): Promise<string> {
  const present = await readRegistration(path);
  if (present === null) {
    const content = fileText(registration);
    await writeWhole(path, content);
    return hashBytes(content);
  }
  const isSame = canonicalJson(present.registration as unknown as Json) ===
    canonicalJson(registration as unknown as Json);
  if (isSame) return present.sha256;
  throw new UsageError(
    `Cannot register "${registration.study}": found another registration in "${path}" (SHA-256 ${present.sha256}), want none; ` +
      "the study or ranklab's code has changed since. Delete the file to register anew: reports then say when that was committed",
  );
}

/** What a file registers; null where there is none. */
async function readRegistration(
  path: string,
): Promise<Pick<Registered, "registration" | "sha256"> | null> {
  const bytes = await readIfThere(path);
  if (bytes === null) return null;
  const json = parseJsonFile(bytes, path);
  parseRegistration(json, path);
  const registration = json as Registration;
  checkUnedited(registration, path);
  return { registration, sha256: hashBytes(bytes) };
}

/**
 * What a sweep stores of its study's registration.
 *
 * @param path The file beside the study.
 * @param before What was stored; the first commit that a sweep found stays the one that counts.
 *
 * @returns Null where the study was never registered.
 *
 * @throws {InputError} If the file is no registration, or was edited.
 */
export async function registeredAt(
  path: string,
  before: Registered | null,
): Promise<Registered | null> {
  const present = await readRegistration(path);
  if (present === null) return before;
  const isKnown = before !== null && before.sha256 === present.sha256;
  const committed = isKnown && before.committed !== null
    ? before.committed
    : await committedSince(path);
  return { file: path, ...present, committed };
}

/** A registration that is stored, with what the folder of the command and the plan have of it. */
export async function registeredClaims(
  registered: Registered,
  runs: readonly { readonly run: RunSpec; readonly id: string }[],
): Promise<RegisteredClaims> {
  const { committed, registration } = registered;
  const ids = new Map(runs.map(({ run, id }) => [runTitle(run), id]));
  return {
    ...registered,
    found: committed === null ? null : await committedIn(".", committed.commit, committed.path),
    otherRuns: registration.plan.filter(({ title, id }) => ids.get(title) !== id)
      .map(({ title }) => title),
  };
}
