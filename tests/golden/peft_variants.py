"""Writes peft_variants.json and peft_variants.safetensors beside this file: training of what peft has besides its plain LoRA, on the tiny
BERT in bert/: LoRA+, LoRA with a frozen A, a head with a learning rate of its own, PiSSA, EVA.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0 numpy==2.4.6
    python -P tests/golden/peft_variants.py    # -P: the files beside this one are no modules of its own

Adapters start as peft starts them, in single precision; then everything is computed in double precision with dropout off. Each
step's batch is that of bert/expected.json with the labels turned by the number of the step. Clipping, the linear schedule and
AdamW are torch's. PiSSA starts as `init_lora_weights="pissa"` says, and W's remainder is computed again in double precision, so that
its rounding does not hide differences. In "loraplus" the groups are those of `create_loraplus_optimizer`, but for the biases of pooler and classifier,
which it gives B's rate and ranklab the head's.

EVA's directions are found on the batch of bert/expected.json and on the same with other ids, in turn; peft's approximate decomposition
(`svd_lowrank`) is replaced by torch's whole one. Ranks, the shares of variance and A are stored as peft has them, in single precision.

"doraDynamic" is not peft's: it is DoRA with dynamic rank (Mao et al., arXiv 2405.17357) written out after the authors' code
(github.com/MIkumikumi0116/DoRA, Src/Finetune_And_Benchmark/Finetune_Utils.py), with what they call step number counted from 1.
"""

import importlib.metadata
import json
import os
import pathlib

import peft
import torch
from peft.optimizers import create_loraplus_optimizer
from peft.tuners.lora import eva
from peft.utils.incremental_pca import IncrementalPCA
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
RUNS = ["loraplus", "lorafa", "headRate", "pissa", "eva"]
# Of EVA; with it ranks differ from module to module.
RHO = 2.0
EVA_RANK = 3
# Shares of the steps that are whole numbers: masking takes 7 steps after 3.
DYNAMIC = {"steps": 20, "startRank": 3, "endRank": 2, "start": 0.15, "end": 0.5, "interval": 3, "beta": 0.9, "weight": 0.1}


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


def eva_batches(rows):
    texts = {key: value for key, value in rows.items() if key != "labels"}
    return [texts, {**texts, "input_ids": (texts["input_ids"] * 7 + 3) % 40}]


def eva_found(rows):
    """The shares of variance by module, and how many rows each decomposition has seen."""
    base = BertForSequenceClassification.from_pretrained(HERE / "bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    config = peft.LoraConfig(target_modules=TARGETS, r=EVA_RANK, init_lora_weights="eva", eva_config=peft.EvaConfig(rho=RHO))
    seen = {}
    plain = eva.SVDHook.__call__

    def watched(self, model, input, output):
        plain(self, model, input, output)
        seen[self.name] = self.svd

    eva.SVDHook.__call__ = watched
    eva.get_eva_state_dict(base, eva_batches(rows), config, show_progress_bar=False)
    eva.SVDHook.__call__ = plain
    return {
        name: {"rows": svd.n_samples_seen_.item(), "explained": svd.explained_variance_ratio_.tolist()} for name, svd in seen.items()
    }


def adapted(base, name, rows):
    plain = {key: value.detach().clone() for key, value in base.state_dict().items()}
    config = peft.LoraConfig(
        task_type="SEQ_CLS", target_modules=TARGETS, modules_to_save=["classifier", "pooler"], lora_alpha=ALPHA, lora_dropout=0.0,
        r=EVA_RANK if name == "eva" else RANK,
        init_lora_weights=name if name in ("pissa", "eva") else True,
        **(dict(eva_config=peft.EvaConfig(rho=RHO)) if name == "eva" else {}),
    )
    model = peft.get_peft_model(base, config)
    if name == "eva":
        peft.initialize_lora_eva_weights(model, dataloader=eva_batches(rows), show_progress_bar=False)
    model = model.double()
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


class DynamicLinear(torch.nn.Module):
    """A frozen layer with components b_i c_i a_i beside it."""

    def __init__(self, linear):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        rank = DYNAMIC["startRank"]
        self.a = torch.nn.Linear(linear.in_features, rank, bias=False)
        self.c = torch.nn.Parameter(torch.zeros(rank))
        self.b = torch.nn.Linear(rank, linear.out_features, bias=False)
        self.scaling = ALPHA / rank
        torch.nn.init.kaiming_uniform_(self.a.weight)
        torch.nn.init.kaiming_uniform_(self.b.weight)
        self.score = torch.zeros(rank, dtype=torch.float64)
        self.final = None

    def forward(self, x):
        return self.linear(x) + self.b(self.a(x) * self.c) * self.scaling

    def update_score(self):
        scaled = self.a.weight * self.c.unsqueeze(1)
        whole = (self.b.weight @ scaled).norm() + 1e-8
        single = torch.einsum("ik,kj->kij", self.b.weight, scaled).norm(dim=(1, 2))
        self.score = DYNAMIC["beta"] * self.score + (1 - DYNAMIC["beta"]) * single / whole


def phase(step):
    place = int(step - DYNAMIC["steps"] * DYNAMIC["start"])
    return place, int(DYNAMIC["steps"] * (1 - DYNAMIC["start"] - DYNAMIC["end"]))


def regularisation(modules, step):
    place, last = phase(step)
    if place > last:
        return torch.tensor(0.0, dtype=torch.float64)
    total = sum(m.a.weight.var(dim=1).sum() + m.b.weight.var(dim=0).sum() for m in modules)
    return total / (len(modules) * 2 * DYNAMIC["startRank"])


@torch.no_grad()
def prune(modules, step):
    """What is masked in this step, or None where no mask is made."""
    place, last = phase(step)
    if place > last:
        for module in modules.values():
            module.c[module.final] = 0
        return None
    for module in modules.values():
        module.update_score()
    if place < 0 or not (place % DYNAMIC["interval"] == 0 or place == last):
        return None
    scores = torch.cat([module.score for module in modules.values()])
    share = (DYNAMIC["startRank"] - DYNAMIC["endRank"]) / DYNAMIC["startRank"] * (place / last) ** 3
    threshold = torch.kthvalue(scores, max(int(scores.numel() * share), 1)).values
    for module in modules.values():
        module.final = module.score <= threshold
        module.c[module.final] = 0
    return {name: module.final.nonzero().flatten().tolist() for name, module in modules.items()}


def train_dynamic(rows):
    torch.manual_seed(21)
    model = BertForSequenceClassification.from_pretrained(HERE / "bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    modules = {}
    for index, layer in enumerate(model.bert.encoder.layer):
        for part, path in PATHS.items():
            *parents, last = path.split(".")
            parent = layer.get_submodule(".".join(parents))
            modules[f"layer.{index}.{part}"] = DynamicLinear(getattr(parent, last))
            setattr(parent, last, modules[f"layer.{index}.{part}"])
    own = {id(value) for module in modules.values() for value in (module.a.weight, module.b.weight, module.c)}
    for name, value in model.named_parameters():
        value.requires_grad_(id(value) in own or is_head(name))
    model.double().train()
    read = lambda: {
        f"{name}.{part}": value.detach().clone()
        for name, module in modules.items()
        for part, value in dict(A=module.a.weight, E=module.c, B=module.b.weight, S=module.score).items()
    }
    decayed = [value for value in model.parameters() if value.requires_grad and (value.ndim > 1 or id(value) in own)]
    plain = [value for value in model.parameters() if value.requires_grad and not (value.ndim > 1 or id(value) in own)]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": TRAIN["weightDecay"]}, {"params": plain, "weight_decay": 0.0}],
        lr=TRAIN["learningRate"],
        betas=(TRAIN["beta1"], TRAIN["beta2"]),
        eps=TRAIN["epsilon"],
    )
    schedule = get_linear_schedule_with_warmup(optimizer, TRAIN["warmup"], DYNAMIC["steps"])
    texts = {key: value for key, value in rows.items() if key != "labels"}
    start, losses, norms, events = read(), [], [], []
    for step in range(DYNAMIC["steps"]):
        term = regularisation(list(modules.values()), step + 1)
        loss = model(**texts, labels=rows["labels"].roll(step)).loss + DYNAMIC["weight"] * term
        loss.backward()
        losses.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), TRAIN["clipNorm"]).item())
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        off = prune(modules, step + 1)
        if off is not None:
            events.append({"step": step, "off": off})
    with torch.no_grad():
        model.eval()
        logits = model(**texts).logits
    stored = {f"doraDynamic/{key}": torch.stack([start[key].double(), value]) for key, value in read().items()}
    return {"loss": losses, "gradientNorm": norms, "logits": logits.flatten().tolist(), "events": events}, stored


def train(name, rows):
    torch.manual_seed(20)
    base = BertForSequenceClassification.from_pretrained(HERE / "bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = adapted(base, name, rows)
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
    IncrementalPCA._svd_fn_lowrank = lambda self, X: torch.linalg.svd(X, full_matrices=False)
    result["rho"] = RHO
    result["evaRank"] = EVA_RANK
    result["eva"] = eva_found(rows)
    tensors = {}
    for name in RUNS:
        result["runs"][name], found = train(name, rows)
        tensors.update(found)
    result["dynamic"] = DYNAMIC
    result["runs"]["doraDynamic"], found = train_dynamic(rows)
    tensors.update(found)
    (HERE / "peft_variants.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
    save_file(tensors, HERE / "peft_variants.safetensors")


if __name__ == "__main__":
    main()
