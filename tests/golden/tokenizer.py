"""Writes tokenizer.json beside this file: what transformers makes of awkward texts.

    pip install transformers==5.24.0 tokenizers==0.23.3
    python -P tests/golden/tokenizer.py    # -P: the files beside this one are no modules of its own

The vocabulary is small and made up here; torch is not needed.
"""

import json
import pathlib
import tempfile

from transformers import BertTokenizerFast

WORDS = """[PAD] [UNK] [CLS] [SEP] [MASK] the a cat dog sat on mat un ##aff ##able ##s run ##ning cafe café Cat
naive résumé resume hello world ! ' , . - ( ) ? $ 5 10 ##0 ##1 ##2 don t ` ^ = 中 文 𠀀 字 İ i istanbul straße ss
β σ σας ##ε é e ##e Hello x ##x ##y z e-mail mail « » “ ” — …""".split()

SINGLES = [
    "The cat sat on the mat.",
    "Unaffable cats running",
    "CAFÉ Résumé naïve cafe\u0301",
    "Don't! (5 $10) ``^=",
    "中文hello𠀀字world",
    "a\u00a0cat\u2003sat\ton\r\nthe\u200bmat\ufeff\u0000\ufffd",
    "İstanbul STRASSE straße ΣΑΣ Σ",
    "hello [MASK] world [SEP] x",
    "[mask]hello[MASK]world",
    "x" * 100,
    "x" * 101,
    "qqq unaffableq",
    "«a» “cat” — dog…",
    "   ",
    "e-mail e\u0301e",
    "😀 cat 👍🏽 dog",
]

PAIRS = [
    ("the cat sat on the mat", "a dog"),
    ("a dog", "the cat sat on the mat"),
    ("the cat sat on", "a dog sat on"),
    ("the cat sat on the", "a dog sat on a"),
    ("the", "unaffable cats running on the mat"),
    ("cat", ""),
    ("", "cat dog"),
    ("the cat sat on the mat the cat sat", "the dog sat on a mat , a dog"),
]

CONFIGS = [
    {"do_lower_case": True},
    {"do_lower_case": False},
    {"do_lower_case": True, "strip_accents": False},
    {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False},
]

LENGTHS = [5, 6, 7, 8, 9, 12, 64]


def main() -> None:
    cases = []
    for config in CONFIGS:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "vocab.txt")
            path.write_text("\n".join(WORDS) + "\n", encoding="utf-8")
            tokenizer = BertTokenizerFast.from_pretrained(folder, **config)
        whole_file = json.loads(tokenizer.backend_tokenizer.to_str())
        whole_file["truncation"] = whole_file["padding"] = None
        encodings = []

        def add(text: str, pair: str | None, length: int) -> None:
            # In a batch, where an empty second text is one.
            pairs = None if pair is None else [pair]
            made = tokenizer([text], pairs, truncation="longest_first", max_length=length)
            encodings.append([text, pair, length, made["input_ids"][0], made["token_type_ids"][0]])

        for text in SINGLES:
            add(text, None, 64)
        add(SINGLES[0], None, 6)
        add(SINGLES[0], None, 3)
        if config == CONFIGS[0]:
            for text, pair in PAIRS:
                for length in LENGTHS:
                    add(text, pair, length)
        cases.append({"config": config, "tokenizer": whole_file, "encodings": encodings})
    lines = ",\n".join(
        '{"config": %s,\n "tokenizer": %s,\n "encodings": [\n%s\n]}' % (
            json.dumps(case["config"]),
            json.dumps(case["tokenizer"]),
            ",\n".join("  " + json.dumps(encoding) for encoding in case["encodings"]),
        )
        for case in cases
    )
    text = '{"vocabulary": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(WORDS), lines)
    pathlib.Path(__file__).with_name("tokenizer.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
