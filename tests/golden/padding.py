"""Writes padding.json beside this file: what transformers computes where the token of padding stands in a text.

    pip install torch==2.15.0 transformers==5.24.0 safetensors==0.8.0 numpy==2.4.6
    python -P tests/golden/padding.py    # -P: the files beside this one are no modules of its own

It reads the encoders of bert/ and encoders/ beside it; a DeBERTa, and a RoBERTa with two token types that are given, are
drawn as in deberta.py. For each: the batch, the logits, and the gradients of the tables of words and positions under a cross
entropy. `padding_idx` keeps a row of the first at zero, and of RoBERTa's second. "pad_token_id" is what the config has; BERT
is there also without one, and with one that counts from the end. Everything is computed in double precision with dropout off.
"""

import importlib.util
import json
import pathlib

import torch
from transformers import (
    BertForSequenceClassification,
    DistilBertForSequenceClassification,
    ElectraForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

HERE = pathlib.Path(__file__).parent
OUT = HERE / "padding.json"

FAMILIES = [
    ("bert", HERE / "bert", BertForSequenceClassification, 0),
    ("bert", HERE / "bert", BertForSequenceClassification, None),
    ("bert", HERE / "bert", BertForSequenceClassification, -3),
    ("roberta", HERE / "encoders" / "roberta", RobertaForSequenceClassification, 1),
    ("distilbert", HERE / "encoders" / "distilbert", DistilBertForSequenceClassification, 0),
    ("electra", HERE / "encoders" / "electra", ElectraForSequenceClassification, 0),
    ("deberta", None, None, 0),
    ("roberta", None, None, 1),
]

TYPED_ROBERTA = dict(
    vocab_size=24, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
    max_position_embeddings=12, type_vocab_size=2, pad_token_id=1,
)

LENGTHS = [7, 4, 6]
LABELS = [2, 0, 1]


def drawn(name):
    spec = importlib.util.spec_from_file_location("own_deberta", HERE / "deberta.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if name == "deberta":
        return module.make_model("c2p", num_labels=3)
    model = RobertaForSequenceClassification(RobertaConfig(**TYPED_ROBERTA, num_labels=3)).double().eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(module.drawn(key.removeprefix("roberta."), parameter.shape))
    return model


def numbers(tensor):
    return [float(f"{value:.12g}") for value in tensor.detach().flatten().tolist()]


def case(name, folder, model_class, pad):
    model = drawn(name) if folder is None else model_class.from_pretrained(folder, pad_token_id=pad).double().eval()
    assert model.config.pad_token_id == pad
    vocabulary = model.config.vocab_size
    token = 0 if pad is None else pad % vocabulary
    length = max(LENGTHS)
    columns = torch.arange(length)
    mask = (columns < torch.tensor(LENGTHS)[:, None]).long()
    ids = (torch.arange(len(LENGTHS))[:, None] * 7 + columns * columns * 3) % (vocabulary - 5) + 5
    # The token of padding is the third of the first text, the second and the last of the third, and all but one of the second.
    ids[0, 2] = ids[2, 1] = ids[2, 5] = token
    ids[1, 1:3] = token
    ids[:, 0] = 2
    ids = torch.where(mask == 1, ids, token)
    types = (columns >= 3).long() * mask
    batch = dict(input_ids=ids, attention_mask=mask)
    if name in ("bert", "electra", "deberta") or (name == "roberta" and folder is None):
        batch["token_type_ids"] = types
    logits = model(**batch).logits
    torch.nn.functional.cross_entropy(logits, torch.tensor(LABELS)).backward()
    tables = model.base_model.embeddings
    return {
        "family": name,
        "pad_token_id": pad,
        "config": TYPED_ROBERTA if name == "roberta" and folder is None else None,
        "size": len(LENGTHS),
        "length": length,
        "ids": ids.flatten().tolist(),
        "types": types.flatten().tolist(),
        "mask": mask.flatten().tolist(),
        "labels": LABELS,
        "logits": numbers(logits),
        "gradients": {
            f"embeddings.{kind}_embeddings.weight": numbers(getattr(tables, f"{kind}_embeddings").weight.grad)
            for kind in ("word", "position")
        },
    }


def main():
    line = lambda value: json.dumps(value, separators=(",", ":"))  # noqa: E731
    OUT.write_text("[\n%s\n]\n" % ",\n".join(line(case(*family)) for family in FAMILIES))


if __name__ == "__main__":
    main()
