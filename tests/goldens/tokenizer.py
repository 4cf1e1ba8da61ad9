"""Writes tokenizer.jsonl: token ids of many kinds of text as Hugging Face's tokenizer gives them.

    python tests/goldens/tokenizer.py BASE.gguf
        (needs tokenizers 0.23.3, transformers 5.23.0, gguf 0.19.0, torch; BASE.gguf is the default
        base model of `slm model pull`)

transformers reads vocabulary and merges out of the GGUF. It does not read how text is cut into
words (`tokenizer.ggml.pre`), so that is set here to what `smollm` means: every numeric character
apart, then GPT-2's byte-level rule. Control tokens in text are split (`split_special_tokens`).

First line: command, versions, base. Then one case a line: [text, [id, ...]] for encoding, and
{"ids": [...], "text": ...} for decoding.
"""

import json
import pathlib
import platform
import random
import sys

import tokenizers
import transformers
from tokenizers import pre_tokenizers

SEED = 20_250_207
CASES_PER_KIND = 230
DECODE_CASES = 300

LATIN = """the a of film movie was not very good bad great terrible I you we they it's don't can't won't
would've she'll he'd I'm service room battery price delivery really never always absolutely London
Amazon naïve café über straße señor œuvre Łódź İstanbul ﬁne ﬂy Ångström résumé coöperate""".split()
CYRILLIC = "это был хороший фильм но сервис плохой Ещё їжак ґанок Ђорђе".split()
GREEK = "η ταινία ήταν πολύ καλή ΟΔΥΣΣΕΥΣ".split()
ARABIC = "كان الفيلم جيدًا جداً لكن الخدمة سيئة ١٢٣ ۴۵۶ لا إله".split()
HEBREW = "הסרט היה טוב מאוד שָׁלוֹם".split()
DEVANAGARI = "फ़िल्म बहुत अच्छी थी नहीं क्षत्रिय १२३".split()
THAI = "หนังเรื่องนี้ดีมาก บริการแย่ ๑๒๓".split()
CJK = list("这部电影很好看服务态度差映画はとても良かった最悪カタカナﾊﾝｶｸ영화가정말좋았어요髙𠮷野家、。「」！？")
HANGUL = "영화 서비스 최고예요 별로 ㅋㅋㅋ ㅠㅠ 각 각".split()
EMOJI = "😀 😂 ❤️ ❤ 👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 🇺🇳 1️⃣ #️⃣ 👨🏿‍🚀 🤷🏻‍♀️ ☹️ ™️ 🫠 🫡 🧑‍🧑‍🧒 ⁉️".split()
CONTROLS = """<|im_start|> <|im_end|> <|endoftext|> <repo_name> <file_sep> <filename> <gh_stars>
<issue_start> <jupyter_start> <|im_end <|im_end| |im_end|> <|IM_END|> <|im_start|>system
<|im_start|>assistant </s> <s> [INST] <|user|> <|eot_id|> <|im_end|><|im_start|>""".split()
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\n\n", "\u00a0", "\u2003", "\u3000", "\u200b",
          "\u2028", "\u2029", "\u0085", "\v", "\f", "\u1680", "\u202f", "\ufeff", "\u200d", "\u001c", "\u180e"]
PUNCTUATION = list(".,;:!?'\"()[]{}<>-–—…*/\\|@#$%^&+=~`_¿¡«»“”‘’„•§¶†‡°©®€£¥₿¬±×÷≤≥≠∞√∑∫") + [
    "...", "!!!", "?!", "--", "->", "=>", "::", "//", "''", "'s", "'S", "’s", "'re", "'ll", "n't"]
NUMERIC = list("0123456789") + list("٠١٢٣۰۱۲०१२௧௨๑๒½¼¾⅓²³¹⁰₀₁ⅠⅣⅫↁ①②⑳㊿㈠〇〡一二三万億𝟎𝟏𝟚𝟛𒐀𐄇")
CODE = ["def f(x):\n    return x ** 2\n", "for (int i = 0; i < n; ++i) {\n\ta[i] += b[i];\n}",
        "SELECT * FROM t WHERE a = 'x' AND b >= 10;", "<div class=\"a\">&nbsp;</div>", "let x: Vec<u32> = vec![];",
        "{\"key\": [1, 2.5e-3, null], \"t\": true}", "https://example.org/a?b=c&d=%20#e", "import numpy as np",
        "C:\\Users\\x\\file.txt", "git commit -m 'x'", "#!/bin/sh\nset -eu", "\\frac{a}{b} $x^2$", "0xDEADBEEF",
        "std::string s = \"\\n\";", "@property\n    def name(self) -> str:", "user.name+tag@mail.example.com"]
COMBINING = [chr(c) for c in (0x300, 0x301, 0x302, 0x308, 0x30A, 0x327, 0x328, 0x20D0, 0x20E3, 0xFE0F, 0xFE0E,
                              0x1F3FB, 0x1F3FF, 0x200D, 0x200C, 0x202E, 0x2066, 0x2069, 0x61C, 0x64B, 0x5B0)]
ODD = [chr(c) for c in (0, 1, 7, 8, 0x1B, 0x1F, 0x7F, 0x80, 0x9F, 0xAD, 0xFFFD, 0xFFFE, 0xFFFF, 0xFDD0, 0xE000, 0xF8FF,
                        0x1FFFE, 0xE0001, 0xE0067, 0xF0000, 0x10FFFF, 0xFFF9, 0xFFFC, 0x2061)] + ["Ã©", "â€™", "ï»¿", "Ġ", "Ċ", "Ġthe"]


def words(rng, pool, low=1, high=12, join=" "):
    return join.join(rng.choice(pool) for _ in range(rng.randint(low, high)))


def code_points(rng, low, high):
    """Any code points but surrogates, which no UTF-8 text has."""
    points = (rng.randrange(low, high) for _ in range(rng.randint(1, 12)))
    return "".join(chr(c) for c in points if not 0xD800 <= c < 0xE000)


def mixed(rng):
    pools = [LATIN, CYRILLIC, ARABIC, CJK, EMOJI, PUNCTUATION, NUMERIC, SPACES, COMBINING, CONTROLS, ODD, CODE]
    return "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randint(1, 16)))


def long_word(rng):
    piece = words(rng, rng.choice([LATIN, CYRILLIC, CJK, list("abcdefgh"), list("аи"), ["a"], ["-"], ["=", "_"], ["ha"]]),
                  1, 6, "")
    return (piece * 400)[: rng.randint(60, 400)]


KINDS = {
    "latin": lambda r: words(r, LATIN),
    "case": lambda r: r.choice([str.upper, str.title, str.swapcase, str.casefold])(words(r, LATIN)),
    "sentences": lambda r: "".join(r.choice(LATIN) + r.choice([" ", " ", ", ", ". ", "! ", "\n"]) for _ in range(r.randint(3, 20))),
    "cyrillic greek": lambda r: words(r, CYRILLIC + GREEK),
    "arabic hebrew": lambda r: words(r, ARABIC + HEBREW),
    "indic thai": lambda r: words(r, DEVANAGARI + THAI),
    "cjk": lambda r: words(r, CJK, 1, 24, ""),
    "hangul": lambda r: words(r, HANGUL),
    "emoji": lambda r: words(r, EMOJI, 1, 6, r.choice(["", " "])),
    "emoji and text": lambda r: words(r, EMOJI + LATIN, 1, 10, r.choice(["", " "])),
    "combining": lambda r: words(r, list("aeiouАكकก가✋") + COMBINING, 1, 16, ""),
    "digits": lambda r: words(r, NUMERIC, 1, 16, r.choice(["", "", " ", ".", ","])),
    "digits and words": lambda r: words(r, LATIN + NUMERIC, 1, 14, r.choice(["", " ", "  "])),
    "dates and prices": lambda r: f"{r.choice(['$', '€', '£', ''])}{r.randint(0, 99999)}{r.choice(['.', ',', ':', '-', '/', '%', 'th', ' kg'])}{r.randint(0, 99)} {r.choice(LATIN)}",
    "whitespace": lambda r: words(r, SPACES, 1, 12, ""),
    "whitespace and words": lambda r: words(r, SPACES + LATIN, 1, 16, ""),
    "spaces runs": lambda r: "".join(r.choice([" ", "\n", "\t"]) * r.randint(1, 20) + r.choice(LATIN + ["", "1", "."]) for _ in range(r.randint(1, 5))),
    "punctuation": lambda r: words(r, PUNCTUATION, 1, 14, ""),
    "contractions": lambda r: "".join(r.choice(LATIN + list("aiI")) + r.choice(["'s", "'S", "'re", "'RE", "'ll", "'", "’s", "''s", "'t "]) for _ in range(r.randint(1, 6))),
    "control look-alikes": lambda r: words(r, CONTROLS + LATIN, 1, 8, r.choice(["", " ", "\n"])),
    "code": lambda r: words(r, CODE, 1, 3, r.choice(["\n", "\n\n    ", ";"])),
    "odd": lambda r: words(r, ODD + ["a", " ", "1"], 1, 12, ""),
    "any of the basic plane": lambda r: code_points(r, 0, 0x10000),
    "any at all": lambda r: code_points(r, 0, 0x110000),
    "bytes": lambda r: bytes(r.randrange(256) for _ in range(r.randint(1, 24))).decode("utf-8", r.choice(["replace", "ignore"])),
    "mixed": mixed,
    "long words": long_word,
}


def load(path):
    loaded = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    backend = loaded.backend_tokenizer
    backend.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True),
    ])
    backend.encode_special_tokens = True
    return backend


def main():
    base = pathlib.Path(sys.argv[1])
    tokenizer = load(base)
    rng = random.Random(SEED)
    texts = {"": None}
    for kind in KINDS.values():
        for _ in range(CASES_PER_KIND):
            texts.setdefault(kind(rng))
    head = {
        "command": "python tests/goldens/tokenizer.py BASE.gguf",
        "base": base.name,
        "seed": SEED,
        "versions": {"python": platform.python_version(), "tokenizers": tokenizers.__version__,
                     "transformers": transformers.__version__},
    }
    lines = [head]
    lines += [[text, tokenizer.encode(text, add_special_tokens=False).ids] for text in texts]
    size = tokenizer.get_vocab_size()
    for _ in range(DECODE_CASES):
        ids = [rng.randrange(rng.choice([17, 300, size])) for _ in range(rng.randint(1, 12))]
        lines.append({"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=False)})
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    target = pathlib.Path(__file__).with_suffix(".jsonl")
    target.write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(texts)} texts, {DECODE_CASES} decodings, {len(text.encode())} bytes")


if __name__ == "__main__":
    main()
