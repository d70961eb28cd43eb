"""Asks the `tokenizers` package about every character: writes the tables that ranklab reads, and goldens of its stages.

    pip install tokenizers==0.23.3
    python -P tests/golden/characters.py    # -P: the files beside this one are no modules of its own

- src/tasks/tokenizers/characters.json: classes of characters as ranges, and the lower-case letters. A range is its
  distance from the end of the one before and, after a plus sign, how many more code points it has; a run of capitals is
  that distance, its length, the step between them and how far their small letters are. All numbers are base 36.
- characters.json beside this file: for each stage and plane a hash of what the stage makes of every code point, and
  what it makes of short random texts of characters that meet each other in odd ways.

Nothing is read from Python's own Unicode tables, which are of another version than the package's (it has several).
"""

import base64
import hashlib
import importlib.metadata
import itertools
import json
import pathlib
import random
import struct

from tokenizers import normalizers, pre_tokenizers

HERE = pathlib.Path(__file__).parent
TABLES = HERE.parent.parent / "src" / "tasks" / "tokenizers" / "characters.json"
VERSION = "0.23.3"
ALL = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
ACUTE, VIRAMA, KA, JOINER, SIGN, KIYEOK = "\u0301", "\u094d", "\u0915", "\u200d", "\u00a9", "\u1100"


def probe_table() -> bytes:
    """A table of SentencePiece's form in which every byte but 0 and line feed is a key that stands for "Y".

    The stage replaces a grapheme of at most five bytes as a whole, and of longer ones each character, so that the
    number of Ys tells where graphemes end.
    """
    units = [0] * 1024
    units[0] = 256 << 10
    for byte in range(1, 256):
        if byte != 10:
            place = 256 ^ byte
            units[place] = byte | 0x100 | (place ^ 512) << 10
    units[512] = 0x80000000
    trie = struct.pack("<1024I", *units)
    return struct.pack("<I", len(trie)) + trie + b"Y\0"


PROBE = normalizers.Precompiled(probe_table())


def bert(**on):
    off = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    return normalizers.BertNormalizer(**(off | on))


def where(holds) -> set[int]:
    return {code for code in ALL if holds(chr(code))}


def graphemes(text: str) -> int:
    return len(PROBE.normalize_str(text))


def in_normal_forms() -> set[int]:
    """Characters that a normal form changes, moves, or puts together with others."""
    forms = [normalizers.NFC(), normalizers.NFD(), normalizers.NFKC(), normalizers.NFKD()]
    nfd = forms[1]
    found: set[int] = set()
    for code in ALL:
        char = chr(code)
        composed, decomposed, *compatible = (form.normalize_str(char) for form in forms)
        if any(text != char for text in (composed, decomposed, *compatible)):
            found |= {code, *(map(ord, decomposed) if composed == char else ())}
        # A mark of class 1 to 239 goes before U+0345 (class 240), and U+0334 (class 1) before one above 1.
        elif nfd.normalize_str("\u0345" + char)[0] == char or nfd.normalize_str(char + "\u0334")[0] != char:
            found.add(code)
    return found


def classes() -> dict[str, set[int]]:
    clean, nfd = bert(clean_text=True), normalizers.NFD()
    strip, accents = bert(strip_accents=True), normalizers.StripAccents()
    words, punctuation = pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation()
    digits, byte_level = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)

    def pieces(stage, text: str) -> int:
        return len(stage.pre_tokenize_str(text))

    joined = where(lambda char: graphemes("a" + char) == 1)
    pictographic = where(lambda char: graphemes(SIGN + JOINER + char) == 3) - joined
    extend = where(lambda char: graphemes(SIGN + char + JOINER + SIGN + ACUTE) == 5) - pictographic
    return {
        "removed": where(lambda char: clean.normalize_str(char) == ""),
        "ideograph": where(lambda char: bert(handle_chinese_chars=True).normalize_str(char) != char),
        "punctuation": where(lambda char: pieces(punctuation, "a" + char + "a") == 3),
        "nonspacingMark": where(lambda char: nfd.normalize_str(char) == char and strip.normalize_str(char) == ""),
        "mark": where(lambda char: accents.normalize_str(char) == ""),
        "normalForms": in_normal_forms(),
        "letter": where(lambda char: pieces(byte_level, "a" + char) == 1),
        "number": where(lambda char: pieces(byte_level, "1" + char) == 1),
        "numeric": where(lambda char: pieces(digits, "a" + char) == 2),
        "word": where(lambda char: pieces(words, "a" + char) == 1 and pieces(words, "a" + char + "a") == 1),
        "extend": extend,
        "spacingMark": joined - extend - {ord(JOINER)},
        "prepend": where(lambda char: graphemes(char + "a") == 1),
        "control": where(lambda char: graphemes(char + ACUTE + ACUTE) == 2) - {10, 13},
        "pictographic": pictographic,
        "consonant": where(lambda char: graphemes(char + VIRAMA + KA + ACUTE) == 4),
        "linker": where(lambda char: ord(char) in joined and graphemes(KA + char + KA + ACUTE) == 4),
    }


def base36(number: int) -> str:
    digits = ""
    size = abs(number)
    while size or not digits:
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[size % 36] + digits
        size //= 36
    return ("-" if number < 0 else "") + digits


def ranges(codes: set[int]) -> list[str]:
    runs: list[list[int]] = []
    for code in sorted(codes):
        # Surrogates are no characters: a range may reach over them.
        if runs and (code == runs[-1][1] + 1 or (code, runs[-1][1]) == (0xE000, 0xD7FF)):
            runs[-1][1] = code
        else:
            runs.append([code, code])
    made, last = [], 0
    for first, end in runs:
        made.append(base36(first - last) + (f"+{base36(end - first)}" if end > first else ""))
        last = end
    return lines(made)


def small_letters() -> list[str]:
    stage = normalizers.Lowercase()
    deltas = {}
    for code in ALL:
        made = stage.normalize_str(chr(code))
        assert len(made) == 1 or (code, made) == (0x130, "i\u0307"), (hex(code), made)
        if len(made) == 1 and made != chr(code):
            deltas[code] = ord(made) - code
    made, last = [], 0
    while deltas:
        first = min(deltas)
        delta = deltas[first]
        step = 1 if deltas.get(first + 1) == delta else 2
        count = 0
        while deltas.get(first + count * step) == delta:
            del deltas[first + count * step]
            count += 1
        made.append(",".join(base36(number) for number in (first - last, count, step, delta)))
        last = first
    return lines(made)


def lines(tokens: list[str], width: int = 88) -> list[str]:
    made = [""]
    for token in tokens:
        if len(made[-1]) + len(token) >= width:
            made.append("")
        made[-1] += ("" if made[-1] == "" else " ") + token
    return made


# Each value of each option is in one of these; the other stages are checked by texts alone.
BERT_PLANES = [(True, True, None, True), (True, True, None, False), (False, True, None, True), (False, False, True, False),
               (True, False, False, True)]  # fmt: skip


def bert_stages():
    for options in itertools.product((True, False), (True, False), (None, True, False), (True, False)):
        clean, ideographs, strip, lower = options
        named = {"clean_text": clean, "handle_chinese_chars": ideographs, "strip_accents": strip, "lowercase": lower}
        function = normalizers.BertNormalizer(**named).normalize_str
        yield {"type": "BertNormalizer", **named}, function, ["-"] if options in BERT_PLANES else []


def normalizer_stages():
    yield from bert_stages()
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"):
        yield {"type": name}, getattr(normalizers, name)().normalize_str, ["-"]
    stripped = normalizers.Strip(left=True, right=True).normalize_str
    yield {"type": "Strip", "strip_left": True, "strip_right": True}, stripped, []


def split_by(stage):
    return lambda text: "\n".join(piece for piece, _ in stage.pre_tokenize_str(text))


def pre_tokenizer_stages():
    for name, before in (("BertPreTokenizer", "a"), ("Whitespace", "a!"), ("WhitespaceSplit", "a")):
        yield {"type": name}, split_by(getattr(pre_tokenizers, name)()), [*before]
    for behavior in ("isolated", "contiguous", "removed", "merged_with_previous", "merged_with_next"):
        named = "".join(part.capitalize() for part in behavior.split("_"))
        stage = {"type": "Punctuation", "behavior": named}
        yield stage, split_by(pre_tokenizers.Punctuation(behavior)), ["a"] if behavior == "isolated" else []
    for each in (False, True):
        stage = {"type": "Digits", "individual_digits": each}
        yield stage, split_by(pre_tokenizers.Digits(individual_digits=each)), ["a"] if each else []
    stage = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    yield stage, split_by(pre_tokenizers.ByteLevel(add_prefix_space=False)), []


def byte_pieces(text: str) -> str:
    """The pieces of the byte-level stage as parts of the text, without their form in bytes."""
    made = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False).pre_tokenize_str(text)
    return "\n".join(text[start:end] for _, (start, end) in made)


def planes(function, around: list[tuple[str, str]]) -> list[str]:
    """Hashes of what becomes of each plane's characters, each between the given texts."""
    made = []
    for plane in range(17):
        codes = [code for code in range(plane << 16, (plane + 1) << 16) if not 0xD800 <= code < 0xE000]
        digest = hashlib.sha256()
        for start in range(0, len(codes), 4096):
            block = codes[start : start + 4096]
            text = "".join(before + chr(code) + after for code in block for before, after in around)
            digest.update(function(text).encode())
        made.append(digest.hexdigest()[:10])
    return made


GRAPHEMES_AROUND = [
    ("a", "a\n"), ("", ACUTE + ACUTE + "\n"), (SIGN + JOINER, "\n"), (SIGN, JOINER + SIGN + ACUTE + "\n"),
    (KA, KA + ACUTE + "\n"), ("", VIRAMA + KA + ACUTE + "\n"), (KIYEOK, ACUTE + "\n"),
]  # fmt: skip


def edges(tables: dict[str, set[int]]) -> list[str]:
    """Characters at which a class begins or ends."""
    found = {near for codes in tables.values() for code in codes for near in (code - 1, code, code + 1)
             if (near in codes) != (code in codes) or (code - 1 in codes) != (code + 1 in codes)}
    return [chr(code) for code in sorted(found) if 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000]


def odd_texts(count: int, tables: dict[str, set[int]], draw: random.Random) -> list[str]:
    pick = {name: [chr(code) for code in sorted(codes)] for name, codes in tables.items()}
    edge = edges(tables)
    words = ["\u03a3", "\u0391\u03a3", "\u03a3\u03b1\u03a3", "\u0130", "I\u0307", "i\u0307\u0323", "\u01c5", "\ufb01",
             "e\u0323\u0301", "\u1e69", "s\u0307\u0323", "\u212b", "\u1100\u1161\u11a8", "\uac01", "\uac00\u11a8", "\u1112\u1161",
             "\r\n", "\u0085", "\ufeff", "\u00a0", "\u200b", " ", "a", "B", "1", "'s", "!", "don't", "\u200d",
             "\u00a9\u200d\u00a9", "\U0001f468\u200d\U0001f469", "\u0915\u094d\u0937\u0301", "\U0002b820", "\U0002b920"]  # fmt: skip
    kinds = [lambda: draw.choice(words), lambda: draw.choice(words), lambda: draw.choice(edge)] + [
        lambda name=name: draw.choice(pick[name])
        for name in ("normalForms", "nonspacingMark", "mark", "extend", "punctuation", "number", "spacingMark", "linker")
    ]
    return ["".join(draw.choice(kinds)() for _ in range(draw.randint(2, 6))) for _ in range(count)]


def short_graphemes(count: int, tables: dict[str, set[int]], draw: random.Random) -> list[str]:
    """Texts in which many graphemes have at most five bytes, so that the table's stage sees where they end."""
    names = ("extend", "spacingMark", "prepend", "control", "pictographic", "consonant", "linker")
    pools = [[chr(code) for code in sorted(tables[name]) if code < 0x3000] for name in names]
    pools += [["a", "\r", "\n", ACUTE, SIGN, JOINER, KA, VIRAMA], [ACUTE], ["\u1100", "\u1161", "\u11a8", "\uac00", "\uac01"]]
    return ["".join(draw.choice(draw.choice(pools)) for _ in range(draw.randint(2, 7))) for _ in range(count)]


def written(value, indent: int = 0) -> str:
    return json.dumps(value, indent=indent or None, separators=None if indent else (",", ":"))


def main() -> None:
    found = importlib.metadata.version("tokenizers")
    assert found == VERSION, f"want tokenizers {VERSION}, found {found}"
    tables = classes()
    made = {name: ranges(codes) for name, codes in tables.items()}
    TABLES.write_text(written({"tokenizers": found, "classes": made, "lowercase": small_letters()}, 2) + "\n")
    draw = random.Random(14)
    rows = []

    def add(part: str, stage: dict, function, around: list[tuple[str, str]], texts: list[str]) -> None:
        hashes = planes(function, around) if around else []
        row = {"part": part, "stage": stage, "around": around, "planes": hashes}
        rows.append((row, [[text, function(text)] for text in texts]))

    for stage, function, before in normalizer_stages():
        texts = odd_texts(8 if stage["type"] == "BertNormalizer" else 16, tables, draw)
        add("normalizer", stage, function, [(text, "") for text in before], texts)
    for stage, function, before in pre_tokenizer_stages():
        add("pre_tokenizer", stage, function, [(text, "") for text in before], odd_texts(16, tables, draw))
    add("byte pieces", {"type": "ByteLevel"}, byte_pieces, [(text, "") for text in "a1!"], odd_texts(16, tables, draw))
    probe = PROBE.normalize_str
    add("graphemes", {"type": "Precompiled"}, probe, GRAPHEMES_AROUND, short_graphemes(60, tables, draw))
    body = ",\n".join(
        written(row)[:-1] + ',"texts":[\n' + ",\n".join(map(written, texts)) + "\n]}" for row, texts in rows
    )
    table = base64.b64encode(probe_table()).decode()
    HERE.joinpath("characters.json").write_text(f'{{"probe":"{table}",\n"stages":[\n{body}\n]}}\n')


if __name__ == "__main__":
    main()
