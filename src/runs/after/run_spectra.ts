/**
 * What the update of each module of one run is made of, from its stored factors.
 *
 * @module
 */
import { isOfWeights } from "../../methods/adapter.ts";
import type { BoundMethod } from "../../methods/method.ts";
import { updateSpectrum } from "../../methods/update_spectrum.ts";
import { mergedWeight, type WeightUpdate } from "../../methods/weight_update.ts";
import { architectureOf } from "../../models/architectures.ts";
import type { EncoderModel } from "../../models/load.ts";
import { targetModules } from "../../models/config.ts";
import type { ModuleSpectrum, RunSpectra, SpectraOverlap } from "../../record/spectra.ts";
import type { RunRecord } from "../../record/types.ts";
import {
  chanceOverlap,
  effectiveRank,
  frobeniusNorm,
  intruderCount,
  leftSingularVectors,
  spanOf,
  stableRank,
  subspaceOverlap,
  type Vectors,
} from "../../stats/spectra.ts";
import type { ModuleShape } from "../../study/types.ts";
import { takenApart } from "../share/model_folder.ts";
import { type KeptWeights, storedScale } from "../trained_run.ts";

/** Singular vectors of the new weight that are looked at for intruders: k of Shuttleworth et al. (arXiv 2410.21228). */
export const intruderTop = 10;

/** Cosine below which one of them is an intruder: their ε. */
export const intruderThreshold = 0.5;

/** The directions that the update of a module writes to and reads, as orthonormal bases. */
interface UpdateBasis {
  readonly module: ModuleShape;
  readonly left: Vectors;
  readonly right: Vectors;
}

/** A run with its spectra and the bases of its updates. */
export interface SpannedRun {
  readonly spectra: RunSpectra;
  readonly bases: ReadonlyMap<string, UpdateBasis>;
}

/** What intruders are looked for among: the singular vectors of frozen weights, each found once. */
export class FrozenVectors {
  readonly #held = new Map<string, Vectors>();

  /** All left singular vectors of a weight of a model. */
  of({ tensors, weightsHash }: EncoderModel, path: string): Vectors {
    const key = `${weightsHash}/${path}`;
    const held = this.#held.get(key) ?? leftSingularVectors(denseOf(weightOf(tensors, path)));
    this.#held.set(key, held);
    return held;
  }
}

type Weight = ReturnType<typeof weightOf>;

function weightOf(tensors: EncoderModel["tensors"], path: string) {
  return tensors.get(`${path}.weight`)!;
}

function denseOf({ shape: [rows, columns], data }: Weight) {
  return { rows: rows!, columns: columns!, data: Float32Array.from(data, Number) };
}

interface SpectraRequest {
  readonly record: RunRecord;
  readonly method: BoundMethod;
  readonly model: EncoderModel;
  readonly weights: KeptWeights;
  /** Where frozen weights' vectors are, or null where intruders are not looked for. */
  readonly frozen: FrozenVectors | null;
  /** What an earlier call found of the same weights; its intruders are taken as they are. */
  readonly earlier: RunSpectra | null;
  /** Called before each module, so that others have their turn. */
  readonly pause: () => Promise<void>;
}

function idle(module: ModuleShape, hasIntruders: boolean): ModuleSpectrum {
  return {
    module: module.name,
    rank: 0,
    values: [],
    effectiveRank: 0,
    stableRank: 0,
    norm: 0,
    relativeNorm: 0,
    intruders: hasIntruders ? 0 : null,
  };
}

function intrudersOf(
  { model, frozen, earlier }: SpectraRequest,
  module: ModuleShape,
  update: WeightUpdate,
): number | null {
  const known = earlier?.modules.find((own) => own.module === module.name)?.intruders ?? null;
  if (known !== null) return known;
  if (frozen === null) return null;
  const merged = mergedWeight(weightOf(model.tensors, update.path), update);
  return intruderCount(
    frozen.of(model, update.path),
    leftSingularVectors(denseOf(merged), intruderTop),
    intruderThreshold,
  );
}

/** Why a method's runs have no spectra, or null where they have. */
export function withoutUpdates({ adapter }: BoundMethod): string | null {
  if (adapter === null) return "its method has no adapter";
  return isOfWeights(adapter)
    ? null
    : "its layers stand between those of the encoder, so that they change no weights";
}

/**
 * The spectra of a run whose method changes weights.
 *
 * @throws {RangeError} If the stored adapter is not whole.
 */
export async function spectraOfRun(request: SpectraRequest): Promise<SpannedRun> {
  const { record, method, model, weights: { tensors, off, hash }, frozen } = request;
  const { modulePath } = architectureOf(model.config);
  const { initialRanks, finalRanks, storedRanks } = record.happened;
  const ranks = storedRanks ?? finalRanks ?? {};
  const modules = targetModules(model.config)
    .filter(({ name }) => Object.hasOwn(initialRanks ?? {}, name));
  const stored = { tensors, off, scale: storedScale(method, record) };
  const { updates: all } = takenApart(model.config, method.adapter, stored);
  const updates = new Map(all.map((update) => [update.path, update]));
  const bases = new Map<string, UpdateBasis>();
  const spectra: ModuleSpectrum[] = [];
  for (const module of modules) {
    await request.pause();
    const update = updates.get(modulePath(module.layer, module.part));
    if (update === undefined) {
      spectra.push(idle(module, frozen !== null));
      continue;
    }
    const { values, left, right } = updateSpectrum(update);
    const norm = frobeniusNorm(values);
    bases.set(module.name, { module, left: spanOf(left, values), right: spanOf(right, values) });
    spectra.push({
      module: module.name,
      rank: ranks[module.name] ?? 0,
      values,
      effectiveRank: effectiveRank(values),
      stableRank: stableRank(values),
      norm,
      relativeNorm: norm / frobeniusNorm(denseOf(weightOf(model.tensors, update.path)).data),
      intruders: intrudersOf(request, module, update),
    });
  }
  return { spectra: { id: record.id, weights: hash, modules: spectra }, bases };
}

/** How far the updates of two runs use the same directions; modules in which one has none are left out. */
export function overlapOf(first: SpannedRun, second: SpannedRun): SpectraOverlap {
  const modules = [...first.bases].flatMap(([name, own]) => {
    const other = second.bases.get(name);
    if (other === undefined) return [];
    const left = subspaceOverlap(own.left, other.left);
    const right = subspaceOverlap(own.right, other.right);
    if (left === null || right === null) return [];
    const { outSize, inSize } = own.module;
    return [{
      module: name,
      left,
      right,
      leftChance: chanceOverlap(own.left, other.left, outSize),
      rightChance: chanceOverlap(own.right, other.right, inSize),
    }];
  });
  return { first: first.spectra.id, second: second.spectra.id, modules };
}
