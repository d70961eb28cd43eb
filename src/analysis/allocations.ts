/**
 * Where ranks ended: modules at rank 1, and whether seeds give their ranks to the same modules.
 *
 * @module
 */
import type { Composition } from "../methods/presets.ts";
import { agreementOf } from "../stats/agreement.ts";
import { summarise } from "../stats/statistics.ts";
import type { Basis } from "./basis.ts";
import { compositionOf } from "./factorial.ts";
import type { RunResults } from "./results.ts";
import { budgetName, keyOf, orderOf } from "./run_rows.ts";

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

function groupsOf({ runs }: Basis): readonly Group[] {
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
export function allocationRows(results: Basis): readonly AllocationRow[] {
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
