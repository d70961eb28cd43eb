"""Writes peft_training.json and peft_training.safetensors beside this file: training of peft's LoRA, DoRA and AdaLoRA on the
tiny BERT in bert/, by transformers' Trainer.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 accelerate==1.15.0 safetensors==0.8.0 numpy==2.4.6
    python -P tests/golden/peft_training.py    # -P: the files beside this one are no modules of its own

Adapters start as peft starts them, in single precision; then everything is computed in double precision with dropout
off. Each step's batch is that of bert/expected.json with the labels turned by the number of the step. Optimiser,
clipping, schedule and their order are Trainer's own; `update_and_allocate` is called where peft's documentation puts it,
between the optimiser's step and `zero_grad`, with Trainer's count of finished steps (0 at the first). The run "dora" has no
weight decay, since peft's decays lengths to zero and ranklab's by default to those of the frozen weight; "doraWhole" has peft's.
Of DoRA's lengths, M is what they have gained. "regression" is LoRA on the scores of bert/expected.json, with a classifier as
transformers draws it for one output.
"""

import importlib.metadata
import json
import os
import pathlib
import tempfile

import peft
import torch
from safetensors.torch import save_file
from transformers import BertForSequenceClassification, Trainer, TrainerCallback, TrainingArguments

HERE = pathlib.Path(__file__).parent

# Powers of two: in the run of LoRA, the rate of each step is then a number of single precision.
TRAIN = {"learningRate": 2**-6, "warmup": 2, "weightDecay": 2**-5, "clipNorm": 1.0, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
ALPHA = 8
LORA = {"rank": 2}
ADALORA = {"init_r": 3, "target_r": 2, "tinit": 2, "tfinal": 4, "beta1": 0.85, "beta2": 0.8, "orth_reg_weight": 0.1}
# The interval divides the last step of the falling budget (12) in one run and not in the other.
RUNS = {
    "lora": {"steps": 10, "deltaT": None},
    "dora": {"steps": 6, "deltaT": None, "weightDecay": 0.0},
    "doraWhole": {"steps": 6, "deltaT": None},
    "regression": {"steps": 6, "deltaT": None},
    "adalora": {"steps": 16, "deltaT": 2},
    "adaloraForced": {"steps": 16, "deltaT": 5},
}
# Of the other runs the tensors after every step are stored, of these those at the start and at the end.
ENDS_ONLY = ["doraWhole", "regression", "adaloraForced"]
# How far apart the two scores beside a threshold have to be for a mask that rounding cannot change.
LEAST_GAP = 1e-3
PATHS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}
TARGETS = r".*encoder\.layer\.\d+\.(" + "|".join(path.replace(".", r"\.") for path in PATHS.values()) + ")"


def peft_config(name):
    steps, delta = RUNS[name]["steps"], RUNS[name]["deltaT"]
    common = dict(task_type="SEQ_CLS", target_modules=TARGETS, modules_to_save=["classifier", "pooler"], lora_alpha=ALPHA, lora_dropout=0.0)
    if delta is None:
        return peft.LoraConfig(r=LORA["rank"], use_dora=name.startswith("dora"), **common)
    return peft.AdaLoraConfig(**ADALORA, deltaT=delta, total_step=steps, **common)


def parts(model):
    """The adapters' tensors by the names of ranklab; B is [out, rank] as peft has it."""
    found = {}
    for index, layer in enumerate(model.get_base_model().bert.encoder.layer):
        for part, path in PATHS.items():
            module = layer.get_submodule(path)
            for name in ("A", "E", "B"):
                tensor = getattr(module, f"lora_{name}", {})
                if "default" in tensor:
                    tensor = tensor["default"]
                    found[f"layer.{index}.{part}.{name}"] = getattr(tensor, "weight", tensor)
            lengths = getattr(module, "lora_magnitude_vector", {})
            if "default" in lengths:
                found[f"layer.{index}.{part}.M"] = lengths["default"].weight - module.get_base_layer().weight.norm(dim=1)
    return found


class Recorder(TrainerCallback):
    """Allocates ranks as peft asks for, and writes down what each step left behind."""

    def __init__(self, model):
        self.model = model
        self.tensors = {name: [tensor.detach().clone()] for name, tensor in parts(model).items()}
        self.events = []

    def on_optimizer_step(self, args, state, control, **kwargs):
        if hasattr(self.model.base_model, "update_and_allocate"):
            self.allocate(state.global_step)
        for name, tensor in parts(self.model).items():
            self.tensors[name].append(tensor.detach().clone())

    def allocate(self, step):
        """The call, with the mask that it made where it made one."""
        allocator = self.model.base_model.rankallocator
        masks = []
        plain = allocator.mask_to_budget

        def watched(model, budget):
            pattern = plain(model, budget)
            masks.append((budget, pattern, self.gap(allocator, budget)))
            return pattern

        allocator.mask_to_budget = watched
        self.model.base_model.update_and_allocate(step)
        del allocator.mask_to_budget
        for budget, pattern, gap in masks:
            if gap < LEAST_GAP:
                raise ValueError(f"Step {step}: the scores beside the threshold are only {gap} apart, at least {LEAST_GAP} wanted")
            off = {name: [i for i, on in enumerate(pattern[self.key(name)]) if not on] for name in self.modules()}
            self.events.append({"step": step, "budget": budget, "gap": gap, "off": off})

    def modules(self):
        return [name[:-2] for name in self.tensors if name.endswith(".E")]

    def key(self, name):
        _, index, part = name.split(".")
        return f"model.bert.encoder.layer.{index}.{PATHS[part]}.lora_E.default".removeprefix("model.")

    def gap(self, allocator, budget):
        """The relative distance between the last score that is masked and the first that is kept."""
        score = lambda name: allocator.exp_avg_ipt[name] * allocator.exp_avg_unc[name]
        scores = []
        for name in allocator.exp_avg_ipt:
            if "lora_E" in name:
                a, b = score(name.replace("lora_E", "lora_A")).mean(1), score(name.replace("lora_E", "lora_B")).mean(0)
                scores.append(score(name)[:, 0] + a + b)
        scores = torch.cat(scores).sort().values
        count = allocator.init_bgt - budget
        return (scores[count] / scores[count - 1] - 1).item()


class Parity(Trainer):
    """Trainer on one batch a step, in the given order."""

    def get_train_dataloader(self):
        return self.train_dataset

    def compute_loss(self, model, inputs, **kwargs):
        loss = model(**inputs).loss
        self.losses.append(loss.item())
        return loss


def train(name, rows):
    steps, delta = RUNS[name]["steps"], RUNS[name]["deltaT"]
    torch.manual_seed(20)
    scored = dict(num_labels=1, problem_type="regression", ignore_mismatched_sizes=True) if name == "regression" else {}
    base = BertForSequenceClassification.from_pretrained(
        HERE / "bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **scored
    )
    head = {key: value.flatten().tolist() for key, value in base.classifier.state_dict().items()}
    model = peft.get_peft_model(base, peft_config(name)).double()
    labels = rows["scores" if scored else "labels"]
    texts = {key: value for key, value in rows.items() if key not in ("labels", "scores")}
    batches = [{**texts, "labels": labels.roll(step)} for step in range(steps)]
    recorder = Recorder(model)
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            output_dir=folder,
            max_steps=steps,
            learning_rate=TRAIN["learningRate"],
            warmup_steps=TRAIN["warmup"],
            weight_decay=RUNS[name].get("weightDecay", TRAIN["weightDecay"]),
            max_grad_norm=TRAIN["clipNorm"],
            adam_beta1=TRAIN["beta1"],
            adam_beta2=TRAIN["beta2"],
            adam_epsilon=TRAIN["epsilon"],
            lr_scheduler_type="linear",
            optim="adamw_torch",
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = Parity(model=model, args=args, train_dataset=batches, callbacks=[recorder])
        trainer.losses = []
        trainer.train()
    norms = [entry["grad_norm"] for entry in trainer.state.log_history if "grad_norm" in entry]
    rates = [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
    with torch.no_grad():
        model.eval()
        logits = model(**texts).logits
    keep_all = name not in ENDS_ONLY
    tensors = {
        f"{name}/{tensor}": torch.stack(values if keep_all or tensor.endswith(".E") else [values[0], values[-1]])
        for tensor, values in recorder.tensors.items()
    }
    found = {**RUNS[name], "loss": trainer.losses, "gradientNorm": norms, "learningRate": rates, "logits": logits.flatten().tolist()}
    if scored:
        found["classifier"] = head
    if delta is not None:
        found["budgets"] = [model.base_model.rankallocator.budget_schedule(step)[0] for step in range(steps)]
        found["events"] = recorder.events
    return found, tensors


def main():
    os.environ["HF_HUB_OFFLINE"] = "1"
    expected = json.loads((HERE / "bert" / "expected.json").read_text())
    matrix = lambda name: torch.tensor(expected[name]).long().reshape(expected["size"], expected["length"])
    rows = dict(
        input_ids=matrix("ids"),
        token_type_ids=matrix("types"),
        attention_mask=matrix("mask"),
        labels=torch.tensor(expected["classification"]["labels"]),
        scores=torch.tensor(expected["regression"]["scores"], dtype=torch.float64),
    )
    packages = ["torch", "transformers", "peft", "accelerate"]
    result = {
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "train": TRAIN,
        "alpha": ALPHA,
        "lora": LORA,
        "adalora": ADALORA,
        "runs": {},
    }
    tensors = {}
    for name in RUNS:
        result["runs"][name], found = train(name, rows)
        tensors.update(found)
    (HERE / "peft_training.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
    save_file(tensors, HERE / "peft_training.safetensors")


if __name__ == "__main__":
    main()
