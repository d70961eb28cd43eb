/**
 * Results of peft's method comparison (`method_comparison/<task>/results/*.json` in its repository): one file a configuration.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { z } from "zod";
import type { ForeignScore } from "../../analysis/foreign/foreign_score.ts";
import { InputError } from "../../base/input_error.ts";
import { problemsOf } from "../../study/check/problems.ts";

const peftResult = z.object({
  run_info: z.object({
    experiment_name: z.string().min(1),
    train_config: z.object({ model_id: z.string(), seed: z.int().min(0) }),
  }),
  train_info: z.object({
    status: z.string(),
    num_trainable_params: z.number().min(0),
    metrics: z.array(z.record(z.string(), z.unknown())),
  }),
});

/** Examples that peft tests on, by its task: the test split of GSM8K. */
const testExamples: Readonly<Record<string, number>> = { MetaMathQA: 1319 };

/** What peft reports beside the score of the test: less is better. */
const besides = ["forgetting", "drift"] as const;

/** Whether a JSON value is such a file. */
export function isPeftResult(value: unknown): boolean {
  return typeof value === "object" && value !== null && "run_info" in value &&
    "train_info" in value;
}

/** The configuration's name without that of the model that all of them adapt, such as `lora rank32`. */
function methodOf(experiment: string, model: string): string {
  const [method = "", ...rest] = experiment.split("/");
  const short = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  const config = rest.join(" ");
  const own = config.toLowerCase().startsWith(short)
    ? config.slice(short.length).replace(/^-/, "")
    : config;
  return own === "" || own === "default" ? method : `${method} ${own}`;
}

/**
 * The scores of a file: those of the test, one row a metric.
 *
 * @throws {InputError} If it is not as peft writes it.
 */
export function readPeftResult(value: unknown, file: string): readonly ForeignScore[] {
  const parsed = peftResult.safeParse(value);
  if (!parsed.success) {
    const [{ where, message }] = problemsOf(parsed.error.issues, value) as [
      { readonly where: string; readonly message: string },
    ];
    const [found = message, wanted = "what peft writes"] = message.split(", wanted ");
    throw new InputError({ file, place: where, found: found.replace(/^found /, ""), wanted });
  }
  const { run_info: { experiment_name, train_config }, train_info } = parsed.data;
  const folder = dirname(file);
  const task = basename(basename(folder) === "results" ? dirname(folder) : folder) || "peft";
  const last = train_info.metrics.at(-1) ?? {};
  const about = {
    method: methodOf(experiment_name, train_config.model_id),
    task,
    seed: train_config.seed,
    parameters: train_info.num_trainable_params,
    file,
  };
  const tests = Object.entries(last).flatMap(([key, value]) =>
    key.startsWith("test ") && typeof value === "number" ? [[key.slice(5), value] as const] : []
  );
  if (train_info.status !== "success" || tests.length === 0) return [{ ...about, score: null }];
  const examples = testExamples[task];
  return [
    ...tests.map(([metric, score]) => ({
      ...about,
      ...{ metric, score },
      ...(metric === "accuracy" && examples !== undefined && isCount(score * examples)
        ? { examples }
        : {}),
    })),
    ...besides.flatMap((metric): readonly ForeignScore[] => {
      const score = last[metric];
      return typeof score === "number" ? [{ ...about, metric, score, better: "lower" }] : [];
    }),
  ];
}

const isCount = (value: number): boolean => Math.abs(value - Math.round(value)) < 1e-6;
