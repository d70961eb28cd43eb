"""Writes deberta/ beside this file: what transformers and peft compute with tiny DeBERTa-v2 models.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.0 numpy==2.4.6
    python -P tests/golden/deberta.py    # -P: the files beside this one are no modules of its own

Weights are not stored: `drawn` makes them from a parameter's name, and the test makes the same ones. They are rounded to
single precision; everything is computed from them in double precision with dropout off.
"""

import importlib.metadata
import json
import pathlib

import numpy
import torch
from peft import LoraConfig, get_peft_model
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

OUT = pathlib.Path(__file__).with_name("deberta")

LENGTHS = [11, 4, 7]
SECOND_TEXT_FROM = [5, 4, 3]
LABELS = [2, 0, 1]
SCORES = [0.5, 3.25, -1.0]
VOCABULARY = 20

SHAPE = dict(
    vocab_size=VOCABULARY,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=24,
    max_position_embeddings=12,
    relative_attention=True,
)

CONFIGS = {
    # As in DeBERTa v3: log buckets, the layer's own projections, a normalised table, no absolute positions.
    "shared": dict(
        position_buckets=4,
        max_relative_positions=8,
        pos_att_type=["p2c", "c2p"],
        share_att_key=True,
        norm_rel_ebd="layer_norm",
        position_biased_input=False,
        type_vocab_size=0,
    ),
    "own": dict(
        position_buckets=4,
        max_relative_positions=-1,
        pos_att_type=["c2p", "p2c"],
        share_att_key=False,
        norm_rel_ebd="none",
        position_biased_input=False,
        type_vocab_size=0,
    ),
    "c2p": dict(
        position_buckets=-1,
        max_relative_positions=5,
        pos_att_type=["c2p"],
        share_att_key=True,
        norm_rel_ebd="layer_norm",
        position_biased_input=True,
        type_vocab_size=2,
    ),
    "p2c": dict(
        position_buckets=-1,
        max_relative_positions=5,
        pos_att_type=["p2c"],
        share_att_key=False,
        norm_rel_ebd="layer_norm",
        position_biased_input=False,
        type_vocab_size=2,
    ),
}

# Of one config only, to keep the files small.
LAYER_WEIGHTS = [
    "attention.self.query_proj",
    "attention.self.key_proj",
    "attention.self.value_proj",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
]
POSITIONS = ["encoder.rel_embeddings.weight", "encoder.LayerNorm.weight", "encoder.LayerNorm.bias"]
POSITIONS += [f"encoder.layer.{layer}.attention.self.pos_{kind}_proj.weight" for layer in (0, 1) for kind in ("key", "query")]
POSITIONS += [f"encoder.layer.0.attention.self.pos_{kind}_proj.bias" for kind in ("key", "query")]
EMBEDDINGS = [f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")]

# Names as in the checkpoint, without "deberta." before them; a config has gradients of those that it has.
GRADIENTS = {
    "classification": [
        "encoder.layer.0.attention.self.query_proj.weight",
        "encoder.layer.1.attention.self.key_proj.weight",
        "encoder.layer.0.attention.self.query_proj.bias",
        "encoder.layer.1.attention.self.key_proj.bias",
        *POSITIONS,
        *EMBEDDINGS,
        "embeddings.LayerNorm.bias",
        "pooler.dense.weight",
        "classifier.weight",
    ],
    "regression": [
        "encoder.rel_embeddings.weight",
        "encoder.layer.1.attention.self.query_proj.bias",
        "encoder.layer.0.attention.self.key_proj.bias",
        "pooler.dense.bias",
        "classifier.bias",
    ],
}


def drawn(name, shape):
    """Numbers between -0.6 and 0.6 (around 1 for norms' weights) from the minimal standard generator of Park and Miller."""
    state = sum(ord(letter) * (i + 1) for i, letter in enumerate(name)) % 2147483646 + 1
    for _ in range(3):
        state = state * 16807 % 2147483647
    values = []
    for _ in range(int(numpy.prod(shape))):
        state = state * 16807 % 2147483647
        values.append((state / 2147483647 - 0.5) * 1.2 + (1 if name.endswith("LayerNorm.weight") else 0))
    return torch.from_numpy(numpy.array(values).astype(numpy.float32).astype(numpy.float64).reshape(shape))


def short(name):
    return name.removeprefix("deberta.")


def numbers(tensor):
    return [float(f"{value:.12g}") for value in tensor.detach().flatten().tolist()]


def make_model(config, **head):
    model = DebertaV2ForSequenceClassification(DebertaV2Config(**SHAPE, **CONFIGS[config], **head)).double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(drawn(short(name), parameter.shape))
    return model


def make_batch():
    rows, length = len(LENGTHS), max(LENGTHS)
    columns = torch.arange(length)
    mask = (columns < torch.tensor(LENGTHS)[:, None]).long()
    ids = ((torch.arange(rows)[:, None] * 7 + columns * columns * 3) % (VOCABULARY - 5) + 5) * mask
    ids[:, 0] = 1
    types = (columns >= torch.tensor(SECOND_TEXT_FROM)[:, None]).long() * mask
    return dict(input_ids=ids, token_type_ids=types, attention_mask=mask)


def outcome(model, batch, targets, names):
    result = model(**batch, labels=targets)
    result.loss.backward()
    gradients = {short(name): parameter.grad for name, parameter in model.named_parameters()}
    wanted = [name for name in names if name in gradients]
    return {
        "logits": numbers(result.logits),
        "loss": result.loss.item(),
        "gradients": {name: numbers(gradients[name]) for name in wanted},
    }


def adapted(batch, parts):
    """Loss, logits and gradients of LoRA with rank 2 and alpha 6 on the given parts of all layers."""
    model = make_model("shared", num_labels=3, problem_type="single_label_classification")
    targets = [f"{part}_proj" for part in parts]
    lora = get_peft_model(model, LoraConfig(r=2, lora_alpha=6, lora_dropout=0.0, target_modules=targets)).double().eval()
    tensors = {}
    for name, parameter in lora.named_parameters():
        if "lora_" not in name:
            continue
        layer, part, kind = (name.split(".")[i] for i in (5, 8, 9))
        tensors[f"layer.{layer}.{part.removesuffix('_proj')}.{kind.removeprefix('lora_')}"] = parameter
    with torch.no_grad():
        for name, parameter in tensors.items():
            parameter.copy_(drawn(name, parameter.shape))
    result = lora(**batch, labels=torch.tensor(LABELS))
    result.loss.backward()
    return {
        "parts": parts,
        "rank": 2,
        "alpha": 6,
        "logits": numbers(result.logits),
        "loss": result.loss.item(),
        # A is [rank, in]; B is [out, rank].
        "gradients": {name: numbers(parameter.grad) for name, parameter in tensors.items()},
    }


def rows_of(buckets, largest, longest):
    """The row of the position table for each distance from 1 - longest to longest - 1."""
    distances = torch.arange(1 - longest, longest)
    rows = make_log_bucket_position(distances, buckets, largest).long() if buckets > 0 else distances
    span = buckets if buckets > 0 else largest
    return torch.clamp(rows + span, 0, 2 * span - 1).tolist()


def write(name, value):
    (OUT / f"{name}.json").write_text(json.dumps(value, indent=None, separators=(",", ":")) + "\n")


def main():
    OUT.mkdir(exist_ok=True)
    batch = make_batch()
    for config in CONFIGS:
        classifier = make_model(config, num_labels=3, problem_type="single_label_classification")
        regressor = make_model(config, num_labels=1, problem_type="regression")
        states = classifier.deberta(**batch).last_hidden_state
        real = batch["attention_mask"].flatten() == 1
        scores = torch.tensor(SCORES, dtype=torch.float64)
        layer = [f"encoder.layer.0.{part}.weight" for part in LAYER_WEIGHTS] if config == "shared" else []
        wanted = [*dict.fromkeys([*layer, *GRADIENTS["classification"]])]
        write(config, {
            "config": {"model_type": "deberta-v2", **SHAPE, **CONFIGS[config]},
            "parameters": {short(name): list(value.shape) for name, value in classifier.named_parameters()},
            # At the tokens, text by text, without padding.
            "hidden": numbers(states.reshape(-1, SHAPE["hidden_size"])[real]),
            "classification": outcome(classifier, batch, torch.tensor(LABELS), wanted),
            "regression": outcome(regressor, batch, scores, GRADIENTS["regression"]),
        })
    buckets = [(256, 512, 600), (4, 8, 20), (32, 128, 200), (7, 40, 64), (-1, 5, 9)]
    write("common", {
        "versions": {name: importlib.metadata.version(name) for name in ["torch", "transformers", "peft"]},
        "size": len(LENGTHS),
        "length": max(LENGTHS),
        "ids": batch["input_ids"].flatten().tolist(),
        "types": batch["token_type_ids"].flatten().tolist(),
        "mask": batch["attention_mask"].flatten().tolist(),
        "labels": LABELS,
        "scores": SCORES,
        "rows": [
            {"buckets": count, "maxDistance": largest, "longest": longest, "rows": rows_of(count, largest, longest)}
            for count, largest, longest in buckets
        ],
    })
    write("peft", [adapted(batch, parts) for parts in (["query", "key"], ["query", "key", "value"])])


if __name__ == "__main__":
    main()
