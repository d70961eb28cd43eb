"""Writes what transformers makes of the texts of a folder of GLUE files, for tokenizer_texts.ts to compare with.

    python -P tests/golden/tokenizer_texts.py MODEL GLUE texts.json [--pieces]
    deno run --allow-read tests/golden/tokenizer_texts.ts MODEL texts.json

MODEL is a folder with a tokenizer's files; with --pieces its tokenizer.json is run as it is, else by the class that
transformers chooses for it. 2,000 texts are drawn with a fixed seed from the fields of all lines of GLUE's .tsv, .csv
and .jsonl files that hold a space; every second one gets the next as its pair, and every tenth is cut to 24 tokens.
Optional: no test runs this, since neither the data nor real tokenizers are part of the project.
"""

import json
import pathlib
import random
import sys

from transformers import AutoTokenizer, PreTrainedTokenizerFast

COUNT, LENGTH, SHORT_LENGTH = 2000, 256, 24


def texts(folder: pathlib.Path) -> list[str]:
    found: dict[str, None] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".tsv", ".csv", ".jsonl"):
            continue
        for line in path.read_text(encoding="utf-8", errors="ignore").splitlines():
            fields = json.loads(line).values() if path.suffix == ".jsonl" else line.split("\t")
            found.update({str(field): None for field in fields if " " in str(field)})
    return random.Random(0).sample(list(found), COUNT)


def main() -> None:
    model, glue, out, *options = sys.argv[1:]
    if options == ["--pieces"]:
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{model}/tokenizer.json")
    else:
        tokenizer = AutoTokenizer.from_pretrained(model)
    drawn = texts(pathlib.Path(glue))
    rows = []
    for i, text in enumerate(drawn):
        pair = drawn[(i + 1) % COUNT] if i % 2 == 0 else None
        length = SHORT_LENGTH if i % 10 < 2 else LENGTH
        made = tokenizer(text, pair, truncation="longest_first", max_length=length, return_token_type_ids=True)
        rows.append([text, pair, length, made["input_ids"], made["token_type_ids"]])
    pathlib.Path(out).write_text(json.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
