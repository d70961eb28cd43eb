/**
 * What the labels that a study gives its methods stand for.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { isObject } from "../study/schema/setting_paths.ts";
import type { StudyMethod } from "../study/schema/study.ts";
import type { Analysis } from "../analysis/analysis.ts";
import { entryOf } from "../analysis/varied.ts";

/** What labels stand for, by the labels as reports show them. */
export type LabelMeanings = ReadonlyMap<string, string>;

/** A value of an option in words: `svd`, `moves (by magnitude)`. */
function valueWords(value: Json): string {
  if (Array.isArray(value)) return value.map(valueWords).join(", ");
  if (!isObject(value)) return String(value);
  const { type, ...rest } = value;
  const more = Object.entries(rest).map(([key, own]) => `${key} ${valueWords(own)}`).join(", ");
  if (type === undefined) return more;
  return more === "" ? valueWords(type) : `${valueWords(type)} (${more})`;
}

/** A method with what its entry on the axis sets: `composed with form svd, policy fixed`. */
function meaningOf(
  { method, options = {}, ranks }: Exclude<StudyMethod, string>,
): string {
  const set = [
    ...Object.entries(options).map(([key, value]) => `${key} ${valueWords(value)}`),
    ...(ranks === undefined ? [] : [`ranks ${valueWords(ranks as unknown as Json)}`]),
  ];
  return `${method} with ${set.length === 0 ? "its default options" : set.join(", ")}`;
}

/** The labels that the study gives and its runs have, with what they set; other labels say it themselves. */
export function labelMeanings({ study: { methods = [] }, runs }: Analysis): LabelMeanings {
  const given = new Map(
    methods.flatMap((entry) =>
      typeof entry === "string" || entry.label === undefined
        ? []
        : [[entry.label, meaningOf(entry)] as const]
    ),
  );
  return new Map(runs.flatMap((run) => {
    const meaning = given.get(entryOf(run));
    return meaning === undefined ? [] : [[run.record.asked.label, meaning] as const];
  }));
}
