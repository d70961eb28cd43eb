/**
 * Each method beside the baseline.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { allBudgets, replayBaseline } from "../../analysis/paired_rows.ts";
import { type Evaluated, scorerOf } from "../../analysis/resampled_scores.ts";
import type { RunResults } from "../../analysis/results.ts";
import {
  allTasks,
  budgetName,
  keyOf,
  noBudget,
  selectedEvaluation,
} from "../../analysis/run_rows.ts";
import { orderOf } from "../../analysis/scores.ts";
import { type PairedRow, type TestedFamily } from "../../analysis/significance.ts";
import { verdictText } from "../../analysis/verdict.ts";
import { fixed, nothing, signed, whole } from "../../base/format.ts";
import type { RunRecord } from "../../record/types.ts";
import { significanceLevel } from "../../stats/rank_tests.ts";
import { almostStochasticOrder } from "../../stats/stochastic_order.ts";
import { type TwoWayDraw, twoWayDraws, twoWayIntervals } from "../../stats/two_way_bootstrap.ts";
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
export function pairedTable(results: Analysis): ReportTable {
  const baseline = results.baseline;
  return tableOfRows("paired", results.tests.paired, baseline, results.tests.family);
}

/** The table of {@linkcode replayRows}. */
export function replayTable(results: Analysis): ReportTable {
  const baseline = results.replay === null ? null : replayBaseline(results.replay);
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
export function pairedVerdictsTable(results: Analysis): ReportTable {
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
export function overTasksTable(results: Analysis): ReportTable {
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

/** Resamples of a cell: enough for the ends of an interval to a tenth of its width. */
const draws = 1000;

const cellKey = ({ asked }: RunRecord, budget: string) => keyOf(asked.task, budget, asked.seed);

/** Two runs of a seed. */
interface RunPair {
  readonly theirs: RunResults;
  readonly ours: RunResults;
}

/** Finite predictions of a run on the split that counts, by example. */
function predictionsOf(run: RunResults): ReadonlyMap<number, Evaluated> {
  const split = selectedEvaluation(run.record)?.split;
  return new Map(
    run.predictions.filter((line) =>
      line.split === split && Number.isFinite(line.prediction) && Number.isFinite(line.target)
    ).map(({ id, prediction, target }) => [id, { prediction, target }]),
  );
}

/** What two methods predicted of the examples that all their runs have: `[seed][example]`. */
function matricesOf(pairs: readonly RunPair[]) {
  const theirs = pairs.map((pair) => predictionsOf(pair.theirs));
  const ours = pairs.map((pair) => predictionsOf(pair.ours));
  const ids = [...theirs[0]!.keys()].filter((id) =>
    [...theirs, ...ours].every((predictions) => predictions.has(id))
  );
  const rowsOf = (all: typeof theirs) => all.map((own) => ids.map((id) => own.get(id)!));
  return { theirs: rowsOf(theirs), ours: rowsOf(ours), examples: ids.length };
}

/** The difference of a cell with its intervals; null for a metric that predictions alone do not give. */
function differenceOf(
  pairs: readonly RunPair[],
  metric: string,
  drawsOf: (seeds: number, examples: number) => readonly TwoWayDraw[],
) {
  const { theirs, ours, examples } = matricesOf(pairs);
  const [scoreTheirs, scoreOurs] = [scorerOf(metric, theirs), scorerOf(metric, ours)];
  if (scoreTheirs === null || scoreOurs === null || examples === 0) return null;
  const statistic = ({ seeds, examples }: TwoWayDraw) => {
    let sum = 0;
    for (const seed of seeds) sum += scoreTheirs(seed, examples) - scoreOurs(seed, examples);
    return sum / seeds.length;
  };
  const seeds = pairs.length;
  const found = twoWayIntervals({ seeds, examples }, statistic, drawsOf(seeds, examples));
  const all = (count: number) => Array.from({ length: count }, (_, i) => i);
  return {
    seeds,
    n: examples,
    mean: found?.observed ?? statistic({ seeds: all(seeds), examples: all(examples) }),
    low: found?.corrected.low ?? null,
    high: found?.corrected.high ?? null,
    percentileLow: found?.percentile.low ?? null,
    percentileHigh: found?.percentile.high ?? null,
  };
}

/**
 * Differences of the metric itself with intervals over other seeds and other evaluation examples at once, where
 * {@linkcode pairedTable} takes the examples as they are.
 */
export function examplesTable(results: Analysis): ReportTable {
  const grid = results.grid;
  const baseline = results.baseline;
  const finished = results.runs.filter((run) =>
    selectedEvaluation(run.record) !== null && run.predictions.length > 0
  );
  const ours = new Map(
    finished.filter((run) => run.record.asked.label === baseline)
      .map((run) => [cellKey(run.record, budgetName(run.record.asked.budget)), run]),
  );
  const pairs = finished.filter((run) => run.record.asked.label !== baseline).flatMap((theirs) => {
    const { asked } = theirs.record;
    const own = budgetName(asked.budget);
    return (own === noBudget ? grid.budgets : [own]).flatMap((budget) => {
      const baselineRun = ours.get(cellKey(theirs.record, budget));
      return baselineRun === undefined
        ? []
        : [{ task: asked.task, label: asked.label, budget, theirs, ours: baselineRun }];
    });
  });
  const order = orderOf(grid);
  const known = new Map<string, readonly TwoWayDraw[]>();
  const drawsOf = (seeds: number, examples: number) => {
    const key = keyOf(seeds, examples);
    const found = known.get(key) ?? [...twoWayDraws(seeds, examples, { seed: 0, draws })];
    known.set(key, found);
    return found;
  };
  const rows = [...Map.groupBy(pairs, (pair) => keyOf(pair.task, pair.label, pair.budget)).values()]
    .flatMap((group) => {
      const { task, label, budget } = group[0]!;
      const metric = grid.metrics.get(task) ?? "";
      const difference = differenceOf(group, metric, drawsOf);
      if (difference === null) return [];
      const noVerdict = results.noVerdict(
        ...[label, baseline ?? []].flat().map((each) => ({ task, label: each, budget })),
      );
      return [{ task, metric, label, budget, ...difference, noVerdict }];
    })
    .sort((a, b) => order(a) - order(b));
  return reportTable(rows, {
    id: "paired_examples",
    title: `Differences against ${baseline ?? "the baseline"} over other seeds and examples`,
    note:
      "The metric is computed anew on seeds and evaluation examples that are drawn together with replacement, the same ones for both " +
      `methods: the 95% interval (BCa, ${
        whole(draws)
      } draws) has both sources of variance and is rather too wide than too narrow. It needs three seeds. ` +
      "It shows what to expect with other examples. Verdicts do not rest on it: their tests take the examples as they are.",
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      budgetColumn,
      number("seeds", (row) => whole(row.seeds)),
      number("examples", (row) => whole(row.n)),
      differenceColumn,
      intervalColumn,
      text("no verdict", (row) => row.noVerdict ?? nothing, () => "muted"),
    ],
  });
}

/** The bar below which a method is called almost stochastically larger, as Ulmer et al. 2022 advise for few runs. */
const bar = 0.2;

/**
 * The table: for each task and budget that a method shares with the baseline, how far its scores are at most from lying above the
 * baseline's at every quantile, and below them. Cells without a verdict are left out.
 */
export function stochasticOrderTable(results: Analysis): ReportTable {
  const baseline = results.baseline;
  const cells = Map.groupBy(
    results.rows.filter(({ score }) => score !== null),
    ({ task, label, budget }) => keyOf(task, label, budget),
  );
  const scoresOf = (task: string, label: string, budget: string) =>
    (cells.get(keyOf(task, label, budget)) ?? cells.get(keyOf(task, label, noBudget)) ?? [])
      .map(({ score, metric }) => (metricInfo(metric).isHigherBetter ? 1 : -1) * score!);
  const pairs = (baseline === null ? [] : results.tests.paired).filter((
    { task, budget, noVerdict },
  ) => task !== allTasks && budget !== allBudgets && noVerdict === null).flatMap((row) => {
    const own = scoresOf(row.task, row.label, row.budget);
    const theirs = scoresOf(row.task, baseline!, row.budget);
    return own.length < 2 || theirs.length < 2 ? [] : [{ row, own, theirs }];
  });
  // Two orders a pair, all corrected together.
  const level = 1 - significanceLevel / Math.max(1, 2 * pairs.length);
  const rows = pairs.map(({ row: { task, metric, label, budget }, own, theirs }) => {
    const above = almostStochasticOrder(own, theirs, { seed: 0, level });
    const below = almostStochasticOrder(theirs, own, { seed: 0, level });
    const order = above < bar ? "above" : below < bar ? "below" : "no order";
    return {
      task,
      metric,
      label,
      budget,
      n: own.length,
      baseline_n: theirs.length,
      above,
      below,
      order,
    };
  });
  return reportTable(rows, {
    id: "stochastic_order",
    title: `Almost stochastic order against ${baseline ?? "the baseline"}`,
    note:
      `How far the scores of a method are at most from lying above those of ${
        baseline ?? "the baseline"
      } at every quantile (0: they do, ` +
      `½: no order, 1: they lie below), and from lying below them: upper limits at ${
        whole(100 * (1 - significanceLevel))
      }% for all ${
        whole(2 * pairs.length)
      } orders together. Runs are not paired by seed. Below ${bar} ` +
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
