/**
 * Claims that a study states before its first run, the margins that count as equal, and the rule that decides.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "../../base/canonical_json.ts";
import { hashJson } from "../../base/hash.ts";
import { type Arm, armSchema, armText } from "../compare/arms.ts";
import { conditionSchema, type DeltaCondition, taskName } from "./conditions.ts";
import { closed } from "./shapes.ts";

/** What a claim says of its arm `a` beside `b`. */
export type ClaimSays = "better" | "equivalent" | "not worse";

/** Whether a claim is about its tasks together or about each. */
export type ClaimOn = "average" | "every task";

/** One claim: a primary contrast of the study, paired by task, budget and seed. */
export interface Claim {
  /** How reports call it; unique within the study. */
  readonly name: string;
  /** `better`: a exceeds b; `equivalent`: they differ by less than the margin; `not worse`: a is at most the margin below b. */
  readonly says: ClaimSays;
  /** `average`: of its tasks' differences, in margins. `every task`: it holds on each. Default `average`. */
  readonly on?: ClaimOn;
  /** What is claimed about. */
  readonly a: Arm;
  /** What it is compared with. */
  readonly b: Arm;
  /** Tasks of the axis, each of the same weight. Default: all on which both arms run. */
  readonly tasks?: readonly string[];
  /** A metric that all of these tasks have. Default: the first of each task. */
  readonly metric?: string;
  /** Half of the region of practical equivalence: in units of the score, or as a share of a difference that is measured. Default: the study's margin. */
  readonly margin?: number | MarginShare;
  /** Runs that do not count: a pair is left out where either of its runs matches one of these. Default: none. */
  readonly exclude?: readonly DeltaCondition[];
  /**
   * What the claim is to hold for besides the runs that were made: other seeds, or other seeds and other examples of the split that it
   * is decided on. Default `["seeds"]`, which takes the examples as they are.
   */
  readonly over?: readonly ("seeds" | "examples")[];
  /** Whether it is decided only where the trials at the settings beside the tuned ones agree. Default: it is decided without them. */
  readonly robust?: true;
  /** The claim as a sentence. Default: one made of its arms. */
  readonly text?: string;
}

/** A margin that the study itself measures: a share of what one arm gains over another on a task, over the seeds of the first look. */
export interface MarginShare {
  /** Such as 0.25 for a quarter. */
  readonly share: number;
  /** The arm that gains. */
  readonly a: Arm;
  /** What it gains over. */
  readonly b: Arm;
}

/** Half of the region of practical equivalence in units of the score (a point is 0.01): of all tasks, or by task. */
export type StudyMargin = number | Readonly<Record<string, number>>;

/** The rule that decides claims, declared beforehand; every key has a default. */
export interface Decide {
  /**
   * When results are looked at and what that costs. `obrien-fleming`, `pocock`, `anytime`, `sign`: after every block, see
   * `planStopping`; `sign` asks about the median difference. `fixed`: once, when all seeds are there. Default `obrien-fleming`.
   */
  readonly rule?: "obrien-fleming" | "pocock" | "anytime" | "sign" | "fixed";
  /**
   * Chance of any false verdict in the study, where no true difference is exactly the margin (half as much again there);
   * claims share it evenly. Default 0.05.
   */
  readonly level?: number;
  /** Seeds between two looks, at least 3; not for `fixed`. Default 3. */
  readonly block?: number;
  /** Seeds at most. Default 30, or those of the axis where they are more; for `fixed` those of the axis. */
  readonly mostSeeds?: number;
  /** What a difference must exceed to be called better or worse: the margin, or 0. Default `margin`. */
  readonly betterThan?: 0 | "margin";
}

/** What a study says of claims. */
export interface ClaimsOfStudy {
  /** Default: none. */
  readonly claims?: readonly Claim[];
  /** Default 0.01, one point. */
  readonly margin?: StudyMargin;
  /** Default: every default of {@linkcode Decide}. */
  readonly decide?: Decide;
  /** The seeds that the study asks for. */
  readonly axes: { readonly seeds: readonly number[] };
  /**
   * Whether there will be no more seeds, as with results that were made elsewhere: a fixed rule then looks once at all that a claim
   * has. Default false.
   */
  readonly isFinished?: boolean;
}

const defaultMargin = 0.01;

/** The key of the margin of tasks that have none of their own. */
export const otherTasks = "default";

/** Scores lie within [−1, 1], so that a margin of 1 or more is one in percent. */
const margin = z.number().refine((value) => value > 0, {
  error: (issue) =>
    `found ${issue.input}, wanted more than 0: no two methods are equal within a margin of zero`,
}).refine((value) => value < 1, {
  error: (issue) =>
    `found ${issue.input}, wanted less than 1: margins are in units of the score, so that one point is 0.01`,
}).meta({ exclusiveMinimum: 0, exclusiveMaximum: 1 });

/** Validator of margins. */
export const marginSchema = z.union([
  margin,
  z.record(z.string().min(1), margin).refine((margins) => Object.keys(margins).length > 0, {
    error: `found {}, wanted a margin a task, or "${otherTasks}" for all others`,
  }),
]).describe(
  "Differences below it are of no practical interest, in units of the score (one point is 0.01): a number, or numbers by task with default",
);

/** Validator of claims. */
export const claimsSchema = z.array(
  closed({
    name: z.string().min(1).max(80),
    says: z.enum(["better", "equivalent", "not worse"]),
    on: z.exactOptional(
      z.enum(["average", "every task"]).describe(
        "Whether it is about the average of its tasks or is to hold on each; default average",
      ),
    ),
    a: armSchema,
    b: armSchema,
    tasks: z.exactOptional(z.array(taskName).min(1)),
    metric: z.exactOptional(z.string().min(1)),
    margin: z.exactOptional(z.union([
      margin,
      closed({
        share: z.number().gt(0).lte(1).describe("Such as 0.25 for a quarter"),
        a: armSchema,
        b: armSchema,
      }).describe("A share of what arm a gains over arm b, over the seeds of the first look"),
    ])),
    exclude: z.exactOptional(
      z.array(conditionSchema("a claim about no runs is none")).min(1).describe(
        "Runs that do not count: a pair is left out if one of these matches one of its runs",
      ),
    ),
    over: z.exactOptional(
      z.array(z.enum(["seeds", "examples"])).refine(
        (over) => over.includes("seeds") && new Set(over).size === over.length,
        {
          error: (issue) =>
            `found ${JSON.stringify(issue.input)}, wanted ["seeds"] or ["seeds", "examples"]`,
        },
      ).describe("What the claim is to hold for: other seeds (default), or other examples too"),
    ),
    robust: z.exactOptional(z.literal(true)).describe(
      "Decided only where the trials at the settings beside the tuned ones agree",
    ),
    text: z.exactOptional(z.string().min(1)),
  }).meta({ id: "claim" }),
).min(1).describe("Primary contrasts, stated before the first run");

/** Validator of the rule that decides. */
export const decideSchema = closed({
  rule: z.exactOptional(z.enum(["obrien-fleming", "pocock", "anytime", "sign", "fixed"])),
  level: z.exactOptional(
    z.number().gt(0).lte(0.2).describe("Chance of any false verdict; default 0.05"),
  ),
  block: z.exactOptional(z.int().min(3).describe("Seeds between two looks; default 3")),
  mostSeeds: z.exactOptional(z.int().min(3).max(1000).describe("Seeds at most; default 30")),
  betterThan: z.exactOptional(
    z.union([z.literal(0), z.literal("margin")]).describe(
      "What a difference must exceed to be called better or worse; default margin",
    ),
  ),
}).describe("How claims are decided");

/** A rule with its defaults filled in. */
export interface Decision extends Required<Decide> {
  /** Chance of a false verdict of one claim: the level over the number of claims. */
  readonly claimLevel: number;
}

/** The rule of a study. */
export function decisionOf({ claims = [], decide = {}, axes: { seeds } }: ClaimsOfStudy): Decision {
  const { rule = "obrien-fleming", level = 0.05, betterThan = "margin" } = decide;
  const mostSeeds = decide.mostSeeds ??
    (rule === "fixed" ? seeds.length : Math.max(30, seeds.length));
  return {
    rule,
    level,
    betterThan,
    mostSeeds,
    block: rule === "fixed" ? mostSeeds : decide.block ?? 3,
    claimLevel: level / Math.max(1, claims.length),
  };
}

/** Whether a claim is to hold for other examples too. */
export function isOverExamples({ over = [] }: Claim): boolean {
  return over.includes("examples");
}

/** The margin of a claim on a task: its own, else the study's for the task; null where it is to be measured. */
export function marginOf(study: ClaimsOfStudy, claim: Claim, task: string): number | null {
  const { margin } = claim;
  return typeof margin === "object" ? null : margin ?? taskMargin(study, task);
}

/** A margin that is to be measured, in words: `25% of what lora gains over head`. */
export function shareText({ share, a, b }: MarginShare): string {
  return `${Number((100 * share).toPrecision(3))}% of what ${armText(a)} gains over ${armText(b)}`;
}

/** The margin of a study on a task: what counts as a point there. */
export function taskMargin(
  { margin = defaultMargin }: Pick<ClaimsOfStudy, "margin">,
  task: string,
): number {
  if (typeof margin === "number") return margin;
  return margin[task] ?? margin[otherTasks] ?? defaultMargin;
}

/** A claim as a sentence: its own, or one made of its arms, such as `elalora at 4 is better than lora at 4`. */
export function claimText({ text, says, on, robust, a, b }: Claim): string {
  const relation = says === "equivalent" ? "equivalent to" : `${says} than`;
  const where = [
    on === "every task" ? " on every task" : "",
    robust === true ? ", at the settings beside the tuned ones too" : "",
  ].join("");
  return text ?? `${armText(a)} is ${relation} ${armText(b)}${where}`;
}

/**
 * SHA-256 of all that decides a study's claims: the claims, their margins, the rule, and the first seed.
 *
 * More seeds leave it as it is, unless a fixed rule would then look at more of them. So does a claim's sentence.
 */
export function claimsHash(study: ClaimsOfStudy): string {
  const { margin = defaultMargin, claims = [], axes: { seeds } } = study;
  const stated = claims.map((claim) => {
    const { text: _text, over: _over, ...rest } = claim;
    return isOverExamples(claim) ? { ...rest, over: ["seeds", "examples"] } : rest;
  });
  return hashJson(
    {
      claims: stated,
      margin,
      decide: { ...decisionOf(study) },
      from: Math.min(...seeds),
    } as unknown as Json,
  );
}
