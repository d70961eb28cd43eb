/**
 * The identity of a run: what it computes, not what it is called.
 *
 * @module
 */
import { budgetKey } from "../budget/budget.ts";
import type { Json } from "../../base/canonical_json.ts";
import { hashJson } from "../../base/hash.ts";
import type { RunSpec } from "../types.ts";

/** SHA-256 of what a run reads. */
export interface InputHashes {
  /** Of each data file, by path relative to the data folder, of rows drawn from another split, and of how a user's task is read. */
  readonly data: Readonly<Record<string, string>>;
  /** Of the encoder's weights: the file, or several by name. */
  readonly weights: string;
  /** Of the tokenizer's files, by name. */
  readonly tokenizer: string;
}

/** What makes two runs the same: a run without its study and what it is called there, as JSON. */
export function runContent(run: RunSpec): Json {
  const { study: _study, label: _label, arm: _arm, varied: _varied, ...content } = run;
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

const mostOfLabel = 40;

/** A label as a part of a folder's name, without the method's name that it may begin with; empty where that is all of it. */
function labelPart({ method, label }: Pick<RunSpec, "method" | "label">): string {
  const rest = label.startsWith(method) ? label.slice(method.length) : label;
  const own = /^[A-Za-z0-9]/.test(rest) ? label : rest;
  return own.normalize("NFKD").replaceAll(/\p{M}/gu, "").replaceAll(/[^A-Za-z0-9._]+/g, "-")
    .replaceAll(/^[-.]+/g, "").slice(0, mostOfLabel).replaceAll(/[-.]+$/g, "");
}

function nameOf(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll(/[^A-Za-z0-9._-]/g, "_")).join("-");
}

/** How the names of all folders of a run begin and end, whatever its label is. */
function endsOf(run: RunSpec, id: string): { readonly start: string; readonly end: string } {
  const budget = run.budget === null ? [] : [budgetKey(run.budget)];
  return {
    start: nameOf([run.task, run.method]),
    end: nameOf([...budget, `seed${run.seed}`, id.slice(0, 8)]),
  };
}

/**
 * The name of a run's folder, such as `RTE-elalora-r4-seed1-0f3a9c21`; where its label says more than the method, as in `lora
 * alpha=32`, that stands after the method: `RTE-lora-alpha-32-r4-seed1-5c0b3e17`.
 *
 * @param id As {@linkcode runId} gives it; its first 8 digits keep runs apart that read the same.
 */
export function runFolder(run: RunSpec, id: string): string {
  const { start, end } = endsOf(run, id);
  const label = labelPart(run);
  return [start, ...(label === "" ? [] : [label]), end].join("-");
}

/** Whether a folder's name is one that a run had under some label or under none. */
export function isFolderOf(run: RunSpec, id: string, name: string): boolean {
  const { start, end } = endsOf(run, id);
  return name.startsWith(`${start}-`) && name.endsWith(`-${end}`) &&
    name.length >= start.length + 1 + end.length;
}

/** How messages call the runs that differ in their seeds only: `RTE, elalora, r4`. */
export function cellTitle(
  { task, label, budget }: Pick<RunSpec, "task" | "label" | "budget">,
): string {
  return [task, label, ...(budget === null ? [] : [budgetKey(budget)])].join(", ");
}

/** How messages call a run: `RTE, elalora, r4, seed 1`. */
export function runTitle(run: Pick<RunSpec, "task" | "label" | "budget" | "seed">): string {
  return `${cellTitle(run)}, seed ${run.seed}`;
}
