"""Writes peft/export_logits.json beside this file: what peft and transformers compute with runs that ranklab exported.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0 numpy==2.4.6
    deno run -A tests/golden/peft_exports.ts DIR          # DIR: a new folder, for the exports
    cd tests/golden && python -P peft_loads_export.py DIR

For each method there are DIR/<method>/peft and DIR/<method>/merged. peft must take every tensor of the file and find none
missing. The hashes of the files are stored, so that a test can tell that it makes the same files.
"""

import hashlib
import importlib.metadata
import json
import pathlib
import sys

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

HERE = pathlib.Path(__file__).parent


def batch_of(expected):
    matrix = lambda name: torch.tensor(expected[name]).long().reshape(expected["size"], expected["length"])
    return dict(input_ids=matrix("ids"), token_type_ids=matrix("types"), attention_mask=matrix("mask"))


def logits_of(model, batch):
    with torch.no_grad():
        return model.double().eval()(**batch).logits.flatten().tolist()


def hashes(folder, names):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def load_peft(folder):
    base = AutoModelForSequenceClassification.from_pretrained("bert", num_labels=2, ignore_mismatched_sizes=True)
    model = PeftModel.from_pretrained(base, folder)
    stored = load_file(folder / "adapter_model.safetensors")
    held = get_peft_model_state_dict(model)
    assert set(held) == set(stored), f"peft holds other tensors: {sorted(set(held) ^ set(stored))}"
    for name, tensor in stored.items():
        assert torch.equal(held[name], tensor), f"peft holds another {name}"
    return model


def main(exports):
    batch = batch_of(json.loads((HERE / "bert" / "expected.json").read_text()))
    found = {"versions": {name: importlib.metadata.version(name) for name in ["torch", "transformers", "peft"]}}
    for folder in sorted(exports.iterdir()):
        adapted = load_peft(folder / "peft")
        merged, info = AutoModelForSequenceClassification.from_pretrained(folder / "merged", output_loading_info=True)
        assert not info["missing_keys"] and not info["unexpected_keys"], f"transformers misses or ignores: {info}"
        assert merged.config.num_labels == 2
        scales = {
            name: module.scaling["default"]
            for name, module in adapted.base_model.model.named_modules()
            if isinstance(getattr(module, "scaling", None), dict)
        }
        found[folder.name] = {
            "files": hashes(folder / "peft", ["adapter_config.json", "adapter_model.safetensors"]),
            "scales": scales,
            "peft": logits_of(adapted, batch),
            "merged": logits_of(merged, batch),
        }
    (HERE / "peft" / "export_logits.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
