/**
 * Adapters in the format of the Python library peft (LoRA and DoRA): `adapter_config.json` and `adapter_model.safetensors`.
 *
 * Names and meanings of the keys: `src/peft/tuners/lora/config.py` and `src/peft/utils/save_and_load.py` of
 * github.com/huggingface/peft.
 *
 * @module
 */
import type { StoredTensor } from "../models/safetensors.ts";
import type { HostTensor } from "../graph/mod.ts";
import { rowLengths, type WeightUpdate } from "../methods/weight_update.ts";

/** What goes before every name in an adapter's file. */
export const peftPrefix = "base_model.model.";

interface PeftExportRequest {
  readonly updates: readonly WeightUpdate[];
  /** The base's parameters by checkpoint name. */
  readonly base: ReadonlyMap<string, HostTensor>;
  /** Parameters of the head by checkpoint name; empty for an adapter of an encoder alone. */
  readonly head: ReadonlyMap<string, StoredTensor>;
  /** The name that transformers has for a module or parameter of the model with its head. */
  readonly nameOf: (checkpointName: string) => string;
  /** Whether the scale is written as alpha over the root of the rank. */
  readonly rootScaling: boolean;
  /** Dropout at the adapters' input while training. */
  readonly dropout: number;
  /** Where the base model is, a path or a name, as readers receive it. */
  readonly baseModel: string;
  /** The commit of a base on a hub, or null. */
  readonly revision: string | null;
}

/** The two files of an adapter, the tensors not yet encoded. */
interface PeftAdapter {
  readonly configJson: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** The value that most have; of several such the first. */
function mostCommon(values: readonly number[]): number {
  const groups = [...Map.groupBy(values, (value) => value)];
  return groups.reduce((best, next) => next[1].length > best[1].length ? next : best)[0];
}

/** The modules of the head, `classifier` and `pooler` for BERT, each once. */
function headModules(head: ReadonlyMap<string, StoredTensor>): readonly string[] {
  return [...new Set([...head.keys()].map((name) => name.split(".")[0]!))].sort();
}

/**
 * Makes the two files.
 *
 * The most common rank is `r`, and modules with another stand in `rank_pattern`; `alpha_pattern` gives each the alpha with
 * which alpha over its rank (or its root) is the scale that it was trained with.
 *
 * @throws {RangeError} If no module has a rank: peft cannot describe that.
 */
export function peftAdapter(request: PeftExportRequest): PeftAdapter {
  const { updates, base, head, nameOf, rootScaling, dropout, baseModel, revision } = request;
  if (updates.length === 0) {
    throw new RangeError(
      "Cannot write an adapter for peft: found no module with a rank of at least 1, want one; " +
        "--format merged writes such a model",
    );
  }
  const rankOf = ({ A }: WeightUpdate) => A.shape[0]!;
  // Of all numbers this one, divided again, comes nearest to the scale.
  const alphaOf = (update: WeightUpdate) =>
    update.scale * (rootScaling ? Math.sqrt(rankOf(update)) : rankOf(update));
  const rank = mostCommon(updates.map(rankOf));
  const alpha = mostCommon(updates.filter((update) => rankOf(update) === rank).map(alphaOf));
  const pattern = (valueOf: (update: WeightUpdate) => number, usual: number) =>
    Object.fromEntries(
      updates.filter((update) => valueOf(update) !== usual)
        .map((update) => [nameOf(update.path), valueOf(update)]),
    );
  const config = {
    alpha_pattern: pattern(alphaOf, alpha),
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: dropout,
    modules_to_save: head.size === 0 ? null : headModules(head),
    peft_type: "LORA",
    r: rank,
    rank_pattern: pattern(rankOf, rank),
    revision,
    target_modules: updates.map(({ path }) => nameOf(path)),
    task_type: head.size === 0 ? "FEATURE_EXTRACTION" : "SEQ_CLS",
    use_dora: updates.some(({ lengths }) => lengths !== undefined),
    use_rslora: rootScaling,
  };
  const tensors = new Map<string, StoredTensor>();
  for (const update of updates) {
    const name = `${peftPrefix}${nameOf(update.path)}`;
    tensors.set(`${name}.lora_A.weight`, update.A);
    tensors.set(`${name}.lora_B.weight`, update.B);
    const lengths = rowLengths(base.get(`${update.path}.weight`)!, update);
    if (lengths !== null) {
      const data = Float32Array.from(lengths);
      tensors.set(`${name}.lora_magnitude_vector`, { shape: [data.length], data });
    }
  }
  for (const [name, tensor] of head) tensors.set(`${peftPrefix}${nameOf(name)}`, tensor);
  return { configJson: `${JSON.stringify(config, null, 2)}\n`, tensors };
}
