/**
 * Ranks as data: how an entry of the methods' axis says the ranks that its runs start with.
 *
 * @module
 */
import { z } from "zod";
import { closed } from "./settings.ts";
import type { Dose, RanksAs } from "./types.ts";

/** Another run of the study: the one of this label that has the same task, budget and seed, unless they are given. */
export interface SourceRun<B> {
  /** Label of an entry of the methods' axis; the method's name where it has no label of its own. */
  readonly label: string;
  /** Default: the task of the run that takes the ranks. */
  readonly task?: string;
  /** Default: the budget of the run that takes the ranks. */
  readonly budget?: B;
  /** Default: the seed of the run that takes the ranks. */
  readonly seed?: number;
}

/** The ranks that runs start with, in place of those that the budget gives; `B` is a budget as studies write it. */
export type StudyRanks<B> =
  /** A JSON file, relative to the study: module → rank, or the record of a run, whose final ranks count. */
  | { readonly file: string; readonly as?: RanksAs }
  /** The final ranks of another run of the study. */
  | { readonly of: SourceRun<B>; readonly as?: RanksAs }
  /** The ranks of the budget, with some added or taken. */
  | { readonly add: readonly Dose[] };

const ways = ["same", "reversed", "permuted", "uniform"] as const satisfies readonly RanksAs[];

const dosed = ["layer", "module", "part"] as const;

const dose = closed({
  layer: z.exactOptional(z.int().min(0)),
  module: z.exactOptional(z.string().min(1)),
  part: z.exactOptional(z.string().min(1)),
  by: z.int().describe("Ranks that each of these modules gets, or below zero loses"),
}).refine((value) => dosed.filter((key) => value[key] !== undefined).length === 1, {
  error: "wanted exactly one of layer, module and part beside by",
});

/**
 * Validator of {@linkcode StudyRanks}; the forms share one object, so that a misspelt key is told all of them.
 *
 * @param budget Validator of a budget as studies write it.
 */
export function studyRanksSchema<B>(budget: z.ZodType<B>): z.ZodType<StudyRanks<B>> {
  return closed({
    file: z.exactOptional(
      z.string().min(1).describe("JSON, relative to the study: module to rank, or a run's record"),
    ),
    of: z.exactOptional(
      closed({
        label: z.string().min(1),
        task: z.exactOptional(z.string().min(1)),
        budget: z.exactOptional(budget),
        seed: z.exactOptional(z.int().min(0)),
      }).describe("The run whose final ranks are taken; task, budget and seed default to the same"),
    ),
    as: z.exactOptional(z.enum(ways).describe("What becomes of the ranks; default same")),
    add: z.exactOptional(
      z.array(dose).min(1).describe("Ranks added to those that the budget gives"),
    ),
  }).refine(
    ({ file, of, add }) => [file, of, add].filter((given) => given !== undefined).length === 1,
    { error: "wanted exactly one of file, of and add" },
  ).refine(({ add, as }) => add === undefined || as === undefined, {
    error: "found as beside add, wanted it beside file or of",
  }).meta({
    id: "ranks",
    description: "The ranks that runs start with, in place of those that the budget gives",
  }) as unknown as z.ZodType<StudyRanks<B>>; // Exactly one form is what the refinements guarantee.
}

/** A dose in few characters: `layer 3 +1`. */
function doseText({ by, ...what }: Dose): string {
  const place = "layer" in what
    ? `layer ${what.layer}`
    : "module" in what
    ? what.module
    : what.part;
  return `${place} ${by < 0 ? "" : "+"}${by}`;
}

/**
 * What a label says of given ranks: `ranks of elalora reversed`, `ranks of ranks.json`, `layer 3 +1`.
 *
 * @param keyOf A budget in few characters.
 */
export function ranksText<B>(ranks: StudyRanks<B>, keyOf: (budget: B) => string): string {
  if ("add" in ranks) return ranks.add.map(doseText).join(" ");
  const as = ranks.as === undefined || ranks.as === "same" ? [] : [ranks.as];
  if ("file" in ranks) return ["ranks of", ranks.file, ...as].join(" ");
  const { label, task, budget, seed } = ranks.of;
  return [
    "ranks of",
    label,
    ...(task === undefined ? [] : [`on ${task}`]),
    ...(budget === undefined ? [] : [`at ${keyOf(budget)}`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    ...as,
  ].join(" ");
}
