"""Writes input_norms.json beside this file: the norms of what enters each linear layer of the tiny BERT in bert/.

    pip install torch==2.15.0 transformers==5.24.0
    python -P tests/golden/input_norms.py    # -P: the files beside this one are no modules of its own

The batch is that of bert/expected.json, computed in double precision with dropout off. For each layer: the norm of every input
over all tokens that are not padding (`all`), and over the first token of each text alone (`first`).
"""

import importlib.metadata
import json
import pathlib

import torch
from transformers import BertForSequenceClassification

HERE = pathlib.Path(__file__).parent
PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}


def main():
    expected = json.loads((HERE / "bert/expected.json").read_text())
    shape = (expected["size"], expected["length"])
    ids, types, mask = (torch.tensor(expected[name]).reshape(shape) for name in ["ids", "types", "mask"])
    model = BertForSequenceClassification.from_pretrained(HERE / "bert").double().eval()
    norms = {}

    def record(name):
        def hook(_, inputs):
            x = inputs[0].detach()
            of = lambda rows: [float(f"{value:.12g}") for value in rows.norm(dim=0).tolist()]
            norms[name] = {"all": of(x[mask == 1]), "first": of(x[:, 0])}

        return hook

    for i, layer in enumerate(model.bert.encoder.layer):
        for part, path in PARTS.items():
            layer.get_submodule(path).register_forward_pre_hook(record(f"layer.{i}.{part}"))
    model(input_ids=ids, token_type_ids=types, attention_mask=mask)
    versions = {name: importlib.metadata.version(name) for name in ["torch", "transformers"]}
    (HERE / "input_norms.json").write_text(
        json.dumps({"versions": versions, "norms": norms}, separators=(",", ":")) + "\n"
    )


if __name__ == "__main__":
    main()
