"""The same training with PyTorch, transformers and peft, as a server for `bench/peer_bench.ts`.

One JSON request a line comes in on standard input, one JSON answer a line goes out on standard output:

- `load`     an encoder's folder and a method; answers with what was built
- `batch`    token ids and labels that `train` and `evaluate` use from then on
- `train`    a number of steps; answers with milliseconds and loss of each
- `evaluate` a number of forward passes; answers with the milliseconds of each
- `epoch`    tokenised examples, of which an epoch is made: shuffled, padded to the longest of a batch
- `advance`  a number of that epoch's steps; answers with their milliseconds together
- `memory`   resident memory: after the imports, after loading, at most

Between requests the process waits on standard input and uses no processor.
"""

import json
import os
import re
import sys
import time


def memory_line(key):
    """Bytes of a line of /proc/self/status, or None where there is no such file."""
    try:
        with open("/proc/self/status") as file:
            lines = [line.split() for line in file]
    except FileNotFoundError:
        return None
    return next((int(line[1]) * 1024 for line in lines if line[0] == f"{key}:"), None)


def peak_bytes():
    """The most memory this process has had resident.

    ru_maxrss is the fallback only: a child starts with the figure of the process that started it.
    """
    peak = memory_line("VmHWM")
    if peak is not None:
        return peak
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


bare_bytes = memory_line("VmRSS")

import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

imported_bytes = memory_line("VmRSS")

TARGETS = [
    "query",
    "key",
    "value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
]
PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}
HEAD = ["classifier", "pooler"]


def adapter_config(request):
    """The peft configuration of a method."""
    common = {
        "task_type": "SEQ_CLS",
        "target_modules": TARGETS,
        "modules_to_save": HEAD,
        "lora_alpha": request["alpha"],
        "lora_dropout": request["adapterDropout"],
    }
    if request["method"] == "lora":
        return peft.LoraConfig(r=request["rank"], **common)
    schedule = request["schedule"]
    return peft.AdaLoraConfig(
        init_r=request["initialRank"],
        target_r=request["rank"],
        tinit=schedule["initWarmup"],
        tfinal=schedule["finalWarmup"],
        deltaT=schedule["maskInterval"],
        total_step=schedule["totalSteps"],
        orth_reg_weight=request["regulariserWeight"],
        **common,
    )


def build_model(request):
    """A sequence classifier over the folder's encoder, with the method's parameters left to train."""
    model = transformers.BertForSequenceClassification.from_pretrained(
        request["folder"],
        num_labels=request["labels"],
        hidden_dropout_prob=request["dropout"],
        attention_probs_dropout_prob=request["dropout"],
        classifier_dropout=request["dropout"],
    )
    if request["method"] != "none":
        return peft.get_peft_model(model, adapter_config(request))
    for name, parameter in model.named_parameters():
        parameter.requires_grad = any(part in name for part in HEAD)
    return model


def stored_name(stored):
    """The end of the parameter's name here for a tensor's name in an adapter file of ranklab."""
    if not stored.startswith("layer."):
        module, rest = stored.split(".", 1)
        return f"{module}.modules_to_save.default.{rest}"
    _, layer, part, matrix = stored.split(".")
    return f"layer.{layer}.{PARTS[part]}.lora_{matrix}"


def trained_parameter(model, stored):
    """The parameter that a tensor of an adapter file of ranklab stands for; there must be one."""
    parameters = {
        name.removesuffix(".weight").removesuffix(".default") if ".lora_" in name else name: p
        for name, p in model.named_parameters()
    }
    end = stored_name(stored)
    found = [p for name, p in parameters.items() if name.endswith(end)]
    if len(found) != 1:
        raise KeyError(f'Tensor "{stored}" fits {len(found)} parameters that end in "{end}"')
    return found[0]


def take_trained(model, path):
    """Copies the trained parameters of an adapter file into the model; each must find its place once."""
    for stored, value in load_file(path).items():
        with torch.no_grad():
            trained_parameter(model, stored).copy_(value.T if stored.endswith(".B") else value)


def padded(examples):
    """A batch padded to its longest example, as DataCollatorWithPadding makes it."""
    longest = max(len(example["ids"]) for example in examples)

    def rows(key, fill):
        return torch.tensor([
            example[key] + [fill] * (longest - len(example[key])) for example in examples
        ])

    return {
        "input_ids": rows("ids", 0),
        "token_type_ids": rows("types", 0),
        "attention_mask": torch.tensor([
            [1] * len(example["ids"]) + [0] * (longest - len(example["ids"]))
            for example in examples
        ]),
        "labels": torch.tensor([example["label"] for example in examples]),
    }


def elapsed(since):
    return (time.perf_counter() - since) * 1000


class Peer:
    """The model under measurement, and what is fed to it."""

    def load(self, request):
        self.device = torch.device(request["device"])
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise RuntimeError("PyTorch finds no CUDA device here")
        torch.set_num_threads(request["threads"])
        torch.manual_seed(request["seed"])
        self.model = build_model(request).to(self.device)
        if request["trained"] is not None:
            take_trained(self.model, request["trained"])
        self.has_masks = request["method"] == "adalora"
        self.clip_norm = request["clipNorm"]
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        # What transformers' Trainer takes by default (adamw_torch_fused).
        self.optimizer = torch.optim.AdamW(
            self.trained, lr=request["learningRate"], weight_decay=0, fused=True
        )
        self.step = 0
        self.loaded_bytes = memory_line("VmRSS")
        return {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "peft": peft.__version__,
            "threads": torch.get_num_threads(),
            "attention": self.model.config._attn_implementation,
            "trained": sum(p.numel() for p in self.trained),
            "blas": re.search(r"BLAS_INFO=(\w+)", torch.__config__.show()).group(1),
            "capability": torch.backends.cpu.get_cpu_capability(),
            "device": torch.cuda.get_device_name() if self.device.type == "cuda" else "cpu",
        }

    def batch(self, request):
        ids = torch.tensor(request["ids"])
        self.inputs = {
            "input_ids": ids,
            "token_type_ids": torch.zeros_like(ids),
            "attention_mask": torch.ones_like(ids),
            "labels": torch.tensor(request["labels"]),
        }
        self.inputs = {name: value.to(self.device) for name, value in self.inputs.items()}
        return {"shape": list(ids.shape)}

    def synchronize(self):
        """Waits for the card: it computes after the calls have returned."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def train_step(self, inputs):
        loss = self.model(**inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, self.clip_norm)
        self.optimizer.step()
        if self.has_masks:
            self.model.base_model.update_and_allocate(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return loss.detach()

    def train(self, request):
        self.model.train()
        millis, losses = [], []
        for _ in range(request["steps"]):
            started = time.perf_counter()
            losses.append(self.train_step(self.inputs))
            self.synchronize()
            millis.append(elapsed(started))
        return {"millis": millis, "losses": [float(loss) for loss in losses]}

    def evaluate(self, request):
        self.model.eval()
        inputs = {name: value for name, value in self.inputs.items() if name != "labels"}
        millis = []
        with torch.inference_mode():
            for _ in range(request["passes"]):
                started = time.perf_counter()
                self.model(**inputs).logits.argmax(-1).tolist()
                millis.append(elapsed(started))
        return {"millis": millis}

    def epoch(self, request):
        loader = torch.utils.data.DataLoader(
            request["examples"],
            batch_size=request["batchSize"],
            shuffle=True,
            collate_fn=padded,
        )
        self.batches = iter(loader)
        return {"batches": len(loader)}

    def advance(self, request):
        self.model.train()
        started = time.perf_counter()
        for _ in range(request["steps"]):
            batch = next(self.batches)
            self.train_step({name: value.to(self.device) for name, value in batch.items()})
        self.synchronize()
        return {"millis": elapsed(started)}

    def memory(self, _):
        return {
            "bareBytes": bare_bytes,
            "importedBytes": imported_bytes,
            "loadedBytes": self.loaded_bytes,
            "peakBytes": peak_bytes(),
        }


def main():
    # Libraries print where they like; the answers have the original standard output to themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    peer = Peer()
    handlers = {
        name: getattr(peer, name)
        for name in ("load", "batch", "train", "evaluate", "epoch", "advance", "memory")
    }
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"ok": True, **handlers[request["op"]](request)}
        except Exception as error:  # The caller reports it; this process has nobody to tell.
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
