"""Writes peft_variants.json and peft_variants.safetensors beside this file: training of what peft has besides its plain LoRA, on the tiny
BERT in bert/: LoRA+, LoRA with a frozen A, a head with a learning rate of its own, PiSSA.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0 numpy==2.4.6
    python -P tests/golden/peft_variants.py    # -P: the files beside this one are no modules of its own

Adapters start as peft starts them, in single precision; then everything is computed in double precision with dropout off. Each
step's batch is that of bert/expected.json with the labels turned by the number of the step. Clipping, the linear schedule and
AdamW are torch's. PiSSA starts as `init_lora_weights="pissa"` says, and W's remainder is computed again in double precision, so that
its rounding does not hide differences. In "loraplus" the groups are those of `create_loraplus_optimizer`, but for the biases of pooler and classifier,
which it gives B's rate and ranklab the head's.
"""

import importlib.metadata
import json
import os
import pathlib

import peft
import torch
from peft.optimizers import create_loraplus_optimizer
from safetensors.torch import save_file
from transformers import BertForSequenceClassification, get_linear_schedule_with_warmup

HERE = pathlib.Path(__file__).parent

# Powers of two: the rate of each step is then a number of single precision.
TRAIN = {"learningRate": 2**-6, "warmup": 2, "weightDecay": 2**-5, "clipNorm": 1.0, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
ALPHA = 8
RANK = 2
STEPS = 6
B_RATE = 4
HEAD_RATE = 2**-4
PATHS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}
TARGETS = r".*encoder\.layer\.\d+\.(" + "|".join(path.replace(".", r"\.") for path in PATHS.values()) + ")"
RUNS = ["loraplus", "lorafa", "headRate", "pissa"]


def layers(model):
    """The adapted layers by the names of ranklab."""
    encoder = model.get_base_model().bert.encoder
    for index, layer in enumerate(encoder.layer):
        for part, path in PATHS.items():
            yield f"layer.{index}.{part}", layer.get_submodule(path)


def parts(model):
    """The adapters' tensors; B is [out, rank] as peft has it."""
    found = {}
    for name, module in layers(model):
        found[f"{name}.A"] = module.lora_A["default"].weight
        found[f"{name}.B"] = module.lora_B["default"].weight
    return found


def adapted(base, name):
    plain = {key: value.detach().clone() for key, value in base.state_dict().items()}
    config = peft.LoraConfig(
        task_type="SEQ_CLS", target_modules=TARGETS, modules_to_save=["classifier", "pooler"], lora_alpha=ALPHA, lora_dropout=0.0, r=RANK,
        init_lora_weights="pissa" if name == "pissa" else True,
    )
    model = peft.get_peft_model(base, config).double()
    if name == "pissa":
        for key, module in layers(model):
            _, index, part = key.split(".")
            start = module.scaling["default"] * module.lora_B["default"].weight @ module.lora_A["default"].weight
            module.get_base_layer().weight.data = plain[f"bert.encoder.layer.{index}.{PATHS[part]}.weight"].double() - start.detach()
    return model


def is_head(name):
    return "classifier" in name or "pooler" in name


def groups_of(model, head_rate):
    """As transformers' Trainer: no decay of biases; the head apart, for a rate of its own."""
    trained = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    for head in (False, True):
        for decayed in (True, False):
            own = [value for name, value in trained if is_head(name) == head and (value.ndim > 1) == decayed]
            yield {
                "params": own,
                "lr": head_rate if head else TRAIN["learningRate"],
                "weight_decay": TRAIN["weightDecay"] if decayed else 0.0,
            }


def optimizer_of(name, model):
    common = dict(betas=(TRAIN["beta1"], TRAIN["beta2"]), eps=TRAIN["epsilon"])
    if name != "loraplus":
        groups = list(groups_of(model, HEAD_RATE if name == "headRate" else TRAIN["learningRate"]))
        return torch.optim.AdamW([group for group in groups if group["params"]], **common)
    optimizer = create_loraplus_optimizer(
        model=model,
        optimizer_cls=torch.optim.AdamW,
        lr=TRAIN["learningRate"],
        loraplus_lr_ratio=B_RATE,
        loraplus_weight_decay=TRAIN["weightDecay"],
        **common,
    )
    biases = {id(value) for name, value in model.named_parameters() if is_head(name) and value.ndim == 1 and value.requires_grad}
    for group in optimizer.param_groups:
        group["params"] = [value for value in group["params"] if id(value) not in biases]
    optimizer.param_groups = [group for group in optimizer.param_groups if group["params"]]
    own = [value for value in model.parameters() if id(value) in biases]
    optimizer.add_param_group({"params": own, "lr": TRAIN["learningRate"], "weight_decay": 0.0})
    return optimizer


def train(name, rows):
    torch.manual_seed(20)
    base = BertForSequenceClassification.from_pretrained(HERE / "bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = adapted(base, name)
    if name == "lorafa":
        for key, value in parts(model).items():
            value.requires_grad_(not key.endswith(".A"))
    model.train()
    optimizer = optimizer_of(name, model)
    schedule = get_linear_schedule_with_warmup(optimizer, TRAIN["warmup"], STEPS)
    texts = {key: value for key, value in rows.items() if key != "labels"}
    losses, norms, tensors = [], [], {key: [value.detach().clone()] for key, value in parts(model).items()}
    for step in range(STEPS):
        loss = model(**texts, labels=rows["labels"].roll(step)).loss
        loss.backward()
        losses.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), TRAIN["clipNorm"]).item())
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        for key, value in parts(model).items():
            tensors[key].append(value.detach().clone())
    with torch.no_grad():
        model.eval()
        logits = model(**texts).logits
    stored = {f"{name}/{key}": torch.stack([values[0], values[-1]]) for key, values in tensors.items()}
    return {"loss": losses, "gradientNorm": norms, "logits": logits.flatten().tolist()}, stored


def main():
    os.environ["HF_HUB_OFFLINE"] = "1"
    expected = json.loads((HERE / "bert" / "expected.json").read_text())
    matrix = lambda name: torch.tensor(expected[name]).long().reshape(expected["size"], expected["length"])
    rows = dict(
        input_ids=matrix("ids"),
        token_type_ids=matrix("types"),
        attention_mask=matrix("mask"),
        labels=torch.tensor(expected["classification"]["labels"]),
    )
    packages = ["torch", "transformers", "peft"]
    result = {
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "train": TRAIN,
        "alpha": ALPHA,
        "rank": RANK,
        "steps": STEPS,
        "bRate": B_RATE,
        "headRate": HEAD_RATE,
        "runs": {},
    }
    tensors = {}
    for name in RUNS:
        result["runs"][name], found = train(name, rows)
        tensors.update(found)
    (HERE / "peft_variants.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
    save_file(tensors, HERE / "peft_variants.safetensors")


if __name__ == "__main__":
    main()
