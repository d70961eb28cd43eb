/**
 * What is claimed of scores that were made elsewhere, as a file has it.
 *
 * @module
 */
import { z } from "zod";
import { problemsOf, StudyError } from "../../study/check/problems.ts";
import { claimsSchema, decideSchema, marginSchema } from "../../study/schema/claims.ts";
import { closed } from "../../study/schema/shapes.ts";
import type { ForeignClaims } from "./foreign_score.ts";

const foreignClaimsSchema = closed({
  title: z.exactOptional(z.string().min(1)),
  margin: z.exactOptional(marginSchema),
  decide: z.exactOptional(decideSchema),
  claims: z.exactOptional(claimsSchema),
});

/**
 * The claims that a JSON value holds: an object as {@linkcode ForeignClaims}, or a list of claims.
 *
 * @param source What messages call it.
 * @throws {StudyError} With every unknown key and wrong value.
 */
export function parseForeignClaims(value: unknown, source: string): ForeignClaims {
  const whole = Array.isArray(value) ? { claims: value } : value;
  const result = foreignClaimsSchema.safeParse(whole);
  if (result.success) return result.data;
  throw new StudyError(`Cannot read "${source}"`, problemsOf(result.error.issues, whole));
}
