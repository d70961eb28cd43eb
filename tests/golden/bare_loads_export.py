"""Writes bare_exports.json beside this file: what Python computes with exported runs of encoders whose head transformers has no
class for, by the very lines of their README.md.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 safetensors==0.8.0 numpy==2.4.6
    deno run -A tests/golden/bare_exports.ts DIR          # DIR: a new folder, for the exports
    cd tests/golden && python -P bare_loads_export.py DIR

For each run there is DIR/<encoder>/<task>/merged, and DIR/<encoder>/<task>/peft where it has an adapter. The lines are run as
they stand there, in that folder; transformers must find every tensor and leave none, and so must peft. The hashes of the
lines and of the files are stored, so that a test can tell that it makes the same ones.
"""

import hashlib
import importlib.metadata
import json
import os
import pathlib
import re
import sys

from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModel

HERE = pathlib.Path(__file__).parent
FILES = [
    "adapter_config.json",
    "adapter_model.safetensors",
    "head.safetensors",
    "config.json",
    "model.safetensors",
    "base/config.json",
    "base/model.safetensors",
]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def check_encoder(folder):
    _, info = AutoModel.from_pretrained(folder, add_pooling_layer=False, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], f"transformers misses or ignores: {info}"


def check_adapter(model, folder):
    assert isinstance(model, PeftModel)
    stored, held = load_file(folder / "adapter_model.safetensors"), get_peft_model_state_dict(model)
    assert set(held) == set(stored), f"peft holds other tensors: {sorted(set(held) ^ set(stored))}"


def opened(folder, texts, pairs):
    os.chdir(folder)
    lines = re.search(r"```python\n(.*?)\n```", (folder / "README.md").read_text(), re.DOTALL).group(1)
    names = {}
    exec(lines, names)
    if (folder / "base").exists():
        check_encoder(folder / "base")
        check_adapter(names["encoder"], folder)
    else:
        check_encoder(folder)
    return {
        "lines": sha256(lines.encode()),
        "files": {name: sha256((folder / name).read_bytes()) for name in FILES if (folder / name).exists()},
        "logits": names["logits_of"](texts, pairs).flatten().tolist(),
    }


def main(exports):
    given = json.loads((exports / "texts.json").read_text())
    found = {"versions": {name: importlib.metadata.version(name) for name in ["torch", "transformers", "peft"]}}
    for folder in sorted(path.parent for path in exports.glob("*/*/*/README.md")):
        _, task, _ = name = folder.relative_to(exports).parts
        pairs = given["pairs"] if task == "YearsApart" else None
        found["/".join(name)] = opened(folder, given["texts"], pairs)
    (HERE / "bare_exports.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    HERE = HERE.resolve()  # the lines are run in the exports' folders
    main(pathlib.Path(sys.argv[1]).resolve())
