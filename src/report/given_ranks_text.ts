/**
 * Where the given ranks of a run come from, in words.
 *
 * @module
 */
import type { RecordedRequest } from "../record/types.ts";
import { budgetName } from "../analysis/run_rows.ts";
import { joined } from "../base/format.ts";
import type { RunResults } from "../analysis/results.ts";

/** What a source is where it is not as the run that takes its ranks: `elalora on CoLA with seed 1`. */
function sourceText(asked: RecordedRequest, source: RecordedRequest): string {
  const [own, theirs] = [budgetName(asked.budget), budgetName(source.budget)];
  return [
    source.label,
    ...(source.task === asked.task ? [] : [`on ${source.task}`]),
    ...(theirs === own ? [] : [`at ${theirs}`]),
    ...(source.seed === asked.seed ? [] : [`with seed ${source.seed}`]),
  ].join(" ");
}

/**
 * Where the initial ranks of a run come from; null where they follow from its budget.
 *
 * @param runs The runs of its study, among which its source is looked for.
 */
export function givenRanksText({ record }: RunResults, runs: readonly RunResults[]): string | null {
  const { asked } = record;
  const { ranksFrom } = asked;
  if (ranksFrom === undefined) {
    const { ranks } = asked.run as { readonly ranks?: unknown };
    return ranks === undefined || ranks === null ? null : "set by hand for each module";
  }
  if (ranksFrom.type === "dose") {
    const deltas = ranksFrom.add.map((delta) => {
      const place = "layer" in delta
        ? `layer ${delta.layer}`
        : "module" in delta
        ? delta.module
        : `all ${delta.part}`;
      return `${delta.by < 0 ? "−" : "+"}${Math.abs(delta.by)} in ${place}`;
    });
    return `those of the budget, ${joined(deltas)}`;
  }
  const as = ranksFrom.as === "same" ? "" : `, ${ranksFrom.as}`;
  if (ranksFrom.type === "file") return `those of ${ranksFrom.file}${as}`;
  const source = runs.find((run) => run.record.id === ranksFrom.run);
  const from = source === undefined ? ranksFrom.title : sourceText(asked, source.record.asked);
  return `the final ones of ${from}${as}`;
}
