/**
 * What the answer of a study rests on: the tests, what they could have found, and the methods without a budget.
 *
 * @module
 */
import { noBudget } from "../../analysis/run_rows.ts";
import { counted, fixed, joined, listed, whole } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { fewestBlocks } from "../../stats/rank_tests.ts";
import type { Ranking } from "../../analysis/ranking.ts";
import { correctionText, isTested, type PairedRow, widest } from "../../analysis/significance.ts";
import { marginText } from "../columns.ts";
import { type BudgetResult, type Context, signOf, testsAt } from "./context.ts";
import { methodsText } from "./budgets.ts";
import { atBudget, differenceWords, scopeText, sentence } from "./finding.ts";

const blockWords = "a block is one task with one seed";

/** Methods whose figures a sentence gives. */
const mostNamed = 3;

/** Said where no method does better than always predicting the majority class. */
export function majorityTexts({ results, rows }: Context): readonly string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const majority = results.majority.get(first.task) ?? null;
  const sign = signOf(first.metric);
  if (majority === null || rows.some(({ mean }) => sign * mean! > sign * majority)) return [];
  const { title, scale } = metricInfo(first.metric);
  return [
    `No method beats always predicting the majority class (${title} ${
      fixed(majority * scale, 2)
    }).`,
  ];
}

/** Which test the answer rests on; of several budgets that of the largest. */
export function testTexts(
  found: readonly { readonly ranking: Ranking; readonly result: BudgetResult }[],
  context: Context,
): readonly string[] {
  const { ranking: { blocks, comparisons }, result: { test, methods, budget, early, remedy } } =
    found.at(
      -1,
    )!;
  const pairs = methods.length * (methods.length - 1) / 2;
  const place = found.length === 1 ? "" : atBudget(budget);
  if (test === "early") {
    return [
      remedy.see === "Convergence"
        ? `No verdict${place}: runs of ${
          methodsText(early)
        } were still improving when they ended (see Convergence).`
        : `No verdict${place}: ${methodsText(early)} ${
          early.length === 1 ? "needs" : "need"
        } ${remedy.needs} (see ${remedy.see}).`,
    ];
  }
  if (test === "ranks") {
    const { family } = context.results.tests;
    return [
      `Signed-rank ${pairs === 1 ? "test" : "tests"}${place} over ${
        counted(blocks, "block")
      } (${blockWords}), ${correctionText(family)}.`,
    ];
  }
  const compared = comparisons < 2 ? "two methods" : `${whole(comparisons)} comparisons`;
  const needed = comparisons === 0 ? [] : [
    `A rank test of ${compared} needs ${
      whole(fewestBlocks(comparisons))
    } blocks (${blockWords}); there ${blocks === 1 ? "is" : "are"} ${whole(blocks)}${place}.`,
  ];
  if (test === "none") return needed;
  const tests = testsAt(budget, context).filter(({ label }) => methods.includes(label));
  return [[...needed, pairedText(tests, context)].join(" ")];
}

/** How methods were compared with the baseline. */
export function pairedText(
  tests: readonly PairedRow[],
  { results, baseline }: Pick<Context, "results" | "baseline">,
): string {
  const { family } = results.tests;
  const seeds = counted(Math.max(...tests.map(({ n }) => n)), "seed");
  return `${
    tests.length === 1 ? "The comparison" : "Each comparison"
  } with ${baseline} is a paired t test over ${seeds}, ${correctionText(family)}.`;
}

/** How large a difference from the baseline would have had to be, for methods that do not differ from it. */
export function detectableTexts(
  { results, baseline }: Context,
  labels: ReadonlySet<string>,
): readonly string[] {
  if (baseline === null) return [];
  const rows = widest(results.tests.paired.filter(({ label }) => labels.has(label)));
  const open = rows.filter(({ verdict }) => verdict.kind === "undecided");
  if (open.length === 0 || new Set(open.map(({ task }) => task)).size > 1) return [];
  const half = (row: PairedRow) => (row.high! - row.low!) / 2;
  const sizeText = (row: PairedRow) => {
    const { scale, title } = metricInfo(row.metric);
    return `${fixed(half(row) * scale, 1)} ${scale === 100 ? "points" : title}`;
  };
  const sorted = open.toSorted((a, b) => half(a) - half(b));
  const sizes = open.length <= mostNamed
    ? joined(
      open.map((test) =>
        `${sizeText(test)} for ${test.label} (found: ${differenceWords(test.mean!, test.metric)})`
      ),
    )
    : `${sizeText(sorted[0]!)} to ${sizeText(sorted.at(-1)!)} for the ${
      whole(open.length)
    } methods without one`;
  return [
    `${
      sentence(scopeText(open[0]!))
    }, a significant difference from ${baseline} would have to exceed ${sizes}, if it were the only test.`,
  ];
}

/** How the methods without a budget compare with the baseline; none in a study that has only such. */
export function freeTexts({ grid, results, baseline }: Context): readonly string[] {
  const free = new Set(
    results.scores.filter((row) => row.budget === noBudget).map(({ label }) => label),
  );
  if (grid.budgets.length < 2 || baseline === null || free.has(baseline)) return [];
  const tests = widest(results.tests.paired).filter((row) => isTested(row) && free.has(row.label));
  return tests.length === 0 ? [] : [`Without a budget, ${comparedText(tests, baseline)}.`];
}

/** Methods against the baseline, for instance `full (+3.10 points) is significantly better than lora`. */
export function comparedText(tests: readonly PairedRow[], baseline: string): string {
  const hasTasks = new Set(tests.map(({ task }) => task)).size > 1;
  const named = (row: PairedRow) =>
    `${row.label}${hasTasks ? ` on ${row.task}` : ""} (${differenceWords(row.mean!, row.metric)})`;
  const said = [
    [["better"], `significantly better than ${baseline}`],
    [["worse"], `significantly worse than ${baseline}`],
    [
      ["equivalent"],
      `equivalent to ${baseline} within ${[...new Set(tests.map(marginText))].join(", ")}`,
    ],
    [["undecided", "untested"], `not significantly different from ${baseline}`],
  ] as const;
  return joined(said.flatMap(([kinds, words]) => {
    const own = tests.filter(({ verdict }) => kinds.some((kind) => kind === verdict.kind));
    if (own.length === 0) return [];
    return [`${listed(own.map(named))} ${own.length === 1 ? "is" : "are"} ${words}`];
  }));
}
