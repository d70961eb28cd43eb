/**
 * The replay ablation: LoRA trained again with the ranks that ElaLoRA ended with, with the same ranks reversed in depth,
 * and with uniform ranks.
 *
 * @module
 */
import { findMethod } from "../methods/table.ts";
import type { ReplayVariant } from "../record/types.ts";
import { apportion } from "../study/shares.ts";
import type { Study } from "../study/study.ts";
import type { ModuleShape, RunSpec } from "../study/types.ts";

/** Ranks by module. */
type Ranks = Readonly<Record<string, number>>;

/** A finished ElaLoRA run. */
export interface ReplaySource {
  readonly id: string;
  readonly run: RunSpec;
  /** Adapted modules in model order. */
  readonly modules: readonly ModuleShape[];
  readonly initialRanks: Ranks;
  readonly finalRanks: Ranks;
}

/** A LoRA run with fixed ranks. */
export interface ReplayRun {
  readonly variant: ReplayVariant;
  /** Id of the ElaLoRA run that the ranks, or their total, come from. */
  readonly source: string;
  /** The place among the runs of the one with uniform ranks that it is compared with. */
  readonly baseline: number;
  readonly run: RunSpec;
}

/**
 * Ranks with the layers in the opposite order: layer i gets those of layer L − 1 − i, part by part.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const module = (layer: number) =>
 *   ({ name: `layer.${layer}.query`, layer, part: "query", inSize: 8, outSize: 8 }) as const;
 * const ranks = { "layer.0.query": 1, "layer.1.query": 2, "layer.2.query": 5 };
 * assertEquals(reversedInDepth([0, 1, 2].map(module), ranks), {
 *   "layer.0.query": 5,
 *   "layer.1.query": 2,
 *   "layer.2.query": 1,
 * });
 * ```
 */
export function reversedInDepth(modules: readonly ModuleShape[], ranks: Ranks): Ranks {
  const layers = [...new Set(modules.map(({ layer }) => layer))].sort((a, b) => a - b);
  const nameOf = new Map(modules.map(({ name, layer, part }) => [`${layer}.${part}`, name]));
  return Object.fromEntries(modules.map(({ name, layer, part }) => {
    const opposite = layers[layers.length - 1 - layers.indexOf(layer)]!;
    return [name, ranks[nameOf.get(`${opposite}.${part}`)!]!];
  }));
}

function totalOf(ranks: Ranks): number {
  return Object.values(ranks).reduce((sum, rank) => sum + rank, 0);
}

/** Ranks as even as they go with the same total: those that ElaLoRA started with, unless its total has drifted. */
export function uniformRanks({ modules, initialRanks, finalRanks }: ReplaySource): Ranks {
  const total = totalOf(finalRanks);
  if (totalOf(initialRanks) === total) return initialRanks;
  const even = apportion(total, modules.map(() => total / modules.length));
  return Object.fromEntries(modules.map(({ name }, i) => [name, even[i]!]));
}

/** How a run of a study is told from others but for its method. */
export function cellOf({ task, budget, seed }: RunSpec): string {
  return JSON.stringify([task, budget?.type, budget?.value, seed]);
}

/** The labels of a source's three runs; several variants of ElaLoRA are named, one is not. */
function labelsOf(label: string, isOnly: boolean): Readonly<Record<ReplayVariant, string>> {
  return isOnly
    ? {
      final: "LoRA, ElaLoRA's ranks",
      reversed: "LoRA, reversed ranks",
      uniform: "LoRA, uniform ranks",
    }
    : {
      final: `LoRA, ranks of ${label}`,
      reversed: `LoRA, reversed ranks of ${label}`,
      uniform: "LoRA, uniform ranks",
    };
}

/**
 * The runs of a replay ablation: three a source, all with the source's total rank, task, seed and budget.
 *
 * Options and training settings are those of the study's first LoRA run in the same cell; a study without LoRA gives
 * LoRA's default options and ElaLoRA's settings. Several variants of ElaLoRA share the uniform run of a cell.
 *
 * @param studyRuns All runs of the study.
 * @throws {RangeError} If total ranks differ.
 */
export function replayRuns(
  sources: readonly ReplaySource[],
  studyRuns: readonly RunSpec[],
): readonly ReplayRun[] {
  const lora = findMethod("lora");
  const isOnly = new Set(sources.map(({ run }) => run.label)).size === 1;
  const runs: ReplayRun[] = [];
  /** Places of the runs with uniform ranks, by cell and total rank. */
  const uniform = new Map<string, Map<number, number>>();
  for (const source of sources) {
    const { id, run, modules, finalRanks } = source;
    const cell = cellOf(run);
    const twin = studyRuns.find((other) => other.method === lora.name && cellOf(other) === cell);
    const settings = { ...(twin ?? run).settings, model: run.settings.model };
    const labels = labelsOf(run.label, isOnly);
    const base = {
      study: `${run.study}-replay`,
      task: run.task,
      ...(run.sequence === undefined ? {} : { sequence: run.sequence }),
      method: lora.name,
      methodVersion: lora.version,
      options: twin?.options ?? lora.parseOptions({}),
      budget: run.budget,
      seed: run.seed,
      settings: { ...settings, adapter: run.settings.adapter },
    };
    const total = totalOf(finalRanks);
    const ofCell = uniform.get(cell) ?? new Map<number, number>();
    uniform.set(cell, ofCell);
    const shared = ofCell.get(total);
    const uniformLabel = ofCell.size === 0
      ? labels.uniform
      : `${labels.uniform} (total of ${run.label})`;
    const ranks: readonly (readonly [ReplayVariant, string, Ranks])[] = [
      ["final", labels.final, finalRanks],
      ["reversed", labels.reversed, reversedInDepth(modules, finalRanks)],
      ...(shared === undefined ? [["uniform", uniformLabel, uniformRanks(source)] as const] : []),
    ];
    const baseline = shared ?? runs.length + ranks.length - 1;
    ofCell.set(total, baseline);
    for (const [variant, label, own] of ranks) {
      if (totalOf(own) !== total) {
        throw new RangeError(
          `Cannot replay the ranks of "${run.label}": found a total of ${
            totalOf(own)
          } for "${label}", want ${total}`,
        );
      }
      runs.push({ variant, source: id, baseline, run: { ...base, label, ranks: own } });
    }
  }
  return runs;
}

/** The study that the replay's results folder holds: its name, its axes, the user's own tasks and the sequences. */
export function replayStudy(study: Study, runs: readonly ReplayRun[]): Study {
  const labels = [...new Set(runs.map(({ run }) => run.label))];
  return {
    name: `${study.name}-replay`,
    title: `Replay of ElaLoRA's ranks: ${study.title ?? study.name}`,
    description:
      "LoRA trained again with ElaLoRA's final ranks, with the same ranks reversed in depth, and with uniform ranks.",
    ...(study.base === undefined ? {} : { base: study.base }),
    ...(study.userTasks === undefined ? {} : { userTasks: study.userTasks }),
    ...(study.sequences === undefined ? {} : { sequences: study.sequences }),
    axes: { ...study.axes, methods: labels.map((label) => ({ method: "lora", label })) },
  };
}
