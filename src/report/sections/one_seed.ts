/**
 * What examples say where methods have one seed each.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import {
  differs,
  type ModelPair,
  type ModelRow,
  type OneSeedTask,
} from "../../analysis/foreign/one_seed.ts";
import { noBudget } from "../../analysis/run_rows.ts";
import { chance, counted, interval, listed, nothing, signed, whole } from "../../base/format.ts";
import {
  budgetColumn,
  intervalColumn,
  methodColumn,
  scaled,
  scoreOf,
  taskColumn,
} from "../columns.ts";
import { html } from "../html.ts";
import { folded, prose, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text, type Tone } from "../table.ts";

const nameOf = ({ label, budget }: Pick<ModelRow, "label" | "budget">): string =>
  budget === noBudget ? label : `${label} at ${budget}`;

/** What a task's examples say of its models, in a few sentences. */
function taskText({ task, metric, models, pairs }: OneSeedTask): string {
  const apart = pairs.filter(differs).length;
  const best = models[0]!;
  const level = models.slice(1).filter(({ againstBest }) =>
    againstBest !== null && !differs(againstBest)
  );
  const lead = `${nameOf(best)} (${scoreOf({ metric }, best.score)})`;
  const top = level.length === 0
    ? `${lead} has the best score, and every other differs from it.`
    : `${lead} has the best score; ${counted(level.length, "other")} cannot be told from it: ${
      listed(level.map(nameOf))
    }.`;
  return `${task}: ${whole(apart)} of ${counted(pairs.length, "pair")} of models ${
    apart === 1 ? "differs" : "differ"
  } on further examples. ${top}`;
}

const toneOf = (pair: ModelPair | null): Tone =>
  pair === null || !differs(pair) ? "muted" : pair.difference > 0 ? "good" : "bad";

const pairText = (pair: ModelPair | null): string =>
  pair === null
    ? nothing
    : `${signed(scaled(pair, pair.difference), 2)} ${
      interval(scaled(pair, pair.low), scaled(pair, pair.high), 2)
    }`;

/** Whether any pair rests on numbers of examples alone. */
const isUnpaired = ({ oneSeed }: Analysis): boolean =>
  oneSeed.some(({ pairs }) => pairs.some(({ shared }) => shared === null));

function modelsTable(results: Analysis): ReportTable {
  const rows = results.oneSeed.flatMap(({ models }) => models);
  const baseline = results.baseline ?? "the baseline";
  return reportTable(rows, {
    id: "one_seed",
    title: "Models of one seed",
    note:
      `Scores with 95% intervals over examples, and differences from ${baseline} and from the best score. p is corrected by Holm for ` +
      "all pairs of this section. Beside the best, p is too small, since it was chosen for its score." +
      (isUnpaired(results)
        ? " Where only the number of examples is known, the intervals are those of separate examples, right or wrong: wider than by example."
        : " Examples are paired: McNemar’s exact test where they are right or wrong, else a t test."),
    csv: ({ againstBaseline, againstBest, ...row }) => ({
      ...row,
      difference: againstBaseline?.difference,
      differenceLow: againstBaseline?.low,
      differenceHigh: againstBaseline?.high,
      p: againstBaseline?.corrected,
      fromBest: againstBest?.difference,
      pBest: againstBest?.corrected,
    }),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("score", (row) => scoreOf(row, row.score)),
      intervalColumn,
      number("examples", (row) => whole(row.n)),
      number(
        `minus ${baseline}`,
        (row) => pairText(row.againstBaseline),
        (row) => toneOf(row.againstBaseline),
      ),
      number("p", (row) => chance(row.againstBaseline?.corrected)),
      number(
        "minus the best",
        (row) => pairText(row.againstBest),
        (row) => toneOf(row.againstBest),
      ),
      number("p beside the best", (row) => chance(row.againstBest?.corrected)),
    ],
  });
}

function pairsTable(results: Analysis): ReportTable {
  const rows = results.oneSeed.flatMap(({ pairs }) => pairs);
  return reportTable(rows, {
    id: "one_seed_pairs",
    title: "All pairs of models of one seed",
    note:
      "The first model minus the other, with 95% intervals over examples, not corrected; p alone and corrected by Holm for all these pairs.",
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      text("other", (row) => row.other),
      number("difference", (row) => signed(scaled(row, row.difference), 2)),
      intervalColumn,
      number("examples in common", (row) => row.shared === null ? "not known" : whole(row.shared)),
      number("p", (row) => chance(row.p)),
      number("p, corrected", (row) => chance(row.corrected)),
      text("differ", (row) => differs(row) ? "yes" : "cannot be told", (row) => toneOf(row)),
    ],
  });
}

/** What one seed says. */
export const oneSeed: Section = {
  title: "What one seed says",
  blocks: [
    prose(({ analysis: { oneSeed } }) =>
      oneSeed.length === 0 ? [] : [
        html`<p>Of a method with one seed, its examples say whether <b>this trained model</b> would do better on further examples. They do not say whether <b>the method</b> would with another seed: how far seeds differ is not known from one, and no correction makes up for it.</p>`,
        html`<ul>${oneSeed.map((own) => html`<li>${taskText(own)}</li>`)}</ul>`,
      ]
    ),
    table(modelsTable),
    folded(pairsTable),
  ],
};
