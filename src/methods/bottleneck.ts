/**
 * Bottleneck adapters: up(σ(down(x))) beside a module, with biases, a rank being one hidden unit.
 *
 * Houlsby et al., arXiv 1902.00751, section 2.1, and Pfeiffer et al., arXiv 2005.00247 and 2005.00052, which differ in where it
 * stands, in σ and in how it starts. With d numbers a row and m ranks, a module costs 2md + d + m (section 2.1 of the former).
 *
 * Dropout of adapters acts on what the down projection takes, as in the other methods; the authors' code has none, and
 * `adapters` has it after the up projection.
 *
 * @module
 */
import { gemm, type HostTensor, reshape, split, type Tensor } from "../graph/mod.ts";
import type { ModuleBranch } from "../models/forward_context.ts";
import type { Initial } from "../models/parameters.ts";
import type { ModulePart } from "../study/schema/settings.ts";
import type { ModuleShape } from "../study/types.ts";
import { type AdapterPart, type Bottleneck, type BottleneckAdapter, costsOf } from "./adapter.ts";
import { constantPart } from "./lora_form.ts";
import { activationOf, type Nonlinearity } from "./nonlinearity.ts";

/** What the methods differ in. */
interface BottleneckOptions {
  readonly place: BottleneckAdapter["place"];
  readonly nonlinearity: Nonlinearity;
  /** How both projections start. */
  readonly initial: Initial;
  /** Whether gain and offset of the norm that follows are trained too. */
  readonly trainsNorms: boolean;
}

/** The parts of a layer that a sum and a norm follow. */
export const summedParts: readonly ModulePart[] = ["attention_output", "output"];

const width = ({ outSize }: ModuleShape) => outSize;

/** A bottleneck adapter; rows of `down` and `up` are the weights of one hidden unit. */
export function bottleneckAdapter(options: BottleneckOptions): BottleneckAdapter {
  const { place, nonlinearity, initial, trainsNorms } = options;
  const matrix = (name: string): AdapterPart => ({
    name,
    rowLength: width,
    initial: () => initial,
  });
  // Biases and norms start at zero and do not decay.
  const vector = (name: string) =>
    constantPart(name, { rowLength: width, decay: false, per: "module" });
  const parts: readonly AdapterPart[] = [
    matrix("down"),
    constantPart("downBias", { decay: false }),
    matrix("up"),
    vector("upBias"),
    // Gain and offset themselves stay those of the encoder, so that an adapter of zeros changes nothing.
    ...(trainsNorms ? [vector("normGain"), vector("normOffset")] : []),
  ];
  return {
    place,
    nonlinearity,
    parts,
    prepare: (rows) => ({
      down: rows["down"]!,
      downBias: rows["downBias"]!,
      activate: activationOf(nonlinearity),
      up: rows["up"]!,
      upBias: rows["upBias"]!,
      norm: trainsNorms ? { gain: rows["normGain"]!, offset: rows["normOffset"]! } : null,
    }),
    scale: () => 1,
    storage: { costs: costsOf({ parts }) },
  };
}

/** Bottlenecks of modules side by side, taken apart: one `[1, …]` each. */
export function singleBottlenecks(all: Bottleneck): readonly Bottleneck[] {
  const count = all.down.shape[0] as number;
  const apart = (x: Tensor) => split(x, Array.from({ length: count }, () => 1), 0);
  const [down, downBias, up, upBias] = [all.down, all.downBias, all.up, all.upBias].map(apart) as [
    readonly Tensor[],
    readonly Tensor[],
    readonly Tensor[],
    readonly Tensor[],
  ];
  const gain = all.norm === null ? null : apart(all.norm.gain);
  const offset = all.norm === null ? null : apart(all.norm.offset);
  return down.map((own, i) => ({
    down: own,
    downBias: downBias[i]!,
    activate: all.activate,
    up: up[i]!,
    upBias: upBias[i]!,
    norm: gain === null || offset === null ? null : { gain: gain[i]!, offset: offset[i]! },
  }));
}

/**
 * A bottleneck of one module in a forward pass.
 *
 * @param own As {@linkcode singleBottlenecks} gives them.
 * @param dropped Dropout of what it takes. Default: none.
 */
export function bottleneckBranch(
  place: ModuleBranch["place"],
  own: Bottleneck,
  dropped: (x: Tensor) => Tensor = (x) => x,
): ModuleBranch {
  const [, capacity, columns] = own.down.shape as readonly [number, number, number];
  const matrix = (x: Tensor) => reshape(x, [capacity, columns]);
  const row = (x: Tensor) => reshape(x, [columns]);
  return {
    place,
    added: (x) => {
      const hidden = gemm(dropped(x), matrix(own.down), {
        transB: true,
        bias: reshape(own.downBias, [capacity]),
      });
      return gemm(own.activate(hidden), matrix(own.up), { bias: row(own.upBias) });
    },
    norm: own.norm === null ? null : { gain: row(own.norm.gain), offset: row(own.norm.offset) },
  };
}

/** Whether stored parts of a module add nothing, whatever comes in: all that its output is made with is zero. */
export function isIdleBottleneck(
  parts: Readonly<Record<string, Pick<HostTensor, "data">>>,
): boolean {
  return ["up", "upBias", "normGain", "normOffset"].every((name) =>
    parts[name]?.data.every((value) => value === 0) ?? true
  );
}
