/**
 * Budgets, as studies write them and as runs hold them.
 *
 * @module
 */
import { z } from "zod";
import { closed } from "../schema/shapes.ts";

/** What a budget counts besides ranks: numbers of adapters, heads and biases excluded. */
export type CountedBudget =
  /** Those that a run ends with; where a policy keeps a total, those at every step. */
  | "parameters"
  /** The most that are trained at any step. */
  | "peak"
  /** Those that deploying the run needs. */
  | "stored"
  /** Those that are trained, averaged over the steps of the run. */
  | "meanTrained";

/** A budget: an average rank over the adapted modules, or a number of adapter parameters. */
export type Budget =
  | { readonly type: "rank"; readonly value: number }
  | {
    readonly type: CountedBudget;
    readonly value: number;
    /**
     * Present where a policy changes ranks and keeps to the number itself: it receives what ranks may cost. Runs from before this
     * was so do not have it.
     */
    readonly isCap?: true;
  };

/** A budget as studies write it: a number is an average rank. */
export type StudyBudget =
  | number
  | { readonly rank: number }
  | { readonly [Kind in CountedBudget]: { readonly [Key in Kind]: number } }[CountedBudget];

const counted: Readonly<Record<CountedBudget, string>> = {
  parameters:
    "Trained adapter parameters at the end, at most; where a policy keeps a total, at every step",
  peak: "Adapter parameters that are trained at any step, at most",
  stored: "Adapter parameters that deploying the run needs, at most",
  meanTrained: "Trained adapter parameters averaged over the steps of the run, at most",
};

/** Validator of a budget; the named forms share one object, so that the message for a misspelt key lists all of them. */
export const budgetSchema = z.union([
  z.number().gt(0),
  closed({
    rank: z.exactOptional(
      z.number().gt(0).describe("Average rank over the adapted modules; 2.5 is allowed"),
    ),
    ...Object.fromEntries(
      Object.entries(counted).map((
        [kind, text],
      ) => [kind, z.exactOptional(z.int().min(1).describe(text))]),
    ),
  }).refine((value) => Object.keys(value).length === 1, {
    error: (issue) =>
      `found ${Object.keys(issue.input as object).length} keys, wanted one of rank, ${
        Object.keys(counted).join(", ")
      }`,
  }).meta({ minProperties: 1, maxProperties: 1 }),
]).meta({
  id: "budget",
  description: "An average rank, or an object with rank, parameters, peak, stored or meanTrained",
}) as unknown as z.ZodType<StudyBudget>; // Exactly one key is what the refinement guarantees.

/** A study's budget in the form that runs hold. */
export function budgetOf(budget: StudyBudget): Budget {
  if (typeof budget === "number") return { type: "rank", value: budget };
  const [[type, value]] = Object.entries(budget) as [[Budget["type"], number]];
  return { type, value };
}

/** A budget as a study may write it: `4` for a rank, `{"parameters":20000}` for a number of parameters. */
export function writtenBudget({ type, value }: Budget): string {
  return type === "rank" ? String(value) : JSON.stringify({ [type]: value });
}

const keyOfType: Readonly<Record<Budget["type"], string>> = {
  rank: "r",
  parameters: "p",
  peak: "peak",
  stored: "stored",
  meanTrained: "mean",
};

/** A budget in few characters: `r4` for a rank, `p20000` for parameters, `peak20000`, `stored20000`, `mean20000`. */
export function budgetKey({ type, value }: Budget): string {
  return `${keyOfType[type]}${value}`;
}

/** Whether a budget is a number of trained parameters that a policy keeps to. */
export function isCapped(
  budget: Budget | null,
): budget is Extract<Budget, { readonly isCap?: true }> {
  return budget !== null && (budget.type === "parameters" || budget.type === "peak") &&
    budget.isCap === true;
}

/** Whether a run has a budget that a study writes. */
export function hasBudget(
  { budget }: { readonly budget: Budget | null },
  written: StudyBudget,
): boolean {
  return budget !== null && budgetKey(budgetOf(written)) === budgetKey(budget);
}
