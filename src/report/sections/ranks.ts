/**
 * How ranks moved, where they ended, and the metric meanwhile.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { compositionOf } from "../../analysis/factorial.ts";
import { rankMetricRows } from "../../analysis/rank_metric.ts";
import type { RunResults } from "../../analysis/results.ts";
import { budgetName, keyOf } from "../../analysis/run_rows.ts";
import { majorityNote, orderOf } from "../../analysis/scores.ts";
import { fixed, interval, nothing, whole } from "../../base/format.ts";
import type { Composition } from "../../methods/presets.ts";
import { agreementOf } from "../../stats/agreement.ts";
import { summarise } from "../../stats/statistics.ts";
import { charts, folded, type Section, titled } from "../section.ts";
import { number, type ReportTable, reportTable } from "../table.ts";
import {
  budgetColumn,
  majorityColumn,
  methodColumn,
  metricColumn,
  scoreOf,
  taskColumn,
} from "../columns.ts";

/** The final ranks of a method's runs at one budget. */
interface AllocationRow {
  readonly label: string;
  readonly budget: string;
  /** Finished runs. */
  readonly n: number;
  readonly modules: number;
  /** Modules that ended at rank 1, the mean over runs. */
  readonly atFloor: number | null;
  /** Pairs of seeds of a task that have a correlation. */
  readonly pairs: number;
  /** Spearman's ρ of the ranks of modules, the mean over pairs; null where ranks are equal in all modules. */
  readonly rho: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** The arm that does as much at random, and its agreement; null where the study has none. */
  readonly random: string | null;
  readonly randomRho: number | null;
  readonly randomLow: number | null;
  readonly randomHigh: number | null;
}

interface Group {
  readonly label: string;
  readonly budget: string;
  readonly composition: Composition | null;
  readonly runs: readonly RunResults[];
}

function groupsOf({ runs }: Analysis): readonly Group[] {
  const finished = runs.filter(({ record: { happened } }) =>
    happened.outcome.state === "finished" && happened.finalRanks !== null
  );
  const groups = Map.groupBy(
    finished,
    ({ record: { asked } }) => keyOf(asked.label, budgetName(asked.budget)),
  );
  return [...groups.values()].map((own) => {
    const { asked } = own[0]!.record;
    return {
      label: asked.label,
      budget: budgetName(asked.budget),
      composition: compositionOf(asked),
      runs: own,
    };
  });
}

/** Modules of a run that ended at rank 1, as its record says or by its final ranks. */
function atFloorOf({ record: { happened } }: RunResults): number {
  const { atFloor, finalRanks } = happened;
  return atFloor ?? Object.values(finalRanks ?? {}).filter((rank) => rank === 1).length;
}

function agreement({ runs }: Group) {
  const tasks = Map.groupBy(runs, ({ record: { asked } }) => asked.task);
  const modules = Object.keys(runs[0]!.record.happened.finalRanks!);
  const ranks = [...tasks.values()].map((own) =>
    own.map(({ record }) => modules.map((module) => record.happened.finalRanks![module] ?? 0))
  );
  return agreementOf(ranks, 0);
}

/** The arm that moves as much at random: of the same form if the study has it, else of the same policy. */
function controlOf(group: Group, groups: readonly Group[]): Group | null {
  const { composition, budget } = group;
  if (composition === null || composition.score === "random") return null;
  const random = groups.filter((other) =>
    other.budget === budget && other.composition?.score === "random" &&
    other.composition.policy === composition.policy
  );
  return random.find((other) => other.composition!.form === composition.form) ?? random[0] ?? null;
}

/** A row a method with ranks and budget, in the grid's order. */
export function allocationRows(results: Analysis): readonly AllocationRow[] {
  const groups = groupsOf(results);
  const agreements = new Map(groups.map((group) => [group, agreement(group)]));
  const order = orderOf(results.grid);
  return groups.map((group): AllocationRow => {
    const own = agreements.get(group)!;
    const control = controlOf(group, groups);
    const random = control === null ? null : agreements.get(control)!;
    return {
      label: group.label,
      budget: group.budget,
      n: group.runs.length,
      modules: Object.keys(group.runs[0]!.record.happened.finalRanks!).length,
      atFloor: summarise(group.runs.map(atFloorOf)).mean,
      pairs: own?.pairs ?? 0,
      rho: own?.mean ?? null,
      low: own?.low ?? null,
      high: own?.high ?? null,
      random: control?.label ?? null,
      randomRho: random?.mean ?? null,
      randomLow: random?.low ?? null,
      randomHigh: random?.high ?? null,
    };
  }).toSorted((a, b) => order({ ...a, task: "" }) - order({ ...b, task: "" }));
}

function rhoText(rho: number | null, low: number | null, high: number | null): string {
  if (rho === null) return nothing;
  return low !== null ? `${fixed(rho, 2)} ${interval(low, high, 2)}` : fixed(rho, 2);
}

/** The table of {@linkcode allocationRows}. */
export function allocationsTable(results: Analysis): ReportTable {
  const rows = allocationRows(results);
  const hasRandom = rows.some(({ random }) => random !== null);
  return reportTable(rows, {
    id: "allocations",
    title: "Where ranks ended",
    note:
      "At rank 1: how many modules ended there, the mean over runs. Agreement is Spearman's ρ between the final ranks of the modules of two seeds of a " +
      "task, the mean over all such pairs; 1 means that every seed ranks the modules alike, 0 that they have nothing in common. " +
      "Its 95% interval resamples modules. Methods that give all modules the same rank have no agreement." +
      (hasRandom
        ? " At random: the agreement of the arm that moves ranks by the same policy at random. Only agreement above that says something."
        : ""),
    columns: [
      methodColumn,
      budgetColumn,
      number("n", (row) => whole(row.n)),
      number("at rank 1", (row) => `${fixed(row.atFloor, 1)} of ${whole(row.modules)}`),
      number("pairs", (row) => whole(row.pairs)),
      number("agreement (ρ)", (row) => rhoText(row.rho, row.low, row.high)),
      hasRandom
        ? number("at random (ρ)", (row) => rhoText(row.randomRho, row.randomLow, row.randomHigh))
        : null,
    ],
  });
}

/** The table of {@linkcode rankMetricRows}. */
export function rankMetricTable(results: Analysis): ReportTable {
  return reportTable(rankMetricRows(results), {
    id: "rank_metric",
    title: "Metric while ranks change",
    note:
      "Total rank and metric at each evaluation of methods whose total rank changes: means over n seeds, ± standard deviation. " +
      "A method whose threshold grows in phases (SoRA) is evaluated at the end of each." +
      majorityNote(results.majority),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("step", (row) => whole(row.step)),
      number("n", (row) => whole(row.n)),
      number("total rank", (row) => fixed(row.rank, 1)),
      number("held (%)", (row) => fixed(100 * row.held, 1)),
      metricColumn,
      number(
        "value",
        (row) => scoreOf(row, row.mean) + (row.sd === null ? "" : ` ± ${scoreOf(row, row.sd)}`),
      ),
      majorityColumn(results),
    ],
  });
}

/** What rank policies did. */
export const ranks: Section = {
  title: "Ranks",
  empty: () => "No finished run of this study changed its ranks; AdaLoRA and ElaLoRA do.",
  blocks: [
    charts(({ charts }) => [...charts.ranks, ...charts.trajectories], { isByMethod: true }),
    titled(allocationsTable),
    charts(({ charts }) => charts.rankMetric),
    folded(rankMetricTable),
  ],
};
