/**
 * What quality costs, in sentences.
 *
 * @module
 */
import { median } from "simple-statistics";
import { allTasks, type Grid, noBudget } from "../../analysis/run_rows.ts";
import { fixed, joined, whole } from "../../base/format.ts";
import type { CostRow } from "../../analysis/costs.ts";
import { hasAverage } from "../../analysis/scores.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Finding } from "./finding.ts";

/** How long a step takes beside the baseline's. */
export function stepTimes(
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
export function fronts(results: Analysis, grid: Grid): readonly Finding[] {
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
