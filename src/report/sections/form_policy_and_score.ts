/**
 * What each form, policy and score changes while the others stay.
 *
 * @module
 */
import { type Section, table } from "../section.ts";
import { factorialTable } from "../tables/factorial.ts";

/** The effects of a factorial. */
export const formPolicyAndScore: Section = {
  title: "Form, policy and score",
  id: "factorial",
  blocks: [table(factorialTable)],
};
