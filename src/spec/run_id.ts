/**
 * The identity of a run: what it computes, not what it is called.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { hashJson } from "../base/hash.ts";
import type { Budget, RunSpec } from "./types.ts";

/** SHA-256 of what a run reads. */
export interface InputHashes {
  /** Of each data file, by path relative to the data folder, and of the rows of a split that is drawn from another. */
  readonly data: Readonly<Record<string, string>>;
  readonly weights: string;
  readonly tokenizer: string;
}

/** What makes two runs the same: a run without its study and its label, as JSON. */
export function runContent(run: RunSpec): Json {
  const { study: _study, label: _label, ...content } = run;
  // RunSpec holds JSON only; an interface has no index signature, which alone keeps it from being `Json`.
  return content as unknown as Json;
}

/**
 * The id of a run: the first 16 hexadecimal digits of the hash of its content and of what it reads.
 *
 * The method's version is part of the content, and so is the hash of the source of a method that is not built in: a changed
 * method gives new ids. The study's name and the label are not, so that renaming either keeps finished runs.
 */
export function runId(run: RunSpec, hashes: InputHashes): string {
  const { data, weights, tokenizer } = hashes;
  return hashJson({ run: runContent(run), hashes: { data, weights, tokenizer } }).slice(0, 16);
}

/** A budget in few characters: `r4` for a rank, `p20000` for parameters. */
export function budgetName(budget: Budget): string {
  return `${budget.type === "rank" ? "r" : "p"}${budget.value}`;
}

/**
 * The name of a run's folder, such as `RTE-elalora-r4-seed1-0f3a9c21`; other characters become `_`.
 *
 * @param id As {@linkcode runId} gives it; its first 8 digits keep runs apart that read the same.
 */
export function runFolder(run: RunSpec, id: string): string {
  const parts = [
    run.task,
    run.method,
    ...(run.budget === null ? [] : [budgetName(run.budget)]),
    `seed${run.seed}`,
    id.slice(0, 8),
  ];
  return parts.map((part) => part.replaceAll(/[^A-Za-z0-9._-]/g, "_")).join("-");
}

/** How messages call a run: `RTE, elalora, r4, seed 1`. */
export function runTitle(run: Pick<RunSpec, "task" | "label" | "budget" | "seed">): string {
  return [
    run.task,
    run.label,
    ...(run.budget === null ? [] : [budgetName(run.budget)]),
    `seed ${run.seed}`,
  ].join(", ");
}
