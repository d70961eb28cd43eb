/**
 * What a study shows, in sentences computed from its numbers.
 *
 * @module
 */
import { allTasks, type Grid, gridOf, groupBy, noBudget } from "./facts.ts";
import { rankingFindings } from "./findings_ranking.ts";
import { counted, fixed, interval, listed, signed, significant } from "./format.ts";
import { metricInfo } from "./metrics.ts";
import { movedRanks } from "./series.ts";
import { type Ranking, rankingsOf } from "./ranking.ts";
import { summarise } from "./statistics.ts";
import { manyLabels } from "./style.ts";
import { ablationRows } from "./tables/ablation.ts";
import { type CostRow, costRows } from "./tables/cost.ts";
import { allBudgets, type PairedRow, pairedRows } from "./tables/paired.ts";
import { hasAverage, scoreRows, scoreText } from "./tables/scores.ts";
import type { RankMap } from "../record/types.ts";
import type { StudyResults } from "./types.ts";

/** One thing the study shows: what it is about, and what was found. */
export interface Finding {
  readonly lead: string;
  readonly text: string;
}

/** Methods from which a kind of finding is one sentence for all, or stands in its section alone. */
const mostSingled = 5;

/** The label of a replay study that has uniform ranks, null without one. */
export function uniformLabel(replay: StudyResults): string | null {
  return gridOf(replay).labels.find((label) => /uniform/i.test(label)) ?? null;
}

/** Sentences for the top of the report, the most important first. */
export function findingsOf(
  results: StudyResults,
  baseline: string | null,
  rankings: readonly Ranking[] = rankingsOf(results),
): readonly Finding[] {
  const grid = gridOf(results);
  return [
    ...completeness(results),
    ...leaders(results, grid),
    ...rankingFindings(rankings),
    ...(baseline === null ? [] : comparisons(results, grid, baseline)),
    ...movements(results, grid),
    ...correlations(results, grid),
    ...replays(results),
    ...(baseline === null ? [] : costs(results, grid, baseline)),
    ...frontFindings(results, grid),
  ];
}

function completeness(results: StudyResults): readonly Finding[] {
  const failed = results.runs.filter((r) => r.record.happened.outcome.state === "failed").length;
  const finished = results.runs.length - failed;
  const missing = results.planned.length - results.runs.length;
  const rest = [
    ...(failed > 0 ? [`${counted(failed, "run")} failed`] : []),
    ...(missing > 0 ? [`${missing} not run yet`] : []),
  ];
  const text = `${finished} of ${counted(results.planned.length, "planned run")} finished`;
  return [{ lead: "Runs", text: `${[text, ...rest].join(", ")}.` }];
}

/** The highest mean at the largest budget; says nothing about whether the difference can be trusted. */
function leaders(results: StudyResults, grid: Grid): readonly Finding[] {
  const budget = grid.budgets.findLast((name) => name !== noBudget);
  if (budget === undefined) return [];
  const rows = scoreRows(results).filter((row) => row.budget === budget && row.mean !== null);
  const tasks = hasAverage(grid) ? [allTasks] : grid.tasks;
  return tasks.flatMap((task) => {
    const own = rows.filter((row) => row.task === task);
    if (own.length < 2) return [];
    const sign = metricInfo(own[0]!.metric).isHigherBetter ? 1 : -1;
    const [first, ...others] = own.toSorted((a, b) => sign * (b.mean! - a.mean!));
    const place = task === allTasks ? `averaged over ${grid.tasks.length} tasks` : `on ${task}`;
    return [{
      lead: `Best mean at ${budget}, ${place}`,
      text: `${listed([first!, ...others].map((row) => `${row.label} ${scoreText(row)}`))}.`,
    }];
  });
}

/** The widest scope a comparison has: all tasks and all budgets where those were averaged. */
function widest(rows: readonly PairedRow[]): readonly PairedRow[] {
  const score = (row: PairedRow) =>
    (row.task === allTasks ? 2 : 0) + (row.budget === allBudgets ? 1 : 0);
  const best = Math.max(...rows.map(score));
  return rows.filter((row) => score(row) === best);
}

function comparisonText(row: PairedRow): string {
  const { scale } = metricInfo(row.metric);
  const scope = `${row.task}, ${row.budget}`;
  if (row.mean === null) return `${scope}: no pairs`;
  const difference = signed(row.mean * scale, 2);
  if (row.low === null || row.high === null) return `${scope}: ${difference} (one pair only)`;
  const range = interval(row.low * scale, row.high * scale, 2);
  const verdict = row.verdict === "better" || row.verdict === "worse"
    ? row.verdict
    : "the two cannot be told apart";
  const cells = row.cells > 1 ? `, mean of ${row.cells} cells` : "";
  return `${scope}: ${difference} ${range}${cells}, n ${row.n}, ${verdict}`;
}

function comparisons(results: StudyResults, grid: Grid, baseline: string): readonly Finding[] {
  const rows = pairedRows(results, baseline);
  if (grid.labels.length >= manyLabels) return manyComparisons(rows, grid, baseline);
  return grid.labels.flatMap((label) => {
    const own = rows.filter((row) => row.label === label);
    if (own.length === 0) return [];
    const cells = own.filter((row) => row.task !== allTasks && row.budget !== allBudgets);
    const count = (verdict: string) => cells.filter((row) => row.verdict === verdict).length;
    return [{
      lead: `${label} against ${baseline}, paired by seed`,
      text: `${widest(own).map(comparisonText).join("; ")}. ` +
        `Of ${counted(cells.length, "single cell")} (task × budget) ${count("better")} better, ` +
        `${count("worse")} worse, the others cannot be told apart.`,
    }];
  });
}

/** The widest comparison of each of many methods, by verdict. */
function manyComparisons(
  rows: readonly PairedRow[],
  grid: Grid,
  baseline: string,
): readonly Finding[] {
  const wide = grid.labels.flatMap((label) => widest(rows.filter((row) => row.label === label)));
  if (wide.length === 0) return [];
  const hasTasks = new Set(wide.map((row) => row.task)).size > 1;
  const named = (verdict: string) =>
    listed(
      wide.filter((row) => row.verdict === verdict).toSorted((a, b) =>
        Math.abs(b.mean! * metricInfo(b.metric).scale) -
        Math.abs(a.mean! * metricInfo(a.metric).scale)
      ).map((row) =>
        `${row.label}${hasTasks ? ` on ${row.task}` : ""} ${
          signed(row.mean! * metricInfo(row.metric).scale, 2)
        }`
      ),
    );
  const [better, worse] = [named("better"), named("worse")];
  return [{
    lead: `Methods against ${baseline}, paired by seed`,
    text:
      `better: ${better || "none"}; worse: ${worse || "none"}; the others cannot be told apart ` +
      `(${counted(wide.length, "comparison")} at 95% each, not corrected for their number).`,
  }];
}

/** Cells on the fronts of the widest scope: all tasks where they were averaged, else each task. */
function frontFindings(results: StudyResults, grid: Grid): readonly Finding[] {
  const rows = costRows(results, null);
  const tasks = hasAverage(grid) ? [allTasks] : grid.tasks;
  return tasks.flatMap((task) => {
    const own = rows.filter((row) => row.task === task);
    const named = (isOn: (row: CostRow) => boolean, costOf: (row: CostRow) => number) =>
      own.filter(isOn).toSorted((a, b) => costOf(a) - costOf(b)).map((row) =>
        row.budget === noBudget ? row.label : `${row.label} at ${row.budget}`
      ).join(", ");
    const time = named((row) => row.isOnTimeFront, (row) => row.trainMillis);
    const size = named((row) => row.isOnSizeFront, (row) => row.parameters);
    return own.length < 2 || time === "" ? [] : [{
      lead: `Nothing as good for less, ${task}`,
      text: `in training time ${time}; in numbers kept ${size} (cheapest first; by means alone, ` +
        `which says nothing of whether neighbours can be told apart).`,
    }];
  });
}

function movements(results: StudyResults, grid: Grid): readonly Finding[] {
  const moved = groupBy(
    results.runs.filter((run) =>
      run.record.happened.outcome.state === "finished" && movedRanks(run)
    ),
    (run) => run.record.asked.label,
  );
  if (moved.size >= mostSingled) return [];
  return grid.labels.flatMap((label) => {
    const runs = moved.get(label);
    if (runs === undefined) return [];
    const mean = (values: readonly number[]) => summarise(values).mean ?? 0;
    const ranks = runs.flatMap((run) => Object.values(run.record.happened.finalRanks ?? {}));
    const [low, high] = ranks.reduce(([a, b], rank) => [Math.min(a, rank), Math.max(b, rank)], [
      Infinity,
      -Infinity,
    ]);
    const total = (map: RankMap | null) =>
      Object.values(map ?? {}).reduce((sum, rank) => sum + rank, 0);
    const moves = mean(runs.map((run) => run.record.happened.ranksMoved));
    const added = mean(
      runs.map(({ record: { happened } }) =>
        total(happened.finalRanks) - total(happened.initialRanks)
      ),
    );
    const change = [
      ...(moves > 0 ? [`${significant(moves)} moved`] : []),
      ...(moves === 0 && added <= 0 ? [`${significant(-added)} masked at the end`] : []),
      ...(added > 0 ? [`${significant(added)} added by the end`] : []),
    ].join(", ");
    const events = significant(mean(runs.map((run) => run.record.happened.rankEvents)));
    return [{
      lead: `Ranks of ${label}`,
      text: `${change}, ${events} events a run (means over ${
        counted(runs.length, "run")
      }); modules ended with ranks from ${low} to ${high}.`,
    }];
  });
}

function correlations(results: StudyResults, grid: Grid): readonly Finding[] {
  const rows = ablationRows(results).filter((row) =>
    row.kind === "module" && row.spearman !== null
  );
  const correlated = grid.labels.filter((label) => rows.some((row) => row.label === label));
  if (correlated.length >= mostSingled) {
    const above = correlated.map((label) => {
      const own = rows.filter((row) => row.label === label);
      const positive = own.filter((row) => row.low !== null && row.low > 0).length;
      return `${label} in ${positive} of ${own.length}`;
    });
    return [{
      lead: "Rank given and metric lost",
      text:
        `cells (task × budget) in which they correlate over modules, the 95% interval above 0: ${
          above.join(", ")
        }.`,
    }];
  }
  return correlated.map((label) => {
    const own = rows.filter((row) => row.label === label);
    const positive = own.filter((row) => row.low !== null && row.low > 0).length;
    const values = own.map((row) => row.spearman ?? 0);
    const [low, high] = [fixed(Math.min(...values), 2), fixed(Math.max(...values), 2)];
    return {
      lead: `Rank given and metric lost, ${label}`,
      text: `over modules they correlate with ρ ${
        low === high ? `of ${low}` : `between ${low} and ${high}`
      } in ${
        counted(own.length, "cell")
      } (task × budget); in ${positive} the 95% interval lies above 0.`,
    };
  });
}

function replays(results: StudyResults): readonly Finding[] {
  if (results.replay === null) return [];
  const uniform = uniformLabel(results.replay);
  if (uniform === null) return [];
  const rows = pairedRows(results.replay, uniform);
  return gridOf(results.replay).labels.flatMap((label) => {
    const own = rows.filter((row) => row.label === label);
    return own.length === 0 ? [] : [{
      lead: `Replayed: ${label} against ${uniform}`,
      text: `${widest(own).map(comparisonText).join("; ")}.`,
    }];
  });
}

function costs(results: StudyResults, grid: Grid, baseline: string): readonly Finding[] {
  const rows = costRows(results, baseline).filter((row) => row.task !== allTasks);
  const texts = grid.labels.filter((label) => label !== baseline).flatMap((label) => {
    const ratios = rows.filter((row) => row.label === label && row.stepRatio !== null)
      .map((row) => row.stepRatio!).sort((a, b) => a - b);
    return ratios.length === 0
      ? []
      : [`${fixed(ratios[Math.floor(ratios.length / 2)], 2)} × for ${label}`];
  });
  return texts.length === 0 ? [] : [{
    lead: `Time of a step against ${baseline}’s`,
    text: `${texts.join(", ")} (median over tasks and budgets).`,
  }];
}
