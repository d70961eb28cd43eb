/**
 * What a study shows, in sentences computed from its numbers.
 *
 * @module
 */
import { median } from "simple-statistics";
import type { Analysis } from "../../analysis/analysis.ts";
import type { CostRow } from "../../analysis/costs.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { allTasks, type Grid, noBudget } from "../../analysis/run_rows.ts";
import { hasAverage, type ScoreRow } from "../../analysis/scores.ts";
import { counted, fixed, joined, listed, whole } from "../../base/format.ts";
import { askedFindings, comparisons, replays } from "./comparisons.ts";
import { namesBest } from "./context.ts";
import type { Finding } from "./finding.ts";
import { rankingFindings } from "./ranking.ts";
import { correlations, movements } from "./ranks.ts";

/** What stands below the answer of a study, the most important first. */
export function findingsOf(results: Analysis): readonly Finding[] {
  const { baseline, grid } = results;
  return [
    completeness(results),
    ...(namesBest(results) ? leaders(results, grid) : []),
    ...askedFindings(results),
    ...rankingFindings(results.tests.rankings, results.tests.family),
    ...(baseline === null ? [] : comparisons(results, grid, baseline)),
    ...movements(results, grid),
    ...correlations(results, grid),
    ...replays(results),
    ...(baseline === null ? [] : stepTimes(results, grid, baseline)),
    ...fronts(results, grid),
  ];
}

function completeness({ runs, planned, damaged }: Analysis): Finding {
  const failed = runs.filter((r) => r.record.happened.outcome.state === "failed").length;
  const finished = runs.length - failed;
  const missing = planned.length - runs.length - damaged.length;
  const rest = [
    ...(failed > 0 ? [`${whole(failed)} failed`] : []),
    ...(damaged.length > 0
      ? [`${whole(damaged.length)} ${damaged.length === 1 ? "is" : "are"} damaged`]
      : []),
    ...(missing > 0
      ? [`${whole(missing)} ${missing === 1 ? "has" : "have"} not been made yet`]
      : []),
  ];
  const all = planned.length === 1
    ? "The one planned run"
    : planned.length === 2
    ? "Both planned runs"
    : `All ${whole(planned.length)} planned runs`;
  const text = rest.length === 0 && planned.length > 0
    ? `${all} finished`
    : `${whole(finished)} of ${counted(planned.length, "planned run")} finished`;
  return { lead: "Runs", text: `${[text, ...rest].join(", ")}.` };
}

/** A method's mean with its spread, for instance `lora 60.07 (sd 3.07, 3 seeds)`. */
function meanText({ label, metric, mean, sd, n }: ScoreRow): string {
  const { scale } = metricInfo(metric);
  const spread = sd === null ? "one seed" : `sd ${fixed(sd * scale, 2)}, ${counted(n, "seed")}`;
  return `${label} ${fixed(mean! * scale, 2)} (${spread})`;
}

/** The best mean at the largest budget; says nothing about whether the difference can be trusted. */
function leaders(results: Analysis, grid: Grid): readonly Finding[] {
  const budget = grid.budgets.findLast((name) => name !== noBudget);
  if (budget === undefined) return [];
  const rows = results.scores.filter((row) => row.budget === budget && row.mean !== null);
  const tasks = hasAverage(grid) ? [allTasks] : grid.tasks;
  return tasks.flatMap((task) => {
    const own = rows.filter((row) => row.task === task);
    if (own.length < 2) return [];
    const { isHigherBetter, title } = metricInfo(own[0]!.metric);
    const sign = isHigherBetter ? 1 : -1;
    const sorted = own.toSorted((a, b) => sign * (b.mean! - a.mean!));
    const what = task === allTasks
      ? `average over ${whole(grid.tasks.length)} tasks at ${budget}`
      : `mean ${title} on ${task} at ${budget}`;
    return [{ lead: `Best ${what}`, text: `${listed(sorted.map(meanText))}.` }];
  });
}

/** How long a step takes beside the baseline's. */
function stepTimes(
  results: Analysis,
  grid: Grid,
  baseline: string,
): readonly Finding[] {
  const rows = results.costs.filter((row) => row.task !== allTasks);
  const lead = `Time of a step against ${baseline}`;
  const texts = grid.labels.filter((label) => label !== baseline).flatMap((label) => {
    const ratios = rows.filter((row) => row.label === label)
      .flatMap(({ stepRatio }) => stepRatio === null ? [] : [stepRatio]);
    return ratios.length === 0 ? [] : [`${fixed(median(ratios), 2)} × for ${label}`];
  });
  if (texts.length > 0) {
    return [{ lead, text: `${joined(texts)} (medians over tasks and budgets).` }];
  }
  const shared = Math.max(0, ...rows.map(({ jobs }) => jobs ?? 0));
  const isCompared = rows.some(({ label, budget }) => label !== baseline && budget !== noBudget);
  return shared < 2 || !isCompared ? [] : [{
    lead,
    text: `Not compared, since up to ${
      whole(shared)
    } runs were trained at a time and shared the machine.`,
  }];
}

/** The combinations of the widest scope that nothing as good is cheaper than. */
function fronts(results: Analysis, grid: Grid): readonly Finding[] {
  const rows = results.costs;
  const tasks = hasAverage(grid) ? [allTasks] : grid.tasks;
  return tasks.flatMap((task) => {
    const own = rows.filter((row) => row.task === task);
    const named = (isOn: (row: CostRow) => boolean, costOf: (row: CostRow) => number) =>
      joined(
        own.filter(isOn).toSorted((a, b) => costOf(a) - costOf(b)).map((row) =>
          row.budget === noBudget ? row.label : `${row.label} at ${row.budget}`
        ),
      );
    const time = named((row) => row.isOnTimeFront, (row) => row.trainMillis);
    const size = named((row) => row.isOnSizeFront, (row) => row.parameters);
    if (own.length < 2 || size === "") return [];
    const said = [
      ...(time === "" ? [] : [`By training time: ${time}.`]),
      `By parameters to store: ${size}.`,
    ].join(" ");
    return [{
      lead: `Quality for its cost${task === allTasks ? "" : ` on ${task}`}`,
      text:
        `${said} Nothing cheaper has as good a mean, though differences may not be significant.`,
    }];
  });
}
