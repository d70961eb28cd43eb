"""Writes wordpiece.json beside this file: what Hugging Face's tokenizers trains and encodes, for tests/pretrain/.

    pip install tokenizers==0.23.3
    python -P tests/golden/wordpiece.py    # -P: the files beside this one are no modules of its own

The trainer leaves the order of equally frequent pairs open (its result then differs from run to run), so the words it trains
on have counts without such ties; the script trains several times and stops if the results differ.
"""

import importlib.metadata
import json
import pathlib

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

TEXT = [
    "Fellow-Citizens of the Senate and House of Representatives:",
    "I embrace with great satisfaction the opportunity which now presents itself of congratulating you on the present"
    " favorable prospects of our public affairs.",
    "The recent accession of the important state of North Carolina to the Constitution of the United States (of which"
    " official information has been received), the rising credit and respectability of our country, the general and"
    " increasing good will toward the government of the Union, and the concord, peace, and plenty with which we are"
    " blessed are circumstances auspicious in an eminent degree to our national prosperity.",
    "In resuming your consultations for the general good you can not but derive encouragement from the reflection that"
    " the measures of the last session have been as satisfactory to your constituents as the novelty and difficulty of"
    " the work allowed you to hope.",
]
ENCODED = [
    ["The Senate's opportunity, Citizens!", None],
    ["Café of the PRESENT 12 states", None],
    ["the general good", "our public affairs."],
]
# How often each word is repeated in the text that the trainer sees.
COUNTS = {
    "th": 40, "the": 103, "he": 31, "in": 57, "ing": 23, "thing": 11, "an": 71, "and": 45, "hand": 9, "to": 18,
    "on": 26, "ion": 6, "io": 13, "it": 37, "at": 29, "ate": 15, "hat": 8, "that": 61, "one": 14, "ant": 4,
    "kin": 7, "king": 5, "pan": 10, "sand": 3,
}  # fmt: skip
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def bert_tokenizer(model):
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def train(size):
    """The merged pieces, in order, of a vocabulary of `size` entries besides special tokens and single characters."""
    text = [word for word, count in COUNTS.items() for _ in range(count)]
    results = set()
    for _ in range(10):
        tokenizer = bert_tokenizer(models.WordPiece(unk_token="[UNK]"))
        trainer = trainers.WordPieceTrainer(
            vocab_size=size, min_frequency=2, special_tokens=SPECIAL, show_progress=False
        )
        tokenizer.train_from_iterator(text, trainer)
        vocabulary = tokenizer.get_vocab()
        merged = [p for p in sorted(vocabulary, key=vocabulary.get) if len(p.removeprefix("##")) > 1]
        results.add(tuple(p for p in merged if p not in SPECIAL))
    if len(results) > 1:
        raise SystemExit(f"The trainer's result is not unique: {results}")
    return list(results.pop())


tokenizer = bert_tokenizer(models.WordPiece(unk_token="[UNK]"))
words = {}
for text in TEXT:
    for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text)):
        words[word] = words.get(word, 0) + 1

characters = sorted({c for word in words for c in word})
vocabulary = SPECIAL + characters + [f"##{c}" for c in characters] + ["the", "of", "sen", "##ate", "gen", "##er", "##al"]
tokenizer.model = models.WordPiece({piece: i for i, piece in enumerate(vocabulary)}, unk_token="[UNK]")
tokenizer.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
)
encodings = []
for text, pair in ENCODED:
    encoding = tokenizer.encode(text, pair)
    encodings.append({"text": text, "pair": pair, "ids": encoding.ids, "types": encoding.type_ids})

golden = {
    "tokenizers": importlib.metadata.version("tokenizers"),
    "text": TEXT,
    "words": dict(sorted(words.items())),
    "counts": COUNTS,
    "merged": train(200),
    "vocabulary": vocabulary,
    "encodings": encodings,
}
path = pathlib.Path(__file__).with_name("wordpiece.json")
path.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")
