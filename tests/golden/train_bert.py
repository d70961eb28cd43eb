"""Writes train_bert.json beside this file: ten training steps of adapters on the tiny BERT in bert/, by PyTorch.

    pip install torch==2.15.0 transformers==5.23.0 safetensors==0.8.0 numpy==2.4.6
    python -P tests/golden/train_bert.py    # -P: the files beside this one are no modules of its own

Everything is in double precision with dropout off. Adapters start from numbers that a formula gives, rounded to single
precision. The SVD form has the unsquared regulariser in its loss, and smoothed importance from the weights after an update
and the clipped gradients before it.
"""

import importlib.metadata
import json
import pathlib

import torch
from transformers import BertForSequenceClassification, get_linear_schedule_with_warmup

HERE = pathlib.Path(__file__).parent

RANK = 2
ALPHA = 4.0
STEPS = 10
SETTINGS = {"learningRate": 0.02, "warmup": 2, "weightDecay": 0.05, "clipNorm": 1.0, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
REGULARISER_WEIGHT = 0.1
SMOOTHING = [0.85, 0.8]
PATHS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}


def filled(shape, seed):
    count = torch.Size(shape).numel()
    values = [(((i + 1) * 37 + seed * 11) % 101) / 101 - 0.5 for i in range(count)]
    return torch.tensor(values, dtype=torch.float32).double().reshape(shape)


class Adapted(torch.nn.Module):
    def __init__(self, dense, form, seed):
        super().__init__()
        self.dense = dense
        out_size, in_size = dense.weight.shape
        self.A = torch.nn.Parameter(filled([RANK, in_size], seed))
        self.B = torch.nn.Parameter(filled([out_size, RANK], seed + 1))
        self.E = torch.nn.Parameter(filled([RANK, 1], seed + 2)) if form == "svd" else None
        self.scale = ALPHA / (RANK + 1e-5) if form == "svd" else ALPHA / RANK

    def forward(self, x):
        rows = self.A if self.E is None else self.A * self.E
        return self.dense(x) + x @ rows.T @ self.B.T * self.scale

    def parts(self):
        return {"A": self.A, "B": self.B} if self.E is None else {"A": self.A, "E": self.E, "B": self.B}


def adapt(model, form):
    adapted = {}
    for index, layer in enumerate(model.bert.encoder.layer):
        for part, path in PATHS.items():
            owner, _, last = path.rpartition(".")
            parent = layer.get_submodule(owner)
            module = Adapted(getattr(parent, last), form, 3 * len(adapted))
            setattr(parent, last, module)
            adapted[f"layer.{index}.{part}"] = module
    return adapted


def regulariser(adapted):
    eye = torch.eye(RANK, dtype=torch.float64)
    norms = [torch.linalg.norm(m.A @ m.A.T - eye) for m in adapted.values()]
    norms += [torch.linalg.norm(m.B.T @ m.B - eye) for m in adapted.values()]
    return torch.stack(norms).mean()


def slot_scores(module, means):
    def score(part):
        sensitivity, uncertainty = means[id(part)]
        return sensitivity * uncertainty

    return (score(module.E)[:, 0] + score(module.A).mean(1) + score(module.B).mean(0)).tolist()


def train(form, batch, labels):
    model = BertForSequenceClassification.from_pretrained(HERE / "bert").double().eval()
    model.requires_grad_(False)
    head = [*model.bert.pooler.parameters(), *model.classifier.parameters()]
    for parameter in head:
        parameter.requires_grad_(True)
    adapted = adapt(model, form)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    biases = [model.bert.pooler.dense.bias, model.classifier.bias]
    groups = [
        {"params": [p for p in trained if not any(p is b for b in biases)], "weight_decay": SETTINGS["weightDecay"]},
        {"params": biases, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=SETTINGS["learningRate"], betas=(SETTINGS["beta1"], SETTINGS["beta2"]), eps=SETTINGS["epsilon"])
    schedule = get_linear_schedule_with_warmup(optimiser, SETTINGS["warmup"], STEPS)
    parts = [part for module in adapted.values() for part in module.parts().values()]
    means = {id(part): (torch.zeros_like(part.data), torch.zeros_like(part.data)) for part in parts}
    found = {"loss": [], "regulariser": [], "gradientNorm": []}
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = model(**batch, labels=labels).loss
        term = REGULARISER_WEIGHT * regulariser(adapted) if form == "svd" else torch.zeros((), dtype=torch.float64)
        (loss + term).backward()
        norm = torch.nn.utils.clip_grad_norm_(trained, SETTINGS["clipNorm"])
        optimiser.step()
        schedule.step()
        for part in parts:
            sensitivity, uncertainty = means[id(part)]
            now = (part.data * part.grad).abs()
            sensitivity = SMOOTHING[0] * sensitivity + (1 - SMOOTHING[0]) * now
            uncertainty = SMOOTHING[1] * uncertainty + (1 - SMOOTHING[1]) * (now - sensitivity).abs()
            means[id(part)] = sensitivity, uncertainty
        for name, value in zip(found, [loss, term, norm]):
            found[name].append(value.item())
    with torch.no_grad():
        found["logits"] = model(**batch).logits.flatten().tolist()
    if form == "svd":
        found["scores"] = {name: slot_scores(module, means) for name, module in adapted.items()}
    return found


def main():
    expected = json.loads((HERE / "bert" / "expected.json").read_text())
    matrix = lambda name: torch.tensor(expected[name]).long().reshape(expected["size"], expected["length"])
    batch = dict(input_ids=matrix("ids"), token_type_ids=matrix("types"), attention_mask=matrix("mask"))
    labels = torch.tensor(expected["classification"]["labels"])
    result = {
        "versions": {name: importlib.metadata.version(name) for name in ["torch", "transformers"]},
        "rank": RANK,
        "alpha": ALPHA,
        "steps": STEPS,
        "settings": SETTINGS,
        "regulariserWeight": REGULARISER_WEIGHT,
        "smoothing": SMOOTHING,
        **{form: train(form, batch, labels) for form in ["lora", "svd"]},
    }
    (HERE / "train_bert.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
