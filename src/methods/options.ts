/**
 * Options that methods have in common, and what follows from them.
 *
 * Some came later than recorded runs, so at their defaults they are left out of a run's options and its id stays.
 *
 * @module
 */
import * as z from "zod";
import type { AdapterPart } from "./adapter.ts";

/** A number of steps: a share of all steps below 1, else steps. */
export const stepsOption = z.number().nonnegative();

/** β of a moving average. */
export const smoothingOption = z.number().min(0).lt(1);

/**
 * An option that runs may have been recorded without: resolved options leave it out at its default.
 *
 * @param usual Its default.
 */
export function laterOption<Schema extends z.ZodType>(schema: Schema, usual: z.output<Schema>) {
  return schema.optional().transform((value) => value === usual ? undefined : value);
}

/** What B's learning rate is over A's. */
export const rateOptions = {
  bRate: laterOption(z.number().positive(), 1).describe(
    "B's learning rate over A's (LoRA+'s lambda); default 1",
  ),
};

/** The parts with B's rate so many times that of the others (Hayou et al., arXiv 2402.12354). Default 1. */
export function withBRate(
  parts: readonly AdapterPart[],
  bRate: number | undefined,
): readonly AdapterPart[] {
  if (bRate === undefined) return parts;
  return parts.map((part) => part.name === "B" ? { ...part, rate: bRate } : part);
}

/** Factor of the update and rate of B, for methods of which no more is known than α/r. */
export const updateOptions = {
  alpha: z.number().positive().default(16).describe(
    "Numerator of the scale alpha/r, r the initial rank",
  ),
  scaling: laterOption(z.enum(["alpha/r", "alpha"]), "alpha/r").describe(
    "How the scale falls with the rank: alpha/r, or alpha whatever the rank; default alpha/r",
  ),
  ...rateOptions,
};

/** Values of a method's `alpha` and `scaling`. */
export interface ScalingOptions {
  /** The scale, or its numerator. */
  readonly alpha: number;
  /** Default `alpha/r`. */
  readonly scaling?: "alpha/r" | "alpha/sqrt(r)" | "alpha" | undefined;
}

/** The factor of the update by the average rank. */
export function scaleBy({ alpha, scaling = "alpha/r" }: ScalingOptions): (rank: number) => number {
  switch (scaling) {
    case "alpha/r":
      return (rank) => alpha / rank;
    case "alpha/sqrt(r)":
      return (rank) => alpha / Math.sqrt(rank);
    case "alpha":
      return () => alpha;
  }
}
