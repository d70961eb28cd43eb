"""Writes config_keys.json beside this file: every key of the configs of ranklab's families, and what it changes in transformers.

    pip install torch==2.15.0 transformers==5.24.0
    python -P tests/golden/config_keys.py    # -P: the files beside this one are no modules of its own

and once more with transformers==4.57.6, whose configs have more keys and are those of most published checkpoints. Each run
replaces the part of its own version.

A key is one that the config class writes, one that the family's modeling file reads from its config, an alias of one of
these, or one of MORE. For each, a tiny classifier is saved, the key is changed in its config.json, and the folder is loaded
again. "evaluated" and "trained" say what became of the logits without dropout, and of loss and gradients in training mode
with the same seed: "same", "differs", "weights" (tensors are missing, left over or of other shapes) or "error". All is
computed in double precision.
"""

import inspect
import json
import pathlib
import re
import tempfile

import torch
import transformers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    CamembertConfig,
    CamembertForSequenceClassification,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

OUT = pathlib.Path(__file__).with_name("config_keys.json")
FAMILIES = [
    (BertConfig, BertForSequenceClassification),
    (RobertaConfig, RobertaForSequenceClassification),
    (XLMRobertaConfig, XLMRobertaForSequenceClassification),
    (CamembertConfig, CamembertForSequenceClassification),
    (DistilBertConfig, DistilBertForSequenceClassification),
    (ElectraConfig, ElectraForSequenceClassification),
    (DebertaV2Config, DebertaV2ForSequenceClassification),
]

SHAPE = dict(
    vocab_size=24, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
    max_position_embeddings=14, hidden_act="gelu", layer_norm_eps=1e-6, type_vocab_size=2,
    hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)
BASES = {
    "bert": SHAPE,
    "roberta": SHAPE,
    "xlm-roberta": SHAPE,
    "camembert": SHAPE,
    "electra": dict(**SHAPE, embedding_size=10, summary_last_dropout=0.0),
    "distilbert": dict(
        vocab_size=24, dim=16, n_layers=2, n_heads=2, hidden_dim=20, max_position_embeddings=14, activation="gelu",
        dropout=0.0, attention_dropout=0.0, qa_dropout=0.0, seq_classif_dropout=0.0,
    ),
    # As in DeBERTa v3, but with token types.
    "deberta-v2": dict(
        **SHAPE, relative_attention=True, position_buckets=4, max_relative_positions=8, pos_att_type=["p2c", "c2p"],
        share_att_key=True, norm_rel_ebd="layer_norm", position_biased_input=False,
    ),
}

# Keys that no config class writes by itself.
MORE = [
    "_attn_implementation", "attn_implementation", "gradient_checkpointing", "is_causal", "name_or_path", "num_labels",
    "output_attentions", "per_layer_config", "pooler_hidden_size", "quantization_config", "tie_last_hidden_states",
    "tokenizer_class", "torch_dtype",
]
# Attributes of a config that are no keys of the file.
METHODS = ["_attn_implementation_internal", "_pre_quantization_dtype", "get_text_config", "to_dict", "use_return_dict"]

# The other value of keys for which "one more" or "not" is none.
OTHER = {
    "_attn_implementation": "eager",
    "_name_or_path": "elsewhere",
    "activation": "relu",
    "architectures": ["BertForMaskedLM"],
    "attn_implementation": "eager",
    "bad_words_ids": [[7]],
    "begin_suppress_tokens": [7],
    "bos_token_id": 7,
    "classifier_dropout": 0.5,
    "cls_dropout": 0.5,
    "conv_act": "gelu",
    "conv_groups": 2,
    "conv_kernel_size": 3,
    "cross_attention_hidden_size": 8,
    "decoder_start_token_id": 7,
    "dtype": "float16",
    "embedding_size": 8,
    "eos_token_id": 7,
    "exponential_decay_length_penalty": [3, 1.5],
    "finetuning_task": "mrpc",
    "forced_bos_token_id": 7,
    "forced_eos_token_id": 7,
    "gradient_checkpointing": True,
    "hidden_act": "relu",
    "hidden_size": 32,
    "id2label": {"0": "a", "1": "b", "2": "c", "3": "d"},
    "is_causal": True,
    "label2id": {"a": 0, "b": 1},
    "name_or_path": "elsewhere",
    "norm_rel_ebd": "none",
    "num_attention_heads": 4,
    "num_labels": 4,
    "n_heads": 4,
    "dim": 32,
    "pad_token_id": 3,
    "per_layer_config": {"0": {"hidden_act": "relu"}},
    "pooler_hidden_act": "relu",
    "pooler_hidden_size": 8,
    "pos_att_type": ["c2p"],
    "position_embedding_type": "relative_key",
    "prefix": "a",
    "problem_type": "regression",
    "pruned_heads": {"0": [1]},
    "quantization_config": {"quant_method": "torchao", "quant_type": "int8_weight_only"},
    "sep_token_id": 7,
    "summary_activation": "tanh",
    "summary_first_dropout": 0.5,
    "summary_proj_to_labels": True,
    "summary_type": "mean",
    "suppress_tokens": [7],
    "task_specific_params": {"a": {"b": 1}},
    "tie_last_hidden_states": True,
    "tokenizer_class": "HerbertTokenizer",
    "torch_dtype": "float16",
    "transformers_version": "4.0.0",
    "attention_head_size": 4,
}


def other(key, value):
    if key in OTHER:
        return OTHER[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value + 0.25
    raise ValueError(f"no other value is known for {key}, which is {value!r}")


def keys_of(config_class, model_class):
    source = inspect.getsource(inspect.getmodule(model_class))
    read = re.findall(r"\bconfig\.(\w+)", source) + re.findall(r"getattr\((?:self\.)?config, \"(\w+)\"", source)
    keys = set(config_class().to_dict()) | set(config_class.attribute_map) | set(read) | set(MORE)
    return sorted(keys - set(METHODS) - {"model_type"})


def draw(model):
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            drawn = torch.randn(parameter.shape, generator=generator) * 0.3
            parameter.copy_(drawn + 1 if name.lower().endswith(("layernorm.weight", "layer_norm.weight")) else drawn)


def batch_of(model):
    """Texts of 9, 4 and 7 tokens. The second token is that of padding, which is in the text and is no padding."""
    lengths, length = torch.tensor([9, 4, 7]), 9
    columns = torch.arange(length)
    mask = (columns < lengths[:, None]).long()
    pad = model.config.pad_token_id
    ids = (torch.arange(3)[:, None] * 5 + columns * columns * 3) % 19 + 5
    ids[:, 1] = pad
    ids[:, 2] = OTHER["pad_token_id"]
    ids = torch.where(mask == 1, ids, pad)
    batch = dict(input_ids=ids, attention_mask=mask)
    if "token_type_ids" in inspect.signature(model.forward).parameters:
        batch["token_type_ids"] = (columns >= 3).long() * mask
    return batch


def logits_of(model, batch):
    made = model(**batch)
    return made[0] if isinstance(made, tuple) else made.logits


def numbers(model, batch):
    """Logits without dropout; loss and gradients in training mode."""
    model = model.double().eval()
    evaluated = [logits_of(model, batch).detach()]
    torch.manual_seed(5)
    model.train()
    loss = torch.nn.functional.cross_entropy(logits_of(model, batch), torch.tensor([1, 0, 1]))
    loss.backward()
    grads = [
        torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for _, parameter in sorted(model.named_parameters())
    ]
    return evaluated, [loss.detach(), *grads]


def compared(found, wanted):
    same = all(a.shape == b.shape and torch.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in zip(found, wanted, strict=True))
    return "same" if same else "differs"


def effect(folder, model_class, batch, wanted):
    try:
        model, info = model_class.from_pretrained(folder, output_loading_info=True)
        if any(info.get(kind) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")):
            return ["weights", "weights"]
        evaluated, trained = numbers(model, batch)
    except Exception as error:  # what is raised is of as many classes as there are keys
        text = str(error)
        sizes = "size mismatch" in text or "ignore_mismatched_sizes" in text
        return ["weights", "weights"] if sizes else ["error", "error"]
    return [compared(evaluated, wanted[0]), compared(trained, wanted[1])]


def family(config_class, model_class):
    model_type = config_class.model_type
    base = BASES[model_type]
    defaults = config_class().to_dict()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = model_class(config_class(**base))
        draw(model)
        model.save_pretrained(folder)
        stored = json.loads((folder / "config.json").read_text())
        model = model_class.from_pretrained(folder)
        batch = batch_of(model)
        wanted = numbers(model, batch)
        again = numbers(model_class.from_pretrained(folder), batch)
        assert [compared(a, b) for a, b in zip(again, wanted)] == ["same", "same"]
        keys = {}
        for key in keys_of(config_class, model_class):
            value = stored.get(key, base.get(key, defaults.get(key, getattr(model.config, key, None))))
            tried = other(key, value)
            (folder / "config.json").write_text(json.dumps({**stored, key: tried}))
            keys[key] = [defaults.get(key), tried, *effect(folder, model_class, batch, wanted)]
    return {"base": {"model_type": model_type, **base}, "keys": keys}


def main():
    transformers.logging.set_verbosity(transformers.logging.CRITICAL)
    made = json.loads(OUT.read_text()) if OUT.exists() else {}
    made[transformers.__version__] = {
        config_class.model_type: family(config_class, model_class) for config_class, model_class in FAMILIES
    }
    line = lambda value: json.dumps(value, separators=(",", ":"))  # noqa: E731
    parts = []
    for version in sorted(made):
        rows = [
            '%s: {"base": %s, "keys": {\n%s\n}}' % (
                line(model_type), line(family["base"]),
                ",\n".join(f"{line(key)}: {line(row)}" for key, row in family["keys"].items()),
            )
            for model_type, family in made[version].items()
        ]
        parts.append("%s: {\n%s\n}" % (line(version), ",\n".join(rows)))
    OUT.write_text("{%s}\n" % ",\n".join(parts))


if __name__ == "__main__":
    main()
