"""Writes the files in tokenizers/ beside this file: small trained tokenizers, and what transformers makes of awkward texts.

    pip install transformers==5.24.0 tokenizers==0.23.3 sentencepiece==0.2.3 protobuf
    python -P tests/golden/tokenizers.py    # -P: the files beside this one are no modules of its own

- roberta/: byte-level BPE as vocab.json and merges.txt, and the tokenizer.json that RobertaTokenizer makes of them.
- deberta/: a unigram model with the rules of SentencePiece's usual normaliser for the blocks named below (all of them
  are 240 KB; the file is gzipped), and the tokenizer.json that DebertaV2Converter makes of it, without the table of
  these rules ("precompiled_charsmap" is its SHA-256).
- deberta_5/: what DebertaV2Tokenizer of transformers 5 makes of the same model, which has another normaliser.
- xlm_roberta/: a unigram model with a small normaliser of its own, which also folds case.
- stages/ and spaces/: made by hand to have every stage that ranklab runs in its own way; one piece has a space within it.
- encodings.json: texts, and for each tokenizer and its configuration rows of text, pair, length, ids
  and how many type ids are 0 (all others follow and are 1).

Nothing is downloaded. Training may order ties differently on another machine; all files are written together.
"""

import gzip
import hashlib
import io
import json
import pathlib
import tempfile
import types
import unicodedata

import sentencepiece
from tokenizers import ByteLevelBPETokenizer, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import DebertaV2Tokenizer, PreTrainedTokenizerFast, RobertaTokenizer, XLMRobertaTokenizer
from transformers.convert_slow_tokenizer import DebertaV2Converter

HERE = pathlib.Path(__file__).parent
OUT = HERE / "tokenizers"
CORPUS = HERE.parent.parent / "src" / "tasks" / "embedded" / "Genre" / "train.tsv"

TEXTS = [
    "",
    "   ",
    "The committee agreed, and the report was printed.",
    "the THE The tHe McDonald's iPhone ΣΑΣ İstanbul STRASSE straße",
    "It's we've I'll they'd don't 'tis DON'T",
    "caf\u00e9 cafe\u0301 re\u0301sume\u0301 n\u0303 a\u0308\u0323 \u1e69 s\u0323\u0307",
    "\U0001f600 \U0001f44d\U0001f3fd \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f1e9\U0001f1ea flags",
    "\u4e2d\u6587 hello\u4e16\u754c \ud55c\uad6d\uc5b4 \u65e5\u672c\u8a9e\u3067\u3059\u3002 \U00020000",
    "a\u0000b\u0001c\u0007d\u001fe\u007ff\u0085g\u009fh",
    "no\u00a0break\u2003em\u200bzero\ufeffbom\u3000wide \u2028 line \u2581 block",
    "tab\tnew\nline\r\nboth\n\n\nthree  two   three",
    "  leading and trailing  \t\n",
    "\u00a0\u0085\ufeffedges\ufeff\u0085\u00a0",
    "1234567890123456789012345 3.14159 1,000,000 \u00bd \u2460 x\u00b2 \u0663\u0664",
    "\ufb01ne \ufb01\u0301 \uff21\uff22\uff43 \u2122 \u210c \uff5e \u00c5 \u212b \ufffd \u00ad soft",
    "hello [MASK] world [SEP] x [CLS][PAD] [UNK]",
    "hello <mask> world </s> x <s><pad> <unk>  <mask>  end",
    "x" * 70,
    "aaaaaaaaaaaaa bbbbbbbbbbbbbb ababababababab",
    "!!! ... --- (a) [b] {c} \"d\" \u201ce\u201d \u2014 \u2026 $5 #6 %7 a+b=c",
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \u0939\u093f\u0928\u094d\u0926\u0940 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "The president said that the new house of the people was in the state of the world, and he was not alone.",
    "a dog",
    "The house was built.",
    "The people of the country were asked to vote.",
    "\u200d\u0301\u0308",
    ".",
    " a",
    "a!\ufeff!b",
]
LONG, SHORT, MIDDLE = 21, 22, 24
PAIRS = [
    (LONG, SHORT), (SHORT, LONG), (23, MIDDLE), (MIDDLE, 23), (LONG, LONG), (2, 0), (0, 2), (15, 16), (7, 8),
    (11, 12), (1, 22), (3, 14),
]
SINGLE_LENGTHS = [256, 9, 5]
PAIR_LENGTHS = [256, 24, 17, 16, 8]


def rows(tokenizer) -> list:
    """Text and pair by their places in TEXTS, the length, ids and how many type ids are 0, as transformers gives them."""

    def row(text: int, pair: int | None, length: int) -> list:
        # In a batch, where an empty second text is one.
        made = tokenizer(
            [TEXTS[text]], None if pair is None else [TEXTS[pair]],
            truncation="longest_first", max_length=length, return_token_type_ids=True,
        )
        [ids], [kinds] = made["input_ids"], made["token_type_ids"]
        zeros = kinds.count(0)
        assert kinds == [0] * zeros + [1] * (len(kinds) - zeros)
        return [text, pair, length, ids, zeros]

    singles = [row(text, None, 256) for text in range(len(TEXTS))]
    cut = [row(text, None, length) for text in (LONG, 15, 6) for length in SINGLE_LENGTHS[1:]]
    return singles + cut + [row(text, pair, length) for text, pair in PAIRS for length in PAIR_LENGTHS]


def saved(tokenizer) -> dict:
    """The tokenizer.json, without the last call's truncation."""
    made = json.loads(tokenizer.backend_tokenizer.to_str())
    made["truncation"] = made["padding"] = None
    return made


def corpus() -> list[str]:
    lines = CORPUS.read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t")[0] for line in lines][:3000] + TEXTS[3:8]


def sentence_piece(**options) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=model, model_type="unigram", num_threads=1,
        minloglevel=2, hard_vocab_limit=False, **options,
    )
    return model.getvalue()


BLOCKS = [
    (0x01, 0x24F), (0x1E00, 0x1EFF), (0x2000, 0x214F), (0x2460, 0x24FF), (0x2581, 0x2581), (0x3000, 0x303F),
    (0xFB00, 0xFB06), (0xFE0F, 0xFE0F), (0xFEFF, 0xFEFF), (0xFF01, 0xFF5E), (0xFFFD, 0xFFFD),
]


def usual_rules() -> dict[str, str]:
    """nmt_nfkc for the characters of BLOCKS, composed and decomposed."""
    usual = sentencepiece.SentencePieceNormalizer(
        rule_name="nmt_nfkc", add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    chars = [chr(code) for first, last in BLOCKS for code in range(first, last + 1)]
    sources = dict.fromkeys(chars + [unicodedata.normalize("NFD", char) for char in chars])
    made = {source: usual.normalize(source) for source in sources}
    return {source: target for source, target in made.items() if source != target}


def write_rules(path: pathlib.Path, rules: dict[str, str]) -> str:
    code = lambda text: " ".join(f"{ord(char):X}" for char in text)  # noqa: E731
    path.write_text("".join(f"{code(source)}\t{code(target)}\n" for source, target in rules.items()))
    return str(path)


def write(path: str, text: str) -> None:
    (OUT / path).parent.mkdir(parents=True, exist_ok=True)
    (OUT / path).write_text(text, encoding="utf-8")


def roberta(cases: list) -> None:
    trained = ByteLevelBPETokenizer()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    # So that a merge reaches over U+FEFF, which is no white space to the crate but is to JavaScript.
    trained.train_from_iterator(corpus() + ["a!\ufeff!b"] * 300, vocab_size=256 + 5 + 500, special_tokens=specials, show_progress=False)
    mask = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": False, "normalized": False}
    for config in ({}, {"add_prefix_space": True, "mask_token": mask, "tokenizer_class": "RobertaTokenizer"}):
        with tempfile.TemporaryDirectory() as folder:
            trained.save_model(folder)
            pathlib.Path(folder, "tokenizer_config.json").write_text(json.dumps(config))
            tokenizer = RobertaTokenizer.from_pretrained(folder)
            if config == {}:
                for name in ("vocab.json", "merges.txt"):
                    write(f"roberta/{name}", pathlib.Path(folder, name).read_text(encoding="utf-8"))
                write("roberta/tokenizer.json", json.dumps(saved(tokenizer), ensure_ascii=False))
            assert tokenizer.cls_token_id == 0 and tokenizer.mask_token_id == 4
        cases.append({"folder": "roberta", "config": config, "rows": rows(tokenizer)})


def deberta(cases: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rules = write_rules(pathlib.Path(folder, "rules.tsv"), usual_rules())
        model = sentence_piece(
            vocab_size=600, character_coverage=0.999, pad_id=0, bos_id=1, eos_id=2, unk_id=3,
            pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]",
            normalization_rule_tsv=rules, user_defined_symbols=["committee"],
        )
    (OUT / "deberta").mkdir(parents=True, exist_ok=True)
    (OUT / "deberta" / "spm.model.gz").write_bytes(gzip.compress(model, mtime=0))
    for config in ({}, {"do_lower_case": True, "split_by_punct": True}):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "spm.model")
            path.write_bytes(model)
            pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
            slow = types.SimpleNamespace(
                vocab_file=str(path), convert_tokens_to_ids=pieces.piece_to_id,
                do_lower_case=config.get("do_lower_case", False), split_by_punct=config.get("split_by_punct", False),
            )
            converted = DebertaV2Converter(slow).converted()
            if config == {}:
                own = DebertaV2Tokenizer.from_pretrained(folder)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=converted, unk_token="[UNK]", sep_token="[SEP]", pad_token="[PAD]", cls_token="[CLS]",
            mask_token="[MASK]",
        )
        cases.append({"folder": "deberta", "config": config, "rows": rows(tokenizer)})
        if config == {}:
            made = saved(tokenizer)
            for stage in made["normalizer"]["normalizers"]:
                if stage["type"] == "Precompiled":
                    table = stage["precompiled_charsmap"]
                    stage["precompiled_charsmap"] = hashlib.sha256(table.encode()).hexdigest()
            write("deberta/tokenizer.json", json.dumps(made, ensure_ascii=False))
    # What transformers 5 makes of the same model: another normaliser, without a table.
    write("deberta_5/tokenizer.json", json.dumps(saved(own), ensure_ascii=False))
    cases.append({"folder": "deberta_5", "config": {}, "rows": rows(own)})


def xlm_roberta(cases: list) -> None:
    folding = {chr(c): chr(c + 32) for c in range(ord("A"), ord("Z") + 1)}
    folding |= {"\u00a0": " ", "\u3000": " ", "\t": " ", "\n": " ", "\r": " ", "\u0085": " ", "\ufb01": "fi"}
    folding |= {"e\u0301": "\u00e9", "\u2122": "tm", "\u200b": "", "\U0001f600": ":)", "\u2460": "1"}
    with tempfile.TemporaryDirectory() as folder:
        rules = write_rules(pathlib.Path(folder, "rules.tsv"), folding)
        model = sentence_piece(vocab_size=500, character_coverage=0.999, normalization_rule_tsv=rules)
        pathlib.Path(folder, "sentencepiece.bpe.model").write_bytes(model)
        tokenizer = XLMRobertaTokenizer.from_pretrained(folder)
    (OUT / "xlm_roberta").mkdir(parents=True, exist_ok=True)
    (OUT / "xlm_roberta" / "sentencepiece.bpe.model").write_bytes(model)
    write("xlm_roberta/tokenizer.json", json.dumps(saved(tokenizer), ensure_ascii=False))
    cases.append({"folder": "xlm_roberta", "config": {}, "rows": rows(tokenizer)})


def stages(cases: list) -> None:
    specials = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    letters = ["\u2581", *"abcdefghijklmnopqrstuvwxyz\u03c3\u03c2\u03b1.,!-()\"'$%+=\ufeff\u0902\u093f"]
    vocab = [(piece, 0.0) for piece in specials] + [(letter, -5.0 - i / 64) for i, letter in enumerate(letters)]
    made = Tokenizer(models.Unigram(vocab + [("\u2581a\u2581dog", -1.0), ("\u2581dog", -3.0), ("...", -2.0)], unk_id=3))
    made.normalizer = normalizers.Sequence(
        [normalizers.Strip(), normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation(), pre_tokenizers.Metaspace(prepend_scheme="always"),
    ])
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="[UNK]", sep_token="[SEP]", pad_token="[PAD]", cls_token="[CLS]",
        mask_token="[MASK]",
    )
    write("stages/tokenizer.json", json.dumps(saved(tokenizer), ensure_ascii=False))
    cases.append({"folder": "stages", "config": {}, "rows": rows(tokenizer)[:len(TEXTS)]})
    # Without WhitespaceSplit, so that the piece with a space within it could be met.
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, mask_token="[MASK]", cls_token="[CLS]")
    write("spaces/tokenizer.json", json.dumps(saved(tokenizer), ensure_ascii=False))
    cases.append({"folder": "spaces", "config": {}, "rows": rows(tokenizer)[:len(TEXTS)]})


def main() -> None:
    cases: list = []
    roberta(cases)
    deberta(cases)
    xlm_roberta(cases)
    stages(cases)
    body = ",\n".join(
        '{"folder": %s, "config": %s, "rows": [\n%s\n]}' % (
            json.dumps(case["folder"]), json.dumps(case["config"]),
            ",\n".join(json.dumps(row, separators=(",", ":")) for row in case["rows"]),
        )
        for case in cases
    )
    write("encodings.json", '{"texts": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(TEXTS), body))


if __name__ == "__main__":
    main()
