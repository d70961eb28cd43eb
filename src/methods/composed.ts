/**
 * Any form with any policy: the controls that a claim about rank allocation needs.
 *
 * A form says how a rank's rows make an update (`forms.ts`), a policy where ranks go (`elalora_policy.ts`, `adalora_policy.ts`,
 * `prune_policy.ts`, `grow_policy.ts`, `sora_policy.ts`), and a score what a policy decides by (`slot_scores.ts`). Named methods are
 * such compositions: `elalora` is `svd` with `moves`, `adalora` is `svd` with `mask`, `sora` is `gated` with `gates`. Beside each
 * policy stands its random control, which does as much as often to ranks that are drawn.
 *
 * @module
 */
import * as z from "zod";
import { cappedCounts, countsOfFound, countsOfMasks, exactly } from "../study/budget/range.ts";
import { isCapped } from "../study/budget/budget.ts";
import type { CountFacts, PlannedCounts, RunFacts } from "../study/types.ts";
import { closed } from "../study/schema/shapes.ts";
import { adaloraPolicy, checkAdaloraSchedule, meanMasked } from "./adalora_policy.ts";
import { type AdapterPolicy, type StepRules } from "./adapter.ts";
import {
  checkMoves,
  elaloraPolicyOptions,
  moveCapacity,
  moveCounts,
  moveOptions,
} from "./elalora.ts";
import { movesByScore, movesPolicy, randomMoves } from "./elalora_policy.ts";
import { beforeOptions, checkTexts, estimateBy } from "./before_training.ts";
import { type Form, formOf, formOptions } from "./forms.ts";
import { growPolicy } from "./grow_policy.ts";
import { defineMethod } from "./method.ts";
import { lineOverLayers } from "./prilora.ts";
import { checkPruneSchedule, meanLeft, pruneAfterTraining, prunePolicy } from "./prune_policy.ts";
import { scoredBy, scoreNames, sourceOf } from "./slot_scores.ts";
import { gateOptions, gateRules } from "./sora.ts";
import { checkSoraSchedule } from "./sora_policy.ts";

const rate = z.number().min(0).lt(1);

/** By what a policy tells which ranks matter. */
const scoreOptions = {
  score: z.enum(scoreNames).default("importance").describe(
    "What ranks are scored by: importance (ElaLoRA's), sensitivity, magnitude, fisher, removal (ALoRA's) or random",
  ),
  beta1: rate.default(0.85).describe("Smoothing of the sensitivity"),
  beta2: rate.default(0.85).describe("Smoothing of the uncertainty"),
  examples: z.int().positive().default(32).describe(
    "Training examples that removal scores on; they are not trained on",
  ),
};

const steps = z.number().nonnegative();

/** When ranks leave or come, as AdaLoRA's schedule has it. */
const scheduleOptions = {
  initWarmup: steps.default(0.1).describe(
    "Steps before the first event: a share below 1, else steps",
  ),
  finalWarmup: steps.default(0.3).describe(
    "Steps after the last event: a share below 1, else steps",
  ),
  interval: z.number().positive().default(10).describe(
    "Steps between events: a share of all steps below 1, else steps",
  ),
};

const initialFactor = z.number().min(1).default(1.5).describe("Initial over final rank");

const policyOptions = z.discriminatedUnion("type", [
  closed({ type: z.literal("fixed") }),
  closed({ type: z.literal("moves"), ...scoreOptions, ...moveOptions }),
  closed({ type: z.literal("mask"), ...scoreOptions, ...scheduleOptions, initialFactor }),
  closed({ type: z.literal("prune"), ...scoreOptions, ...scheduleOptions, initialFactor }),
  closed({ type: z.literal("prune-after"), initialFactor }),
  closed({
    type: z.literal("grow"),
    ...scoreOptions,
    ...scheduleOptions,
    start: z.number().gt(0).lt(1).default(0.5).describe("Initial over final rank"),
    share: z.number().gt(0).max(1).default(0.25).describe(
      "Share of the modules that get ranks at an event, the best of them",
    ),
  }),
  closed({ type: z.literal("gates"), ...gateOptions }),
  closed({
    type: z.literal("line"),
    first: z.number().positive().default(4).describe(
      "Rank of the first layer, in proportion to that of the last",
    ),
    last: z.number().positive().default(12).describe("Rank of the last layer"),
  }),
  beforeOptions,
]);

type PolicyOptions = z.output<typeof policyOptions>;

const options = z.strictObject({
  form: formOptions.prefault({ type: "lora" }).describe("How a rank's rows make an update"),
  policy: policyOptions.prefault({ type: "fixed" }).describe("Where ranks go"),
});

/** What the rule, the kind and the scores of a policy are, and what it does to steps. */
interface Bound {
  readonly policy: AdapterPolicy | null;
  readonly step?: StepRules;
}

/** Parts with a row a rank, A first. */
function partsOf({ parts }: Form): readonly string[] {
  return parts.map(({ name }) => name);
}

/** The options of AdaLoRA's policy. */
function maskOptions(chosen: Extract<PolicyOptions, { type: "mask" }>) {
  const { initWarmup, finalWarmup, interval } = chosen;
  return { initWarmup, finalWarmup, interval, ties: "exact", lastMask: "forced" } as const;
}

function scoresOf(
  chosen: z.output<z.ZodObject<typeof scoreOptions>>,
): Pick<AdapterPolicy, "scores"> {
  const scores = sourceOf(chosen.score, chosen);
  return scores === undefined ? {} : { scores };
}

function boundPolicy(form: Form, chosen: PolicyOptions): Bound {
  const parts = partsOf(form);
  switch (chosen.type) {
    case "fixed":
    case "line":
    case "before":
      return { policy: null };
    case "moves": {
      const given = elaloraPolicyOptions({ ...chosen, ties: "exact", poolOverlap: "cut" });
      const rule = movesPolicy(given, chosen.score === "random" ? randomMoves : movesByScore);
      return {
        policy: {
          rule: scoredBy(chosen.score, rule, parts),
          kind: "move",
          ...scoresOf(chosen),
          growth: form.growth,
          capacity: (rank) => moveCapacity(rank, chosen.k),
        },
      };
    }
    case "mask":
      return {
        policy: {
          rule: scoredBy(chosen.score, adaloraPolicy(maskOptions(chosen)), parts),
          kind: "mask",
          ...scoresOf(chosen),
        },
      };
    case "prune":
      return {
        policy: {
          rule: scoredBy(chosen.score, prunePolicy(chosen), parts),
          kind: "move",
          ...scoresOf(chosen),
        },
      };
    case "prune-after":
      return { policy: { rule: pruneAfterTraining(parts), kind: "move" } };
    case "grow":
      return {
        policy: {
          rule: scoredBy(chosen.score, growPolicy(chosen, chosen.score === "random"), parts),
          kind: "move",
          ...scoresOf(chosen),
          growth: form.growth,
          capacity: (rank) => Math.ceil(rank / chosen.start),
        },
      };
    case "gates":
      return gateRules(chosen);
  }
}

/** Why a form cannot have a policy, or null. */
function refusal({ type }: { readonly type: string }, policy: PolicyOptions): string | null {
  if (policy.type === "gates" && type !== "gated") {
    return `found the policy "gates" with the form "${type}", which has no gates; want the form "gated"`;
  }
  if (policy.type === "mask" && type === "lora") {
    return 'found the policy "mask" with the form "lora", whose ranks have no number of their own to mask; want the ' +
      'form "svd" or "gated", or the policy "prune"';
  }
  return null;
}

function countsOf(chosen: z.output<typeof options>, facts: CountFacts): PlannedCounts {
  const { policy } = chosen;
  const { plan, budget } = facts;
  if (isCapped(budget)) {
    return cappedCounts(
      facts,
      budget.value,
      policy.type === "moves" || policy.type === "grow" ? 1 : 0,
    );
  }
  switch (policy.type) {
    case "moves":
      return moveCounts(
        elaloraPolicyOptions({ ...policy, ties: "exact", poolOverlap: "cut" }),
        facts,
      );
    case "mask":
    case "prune":
    case "prune-after": {
      const { initial, finalTotal } = plan;
      const all = initial.reduce((sum, rank) => sum + rank, 0);
      // The best evaluation may come before the last event.
      const most = facts.keep === "best" ? all : finalTotal;
      return countsOfMasks(facts, { least: finalTotal, most });
    }
    case "grow":
      return { initial: exactly(plan.initialParameters), peak: null, final: null };
    case "gates":
      return countsOfMasks(facts);
    case "before":
      return countsOfFound(
        facts,
        facts.modules.map(({ inSize, outSize }) => ({ least: 0, most: Math.min(inSize, outSize) })),
      );
    default: {
      const { initialParameters, peakParameters, finalParameters } = plan;
      return {
        initial: exactly(initialParameters),
        peak: exactly(peakParameters),
        final: exactly(finalParameters),
      };
    }
  }
}

function checkSchedule(chosen: z.output<typeof options>, facts: RunFacts): void {
  const { form, policy } = chosen;
  const reason = refusal(form, policy);
  if (reason !== null) throw new RangeError(`Cannot compose an adapter: ${reason}`);
  const { totalSteps, trainExamples } = facts;
  if (policy.type === "moves") {
    checkMoves(
      "moves",
      elaloraPolicyOptions({ ...policy, ties: "exact", poolOverlap: "cut" }),
      facts,
    );
  }
  if (policy.type === "mask") checkAdaloraSchedule(maskOptions(policy), totalSteps, "interval");
  if (policy.type === "prune" || policy.type === "grow") checkPruneSchedule(policy, totalSteps);
  if (policy.type === "gates") checkSoraSchedule(policy, totalSteps);
  if (policy.type === "before") checkTexts(policy, trainExamples);
  if ("score" in policy && policy.score === "removal" && policy.examples >= trainExamples) {
    throw new RangeError(
      `Cannot hold out ${policy.examples} examples to score ranks on: the run trains on ${trainExamples}, more are ` +
        'wanted; lower "examples"',
    );
  }
}

/** Trained ranks averaged over a run, as a multiple of those at its end. */
function meanFactorOf(policy: PolicyOptions, totalSteps: number): number | null {
  switch (policy.type) {
    case "mask":
      return meanMasked(maskOptions(policy), policy.initialFactor, totalSteps);
    case "prune":
      return meanLeft(policy, policy.initialFactor, totalSteps);
    case "grow":
      return meanLeft(policy, policy.start, totalSteps);
    case "prune-after":
      return policy.initialFactor;
    case "gates":
      return null;
    default:
      return 1;
  }
}

/** A form with a policy. */
export const composed = defineMethod({
  name: "composed",
  title: "Form and policy",
  source: "the papers of its form and its policy",
  version: 1,
  options,
  budget: {
    initialFactor: ({ policy }) =>
      "initialFactor" in policy ? policy.initialFactor : policy.type === "grow" ? policy.start : 1,
    meanFactor: ({ policy }, totalSteps) => meanFactorOf(policy, totalSteps),
    rankWeights: ({ policy }, modules) =>
      policy.type === "line" ? lineOverLayers(policy.first, policy.last, modules) : null,
    keepsCap: ({ policy }) => !["fixed", "line", "gates", "before"].includes(policy.type),
    counts: countsOf,
  },
  check: checkSchedule,
  bind: (chosen) => {
    const form = formOf(chosen.form);
    const { policy, step } = boundPolicy(form, chosen.policy);
    const { parts, prepare, scale, regulariser } = form;
    return {
      ...(chosen.policy.type === "before" ? { estimate: estimateBy(chosen.policy) } : {}),
      adapter: {
        parts,
        prepare,
        scale,
        policy,
        step: { ...step, ...(regulariser === null ? {} : { regulariser }) },
      },
    };
  },
});
