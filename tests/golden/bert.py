"""Writes bert/ beside this file: a tiny random BERT and what transformers computes with it.

    pip install torch==2.15.0 transformers==5.23.0 safetensors==0.8.0 numpy==2.4.6
    python -P tests/golden/bert.py    # -P: the files beside this one are no modules of its own

The weights are stored in single precision; everything in expected.json is computed from them in double precision with
dropout off. halves.safetensors holds one tensor in half and in bfloat16 precision as torch rounds it.
"""

import importlib.metadata
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification

OUT = pathlib.Path(__file__).with_name("bert")

PIECES = """[PAD] [UNK] [CLS] [SEP] [MASK] the a cat dog bird sat ran flew on under mat tree was it she he ##s ##ing ##ed
and or not very small large red green . , ? ! one two three four""".split()

LENGTHS = [7, 4, 6]
SECOND_TEXT_FROM = [4, 7, 3]
LABELS = [2, 0, 1]
SCORES = [0.5, 3.25, -1.0]
# Rows of the hidden states whose tokens are predicted.
CHOSEN = [1, 8, 19]

# Names as in the checkpoint, without "bert." before them.
GRADIENTS = [
    "embeddings.word_embeddings.weight",
    "embeddings.position_embeddings.weight",
    "embeddings.token_type_embeddings.weight",
    "embeddings.LayerNorm.weight",
    "encoder.layer.0.attention.self.query.weight",
    "encoder.layer.0.attention.self.key.weight",
    "encoder.layer.1.attention.self.value.bias",
    "encoder.layer.0.attention.output.dense.weight",
    "encoder.layer.1.attention.output.LayerNorm.weight",
    "encoder.layer.1.intermediate.dense.bias",
    "encoder.layer.0.output.dense.weight",
    "encoder.layer.1.output.LayerNorm.bias",
    "pooler.dense.weight",
    "classifier.weight",
    "classifier.bias",
]


def short(name):
    return name.removeprefix("bert.")


def numbers(tensor):
    return [float(f"{value:.12g}") for value in tensor.detach().flatten().tolist()]


def make_model(kind, config):
    """A model of a kind; the parameters that all kinds share come first and so are drawn alike."""
    model = kind(config)
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator) * 0.3
            parameter.copy_(drawn + 1 if name.endswith("LayerNorm.weight") else drawn)
    return model.eval()


def outcome(model, batch, targets):
    model = model.double()
    model.zero_grad()
    result = model(**batch, labels=targets)
    result.loss.backward()
    gradients = {short(name): parameter.grad for name, parameter in model.named_parameters()}
    return {
        "logits": numbers(result.logits),
        "loss": result.loss.item(),
        "gradients": {name: numbers(gradients[name]) for name in GRADIENTS},
    }


def write_halves():
    generator = torch.Generator().manual_seed(5)
    drawn = torch.randn(14, generator=generator)
    # Ties, subnormal numbers of half precision, the smallest ones, signed zero, large numbers, infinity.
    awkward = torch.tensor([1 + 2**-11, 1 + 3 * 2**-11, 2**-15, -(2**-24), -0.0, 65504.0, -1e30])
    values = torch.cat([drawn, awkward, torch.tensor([float("inf"), 2**-133, 1e-7])]).reshape(4, 6)
    kept = {"half": values.half(), "brain": values.bfloat16()}
    save_file(kept, OUT / "halves.safetensors")
    return {name: kept[name].float().view(torch.int32).flatten().tolist() for name in kept}


def main():
    OUT.mkdir(exist_ok=True)
    shape = dict(
        vocab_size=len(PIECES),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=16,
    )
    classifier = make_model(BertForSequenceClassification, BertConfig(**shape, num_labels=3))
    classifier.save_pretrained(OUT)
    (OUT / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")

    generator = torch.Generator().manual_seed(3)
    rows, length = len(LENGTHS), max(LENGTHS)
    ids = torch.randint(5, len(PIECES), (rows, length), generator=generator)
    columns = torch.arange(length)
    mask = (columns < torch.tensor(LENGTHS)[:, None]).long()
    ids = ids * mask
    ids[:, 0] = 2
    types = (columns >= torch.tensor(SECOND_TEXT_FROM)[:, None]).long() * mask
    batch = dict(input_ids=ids, token_type_ids=types, attention_mask=mask)

    classification = outcome(classifier, batch, torch.tensor(LABELS))
    states = classifier.bert(**batch).last_hidden_state
    regressor = make_model(BertForSequenceClassification, BertConfig(**shape, num_labels=1, problem_type="regression"))
    head = {f"classifier.{kind}": numbers(getattr(regressor.classifier, kind)) for kind in ["weight", "bias"]}
    regression = outcome(regressor, batch, torch.tensor(SCORES, dtype=torch.float64))

    masked = make_model(BertForMaskedLM, BertConfig(**shape)).double()
    masked_logits = masked(**batch).logits.reshape(rows * length, -1)[CHOSEN]
    masked_head = {name: numbers(value) for name, value in masked.named_parameters() if name.startswith("cls.")}

    expected = {
        "versions": {name: importlib.metadata.version(name) for name in ["torch", "transformers", "safetensors"]},
        "size": rows,
        "length": length,
        "ids": ids.flatten().tolist(),
        "types": types.flatten().tolist(),
        "mask": mask.flatten().tolist(),
        "hidden": numbers(states),
        "classification": {"labels": LABELS, **classification},
        "regression": {"scores": SCORES, "head": head, **regression},
        "masked": {"chosen": CHOSEN, "head": masked_head, "logits": numbers(masked_logits)},
        "halves": {"shape": [4, 6], "bits": write_halves()},
    }
    (OUT / "expected.json").write_text(json.dumps(expected, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
