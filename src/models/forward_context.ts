/**
 * What the forward pass of an encoder is built from, and the small pieces that all families share.
 *
 * @module
 */
import {
  add,
  concat,
  constant,
  gelu,
  gemm,
  type HostTensor,
  layerNorm,
  mul,
  relu,
  reshape,
  tanh,
  type Tensor,
  withScope,
} from "../graph/mod.ts";
import type { ModuleShape } from "../study/types.ts";
import type { Activation, EncoderShape } from "./config.ts";
import { dims, type EncoderInputs } from "./token_rows.ts";
import { linearParameters, type ParameterSpec } from "./parameters.ts";

/** A linear layer by its name in a checkpoint, and the module that can be adapted there. */
export interface LinearLayer {
  readonly path: string;
  readonly module: ModuleShape | null;
}

/** What a forward pass is built from: where parameters come from, and what adapters and dropout add. */
export interface ForwardContext {
  /** The parameter of a checkpoint name, frozen or trained. */
  readonly parameter: (name: string) => Tensor;
  /**
   * Linear layers that share an input, their outputs side by side.
   *
   * @param x Their input, `[rows, in]`.
   * @returns `[rows, sum of out]`.
   */
  readonly linear: (layers: readonly LinearLayer[], x: Tensor) => Tensor;
  /** The factors of dropout at a named place, `[rows, columns]` as the site says; null without dropout. */
  readonly mask: (site: DropoutSite) => Tensor | null;
  /** What an adapter adds beside a module that a sum and a norm follow; null for nothing. Default: nothing anywhere. */
  readonly branch?: (module: ModuleShape) => ModuleBranch | null;
  /** What a layer takes in place of the states that enter it, `[tokens, hidden]`. Default: those states. */
  readonly entering?: (layer: number, states: Tensor) => Tensor;
}

/** Layers of an adapter's own beside a module, which a sum with what goes around it and a norm follow. */
export interface ModuleBranch {
  /**
   * `output`: it takes the module's output after dropout, and is added to it. `norm`: it takes the sum after the norm and is
   * added to the sum, which is then normalised again.
   */
  readonly place: "output" | "norm";
  /** What is added, from what it takes: `[rows, out]` in and out. */
  readonly added: (x: Tensor) => Tensor;
  /** What is added to the norm's parameters, or null. */
  readonly norm: NormChange | null;
}

/** Numbers that are added to the gain and the offset of a norm, `[columns]`. */
export interface NormChange {
  /** Added to the factor γ. */
  readonly gain: Tensor;
  /** Added to the offset β. */
  readonly offset: Tensor;
}

/** A place where dropout may act. */
export interface DropoutSite {
  /** For instance `layer.0.mixed`; unique in the forward pass, since it seeds the mask. */
  readonly name: string;
  /** Which rate applies. */
  readonly kind: "hidden" | "attention" | "head" | "adapter";
  /** Rows and columns of the mask. */
  readonly rows: string;
  /** A width, or a symbolic size where it differs from batch to batch. */
  readonly columns: number | string;
}

/** Which hidden states of the last layer are wanted: those of all tokens, or of each text's first token alone. */
export type WantedStates = "all" | "first";

/** The hidden states that a task head needs. */
export function wantedStates({ pooling }: Pick<EncoderShape, "pooling">): WantedStates {
  return pooling === "first" ? "first" : "all";
}

/** Linear layers as they are in the checkpoint, side by side. */
export function plainLinear(
  parameter: ForwardContext["parameter"],
  layers: readonly LinearLayer[],
  x: Tensor,
): Tensor {
  return gemm(x, stacked(layers.map(({ path }) => parameter(`${path}.weight`))), {
    transB: true,
    bias: stacked(layers.map(({ path }) => parameter(`${path}.bias`))),
  });
}

/**
 * The context of an encoder as its checkpoint has it: frozen, without adapters in its weights and without dropout.
 *
 * @param watch Sees each product of linear layers, and what layers are entered with; may add branches.
 */
export function frozenContext(
  tensors: ReadonlyMap<string, HostTensor>,
  watch: Pick<ForwardContext, "branch" | "entering"> & {
    readonly product?: (layers: readonly LinearLayer[], x: Tensor, y: Tensor) => void;
  },
): ForwardContext {
  const { product, ...others } = watch;
  const parameter = frozenParameters(tensors);
  return {
    parameter,
    linear: (layers, x) => {
      const y = plainLinear(parameter, layers, x);
      product?.(layers, x, y);
      return y;
    },
    mask: () => null,
    ...others,
  };
}

/** A linear layer that no adapter touches. */
export function dense(context: ForwardContext, path: string, x: Tensor): Tensor {
  return context.linear([{ path, module: null }], x);
}

/** `x` with dropout at a site. */
export function drop(context: ForwardContext, site: DropoutSite, x: Tensor): Tensor {
  const mask = context.mask(site);
  return mask === null ? x : mul(x, reshape(mask, x.shape));
}

/** A linear layer of a task head on the rows of texts, with dropout before it. */
export function headLayer(
  context: ForwardContext,
  { hidden }: Pick<EncoderShape, "hidden">,
  name: string,
  x: Tensor,
): Tensor {
  const site = { name, kind: "head", rows: dims.batch, columns: hidden } as const;
  return dense(context, name, drop(context, site, x));
}

/**
 * Layer normalisation with the parameters of a name.
 *
 * @param change What is added to them. Default: nothing.
 */
export function norm(
  context: ForwardContext,
  { layerNormEpsilon }: Pick<EncoderShape, "layerNormEpsilon">,
  name: string,
  x: Tensor,
  change: NormChange | null = null,
): Tensor {
  const [gain, offset] = [context.parameter(`${name}.weight`), context.parameter(`${name}.bias`)];
  return change === null
    ? layerNorm(x, gain, offset, layerNormEpsilon)
    : layerNorm(x, add(gain, change.gain), add(offset, change.offset), layerNormEpsilon);
}

/** ½x(1 + tanh(√(2/π)(x + 0.044715x³))) (Hendrycks and Gimpel, arXiv 1606.08415, the tanh form). */
function geluTanh(x: Tensor): Tensor {
  const cubic = mul(x, add(mul(mul(x, x), 0.044715), 1));
  return mul(mul(x, 0.5), add(tanh(mul(cubic, Math.sqrt(2 / Math.PI))), 1));
}

/** The activation of a layer's wide part. */
export function activate(activation: Activation, x: Tensor): Tensor {
  if (activation === "relu") return relu(x);
  return activation === "gelu" ? gelu(x) : geluTanh(x);
}

/**
 * The vector of each text, `[batch, hidden]`.
 *
 * @param states The hidden states for {@linkcode wantedStates}.
 */
export function pooled(
  config: Pick<EncoderShape, "pooling">,
  states: Tensor,
  inputs: EncoderInputs,
): Tensor {
  return wantedStates(config) === "first" ? states : gemm(inputs.pool, states);
}

/**
 * Parameters as constants of a graph, one for each name that is asked for.
 *
 * @param tensors Numbers by name; asking for another name throws a RangeError.
 */
export function frozenParameters(
  tensors: ReadonlyMap<string, HostTensor>,
): ForwardContext["parameter"] {
  const held = new Map<string, Tensor>();
  return (name) => {
    const known = held.get(name);
    if (known !== undefined) return known;
    const host = tensors.get(name);
    if (host === undefined) throw new RangeError(`The encoder has no weights named "${name}"`);
    const tensor = constant(host, name);
    held.set(name, tensor);
    return tensor;
  };
}

/** What was stacked, by its first part: programs of one encoder share the copy. */
const held = new WeakMap<
  HostTensor,
  { readonly parts: readonly HostTensor[]; whole: HostTensor }
>();

function stackedHosts(parts: readonly HostTensor[]): HostTensor {
  const [first] = parts as readonly [HostTensor];
  const before = held.get(first);
  if (before?.parts.length === parts.length && before.parts.every((part, i) => part === parts[i])) {
    return before.whole;
  }
  const rows = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const shape = [rows, ...first.shape.slice(1)];
  const Numbers = first.data instanceof Float64Array ? Float64Array : Float32Array;
  const data = new Numbers(shape.reduce((product, size) => product * size, 1));
  let at = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array | Float64Array, at);
    at += part.data.length;
  }
  const whole: HostTensor = { type: "f32", shape, data };
  held.set(first, { parts, whole });
  return whole;
}

/**
 * Tensors of equal rows along their first axis; frozen ones are joined on the host, once for all programs.
 *
 * @param parts `[n, …]` each.
 */
export function stacked(parts: readonly Tensor[]): Tensor {
  if (parts.length === 1) return parts[0]!;
  const hosts = parts.flatMap(({ node }) => node.constant === null ? [] : [node.constant]);
  if (hosts.length < parts.length) return concat(parts, 0);
  const name = parts.map(({ node }) => node.attributes["name"]).join("+");
  return constant(stackedHosts(hosts), name);
}

/** The parameters of the head with `outputs` outputs. */
export function twoLayerHeadParameters(
  { hidden, initializerRange }: EncoderShape,
  outputs: number,
): readonly ParameterSpec[] {
  return [
    ...linearParameters("classifier.dense", [hidden, hidden], initializerRange),
    ...linearParameters("classifier.out_proj", [outputs, hidden], initializerRange),
  ];
}

/**
 * Logits of the head.
 *
 * @param config.activation Between its two layers.
 * @param states The hidden states for `wantedStates`.
 * @returns `[batch, outputs]`.
 */
export function twoLayerHead(
  { config, activation }: {
    readonly config: EncoderShape;
    readonly activation: (x: Tensor) => Tensor;
  },
  states: Tensor,
  inputs: EncoderInputs,
  context: ForwardContext,
): Tensor {
  return withScope("head", () => {
    const text = pooled(config, states, inputs);
    const features = activation(headLayer(context, config, "classifier.dense", text));
    return headLayer(context, config, "classifier.out_proj", features);
  });
}
