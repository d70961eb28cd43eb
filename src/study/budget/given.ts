/**
 * Ranks that come from elsewhere than a budget: how studies ask for them, and how they are read, reversed, permuted, evened out and raised.
 *
 * @module
 */
import { z } from "zod";
import { budgetKey, budgetOf, budgetSchema, type StudyBudget } from "./budget.ts";
import { closed } from "../schema/shapes.ts";
import type { ModuleShape, RankDelta, RanksAs } from "../types.ts";
import { RandomStream } from "../../base/random.ts";
import { unknownName } from "../../base/suggest.ts";
import { apportion, total } from "./costs.ts";

/** Another run of the study: the one of this label that has the same task, budget and seed, unless they are given. */
export interface SourceRun {
  /** Label of an entry of the methods' axis; the method's name where it has no label of its own. */
  readonly label: string;
  /** Default: the task of the run that takes the ranks. */
  readonly task?: string;
  /** Default: the budget of the run that takes the ranks. */
  readonly budget?: StudyBudget;
  /** Default: the seed of the run that takes the ranks. */
  readonly seed?: number;
}

/** The ranks that runs start with, in place of those that the budget gives. */
export type StudyRanks =
  /** A JSON file, relative to the study: module → rank, or the record of a run, whose final ranks count. */
  | { readonly file: string; readonly as?: RanksAs }
  /** The final ranks of another run of the study. */
  | { readonly of: SourceRun; readonly as?: RanksAs }
  /** The ranks of the budget, with some added or taken. */
  | { readonly add: readonly RankDelta[] };

const ways = ["same", "reversed", "permuted", "uniform"] as const satisfies readonly RanksAs[];

const deltaKeys = ["layer", "module", "part"] as const;

const delta = closed({
  layer: z.exactOptional(z.int().min(0)),
  module: z.exactOptional(z.string().min(1)),
  part: z.exactOptional(z.string().min(1)),
  by: z.int().describe("Ranks that each of these modules gets, or below zero loses"),
}).refine((value) => deltaKeys.filter((key) => value[key] !== undefined).length === 1, {
  error: "wanted exactly one of layer, module and part beside by",
});

/** Validator of {@linkcode StudyRanks}; the forms share one object, so that the message for a misspelt key lists all of them. */
export const studyRanksSchema = closed({
  file: z.exactOptional(
    z.string().min(1).describe("JSON, relative to the study: module to rank, or a run's record"),
  ),
  of: z.exactOptional(
    closed({
      label: z.string().min(1),
      task: z.exactOptional(z.string().min(1)),
      budget: z.exactOptional(budgetSchema),
      seed: z.exactOptional(z.int().min(0)),
    }).describe("The run whose final ranks are taken; task, budget and seed default to the same"),
  ),
  as: z.exactOptional(z.enum(ways).describe("What becomes of the ranks; default same")),
  add: z.exactOptional(
    z.array(delta).min(1).describe("Ranks added to those that the budget gives"),
  ),
}).refine(
  ({ file, of, add }) => [file, of, add].filter((given) => given !== undefined).length === 1,
  { error: "wanted exactly one of file, of and add" },
).refine(({ add, as }) => add === undefined || as === undefined, {
  error: "found as beside add, wanted it beside file or of",
}).meta({
  id: "ranks",
  description: "The ranks that runs start with, in place of those that the budget gives",
}) as unknown as z.ZodType<StudyRanks>; // Exactly one form is what the refinements guarantee.

function placeOf(delta: RankDelta): readonly ["layer" | "name" | "part", string | number] {
  if ("layer" in delta) return ["layer", delta.layer];
  return "module" in delta ? ["name", delta.module] : ["part", delta.part];
}

/** A delta in few characters: `layer 3 +1`. */
function deltaText(delta: RankDelta): string {
  const [key, value] = placeOf(delta);
  return `${key === "layer" ? `layer ${value}` : value} ${signed(delta.by)}`;
}

const signed = (count: number) => `${count < 0 ? "" : "+"}${count}`;

/** What a label says of given ranks: `ranks of elalora reversed`, `ranks of ranks.json`, `layer 3 +1`. */
export function ranksText(ranks: StudyRanks): string {
  if ("add" in ranks) return ranks.add.map(deltaText).join(" ");
  const as = ranks.as === undefined || ranks.as === "same" ? [] : [ranks.as];
  if ("file" in ranks) return ["ranks of", ranks.file, ...as].join(" ");
  const { label, task, budget, seed } = ranks.of;
  return [
    "ranks of",
    label,
    ...(task === undefined ? [] : [`on ${task}`]),
    ...(budget === undefined ? [] : [`at ${budgetKey(budgetOf(budget))}`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    ...as,
  ].join(" ");
}

/** Ranks by module. */
export type Ranks = Readonly<Record<string, number>>;

/** The sum of the ranks of all modules. */
export function totalRank(ranks: Ranks): number {
  return total(Object.values(ranks));
}

/** Ranks with the layers in the opposite order: layer i gets those of layer L − 1 − i, part by part. */
function reversedInDepth(modules: readonly ModuleShape[], ranks: Ranks): Ranks {
  const layers = [...new Set(modules.map(({ layer }) => layer))].sort((a, b) => a - b);
  const nameOf = new Map(modules.map(({ name, layer, part }) => [`${layer}.${part}`, name]));
  return Object.fromEntries(modules.map(({ name, layer, part }) => {
    const opposite = layers[layers.length - 1 - layers.indexOf(layer)]!;
    return [name, ranks[nameOf.get(`${opposite}.${part}`)!]!];
  }));
}

/** The same total rank, spread over the modules as evenly as it goes. */
export function evenRanks(modules: readonly ModuleShape[], sum: number): Ranks {
  const even = apportion(sum, modules.map(() => sum / modules.length));
  return Object.fromEntries(modules.map(({ name }, i) => [name, even[i]!]));
}

/** The same ranks in a random order of the modules, by the stream `permuted-ranks` of a seed. */
function permuted(modules: readonly ModuleShape[], ranks: Ranks, seed: number): Ranks {
  const order = RandomStream.fromSeed(seed).fork("permuted-ranks").permutation(modules.length);
  return Object.fromEntries(modules.map(({ name }, i) => [name, ranks[modules[order[i]!]!.name]!]));
}

/**
 * What becomes of ranks that are taken from elsewhere; their total stays.
 *
 * @param modules The adapted modules, in model order.
 * @param ranks A rank for each of them.
 * @param seed Of the run that takes them; decides the permutation.
 */
export function transformedRanks(
  as: RanksAs,
  modules: readonly ModuleShape[],
  ranks: Ranks,
  seed: number,
): Ranks {
  switch (as) {
    case "same":
      return ranks;
    case "reversed":
      return reversedInDepth(modules, ranks);
    case "permuted":
      return permuted(modules, ranks, seed);
    case "uniform":
      return evenRanks(modules, totalRank(ranks));
  }
}

/**
 * Ranks with deltas added, one after the other.
 *
 * @param ranks Of the adapted modules, in their order.
 * @throws {RangeError} If a delta is for no adapted module, or a rank would be below zero or above a module's smaller side.
 */
export function ranksWithDeltas(
  modules: readonly ModuleShape[],
  ranks: readonly number[],
  deltas: readonly RankDelta[],
): Ranks {
  const given = [...ranks];
  const isFor = (delta: RankDelta, module: ModuleShape) => {
    const [key, value] = placeOf(delta);
    return module[key] === value;
  };
  const called = (delta: RankDelta) => {
    const [key, value] = placeOf(delta);
    return { kind: key === "name" ? "module" : key, value: String(value) };
  };
  for (const delta of deltas) {
    const places = [...modules.keys()].filter((i) => isFor(delta, modules[i]!));
    if (places.length === 0) {
      const { kind, value } = called(delta);
      const known = new Set(modules.map((module) => String(module[placeOf(delta)[0]])));
      throw new RangeError(`Cannot add ranks: ${unknownName(kind, value, [...known])}`);
    }
    for (const i of places) given[i]! += delta.by;
  }
  for (const [i, module] of modules.entries()) {
    const most = Math.min(module.inSize, module.outSize);
    if (given[i]! >= 0 && given[i]! <= most) continue;
    const own = deltas.filter((delta) => isFor(delta, module)).map((delta) => {
      const { kind, value } = called(delta);
      return `${signed(delta.by)} for ${kind} ${kind === "layer" ? value : `"${value}"`}`;
    });
    throw new RangeError(
      `Cannot add ${own.join(" and ")}: found rank ${
        given[i]
      } for module "${module.name}", whose budget gives it ` +
        `${ranks[i]}; wanted 0 to ${most}`,
    );
  }
  return Object.fromEntries(modules.map(({ name }, i) => [name, given[i]!]));
}

function isRanks(value: unknown): value is Ranks {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every((rank) => Number.isInteger(rank));
}

/**
 * The ranks in a parsed file: module → rank, or a run's record, whose final ranks count.
 *
 * @throws {RangeError} If it is neither, or the record is of a run without ranks.
 */
export function ranksOfFile(value: unknown): Ranks {
  if (typeof value === "object" && value !== null && "happened" in value) {
    const { happened } = value;
    if (typeof happened === "object" && happened !== null && "finalRanks" in happened) {
      if (isRanks(happened.finalRanks)) return happened.finalRanks;
    }
    throw new RangeError("found a record without final ranks, wanted that of a run with ranks");
  }
  if (isRanks(value) && Object.keys(value).length > 0) return value;
  throw new RangeError(
    'wanted an object of module to whole rank, such as { "layer.0.query": 2 }, or a run\'s record.json',
  );
}
