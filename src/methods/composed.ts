/**
 * Any form with any policy: the controls that a claim about rank allocation needs.
 *
 * A form says how a rank's rows make an update, a policy where ranks go, and a score what a policy decides by (`slot_scores.ts`).
 * Some named methods are such compositions (`presets.ts`). Beside each policy stands its random control, which does as much as often
 * to ranks that are drawn.
 *
 * | form | update | paper |
 * |---|---|---|
 * | `lora` | (α/r) B A | arXiv 2106.09685, equation 3 |
 * | `svd` | (α/r) B diag(E) A, kept near-orthogonal by a regulariser | arXiv 2303.10512, equations 3 and 4 |
 * | `gated` | (α/r) B diag(g) A with gates g from N(0, 1) | arXiv 2311.11696, equation 4 |
 *
 * @module
 */
import * as z from "zod";
import { closed } from "../study/schema/shapes.ts";
import { masks } from "./adalora.ts";
import { type Allocation, compose, type Form } from "./allocation.ts";
import { beforeOptions, findsBefore } from "./before_training.ts";
import { moves } from "./elalora.ts";
import { moveOptions } from "./elalora_policy.ts";
import { grows } from "./grow_policy.ts";
import { loraForm } from "./lora_form.ts";
import { stepsOption, updateOptions } from "./options.ts";
import { lineOverLayers } from "./prilora.ts";
import { prunes, prunesAfter } from "./prune_policy.ts";
import { checkHeldOut, scoreNames } from "./slot_scores.ts";
import { gatedForm, gateOptions, gates } from "./sora.ts";
import { regulariserOptions, smoothingOptions, svdForm } from "./svd_form.ts";

const formOptions = z.discriminatedUnion("type", [
  closed({ type: z.literal("lora"), ...updateOptions }),
  closed({ type: z.literal("svd"), ...updateOptions, ...regulariserOptions }),
  closed({ type: z.literal("gated"), ...updateOptions }),
]);

type FormOptions = z.output<typeof formOptions>;

function formOf(chosen: FormOptions): Form {
  switch (chosen.type) {
    case "lora":
      return loraForm(chosen);
    case "svd":
      return svdForm(chosen);
    case "gated":
      return gatedForm(chosen);
  }
}

const scoreOptions = {
  score: z.enum(scoreNames).default("importance").describe(
    "What ranks are scored by: importance (ElaLoRA's), sensitivity, magnitude, fisher, removal (ALoRA's) or random",
  ),
  ...smoothingOptions,
  examples: z.int().positive().default(32).describe(
    "Training examples that removal scores on; they are not trained on",
  ),
};

/** When ranks leave or come, as AdaLoRA's schedule has it. */
const scheduleOptions = {
  initWarmup: stepsOption.default(0.1).describe(
    "Steps before the first event: a share below 1, else steps",
  ),
  finalWarmup: stepsOption.default(0.3).describe(
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

/** What only the named methods leave to choose. */
const plainMoves = { ties: "exact", poolOverlap: "cut", optimizer: "resize" } as const;
const plainMasks = { ties: "exact", lastMask: "forced", intervalName: "interval" } as const;

function allocationOf(chosen: z.output<typeof policyOptions>, form: Form): Allocation {
  switch (chosen.type) {
    case "fixed":
      return {};
    case "moves":
      return moves("moves", { ...chosen, ...plainMoves }, form);
    case "mask":
      return masks({ ...chosen, ...plainMasks, maskInterval: chosen.interval }, form);
    case "prune":
      return prunes(chosen, form);
    case "prune-after":
      return prunesAfter(chosen, form);
    case "grow":
      return grows(chosen, form);
    case "gates":
      return gates(chosen);
    case "line":
      return { rankWeights: (modules) => lineOverLayers(chosen.first, chosen.last, modules) };
    case "before":
      return findsBefore(chosen);
  }
}

/** Why a form cannot have a policy, or null. */
function refusal(form: string, policy: string): string | null {
  if (policy === "gates" && form !== "gated") {
    return `found the policy "gates" with the form "${form}", which has no gates; want the form "gated"`;
  }
  if (policy === "mask" && form === "lora") {
    return 'found the policy "mask" with the form "lora", whose ranks have no number of their own to mask; want the ' +
      'form "svd" or "gated", or the policy "prune"';
  }
  return null;
}

/** A form with a policy. */
export const composed = compose({
  name: "composed",
  title: "Form and policy",
  source: "the papers of its form and its policy",
  version: 1,
  options: z.strictObject({
    form: formOptions.prefault({ type: "lora" }).describe("How a rank's rows make an update"),
    policy: policyOptions.prefault({ type: "fixed" }).describe("Where ranks go"),
  }),
  check: ({ form, policy }, { trainExamples }) => {
    const reason = refusal(form.type, policy.type);
    if (reason !== null) throw new RangeError(`Cannot compose an adapter: ${reason}`);
    if ("score" in policy && policy.score === "removal") {
      checkHeldOut(policy.examples, trainExamples);
    }
  },
  form: ({ form }) => formOf(form),
  allocation: ({ policy }, form) => allocationOf(policy, form),
});
