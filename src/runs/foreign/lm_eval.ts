/**
 * Results of lm-evaluation-harness: `results_<time>.json`, and beside it `samples_<task>_<time>.jsonl` with a line an example where
 * it was run with `--log_samples`.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { z } from "zod";
import type { ForeignScore } from "../../analysis/foreign/foreign_score.ts";
import { counted, listed } from "../../base/format.ts";
import { InputError } from "../../base/input_error.ts";
import { parseJson } from "../../base/read_json.ts";

/** A file with its text. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

const lmEvalResults = z.object({
  results: z.record(z.string(), z.record(z.string(), z.unknown())),
  group_subtasks: z.record(z.string(), z.array(z.string())).default({}),
  higher_is_better: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  "n-samples": z.record(z.string(), z.object({ effective: z.number() })).default({}),
  model_name: z.string().nullish(),
});

const sample = z.object({
  doc_id: z.union([z.number(), z.string()]),
  filter: z.string().default("none"),
  metrics: z.array(z.string()),
});

/** Keys of a task's results that are no metric. */
const noMetric = /^(?:alias|name|sample_len|sample_count)$|_stderr,/;

/** Whether a JSON value is such a file. */
export function isLmEvalResults(value: unknown): boolean {
  return typeof value === "object" && value !== null && "results" in value && "configs" in value;
}

/** Whether a file holds examples that a file of results stands for. */
export const isSamplesFile = (path: string): boolean => /^samples_.*\.jsonl$/.test(basename(path));

/** The time in a file's name, which a run's files share. */
const timeOf = (path: string): string =>
  /_(\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl?$/.exec(basename(path))?.[1] ?? "";

/** The method and, where the model's name ends with one, its seed, such as `lora` and 3 of `out/lora-seed3`. */
function methodOf(model: string): { readonly method: string; readonly seed?: number } {
  const name = model.replace(/[/\\]+$/, "").replace(/^.*(?:[/\\]|__)/, "");
  const [, method, seed] = /^(.+?)[-_.]?seed[-_=]?(\d+)$/i.exec(name) ?? [];
  return method === undefined ? { method: name } : { method, seed: Number(seed) };
}

/** A metric as people call it: its filter only where there is one. */
function metricName(key: string): string {
  const [metric = key, filter = "none"] = key.split(",");
  return filter === "none" ? metric : `${metric} (${filter})`;
}

/** A file of results with its parsed value. */
interface Parsed {
  readonly path: string;
  readonly value: z.infer<typeof lmEvalResults>;
  readonly model: string;
}

/**
 * The scores of files of results: a row a metric, or a row a metric and example where there are samples. Of several results of one
 * model on one task the latest counts.
 *
 * @param samples All files of samples that were found.
 *
 * @throws {InputError} If a file is not as the harness writes it.
 */
export function readLmEval(
  files: readonly { readonly path: string; readonly value: unknown }[],
  samples: readonly TextFile[],
): { readonly scores: readonly ForeignScore[]; readonly warnings: readonly string[] } {
  const parsed = files.map(({ path, value }): Parsed => {
    const result = lmEvalResults.safeParse(value);
    if (!result.success) {
      const [{ path: keys, message }] = result.error.issues as [z.core.$ZodIssue];
      throw new InputError({
        ...{ file: path, place: keys.join("."), found: message },
        wanted: "what lm-eval writes",
      });
    }
    // Its folder is named after the model.
    return {
      path,
      value: result.data,
      model: result.data.model_name ?? basename(dirname(path)),
    };
  });
  const latest = new Map<string, Parsed>();
  const older = new Set<string>();
  for (const file of parsed.toSorted((a, b) => timeOf(a.path) < timeOf(b.path) ? -1 : 1)) {
    for (const task of leavesOf(file.value)) {
      const key = JSON.stringify([file.model, task]);
      if (latest.has(key)) older.add(`${file.model} on ${task}`);
      latest.set(key, file);
    }
  }
  const places = new Map(samples.map((file) => [sampleKey(file.path), file]));
  const scores = [...latest].flatMap(([key, file]) => {
    const [, task] = JSON.parse(key) as [string, string];
    return taskScores(task, file, places.get(`${dirname(file.path)}/${task}/${timeOf(file.path)}`));
  });
  return {
    scores,
    warnings: older.size === 0 ? [] : [
      `${counted(older.size, "result")} of lm-eval ${
        older.size === 1 ? "was" : "were"
      } made again, and the latest counts: ${listed([...older])}.`,
    ],
  };
}

/** Where a file of samples belongs to. */
function sampleKey(path: string): string {
  const time = timeOf(path);
  const task = basename(path).slice("samples_".length, -`_${time}.jsonl`.length);
  return `${dirname(path)}/${task}/${time}`;
}

/** The tasks that are no mean of others. */
function leavesOf({ results, group_subtasks }: Parsed["value"]): readonly string[] {
  return Object.keys(results).filter((task) => (group_subtasks[task] ?? []).length === 0);
}

function taskScores(
  task: string,
  { path, value, model }: Parsed,
  samples: TextFile | undefined,
): readonly ForeignScore[] {
  const metrics = Object.entries(value.results[task]!).filter(([key, score]) =>
    !noMetric.test(key) && typeof score === "number"
  ) as readonly (readonly [string, number])[];
  const examples = value["n-samples"][task]?.effective;
  const byMetric = samples === undefined ? new Map<string, never>() : readSamples(samples);
  return metrics.flatMap(([key, score]): readonly ForeignScore[] => {
    const [name = key] = key.split(",");
    const higher = value.higher_is_better[task]?.[name];
    const about = {
      ...methodOf(model),
      ...{ task, metric: metricName(key) },
      ...(typeof higher === "boolean" ? { better: higher ? "higher" : "lower" } as const : {}),
    };
    const own = byMetric.get(key) ?? [];
    const mean = own.reduce((sum, { score }) => sum + score, 0) / own.length;
    // Of other means, as those of words or corpora, examples say something else.
    return own.length > 0 && Math.abs(mean - score) < 1e-6
      ? own.map((example) => ({ ...about, file: samples!.path, ...example }))
      : [{ ...about, file: path, score, ...(examples === undefined ? {} : { examples }) }];
  });
}

interface ExampleScore {
  readonly example: string | number;
  readonly score: number;
  readonly line: number;
}

/** Scores of examples by metric and filter, as keys of results have them. */
function readSamples({ path, text }: TextFile): ReadonlyMap<string, readonly ExampleScore[]> {
  const found = new Map<string, ExampleScore[]>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const place = `line ${i + 1}`;
    const value = parseJson(line, path, { place });
    const result = sample.safeParse(value);
    if (!result.success) {
      const [issue] = result.error.issues as [z.core.$ZodIssue];
      throw new InputError({
        ...{ file: path, place, found: `${issue.path.join(".")}: ${issue.message}` },
        wanted: "doc_id, filter and metrics, as lm-eval writes them",
      });
    }
    const { doc_id: example, filter, metrics } = result.data;
    for (const metric of metrics) {
      const score = Reflect.get(value as object, metric);
      if (typeof score !== "number" && typeof score !== "boolean") continue;
      const key = `${metric},${filter}`;
      const own = found.get(key) ?? [];
      if (own.length === 0) found.set(key, own);
      own.push({ example, score: Number(score), line: i + 1 });
    }
  }
  return found;
}
