"""One forward and backward pass with transformers and peft, for `bench/parity_bench.ts`.

Takes a JSON request on standard input: what `peer.py` takes for `load`, the batch, and the file to write. Writes for
`float32` and `float64` the hidden states of the encoder without adapters (after each layer), and with adapters the logits,
the loss (with AdaLoRA's regulariser) and the gradient of each trained tensor under its name in ranklab's adapter files.
"""

import json
import sys

import peft
import torch
import transformers
from peer import build_model, take_trained, trained_parameter
from safetensors.torch import load_file, save_file


def passes(model, inputs, names):
    """What the model computes for a batch, by name."""
    found = {}
    with torch.no_grad(), model.disable_adapter():
        without = {name: value for name, value in inputs.items() if name != "labels"}
        states = model(**without, output_hidden_states=True).hidden_states
    # The first are the embeddings.
    found |= {f"hidden.{i}": state for i, state in enumerate(states)}
    model.zero_grad(set_to_none=True)
    output = model(**inputs)
    output.loss.backward()
    found |= {"logits": output.logits.detach(), "loss": output.loss.detach().reshape(1)}
    for name in names:
        gradient = trained_parameter(model, name).grad
        # A copy: another precision of the model changes its gradients too.
        found[f"gradient.{name}"] = (gradient.T if name.endswith(".B") else gradient).clone()
    return found


def main():
    request = json.loads(sys.stdin.read())
    torch.set_num_threads(request["threads"])
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = build_model(request)
    take_trained(model, request["trained"])
    model.train()
    batch = request["batch"]
    inputs = {name: torch.tensor(batch[name]) for name in ("input_ids", "token_type_ids", "attention_mask", "labels")}
    names = list(load_file(request["trained"]))
    found = {}
    for precision, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        for name, value in passes(model.to(dtype), inputs, names).items():
            found[f"{precision}/{name}"] = value.float().contiguous()
    save_file(found, request["out"])
    versions = {module.__name__: module.__version__ for module in (torch, transformers, peft)}
    print(json.dumps({**versions, "attention": model.config._attn_implementation}))


if __name__ == "__main__":
    main()
