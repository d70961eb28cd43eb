/**
 * Whether ranks are used: what `deno task spectra` found of the updates of finished runs, by cell and by module.
 *
 * @module
 */
import type { ModuleSpectrum, SpectraOverlap } from "../record/spectra.ts";
import { meanOf, summarise } from "../stats/statistics.ts";
import type { Basis } from "./basis.ts";
import { type Cell, cellKeys, cellOf, orderOf, rolledUp } from "./run_rows.ts";

/** What was measured of the runs that the study still has: a module of a run each, with the cell that the run is in. */
function measuredModules({ runs, spectra }: Basis) {
  const cells = new Map(runs.map(({ record }) => [record.id, cellOf(record)]));
  return (spectra?.runs ?? []).flatMap(({ id, modules }) => {
    const cell = cells.get(id);
    return cell === undefined ? [] : modules.map((module) => ({ ...module, ...cell, run: id }));
  });
}

type MeasuredModule = ReturnType<typeof measuredModules>[number];

/** What the updates of the runs of a cell use, sums over modules and means over runs. */
interface UsedRanksRow extends Cell {
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
export function usedRanksRows(results: Basis): readonly UsedRanksRow[] {
  const order = orderOf(results.grid);
  return rolledUp(measuredModules(results), cellKeys, (modules) => {
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

/** One module of a cell, means over its runs; of singular values over the runs that have as many. */
export interface ModuleSpectraRow extends Cell, ModuleSpectrum {
  /** Runs that were measured. */
  readonly n: number;
}

/** A row a module of each cell with measured runs, in the grid's order. */
export function moduleSpectraRows(results: Basis): readonly ModuleSpectraRow[] {
  const order = orderOf(results.grid);
  return rolledUp(measuredModules(results), [...cellKeys, "module"], (own) => {
    const mean = (of: (found: MeasuredModule) => number) => meanOf(own.map(of));
    const most = Math.max(...own.map(({ values }) => values.length));
    return {
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
