"""Text as phones and word processors write it, in plain characters."""

import re
import unicodedata
from collections.abc import Callable

# Typographic marks, by the ASCII marks that they stand for.
_MARKS = {
    " ": "\u200b・･",  # the first is a zero-width space
    "!": "¡﹗",
    '"': "“”„‟«»‚‹›「」『』｢｣《》〈〉\u2329\u232a〝〞〟",
    "%": "٪",
    "'": "ʼ",
    "*": "•‣",
    ",": "、､،﹐",
    "-": "‐‑‒–—―−﹘﹣־",
    ".": "。｡۔।॥။።",
    "..": "‥",
    "...": "…⋯",
    "/": "⁄",
    ":": "﹕",
    ";": "؛﹔",
    "?": "¿؟﹖",
    "[": "【〔〖",
    "]": "】〕〗",
    "~": "〜",
    "!!": "‼",
    "!?": "⁉",
    "??": "⁇",
    "?!": "⁈‽",
}
_PLAIN = {mark: plain for plain, marks in _MARKS.items() for mark in marks}
_PLAIN |= {chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)}  # full-width ASCII
# Windows' marks in texts that were taken for ISO 8859-1, where U+0085 is white space.
_PLAIN |= {"\x82": '"', "\x84": '"', "\x93": '"', "\x94": '"', "\x95": "*"}
_PLAIN |= {"\x96": "-", "\x97": "-"}

# Soft hyphens, joiners, marks of direction, variation selectors, byte order marks.
_INVISIBLE = [0xAD, 0x34F, 0x61C, *range(0x180B, 0x180F), *range(0x200C, 0x2010)]
_INVISIBLE += [*range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), 0xFEFF]
_PLAIN |= dict.fromkeys(map(chr, _INVISIBLE), "")

# Single quotes, which are apostrophes within a word, and accents that are used as apostrophes.
_QUOTES = "‘’‛\x91\x92"
# Chinese, Japanese and Korean have no apostrophes, and quotes without a space before or after.
_LETTER = r"[^\W\u2e80-\ud7ff\U00020000-\U0003ffff]"

# str.translate looks up every character, which takes five times as long.
_MARK = re.compile(f"[{re.escape(''.join(_PLAIN))}]")
_APOSTROPHE = re.compile(f"[{_QUOTES}´′](?<={_LETTER}.)(?={_LETTER})")
_QUOTE = re.compile(f"[{_QUOTES}]")


def make_normalizer(keep: str = "") -> Callable[[str], str]:
    """Return a function that writes text plainly, but for some characters to keep.

    Accents are composed. Characters of no width are left out, except that a zero-width space
    becomes a space. Typographic and full-width marks become those of ASCII. ASCII text is not
    changed.
    """
    kept = {mark: mark for mark in keep}
    plain = _PLAIN | kept

    def normalize(text: str) -> str:
        if text.isascii():
            return text
        text = _MARK.sub(lambda match: plain[match[0]], text)
        text = unicodedata.normalize("NFC", text)
        text = _APOSTROPHE.sub(lambda match: kept.get(match[0], "'"), text)
        return _QUOTE.sub(lambda match: kept.get(match[0], '"'), text)

    return normalize
