/**
 * Whether ranks are used: what `deno task spectra` found of the updates of finished runs, by cell and by module.
 *
 * @module
 */
import type { ModuleSpectrum, SpectraOverlap } from "../../record/spectra.ts";
import { meanOf, summarise } from "../../stats/statistics.ts";
import { budgetName, keyOf } from "../../analysis/run_rows.ts";
import { fixed, nothing, significant, whole } from "../../base/format.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { budgetColumn, methodColumn, taskColumn } from "./columns.ts";
import { orderOf } from "../../analysis/scores.ts";

/** One module of one run, and the cell that the run is in. */
interface MeasuredModule extends ModuleSpectrum {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  readonly run: string;
}

/** What was measured of the runs that the study still has. */
function measuredModules(results: Analysis): readonly MeasuredModule[] {
  const asked = new Map(results.runs.map(({ record }) => [record.id, record.asked]));
  return (results.spectra?.runs ?? []).flatMap(({ id, modules }) => {
    const own = asked.get(id);
    if (own === undefined) return [];
    const { task, label, budget } = own;
    return modules.map((module) => ({
      ...module,
      task,
      label,
      budget: budgetName(budget),
      run: id,
    }));
  });
}

/** What the updates of the runs of a cell use, sums over modules and means over runs. */
interface UsedRanksRow {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  /** Runs that were measured. */
  readonly n: number;
  readonly rank: number;
  readonly effectiveRank: number;
  /** Standard deviation of the effective rank over runs. */
  readonly effectiveRankSd: number | null;
  /** Effective rank over rank. */
  readonly used: number | null;
  readonly stableRank: number;
  /** Norm of the update over that of the weight, the mean over modules. */
  readonly relativeNorm: number;
  /** Intruder dimensions; null where they were not looked for in every run. */
  readonly intruders: number | null;
  /** Pairs of runs whose subspaces were compared. */
  readonly pairs: number;
  /** Overlaps of subspaces, means over modules and pairs; null without pairs. */
  readonly left: number | null;
  readonly right: number | null;
  readonly leftChance: number | null;
  readonly rightChance: number | null;
}

const cellKey = ({ task, label, budget }: MeasuredModule) => keyOf(task, label, budget);

function overlapsOf(pairs: readonly SpectraOverlap[]) {
  const modules = pairs.flatMap((pair) => pair.modules);
  const mean = (of: (module: SpectraOverlap["modules"][number]) => number) =>
    summarise(modules.map(of)).mean;
  return {
    pairs: pairs.length,
    left: mean(({ left }) => left),
    leftChance: mean(({ leftChance }) => leftChance),
    right: mean(({ right }) => right),
    rightChance: mean(({ rightChance }) => rightChance),
  };
}

/** A row a cell with measured runs, in the grid's order. */
export function usedRanksRows(results: Analysis): readonly UsedRanksRow[] {
  const cells = Map.groupBy(measuredModules(results), cellKey);
  const order = orderOf(results.grid);
  return [...cells.values()].map((modules): UsedRanksRow => {
    const { task, label, budget } = modules[0]!;
    const runs = [...Map.groupBy(modules, ({ run }) => run).values()];
    const ids = new Set(runs.map((own) => own[0]!.run));
    const sums = (of: (module: MeasuredModule) => number) =>
      runs.map((own) => own.reduce((sum, module) => sum + of(module), 0));
    const effective = summarise(sums(({ effectiveRank }) => effectiveRank));
    const rank = meanOf(sums((module) => module.rank));
    const isSearched = modules.every(({ intruders }) => intruders !== null);
    const pairs = results.spectra!.overlaps.filter(({ first, second }) =>
      ids.has(first) && ids.has(second)
    );
    return {
      task,
      label,
      budget,
      n: runs.length,
      rank,
      effectiveRank: effective.mean!,
      effectiveRankSd: effective.sd,
      used: rank === 0 ? null : effective.mean! / rank,
      stableRank: meanOf(sums(({ stableRank }) => stableRank)),
      relativeNorm: meanOf(modules.map(({ relativeNorm }) => relativeNorm)),
      intruders: isSearched ? meanOf(sums(({ intruders }) => intruders!)) : null,
      ...overlapsOf(pairs),
    };
  }).toSorted((a, b) => order(a) - order(b));
}

const overlapText = (overlap: number | null, chance: number | null) =>
  overlap === null ? nothing : `${fixed(overlap, 2)} (${fixed(chance, 2)})`;

/** Runs without spectra, as a sentence; empty where there are none. */
function leftOutText({ spectra }: Analysis): string {
  const reasons = Map.groupBy(spectra?.leftOut ?? [], ({ reason }) => reason);
  return [...reasons].map(([reason, runs]) =>
    ` Left out: ${runs[0]!.title}${
      runs.length === 1 ? "" : ` and ${runs.length - 1} more`
    } (${reason}).`
  ).join("");
}

/** The table of {@linkcode usedRanksRows}. */
export function usedRanksTable(results: Analysis): ReportTable {
  const { top, threshold } = results.spectra ?? { top: 0, threshold: 0 };
  return reportTable(usedRanksRows(results), {
    id: "used_ranks",
    title: "Ranks given and ranks used",
    note:
      "Ranks are summed over modules, means over n runs (± standard deviation). The effective rank of an update is the exponential of the " +
      "entropy of its singular values, the stable rank its squared norm over its squared largest singular value: both say how many " +
      "directions carry it. The norm is that of the update over that of the frozen weight, the mean over modules. " +
      `Intruder dimensions are those of the first ${top} singular vectors of each new weight whose cosine with every one of the old weight's ` +
      `is below ${threshold}, summed over modules. Overlap is how far two seeds' updates write to (out) and read (in) the same directions, ` +
      "from 0 to 1; in brackets that of random subspaces." + leftOutText(results),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("n", (row) => whole(row.n)),
      number("rank", (row) => fixed(row.rank, 1)),
      number(
        "effective rank",
        (row) =>
          row.effectiveRankSd === null
            ? fixed(row.effectiveRank, 1)
            : `${fixed(row.effectiveRank, 1)} ± ${fixed(row.effectiveRankSd, 1)}`,
      ),
      number(
        "used (%)",
        (row) => row.used === null ? nothing : fixed(100 * row.used, 0),
      ),
      number("stable rank", (row) => fixed(row.stableRank, 1)),
      number("norm (%)", (row) => significant(100 * row.relativeNorm)),
      number("intruders", (row) => fixed(row.intruders, 1)),
      number("overlap, out", (row) => overlapText(row.left, row.leftChance)),
      number("overlap, in", (row) => overlapText(row.right, row.rightChance)),
    ],
  });
}

/** One module of a cell, means over its runs. */
export interface ModuleSpectraRow {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  readonly module: string;
  readonly n: number;
  readonly rank: number;
  readonly effectiveRank: number;
  readonly stableRank: number;
  readonly norm: number;
  readonly relativeNorm: number;
  readonly intruders: number | null;
  /** Singular values by their order, the mean over the runs that have as many. */
  readonly values: readonly number[];
}

/** A row a module of each cell with measured runs, in the grid's order. */
export function moduleSpectraRows(results: Analysis): readonly ModuleSpectraRow[] {
  const groups = Map.groupBy(
    measuredModules(results),
    (module) => keyOf(cellKey(module), module.module),
  );
  const order = orderOf(results.grid);
  return [...groups.values()].map((own): ModuleSpectraRow => {
    const { task, label, budget, module } = own[0]!;
    const mean = (of: (found: MeasuredModule) => number) => meanOf(own.map(of));
    const most = Math.max(...own.map(({ values }) => values.length));
    return {
      task,
      label,
      budget,
      module,
      n: own.length,
      rank: mean(({ rank }) => rank),
      effectiveRank: mean(({ effectiveRank }) => effectiveRank),
      stableRank: mean(({ stableRank }) => stableRank),
      norm: mean(({ norm }) => norm),
      relativeNorm: mean(({ relativeNorm }) => relativeNorm),
      intruders: own.every(({ intruders }) => intruders !== null)
        ? mean(({ intruders }) => intruders!)
        : null,
      values: Array.from(
        { length: most },
        (_, i) => mean(({ values }) => values[i] ?? 0),
      ),
    };
  }).toSorted((a, b) => order(a) - order(b));
}

/** The table of {@linkcode moduleSpectraRows}. */
export function moduleSpectraTable(results: Analysis): ReportTable {
  return reportTable(
    moduleSpectraRows(results),
    {
      id: "module_spectra",
      title: "Updates by module",
      note:
        "Means over n runs; the CSV file has the singular values too, the largest first, with spaces between them.",
      csv: ({ values, ...row }) => ({
        ...row,
        values: values.map((value) => value.toPrecision(6)).join(" "),
      }),
      columns: [
        taskColumn,
        methodColumn,
        budgetColumn,
        text("module", (row) => row.module),
        number("n", (row) => whole(row.n)),
        number("rank", (row) => fixed(row.rank, 1)),
        number("effective rank", (row) => fixed(row.effectiveRank, 2)),
        number("stable rank", (row) => fixed(row.stableRank, 2)),
        number("norm", (row) => significant(row.norm)),
        number("norm (%)", (row) => significant(100 * row.relativeNorm)),
        number("intruders", (row) => fixed(row.intruders, 1)),
      ],
    },
  );
}
