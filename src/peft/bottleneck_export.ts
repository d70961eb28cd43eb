/**
 * Bottleneck adapters in the format of the Python library `adapters`: `adapter_config.json` and `adapter.safetensors`.
 *
 * Names and meanings of the keys: `src/adapters/configuration/adapter_config.py` and `src/adapters/loading.py` of
 * github.com/adapter-hub/adapters. The library has one width for all adapters, so that narrower ones get hidden units of
 * zeros, which add nothing. It has no place for trained norms and poolers: they go into the weights of the base.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";
import { architectureOf, type EncoderConfig } from "../models/architectures.ts";
import type { StoredTensor } from "../models/safetensors.ts";
import type { ModuleShape } from "../study/types.ts";
import type { BottleneckAdapter } from "../methods/adapter.ts";
import type { Nonlinearity } from "../methods/nonlinearity.ts";
import { storedParts } from "../methods/weight_update.ts";

/** What the library receives as the adapter's name. */
const adapterName = "ranklab";

/** What the library calls σ. */
const libraryNames: Readonly<Record<Nonlinearity, string>> = {
  gelu: "gelu",
  gelu_tanh: "gelu_new",
  relu: "relu",
  swish: "swish",
};

/** A trained adapter to be written. */
interface BottleneckExportRequest {
  readonly config: EncoderConfig;
  readonly adapter: BottleneckAdapter;
  readonly modules: readonly ModuleShape[];
  /** The parts of each module by `<module>.<part>`. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The name that transformers has for a module or parameter of the model with its head. */
  readonly nameOf: (checkpointName: string) => string;
  /** `model_type` of the base's `config.json`, and the class of transformers. */
  readonly modelType: string;
  readonly modelClass: string;
}

/** The two files of an adapter, the tensors not yet encoded, and what is added to parameters of the base. */
interface BottleneckExport {
  readonly configJson: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** By checkpoint name. */
  readonly changes: ReadonlyMap<string, StoredTensor>;
}

/** Where the library has the adapter of a module, and the norm after it. */
function placesOf(config: EncoderConfig, { layer, part }: ModuleShape) {
  const path = architectureOf(config).modulePath(layer, part);
  if (config.architecture !== "distilbert") {
    const holder = path.replace(/\.dense$/, "");
    return { holder, norm: `${holder}.LayerNorm` };
  }
  const above = `transformer.layer.${layer}`;
  return part === "output"
    ? { holder: `${above}.output_adapters`, norm: `${above}.output_layer_norm` }
    : { holder: `${above}.attention_adapters`, norm: `${above}.sa_layer_norm` };
}

/** Rows `[rank, columns]` with rows of zeros up to `width`. */
function padded({ shape: [, columns], data }: StoredTensor, width: number): StoredTensor {
  const all = new Float32Array(width * columns!);
  all.set(data);
  return { shape: [width, columns!], data: all };
}

/** `[rows, columns]` as `[columns, rows]`. */
function turned({ shape, data }: StoredTensor): StoredTensor {
  const [rows, columns] = shape as readonly [number, number];
  const all = Float32Array.from(
    { length: rows * columns },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!,
  );
  return { shape: [columns, rows], data: all };
}

function flat({ data }: StoredTensor): StoredTensor {
  return { shape: [data.length], data };
}

/** The number by which the library divides the hidden size and rounds down to get the width. */
function reductionFactor(hidden: number, width: number): number {
  return hidden % width === 0 ? hidden / width : hidden / (width + 0.5);
}

/**
 * Makes the two files.
 *
 * @throws {RangeError} If no module has a rank, or a module has some of its parts but not all.
 */
export function bottleneckExport(request: BottleneckExportRequest): BottleneckExport {
  const { config, adapter, modules, nameOf, modelType, modelClass } = request;
  const adapted = modules.flatMap((module) => {
    const parts = storedParts(request.tensors, adapter, module);
    return parts === null ? [] : [{ module, parts }];
  });
  if (adapted.length === 0) {
    throw new RangeError(
      "Cannot write an adapter for the library adapters: found no module with a rank of at least 1, want one",
    );
  }
  const width = Math.max(...adapted.map(({ parts }) => parts["down"]!.shape[0]!));
  const tensors = new Map<string, StoredTensor>();
  const changes = new Map<string, StoredTensor>();
  for (const module of modules) {
    if (adapter.place === "norm" && module.part !== "output") continue;
    const { holder, norm } = placesOf(config, module);
    const parts = adapted.find((own) => own.module.name === module.name)?.parts ?? {};
    const rowOf = (part: string, columns: number): StoredTensor =>
      parts[part] ?? { shape: [0, columns], data: new Float32Array(0) };
    const start = `${nameOf(holder)}.adapters.${adapterName}`;
    const { outSize } = module;
    tensors.set(`${start}.adapter_down.0.weight`, padded(rowOf("down", outSize), width));
    tensors.set(`${start}.adapter_down.0.bias`, flat(padded(rowOf("downBias", 1), width)));
    tensors.set(`${start}.adapter_up.weight`, turned(padded(rowOf("up", outSize), width)));
    tensors.set(`${start}.adapter_up.bias`, flat(padded(rowOf("upBias", outSize), 1)));
    const [gain, offset] = [parts["normGain"], parts["normOffset"]];
    if (gain !== undefined) changes.set(`${norm}.weight`, flat(gain));
    if (offset !== undefined) changes.set(`${norm}.bias`, flat(offset));
  }
  const file = {
    config: {
      mh_adapter: adapter.place === "output",
      output_adapter: true,
      reduction_factor: reductionFactor(config.hidden, width),
      non_linearity: libraryNames[adapter.nonlinearity],
      original_ln_before: adapter.place === "norm",
      original_ln_after: true,
      residual_before_ln: true,
      adapter_residual_before_ln: false,
      ln_before: false,
      ln_after: false,
      init_weights: "bert",
      is_parallel: false,
      // No "scaling": the library wants a float, which JSON from here does not tell from an integer; its default is 1.0.
      use_gating: false,
      cross_adapter: false,
      dropout: 0,
      inv_adapter: null,
      inv_adapter_reduction_factor: null,
      leave_out: [],
      phm_layer: false,
      stochastic_depth: 0,
    },
    hidden_size: config.hidden,
    model_class: modelClass,
    model_name: "",
    model_type: modelType,
    name: adapterName,
    version: "adapters.1.3.0",
  };
  return { configJson: `${JSON.stringify(file, null, 2)}\n`, tensors, changes };
}

/** Parameters with what is added to some of them, rounded once. */
export function changedTensors(
  tensors: ReadonlyMap<string, HostTensor>,
  changes: ReadonlyMap<string, StoredTensor>,
): ReadonlyMap<string, HostTensor> {
  const changed = new Map(tensors);
  for (const [name, { data }] of changes) {
    const base = tensors.get(name);
    if (base === undefined) {
      throw new RangeError(`Cannot change "${name}": the encoder has no such parameter`);
    }
    const sum = Float32Array.from(data, (value, i) => Number(base.data[i]) + value);
    changed.set(name, { type: "f32", shape: base.shape, data: sum });
  }
  return changed;
}
