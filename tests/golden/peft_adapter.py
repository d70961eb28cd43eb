"""Writes peft/ beside this file: LoRA and DoRA adapters that peft saved for the tiny BERT in bert/, and the logits with it.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0 numpy==2.4.6
    cd tests/golden && python -P peft_adapter.py    # -P: the files beside this one are no modules of its own

Ranks and alphas differ by patterns, one of which is a regular expression; the pooler's dense layer is adapted too, and the
classifier is saved whole, but for "headless": there it stays in the base, which has a trained one. The logits are computed in double precision with dropout off.
"""

import importlib.metadata
import json
import pathlib
import shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForSequenceClassification

HERE = pathlib.Path(__file__).parent
OUT = HERE / "peft"


def batch_of(expected):
    matrix = lambda name: torch.tensor(expected[name]).long().reshape(expected["size"], expected["length"])
    return dict(input_ids=matrix("ids"), token_type_ids=matrix("types"), attention_mask=matrix("mask"))


def logits_of(model, batch):
    with torch.no_grad():
        return model.double().eval()(**batch).logits.flatten().tolist()


def main():
    OUT.mkdir(exist_ok=True)
    batch = batch_of(json.loads((HERE / "bert" / "expected.json").read_text()))
    found = {"versions": {name: importlib.metadata.version(name) for name in ["torch", "transformers", "peft"]}}
    for name in ["lora", "rslora", "dora", "headless"]:
        model = AutoModelForSequenceClassification.from_pretrained("bert")
        config = LoraConfig(
            task_type=None if name == "headless" else "SEQ_CLS",
            r=3,
            lora_alpha=5,
            target_modules=["query", "value", "dense"],
            exclude_modules=["bert.encoder.layer.0.output.dense"],
            rank_pattern={"layer.1.attention.self.query": 1, r"layer\.0\..*\.dense": 4},
            alpha_pattern={"bert.encoder.layer.1.attention.self.query": 2.5, "pooler.dense": 7},
            modules_to_save=None if name == "headless" else ["classifier"],
            use_rslora=name == "rslora",
            use_dora=name == "dora",
        )
        adapted = get_peft_model(model, config)
        generator = torch.Generator().manual_seed(17)
        with torch.no_grad():
            for key, parameter in adapted.named_parameters():
                if "lora_" in key or "modules_to_save" in key:
                    noise = torch.randn(parameter.shape, generator=generator) * 0.3
                    # Lengths are positive: they change by about a third.
                    parameter.copy_(parameter * noise.exp() if "magnitude" in key else noise)
        shutil.rmtree(OUT / name, ignore_errors=True)
        adapted.save_pretrained(OUT / name)
        (OUT / name / "README.md").unlink(missing_ok=True)
        base = AutoModelForSequenceClassification.from_pretrained("bert")
        found[name] = {
            "base": logits_of(base, batch),
            "logits": logits_of(PeftModel.from_pretrained(base.float(), OUT / name), batch),
        }
    (OUT / "adapter_logits.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
