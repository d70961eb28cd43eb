/**
 * The words of a report that its readers may not know, explained where they stand and at the end of the page.
 *
 * @module
 */
import type { Analysis } from "../analysis/analysis.ts";
import { entryOf } from "../analysis/varied.ts";
import type { Json } from "../base/canonical_json.ts";
import { isObject } from "../study/schema/setting_paths.ts";
import type { StudyMethod } from "../study/schema/study.ts";
import { type Html, html } from "./html.ts";

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

const words: Readonly<Record<string, string>> = {
  "95% interval":
    "Made in this way, it contains the true mean in 95 of 100 studies, if scores vary over seeds like a normal distribution.",
  "after stopping":
    "The difference of a claim corrected for stopping early: over all ways in which the study could have ended, it is too large as often as too small. Among claims called better it is still too large.",
  "baseline":
    "The method that others are compared with: LoRA with its own options and the ranks of its budget.",
  "block": "One task with one seed, in which all ranked methods have a score.",
  "budget":
    "How much a method may train: an average rank over the adapted modules, or a number of adapter parameters.",
  "cell": "The runs of one task, method and budget; they differ in their seed.",
  "converged?":
    "Whether score and held-out loss had stopped improving in the last fifth of the steps; a cell that had not gets no verdict.",
  "decides by": "The score by which a policy ranks the ranks that it drops, moves or grows.",
  "difference":
    "The mean over seeds of one score minus the other on the same task: a method’s minus the baseline’s, or A’s minus B’s.",
  "effect": "What a method gains over the baseline: its difference, with the interval of it.",
  "equivalent": "The difference was shown to be smaller than the margin, in either direction.",
  "form":
    "How the update is written: B A (lora), B diag(E) A with a trained E and rows kept orthogonal (svd), or with gates (gated).",
  "letters": "Methods that share a letter do not differ significantly.",
  "majority class": "The score of always predicting the class that is most frequent in training.",
  "margin": "The difference below which two methods count as equally good.",
  "policy":
    "The rule by which ranks change in training: fixed (none does, “no moves”), mask (some are switched off), moves (they go from one module to another) or gates (a penalty closes them).",
  "rule":
    "When a study with claims may stop: after which numbers of seeds it looks, and what decides.",
  "seed":
    "The number from which a run draws everything random; runs with one seed see the same batches.",
  "stored": "Parameters that deploying the run needs besides its head.",
  "worth":
    "The budget at which the baseline reaches the method’s mean score; the budgets between those tried are read off a line.",
};

/**
 * A word with its explanation for a pointer that rests on it; other text as it is.
 *
 * @param labels Labels of the study, which go before words. Default: none.
 */
export function explained(text: string, labels: LabelMeanings = new Map()): string | Html {
  const meaning = labels.get(text) ?? words[text];
  return meaning === undefined ? text : html`<abbr title="${meaning}">${text}</abbr>`;
}

/** All words with their explanations, the study's labels last. */
export function glossaryHtml(labels: LabelMeanings): Html {
  return html`<dl class="glossary">${
    [...Object.entries(words), ...labels].map(([word, meaning]) =>
      html`
        <div>
          <dt>${word}</dt>
          <dd>${meaning}</dd>
        </div>
      `
    )
  }</dl>`;
}
