"""Writes encoders/ beside this file: tiny random encoders of several families and what transformers computes with them.

    pip install torch==2.15.0 transformers==5.24.0 safetensors==0.8.0 numpy==2.4.6
    python -P tests/golden/encoders.py    # -P: the files beside this one are no modules of its own

The weights are stored in single precision; everything in expected.json is computed from them in double precision with
dropout off. The families differ in their activations, so that each activation is there once.
"""

import importlib.metadata
import json
import pathlib

import torch
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

OUT = pathlib.Path(__file__).with_name("encoders")

LENGTHS = [7, 4, 6]
SECOND_TEXT_FROM = [4, 7, 3]
LABELS = [2, 0, 1]
SCORES = [0.5, 3.25, -1.0]
VOCABULARY = 24
FIRST_ORDINARY = 5

BERT_SHAPE = dict(
    vocab_size=VOCABULARY,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=20,
    max_position_embeddings=12,
)

BERT_PARTS = [
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
]
TABLES = ["word_embeddings", "position_embeddings"]

# Family: model, config, id of padding, id of the first token, prefix of a layer, its adaptable parts, other gradients.
FAMILIES = {
    "roberta": dict(
        model=RobertaForSequenceClassification,
        config=RobertaConfig(**BERT_SHAPE, type_vocab_size=1, pad_token_id=1, hidden_act="gelu"),
        first=0,
        typed=False,
        layer="encoder.layer.",
        parts=BERT_PARTS,
        others=["embeddings.token_type_embeddings.weight", "classifier.dense.weight", "classifier.out_proj.weight"],
    ),
    "distilbert": dict(
        model=DistilBertForSequenceClassification,
        config=DistilBertConfig(
            vocab_size=VOCABULARY, dim=16, n_layers=2, n_heads=2, hidden_dim=20, max_position_embeddings=12,
            activation="relu",
        ),
        first=2,
        typed=False,
        layer="transformer.layer.",
        parts=["attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "ffn.lin1", "ffn.lin2"],
        others=["transformer.layer.1.sa_layer_norm.weight", "pre_classifier.weight", "classifier.weight"],
    ),
    "electra": dict(
        model=ElectraForSequenceClassification,
        config=ElectraConfig(**BERT_SHAPE, embedding_size=10, hidden_act="gelu_new"),
        first=2,
        typed=True,
        layer="encoder.layer.",
        parts=BERT_PARTS,
        others=[
            "embeddings.token_type_embeddings.weight",
            "embeddings_project.weight",
            "embeddings_project.bias",
            "classifier.dense.bias",
            "classifier.out_proj.weight",
        ],
    ),
}


def numbers(tensor):
    return [float(f"{value:.12g}") for value in tensor.detach().flatten().tolist()]


def make_model(family, outputs):
    """A model of a family; the encoder's parameters come first and so are drawn alike for all numbers of outputs."""
    config = family["config"]
    config.num_labels = outputs
    config.problem_type = "regression" if outputs == 1 else "single_label_classification"
    model = family["model"](config)
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator) * 0.3
            is_gain = name.endswith(("LayerNorm.weight", "layer_norm.weight"))
            parameter.copy_(drawn + 1 if is_gain else drawn)
    return model.eval()


def outcome(model, batch, targets, wanted):
    short = model.base_model_prefix + "."
    model.zero_grad()
    result = model(**batch, labels=targets)
    result.loss.backward()
    gradients = {name.removeprefix(short): parameter.grad for name, parameter in model.named_parameters()}
    return {
        "logits": numbers(result.logits),
        "loss": result.loss.item(),
        "gradients": {name: numbers(gradients[name]) for name in wanted},
    }


def write_family(name, family):
    folder = OUT / name
    classifier = make_model(family, 3)
    classifier.save_pretrained(folder)
    classifier = classifier.double()
    config = classifier.config

    generator = torch.Generator().manual_seed(3)
    rows, length = len(LENGTHS), max(LENGTHS)
    columns = torch.arange(length)
    mask = (columns < torch.tensor(LENGTHS)[:, None]).long()
    ids = torch.randint(FIRST_ORDINARY, VOCABULARY, (rows, length), generator=generator)
    ids = torch.where(mask == 1, ids, config.pad_token_id)
    ids[:, 0] = family["first"]
    types = (columns >= torch.tensor(SECOND_TEXT_FROM)[:, None]).long() * mask
    batch = dict(input_ids=ids, attention_mask=mask)
    if family["typed"]:
        batch["token_type_ids"] = types

    modules = [f"{family['layer']}0.{part}.weight" for part in family["parts"]]
    tables = [f"embeddings.{table}.weight" for table in TABLES]
    classification = outcome(classifier, batch, torch.tensor(LABELS), [*tables, *modules, *family["others"]])
    states = classifier.base_model(**batch).last_hidden_state

    regressor = make_model(family, 1).double()
    short = regressor.base_model_prefix + "."
    head = {
        key: {"shape": list(value.shape), "data": numbers(value)}
        for key, value in regressor.named_parameters()
        if not key.startswith(short)
    }
    last = [f"{family['layer']}1.{family['parts'][i]}.bias" for i in (2, 4)]
    regression = outcome(regressor, batch, torch.tensor(SCORES, dtype=torch.float64), [modules[1], *last])

    expected = {
        "versions": {package: importlib.metadata.version(package) for package in ["torch", "transformers", "safetensors"]},
        "size": rows,
        "length": length,
        "ids": ids.flatten().tolist(),
        "types": types.flatten().tolist(),
        "mask": mask.flatten().tolist(),
        "hidden": numbers(states),
        "classification": {"labels": LABELS, **classification},
        "regression": {"scores": SCORES, "head": head, **regression},
    }
    (folder / "expected.json").write_text(json.dumps(expected, indent=None, separators=(",", ":")) + "\n")


def main():
    OUT.mkdir(exist_ok=True)
    for name, family in FAMILIES.items():
        write_family(name, family)


if __name__ == "__main__":
    main()
