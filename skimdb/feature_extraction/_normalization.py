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

# Single quotes, which are apostrophes within a word, and accents that are used as apostrophes.
_QUOTES = "‘’‛\x91\x92"
# Chinese, Japanese and Korean have no apostrophes, and quotes without a space before or after.
_LETTER = r"[^\W\u2e80-\ud7ff\U00020000-\U0003ffff]"
_APOSTROPHE = re.compile(f"[{_QUOTES}´′](?<={_LETTER}.)(?={_LETTER})")

# Soft hyphens, joiners, marks of direction, variation selectors, byte order marks.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180e\u200c-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufe00-\ufe0f\ufeff]"
)


def make_normalizer(keep: str = "") -> Callable[[str], str]:
    """Return a function that writes text plainly, but for some characters to keep.

    Accents are composed. Characters of no width are left out, except that a zero-width space
    becomes a space. Typographic and full-width marks become those of ASCII. ASCII text is not
    changed.
    """
    table = str.maketrans({mark: plain for mark, plain in _PLAIN.items() if mark not in keep})
    quotes = str.maketrans(dict.fromkeys(set(_QUOTES) - set(keep), '"'))

    def normalize(text: str) -> str:
        if text.isascii():
            return text
        text = _INVISIBLE.sub(lambda match: match[0] if match[0] in keep else "", text)
        text = unicodedata.normalize("NFC", text.translate(table))
        text = _APOSTROPHE.sub(lambda match: match[0] if match[0] in keep else "'", text)
        return text.translate(quotes)

    return normalize
