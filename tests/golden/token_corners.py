"""Writes token_corners.json beside this file: what transformers makes of pairs in corners, and of what a folder says beside them.

    pip install torch==2.15.0 transformers==5.24.0 tokenizers==0.23.3
    python -P tests/golden/token_corners.py    # -P: the files beside this one are no modules of its own

- rows: text, second text, length, ids and token types, made in a batch as scripts that train do (a single call takes an empty
  second text for none, a batch does not). Only lengths that leave room for a token; below, transformers does not cut at all.
- folders: what AutoTokenizer makes of two pairs in a folder with these files; types are null where it gives none and the
  model takes zeros.
- classes: whether a tokenizer class gives token types by default, for every class that transformers can import.
"""

import json
import pathlib
import tempfile

from transformers import AutoTokenizer, BertTokenizerFast
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES, tokenizer_class_from_name

OUT = pathlib.Path(__file__).with_name("token_corners.json")

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] a cat dog sat on mat".split()

PAIRS = [
    ("cat", ""), ("", "cat dog"), ("", ""), ("cat dog a", "sat on mat"), ("cat", "sat on mat"), ("cat dog a", "sat"),
    ("a cat sat on", ""), (" ", "dog"), ("cat [PAD] dog", "[PAD]"),
]
LENGTHS = [4, 5, 6, 7, 9]

# tokenizer_config.json, config.json beside model_type "bert", and what tokenizer.json has in place of null.
NAMES = {"model_input_names": ["input_ids", "attention_mask"]}
TYPED = {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}
LEFT = {"max_length": 64, "strategy": "LongestFirst", "stride": 0, "direction": "Left"}
FOLDERS = [
    ({}, {}, {}),
    (NAMES, {}, {}),
    ({**NAMES, "tokenizer_class": "BertTokenizer"}, {}, {}),
    ({**TYPED, "tokenizer_class": "PreTrainedTokenizerFast"}, {}, {}),
    *[({"tokenizer_class": name}, {}, {}) for name in (
        "BertTokenizer", "BertTokenizerFast", "ElectraTokenizerFast", "DistilBertTokenizer", "DistilBertTokenizerFast",
        "PreTrainedTokenizerFast", "TokenizersBackend", "UnheardTokenizer",
    )],
    ({}, {"tokenizer_class": "PreTrainedTokenizerFast"}, {}),
    ({}, {"tokenizer_class": "DistilBertTokenizer"}, {}),
    ({"tokenizer_class": "BertTokenizer"}, {"tokenizer_class": "DistilBertTokenizer"}, {}),
    ({}, {"model_type": "electra"}, {}),
    ({"truncation_side": "left"}, {}, {}),
    ({}, {}, {"truncation": LEFT}),
    ({"truncation_side": "right"}, {}, {"truncation": LEFT}),
]
FOLDER_PAIRS = [("cat dog a", "sat on mat"), ("a cat sat on mat", "")]
FOLDER_LENGTH = 6

MORE_CLASSES = [
    "BertTokenizerFast", "CamembertTokenizer", "DebertaV2TokenizerFast", "DistilBertTokenizer", "DistilBertTokenizerFast",
    "ElectraTokenizer", "ElectraTokenizerFast", "PreTrainedTokenizerFast", "RobertaTokenizerFast", "TokenizersBackend",
]


def classes() -> dict[str, bool]:
    found = {}
    for name in sorted({*filter(None, TOKENIZER_MAPPING_NAMES.values()), *MORE_CLASSES}):
        try:
            made = tokenizer_class_from_name(name)
        except Exception:  # one that needs a package which is not there
            continue
        if hasattr(made, "model_input_names"):
            found[name] = "token_type_ids" in made.model_input_names
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
        tokenizer = BertTokenizerFast.from_pretrained(folder)
        rows = []
        for length in LENGTHS:
            texts, pairs = zip(*PAIRS)
            made = tokenizer(list(texts), list(pairs), truncation="longest_first", max_length=length)
            rows += [
                [text, pair, length, ids, types]
                for (text, pair), ids, types in zip(PAIRS, made["input_ids"], made["token_type_ids"])
            ]
        tokenizer.backend_tokenizer.no_truncation()
        whole = json.loads(tokenizer.backend_tokenizer.to_str())
        folders = []
        for settings, config, changes in FOLDERS:
            (folder / "tokenizer.json").write_text(json.dumps({**whole, **changes}))
            (folder / "tokenizer_config.json").write_text(json.dumps(settings))
            (folder / "config.json").write_text(json.dumps({"model_type": "bert", **config}))
            own = AutoTokenizer.from_pretrained(folder)
            texts, pairs = zip(*FOLDER_PAIRS)
            made = own(list(texts), list(pairs), truncation=True, max_length=FOLDER_LENGTH)
            folders.append({
                "settings": settings, "config": config, "changes": changes,
                "ids": made["input_ids"], "types": made.get("token_type_ids"),
            })
    line = lambda value: json.dumps(value, separators=(",", ":"))  # noqa: E731
    OUT.write_text(
        '{"tokenizer": %s,\n"rows": [\n%s\n],\n"pairs": %s, "length": %d,\n"folders": [\n%s\n],\n"classes": {\n%s\n}}\n' % (
            line(whole),
            ",\n".join(map(line, rows)),
            line(FOLDER_PAIRS),
            FOLDER_LENGTH,
            ",\n".join(map(line, folders)),
            ",\n".join(f"{line(name)}: {line(typed)}" for name, typed in classes().items()),
        )
    )


if __name__ == "__main__":
    main()
