/**
 * Each method beside the baseline.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { exampleRows } from "../../analysis/paired_examples.ts";
import { allTasks, keyOf } from "../../analysis/run_rows.ts";
import type { PairedRow, TestedFamily } from "../../analysis/significance.ts";
import { stochasticBar, stochasticOrderRows } from "../../analysis/stochastic_order.ts";
import { verdictText } from "../../analysis/verdict.ts";
import { fixed, nothing, signed, whole } from "../../base/format.ts";
import { significanceLevel } from "../../stats/rank_tests.ts";
import {
  budgetColumn,
  contrastCells,
  contrastColumns,
  contrastNote,
  differenceColumn,
  intervalColumn,
  marginsText,
  methodColumn,
  metricColumn,
  oddsCells,
  oddsText,
  percentText,
  scaled,
  taskColumn,
  toneOf,
  verdictColumn,
} from "../columns.ts";
import { folded, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";

/** The table of {@linkcode pairedRows}. */
function pairedTable(results: Analysis): ReportTable {
  const baseline = results.baseline;
  return tableOfRows("paired", results.tests.paired, baseline, results.tests.family);
}

/** The table of {@linkcode replayRows}. */
export function replayTable(results: Analysis): ReportTable {
  const baseline = results.replay?.baseline ?? null;
  return tableOfRows("replay_paired", results.tests.replays, baseline, results.tests.family);
}

/** What an undecided comparison most likely is, for instance `93% equal`; empty for others. */
function chanceText({ verdict, odds }: PairedRow): string {
  if (verdict.kind !== "undecided" || odds === null) return "";
  const [name, share] = Object.entries(odds).reduce((most, each) =>
    each[1] > most[1] ? each : most
  );
  return `${percentText(share)}% ${name}`;
}

/** The verdicts of {@linkcode pairedRows} alone: a row a method and budget, a column a task. */
function pairedVerdictsTable(results: Analysis): ReportTable {
  const rows = results.tests.paired;
  const baseline = results.baseline ?? "the baseline";
  const tasks = [...new Set(rows.map(({ task }) => task))];
  const lines = [...Map.groupBy(rows, ({ label, budget }) => keyOf(label, budget)).values()]
    .map((own) => ({
      label: own[0]!.label,
      budget: own[0]!.budget,
      tasks: new Map(own.map((row) => [row.task, row])),
    }));
  type Line = typeof lines[number];
  return reportTable(lines, {
    id: "paired_verdicts",
    title: `Verdicts against ${baseline}`,
    note:
      `The verdict on each method against ${baseline} with the same seeds, and the mean difference. All tests of this report are ` +
      `corrected together. Equivalent: smaller than ${
        marginsText(rows)
      }. Undecided: neither a difference nor equivalence was shown; after it stands ` +
      `the most likely answer by a Bayesian t test, with its chance.`,
    csv: (line) =>
      Object.assign(
        { label: line.label, budget: line.budget },
        ...tasks.map((task) => {
          const row = line.tasks.get(task);
          return {
            [task]: row && verdictText(row.verdict),
            [`${task} difference`]: row && scaled(row, row.mean),
            [`${task} chance`]: row && chanceText(row),
          };
        }),
      ),
    columns: [
      methodColumn,
      budgetColumn,
      ...tasks.toSorted((a, b) => Number(b === allTasks) - Number(a === allTasks)).map((task) =>
        text<Line>(
          task,
          ({ tasks }) => cellText(tasks.get(task)),
          ({ tasks }) => toneOf(tasks.get(task)?.verdict),
        )
      ),
    ],
  });
}

/** A verdict with its chance and the mean difference, `undecided, 93% equal (+0.12)`. */
function cellText(row: PairedRow | undefined): string {
  if (row === undefined) return nothing;
  const difference = signed(scaled(row, row.mean), 2);
  const said = [verdictText(row.verdict), chanceText(row)].filter((text) => text !== "").join(", ");
  return difference === nothing ? said : `${said} (${difference})`;
}

function tableOfRows(
  id: string,
  rows: readonly PairedRow[],
  baseline: string | null,
  family: TestedFamily,
): ReportTable {
  return reportTable(rows, {
    id,
    title: baseline === null
      ? "Paired differences"
      : `Differences against ${baseline}, paired by seed`,
    note: baseline === null
      ? "The study has no baseline to compare with."
      : `The difference is the method’s score minus the score of ${baseline} on the same task, budget and seed, averaged over the ` +
        `task-budget combinations that both have${
          rows.some(({ metric }) => metric === "margins")
            ? " (over tasks as multiples of each task’s margin)"
            : ""
        }. ` +
        contrastNote(family, rows),
    csv: ({ task, metric, label, budget, cells, ...contrast }) => ({
      ...{ task, metric, label, budget, cells },
      ...contrastCells(contrast),
    }),
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      budgetColumn,
      ...contrastColumns,
    ],
  });
}

/** The table of {@linkcode overTasks}. */
function overTasksTable(results: Analysis): ReportTable {
  const baseline = results.baseline ?? "the baseline";
  const rows = results.overTasks;
  const hasImprovement = rows.some(({ improvement }) => improvement !== null);
  const percent = (share: number | undefined) =>
    share === undefined ? nothing : fixed(100 * share, 0);
  return reportTable(rows, {
    id: "over_tasks",
    title: `Over tasks like these, against ${baseline}`,
    note:
      "How likely it is, in percent, that on a further task like these the method is better by more than the margin / equal within it / " +
      "worse. One answer is that of a hierarchical model over tasks and seeds (it needs three seeds on each task), the other that of " +
      "the Bayesian signed-rank test over the tasks’ mean differences. With few tasks both are vague. The verdict is about these tasks only." +
      (hasImprovement
        ? ` Runs above ${baseline}: how often a run of the method scores higher than one of ${baseline} on the same task, with a 95% bootstrap interval over seeds; 50% is no difference.`
        : ""),
    csv: ({ label, budget, tasks, improvement, improvementInterval, verdict, ...row }) => ({
      ...{ label, budget, tasks },
      ...oddsCells("hierarchical", row.hierarchical),
      ...oddsCells("next_task", row.nextTask),
      ...oddsCells("signed_rank", row.signedRank),
      improvement,
      improvement_low: improvementInterval?.low,
      improvement_high: improvementInterval?.high,
      verdict: verdictText(verdict),
    }),
    columns: [
      methodColumn,
      budgetColumn,
      number("tasks", (row) => whole(row.tasks)),
      number("hierarchical, %", (row) => oddsText(row.hierarchical)),
      number("signed-rank, %", (row) => oddsText(row.signedRank)),
      hasImprovement
        ? number(
          `runs above ${baseline}, %`,
          ({ improvement, improvementInterval: ends }) =>
            improvement === null
              ? nothing
              : `${percent(improvement)} [${percent(ends?.low)}, ${percent(ends?.high)}]`,
        )
        : null,
      verdictColumn,
    ],
  });
}

/** The table of {@linkcode exampleRows}. */
function examplesTable(results: Analysis): ReportTable {
  return reportTable(exampleRows(results), {
    id: "paired_examples",
    title: `Differences against ${
      results.baseline ?? "the baseline"
    } over other seeds and examples`,
    note:
      "What to expect with other seeds and other evaluation examples: the 95% interval joins the t interval over seeds with what the " +
      "examples add to it, whose standard errors stand beside it. It covers at least at its level, and needs two seeds. " +
      "Verdicts do not rest on it, unless a claim asks for it: their tests take the examples as they are.",
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      budgetColumn,
      number("seeds", (row) => whole(row.seeds)),
      number("examples", (row) => whole(row.n)),
      differenceColumn,
      intervalColumn,
      number("error of seeds", (row) => fixed(scaled(row, row.seedError), 2)),
      number("of examples", (row) => fixed(scaled(row, row.exampleError), 2)),
      text("no verdict", (row) => row.noVerdict ?? nothing, () => "muted"),
    ],
  });
}

/** The table of {@linkcode stochasticOrderRows}. */
function stochasticOrderTable(results: Analysis): ReportTable {
  const rows = stochasticOrderRows(results);
  const baseline = results.baseline ?? "the baseline";
  return reportTable(rows, {
    id: "stochastic_order",
    title: `Almost stochastic order against ${baseline}`,
    note:
      `How far the scores of a method are at most from lying above those of ${baseline} at every quantile (0: they do, ` +
      `½: no order, 1: they lie below), and from lying below them: upper limits at ${
        whole(100 * (1 - significanceLevel))
      }% for all ${
        whole(2 * rows.length)
      } orders together. Runs are not paired by seed. Below ${stochasticBar} ` +
      "the order holds (Ulmer et al. 2022). With a handful of seeds quantiles are hardly known: this is a description beside the tests.",
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      budgetColumn,
      number("runs", (row) => whole(row.n)),
      number("from above", (row) => fixed(row.above, 2)),
      number("from below", (row) => fixed(row.below, 2)),
      text(
        "order",
        (row) => row.order,
        (row) => row.order === "above" ? "good" : row.order === "below" ? "bad" : "muted",
      ),
    ],
  });
}

/** Differences from the baseline, paired by seed. */
export const pairedDifferences: Section = {
  title: "Paired differences",
  id: "differences",
  empty: () => "Differences need a method to compare with: add LoRA to the study.",
  blocks: [
    table(pairedVerdictsTable),
    folded(overTasksTable),
    folded(pairedTable),
    folded(examplesTable),
    folded((analysis, { hasStochasticOrder = false }) =>
      hasStochasticOrder ? stochasticOrderTable(analysis) : null
    ),
  ],
};
