/**
 * What becomes of each key of a `config.json` that the config classes of transformers have: it is read, it changes nothing,
 * something of ranklab's stands in its place, or it is refused at values that would change numbers.
 *
 * The verdicts rest on measurements: `tests/golden/config_keys.py` changes one key after the other and compares logits and
 * gradients. A key without a verdict is none of transformers' and is left alone; files of the hub have many.
 *
 * @module
 */
import { canonicalJson, type Json } from "../base/canonical_json.ts";
import { shown } from "../base/input_error.ts";
import { variantError } from "./config.ts";

/** What becomes of a key. */
type KeyVerdict =
  /** The family reads it, and refuses what it cannot build. */
  | { readonly kind: "read" }
  /** It changes no number of a classifier, in training or in evaluation. */
  | { readonly kind: "nothing" }
  /** `by` says it instead. */
  | { readonly kind: "replaced"; readonly by: string }
  /** Only `known` values (and null) are taken, at which it changes nothing; `effect` is what other values do. */
  | { readonly kind: "refused"; readonly known: readonly Json[]; readonly effect: string };

/** Keys with their verdicts. */
type KeyVerdicts = Readonly<Record<string, KeyVerdict>>;

function each(verdict: KeyVerdict, keys: string): KeyVerdicts {
  return Object.fromEntries(keys.trim().split(/\s+/).map((key) => [key, verdict]));
}

const read = (keys: string) => each({ kind: "read" }, keys);
const nothing = (keys: string) => each({ kind: "nothing" }, keys);
const replaced = (by: string, keys: string) => each({ kind: "replaced", by }, keys);

/** Dropout rates, by what a study sets in their place. */
const dropout = (setting: string, keys: string) => replaced(`train.dropout.${setting}`, keys);

/** Keys of every config, of transformers 5 and 4. */
const common: KeyVerdicts = {
  ...read("model_type vocab_size max_position_embeddings initializer_range pad_token_id"),
  ...read("tokenizer_class"),
  ...replaced("the task", "id2label label2id num_labels problem_type"),
  ...replaced("single precision", "dtype torch_dtype"),
  // What is returned, and how it is computed.
  ...nothing(`
    _attn_implementation attn_implementation chunk_size_feed_forward gradient_checkpointing is_causal is_encoder_decoder
    output_attentions output_hidden_states output_scores return_dict tf_legacy_loss tie_encoder_decoder
    tie_last_hidden_states tie_word_embeddings torchscript use_bfloat16
  `),
  // Notes about the checkpoint.
  ...nothing(`
    _name_or_path architectures bos_token_id decoder_start_token_id eos_token_id finetuning_task name_or_path prefix
    sep_token_id task_specific_params transformers_version
  `),
  // Generation.
  ...nothing(`
    bad_words_ids begin_suppress_tokens cross_attention_hidden_size diversity_penalty do_sample early_stopping
    encoder_no_repeat_ngram_size exponential_decay_length_penalty forced_bos_token_id forced_eos_token_id length_penalty
    max_length min_length no_repeat_ngram_size num_beam_groups num_beams num_return_sequences remove_invalid_values
    repetition_penalty return_dict_in_generate suppress_tokens temperature top_k top_p typical_p
  `),
  per_layer_config: {
    kind: "refused",
    known: [{}],
    effect: "it gives single layers a shape of their own",
  },
  pruned_heads: {
    kind: "refused",
    known: [{}],
    effect: "it takes heads out of attention",
  },
  quantization_config: {
    kind: "refused",
    known: [],
    effect:
      "the weights are stored as codes and not as numbers; take the checkpoint that they were made of",
  },
};

/** Keys of the families whose layers are named as BERT's. */
const bertLike: KeyVerdicts = {
  ...common,
  ...read(`
    hidden_act hidden_size intermediate_size layer_norm_eps num_attention_heads num_hidden_layers type_vocab_size
  `),
  ...dropout("hidden", "hidden_dropout_prob"),
  ...dropout("attention", "attention_probs_dropout_prob"),
  ...dropout("head", "classifier_dropout"),
  ...nothing("pooler_hidden_size use_cache"),
  is_decoder: {
    kind: "refused",
    known: [false],
    effect: "it makes a token attend to itself and those before it alone",
  },
  add_cross_attention: {
    kind: "refused",
    known: [false],
    effect: "it gives each layer a second attention, to the states of another encoder",
  },
  position_embedding_type: {
    kind: "refused",
    known: ["absolute"],
    effect: "it adds tables of distances to attention (transformers 4)",
  },
};

/** Keys that DistilBERT's config has under other names: only what its own key says is taken. */
const distilbertAliases: Readonly<Record<string, string>> = {
  hidden_size: "dim",
  num_attention_heads: "n_heads",
  num_hidden_layers: "n_layers",
};

function distilbertKeys(config: Readonly<Record<string, Json>>): KeyVerdicts {
  const aliases = Object.entries(distilbertAliases).map(([alias, key]): [string, KeyVerdict] => [
    alias,
    {
      kind: "refused",
      known: config[key] === undefined ? [] : [config[key]],
      effect: `transformers takes it for ${key}`,
    },
  ]);
  return {
    ...common,
    ...read("activation dim hidden_dim n_heads n_layers"),
    ...dropout("hidden", "dropout"),
    ...dropout("attention", "attention_dropout"),
    ...dropout("head", "seq_classif_dropout"),
    // The table is stored as it was drawn. (Transformers 4 does not train it in a model with sinusoids, 5 does.)
    ...nothing("sinusoidal_pos_embds qa_dropout"),
    ...nothing("add_cross_attention is_decoder pooler_hidden_size"),
    ...Object.fromEntries(aliases),
  };
}

const electra: KeyVerdicts = {
  ...bertLike,
  ...read("embedding_size"),
  // Multiple choice has a head with these; classification has none of them.
  ...nothing(`
    summary_activation summary_first_dropout summary_last_dropout summary_proj_to_labels summary_type summary_use_proj
  `),
};

const deberta: KeyVerdicts = {
  ...common,
  ...read(`
    attention_head_size conv_kernel_size embedding_size hidden_act hidden_size intermediate_size layer_norm_eps
    max_relative_positions norm_rel_ebd num_attention_heads num_hidden_layers pooler_hidden_act pooler_hidden_size
    pos_att_type position_biased_input position_buckets relative_attention share_att_key type_vocab_size
  `),
  ...dropout("hidden", "hidden_dropout_prob"),
  ...dropout("attention", "attention_probs_dropout_prob"),
  ...dropout("head", "cls_dropout"),
  ...replaced("no dropout before the pooler", "pooler_dropout"),
  // Of the convolution, which is refused, and of the head for masked words.
  ...nothing("conv_act conv_groups legacy"),
  ...nothing("add_cross_attention is_decoder"),
};

/** The keys of each `model_type`, which may depend on others in the file. */
const families: Readonly<Record<string, (config: Readonly<Record<string, Json>>) => KeyVerdicts>> =
  {
    "bert": () => bertLike,
    "roberta": () => bertLike,
    "xlm-roberta": () => bertLike,
    "camembert": () => bertLike,
    "distilbert": distilbertKeys,
    "electra": () => electra,
    "deberta-v2": () => deberta,
  };

/**
 * What becomes of the keys that transformers' config class of a `model_type` has.
 *
 * @param config Contents of the `config.json`.
 *
 * @throws {RangeError} If the `model_type` is none of a known family.
 */
export function keyVerdicts(
  modelType: string,
  config: Readonly<Record<string, Json>>,
): KeyVerdicts {
  const family = Object.hasOwn(families, modelType) ? families[modelType] : undefined;
  if (family !== undefined) return family(config);
  throw new RangeError(`No keys are known of model_type "${modelType}"`);
}

/**
 * Refuses a config with a key that would change numbers and that cannot be built.
 *
 * @param fileName The file's name, for the message.
 *
 * @throws {InputError} If there is one; the message names the first, what it is and what is known.
 */
export function checkKeys(
  modelType: string,
  config: Readonly<Record<string, Json>>,
  fileName: string,
): void {
  for (const [key, verdict] of Object.entries(keyVerdicts(modelType, config))) {
    const found = Object.hasOwn(config, key) ? config[key] : undefined;
    if (verdict.kind !== "refused" || found === undefined || found === null) continue;
    const known = verdict.known.map(canonicalJson);
    if (known.includes(canonicalJson(found))) continue;
    const said = shown(canonicalJson(found));
    const wanted = known.length === 0 ? "a file without it" : known.join(", ");
    throw variantError(
      fileName,
      { key, found: said, wanted },
      `${key} is ${said}, known is ${wanted}: ${verdict.effect}`,
    );
  }
}
