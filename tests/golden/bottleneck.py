"""Writes bottleneck.json beside this file: what the library `adapters` computes with tiny encoders and bottleneck adapters.

    pip install torch==2.15.0 transformers==4.57.6 adapters==1.3.0 numpy==2.4.6
    python -P tests/golden/bottleneck.py    # -P: the files beside this one are no modules of its own

Weights are not stored: `drawn` makes them from a parameter's name, and the test makes the same ones. They are rounded to
single precision; everything is computed from them in double precision with dropout off. Norms hold the drawn parameters of
the encoder plus, where they are trained, drawn changes.
"""

import importlib.metadata
import json
import pathlib
import tempfile

import adapters
import numpy
import torch
from adapters import DoubleSeqBnConfig, SeqBnConfig
from safetensors.torch import load_file
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
)

OUT = pathlib.Path(__file__).with_name("bottleneck.json")

LENGTHS = [11, 4, 7]
SECOND_TEXT_FROM = [5, 4, 3]
LABELS = [2, 0, 1]
VOCABULARY = 20
WIDTH = 4
HIDDEN = 16

SHAPE = dict(
    vocab_size=VOCABULARY,
    hidden_size=HIDDEN,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=24,
    max_position_embeddings=12,
)
BERT_NORMS = {"attention_output": "attention.output.LayerNorm", "output": "output.LayerNorm"}

# Family: model, config, prefix of a layer, the norm after each part.
FAMILIES = {
    "bert": (
        BertForSequenceClassification,
        BertConfig(**SHAPE, num_labels=3),
        "bert.encoder.layer",
        BERT_NORMS,
    ),
    "deberta": (
        DebertaV2ForSequenceClassification,
        DebertaV2Config(
            **SHAPE,
            num_labels=3,
            relative_attention=True,
            position_buckets=4,
            max_relative_positions=8,
            pos_att_type=["p2c", "c2p"],
            share_att_key=True,
            norm_rel_ebd="layer_norm",
            position_biased_input=False,
            type_vocab_size=0,
        ),
        "deberta.encoder.layer",
        BERT_NORMS,
    ),
    "distilbert": (
        DistilBertForSequenceClassification,
        DistilBertConfig(
            vocab_size=VOCABULARY, dim=HIDDEN, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=12, num_labels=3
        ),
        "distilbert.transformer.layer",
        {"attention_output": "sa_layer_norm", "output": "output_layer_norm"},
    ),
}

# Method with its options, as ranklab has them; the library's configuration of the same.
CASES = [
    ("houlsby", {"nonlinearity": "swish", "layerNorms": "frozen"}, DoubleSeqBnConfig(reduction_factor=HIDDEN / WIDTH)),
    ("houlsby", {"nonlinearity": "gelu_tanh", "layerNorms": "trained"}, DoubleSeqBnConfig(reduction_factor=HIDDEN / WIDTH, non_linearity="gelu_new")),
    ("houlsby", {"layerNorms": "trained"}, DoubleSeqBnConfig(reduction_factor=HIDDEN / WIDTH, non_linearity="gelu")),
    ("pfeiffer", {}, SeqBnConfig(reduction_factor=HIDDEN / WIDTH)),
]


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


def numbers(tensor):
    return [float(f"{value:.12g}") for value in tensor.detach().flatten().tolist()]


def part_tensors(model, prefix, norms, trains_norms):
    """Each adapter's tensors by ranklab's names; rows of `down` and columns of `up` are hidden units."""
    named = dict(model.named_parameters())
    found = {}
    for name, parameter in named.items():
        if ".adapters.own." not in name:
            continue
        layer = name.removeprefix(f"{prefix}.").split(".")[0]
        part = "attention_output" if "attention" in name else "output"
        kind = "down" if "adapter_down" in name else "up"
        found[f"layer.{layer}.{part}.{kind}{'Bias' if name.endswith('bias') else ''}"] = parameter
        if trains_norms:
            norm = f"{prefix}.{layer}.{norms[part]}"
            found[f"layer.{layer}.{part}.normGain"] = named[f"{norm}.weight"]
            found[f"layer.{layer}.{part}.normOffset"] = named[f"{norm}.bias"]
    return found


def computed(family, method, options, config, batch):
    kind, shape, prefix, norms = FAMILIES[family]
    shape.problem_type = "single_label_classification"
    model = kind(shape)
    adapters.init(model)
    model.add_adapter("own", config=config)
    model.set_active_adapters("own")
    model = model.double().eval()
    base = model.base_model_prefix + "."
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".adapters." not in name:
                parameter.copy_(drawn(name.removeprefix(base), parameter.shape))
        tensors = part_tensors(model, prefix, norms, options.get("layerNorms") == "trained")
        for name, parameter in tensors.items():
            own = drawn(name, parameter.shape)
            parameter.copy_(parameter + own if ".norm" in name else own)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    result = model(**batch, labels=torch.tensor(LABELS))
    result.loss.backward()
    return {
        "family": family,
        "method": method,
        "options": options,
        "logits": numbers(result.logits),
        "loss": result.loss.item(),
        "gradients": {name: numbers(parameter.grad) for name, parameter in tensors.items()},
    }


def saved(family, config):
    """What the library saves of an adapter: names and shapes of its tensors, and the keys of its configuration."""
    kind, shape, _, _ = FAMILIES[family]
    model = kind(shape)
    adapters.init(model)
    model.add_adapter("ranklab", config=config)
    with tempfile.TemporaryDirectory() as folder:
        model.save_adapter(folder, "ranklab", use_safetensors=True, with_head=False)
        file = json.loads((pathlib.Path(folder) / "adapter_config.json").read_text())
        tensors = load_file(pathlib.Path(folder) / "adapter.safetensors")
    return {"file": file, "shapes": {name: list(tensor.shape) for name, tensor in tensors.items()}}


def main():
    rows, length = len(LENGTHS), max(LENGTHS)
    columns = torch.arange(length)
    mask = (columns < torch.tensor(LENGTHS)[:, None]).long()
    ids = ((torch.arange(rows)[:, None] * 7 + columns * columns * 3) % (VOCABULARY - 5) + 5) * mask
    ids[:, 0] = 1
    types = (columns >= torch.tensor(SECOND_TEXT_FROM)[:, None]).long() * mask
    batch = dict(input_ids=ids, attention_mask=mask)
    outcomes = []
    for family in FAMILIES:
        typed = {} if family == "distilbert" else {"token_type_ids": types}
        for method, options, config in CASES if family == "bert" else [CASES[0], CASES[1], CASES[3]]:
            outcomes.append(computed(family, method, options, config, {**batch, **typed}))
    text = json.dumps({
        "versions": {name: importlib.metadata.version(name) for name in ["torch", "transformers", "adapters"]},
        "size": rows,
        "length": length,
        "ids": ids.flatten().tolist(),
        "types": types.flatten().tolist(),
        "mask": mask.flatten().tolist(),
        "labels": LABELS,
        "width": WIDTH,
        "configs": {family: shape.to_diff_dict() for family, (_, shape, _, _) in FAMILIES.items()},
        "outcomes": outcomes,
        "saved": {family: {"houlsby": saved(family, CASES[0][2]), "pfeiffer": saved(family, CASES[3][2])} for family in FAMILIES},
    }, separators=(",", ":"))
    OUT.write_text(text + "\n")


if __name__ == "__main__":
    main()
