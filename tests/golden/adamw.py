"""Writes adamw.json beside this file: ten steps of PyTorch's AdamW with clipping and a linear schedule.

    pip install torch==2.15.0 transformers==5.23.0
    python -P tests/golden/adamw.py    # -P: the files beside this one are no modules of its own

Everything is in double precision. The gradients are given, large in some steps, so that some are clipped and some not.
"""

import importlib.metadata
import json
import pathlib

import torch
from transformers import get_linear_schedule_with_warmup

OUT = pathlib.Path(__file__).with_name("adamw.json")

SHAPES = {"dense.weight": [3, 4], "dense.bias": [3], "norm.weight": [4], "norm.bias": [4]}
DECAYED = ["dense.weight"]
STEPS = 10
SETTINGS = {
    "learningRate": 0.02,
    "warmup": 3,
    "beta1": 0.9,
    "beta2": 0.98,
    "epsilon": 1e-6,
    "weightDecay": 0.05,
    "clipNorm": 1.0,
}


def main():
    generator = torch.Generator().manual_seed(7)
    draw = lambda shape: torch.randn(shape, generator=generator, dtype=torch.float64)
    start = {name: draw(shape) for name, shape in SHAPES.items()}
    parameters = {name: torch.nn.Parameter(value.clone()) for name, value in start.items()}
    groups = [
        {"params": [parameters[name] for name in DECAYED], "weight_decay": SETTINGS["weightDecay"]},
        {"params": [p for name, p in parameters.items() if name not in DECAYED], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(
        groups,
        lr=SETTINGS["learningRate"],
        betas=(SETTINGS["beta1"], SETTINGS["beta2"]),
        eps=SETTINGS["epsilon"],
    )
    schedule = get_linear_schedule_with_warmup(optimiser, SETTINGS["warmup"], STEPS)
    flat = lambda tensors: torch.cat([tensor.detach().flatten() for tensor in tensors]).tolist()
    steps = []
    for step in range(STEPS):
        gradients = [draw(shape) * (0.05 if step % 3 == 1 else 1.5) for shape in SHAPES.values()]
        for parameter, gradient in zip(parameters.values(), gradients):
            parameter.grad = gradient.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), SETTINGS["clipNorm"]).item()
        rate = schedule.get_last_lr()[0]
        optimiser.step()
        schedule.step()
        after = flat(parameters.values())
        steps.append({"gradient": flat(gradients), "norm": norm, "learningRate": rate, "theta": after})
    result = {
        "versions": {name: importlib.metadata.version(name) for name in ["torch", "transformers"]},
        "shapes": SHAPES,
        "decayed": DECAYED,
        "settings": SETTINGS,
        "start": flat(start.values()),
        "steps": steps,
    }
    OUT.write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
