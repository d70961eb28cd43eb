"""Writes weight_importance.json beside this file: how much the loss depends on each linear layer of the tiny BERT in bert/
and of the tiny DeBERTa `shared` of deberta.py.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.0 numpy==2.4.6
    python -P tests/golden/weight_importance.py    # -P: the files beside this one are no modules of its own

The batches are those of bert/expected.json and of deberta.py, computed in double precision with dropout off. For each layer:
the mean of |W * G| over the entries of its weight W, G the gradient of the mean loss of the batch (`whole`), and the mean over
texts of the same with the gradient of one text's loss (`apart`), which is what comes out where absolute values are added up
instead of gradients. DeBERTa's query and key layers also project positions; their gradients have both.
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


def importance_of(model, layers, batch, targets):
    weights = {}
    for i, layer in enumerate(layers):
        known = dict(layer.named_modules())
        for part, paths in PARTS.items():
            weights[f"layer.{i}.{part}"] = known[next(path for path in paths if path in known)].weight

    def gradients(rows):
        model.zero_grad()
        model(**{name: values[rows] for name, values in batch.items()}, labels=targets[rows]).loss.backward()
        return {name: (weight * weight.grad).abs().mean().item() for name, weight in weights.items()}

    count = len(targets)
    single = [gradients(slice(i, i + 1)) for i in range(count)]
    digits = lambda values: {name: float(f"{value:.12g}") for name, value in values.items()}
    return {
        "whole": digits(gradients(slice(0, count))),
        "apart": digits({name: sum(own[name] for own in single) / count for name in weights}),
    }


def bert():
    expected = json.loads((HERE / "bert/expected.json").read_text())
    shape = (expected["size"], expected["length"])
    names = {"input_ids": "ids", "token_type_ids": "types", "attention_mask": "mask"}
    batch = {name: torch.tensor(expected[own]).reshape(shape) for name, own in names.items()}
    model = BertForSequenceClassification.from_pretrained(HERE / "bert").double().eval()
    labels = torch.tensor(expected["classification"]["labels"])
    return importance_of(model, model.bert.encoder.layer, batch, labels)


def deberta():
    golden = runpy.run_path(str(HERE / "deberta.py"))
    model = golden["make_model"]("shared", num_labels=1, problem_type="regression")
    scores = torch.tensor(golden["SCORES"]).double()
    return importance_of(model, model.deberta.encoder.layer, golden["make_batch"](), scores)


def main():
    versions = {name: importlib.metadata.version(name) for name in ["torch", "transformers"]}
    values = {"versions": versions, "bert": bert(), "deberta": deberta()}
    (HERE / "weight_importance.json").write_text(json.dumps(values, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
