"""Writes input_norms.json beside this file: the norms of what enters each linear layer of the tiny BERT in bert/ and of the
tiny DeBERTa `shared` of deberta.py.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.0 numpy==2.4.6
    python -P tests/golden/input_norms.py    # -P: the files beside this one are no modules of its own

The batches are those of bert/expected.json and of deberta.py, computed in double precision with dropout off. For each layer:
the norm of every input over all tokens that are not padding (`all`), and over the first token of each text alone (`first`).
DeBERTa's queries and keys also project positions; those do not count.
"""

import importlib.metadata
import json
import pathlib
import runpy

import torch
from transformers import BertForSequenceClassification

HERE = pathlib.Path(__file__).parent
PARTS = {
    "query": ["attention.self.query", "attention.self.query_proj"],
    "key": ["attention.self.key", "attention.self.key_proj"],
    "value": ["attention.self.value", "attention.self.value_proj"],
    "attention_output": ["attention.output.dense"],
    "intermediate": ["intermediate.dense"],
    "output": ["output.dense"],
}


def norms_of(model, layers, batch):
    mask = batch["attention_mask"]
    norms = {}

    def record(name):
        def hook(_, inputs):
            x = inputs[0].detach()
            if x.shape[:2] != mask.shape:
                return
            of = lambda rows: [float(f"{value:.12g}") for value in rows.norm(dim=0).tolist()]
            norms[name] = {"all": of(x[mask == 1]), "first": of(x[:, 0])}

        return hook

    for i, layer in enumerate(layers):
        known = dict(layer.named_modules())
        for part, paths in PARTS.items():
            path = next(path for path in paths if path in known)
            known[path].register_forward_pre_hook(record(f"layer.{i}.{part}"))
    model(**batch)
    return norms


def bert():
    expected = json.loads((HERE / "bert/expected.json").read_text())
    shape = (expected["size"], expected["length"])
    names = {"input_ids": "ids", "token_type_ids": "types", "attention_mask": "mask"}
    batch = {name: torch.tensor(expected[own]).reshape(shape) for name, own in names.items()}
    model = BertForSequenceClassification.from_pretrained(HERE / "bert").double().eval()
    return norms_of(model, model.bert.encoder.layer, batch)


def deberta():
    golden = runpy.run_path(str(HERE / "deberta.py"))
    model = golden["make_model"]("shared", num_labels=3)
    return norms_of(model, model.deberta.encoder.layer, golden["make_batch"]())


def main():
    versions = {name: importlib.metadata.version(name) for name in ["torch", "transformers"]}
    values = {"versions": versions, "bert": bert(), "deberta": deberta()}
    (HERE / "input_norms.json").write_text(json.dumps(values, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
