"""Words as HTML, coloured by their contribution."""

from collections.abc import Sequence
from html import escape

from matplotlib.colors import to_rgb

from skimdb.inspection._review_words import ReviewWord
from skimdb.inspection._style import BLUE, ORANGE

# Low enough for text to stay readable on light and dark pages.
MAX_OPACITY = 0.6


def highlighted_html(
    title: str, words: Sequence[ReviewWord], sides: tuple[str, str], elsewhere: str = ""
) -> str:
    """Return a title and words as HTML; the larger the contribution, the stronger the colour.

    Positive contributions are blue with a solid underline, negative ones are orange with a dotted
    underline, so that they can be told apart without colour. Below them it says which of the
    `sides` they support, and which contributions are `elsewhere`.
    """
    largest = max((abs(word.contribution) for word in words), default=0.0) or 1.0
    spans = [
        ("" if word.is_joined else " ")
        + _word_html(word.text, word.contribution, word.contribution / largest)
        for word in words
    ]
    against, towards = (
        f'<span style="{_style(shade)}">For {escape(side)}</span>'
        for side, shade in zip(sides, (-0.5, 0.5), strict=True)
    )
    note = f"<p><small>{against} {towards}"
    if elsewhere:
        note += f"<br>{escape(f'Not in the text: {elsewhere}')}"
    note += "</small></p>"
    return f"<div><p><b>{escape(title)}</b></p><p>{''.join(spans).lstrip()}</p>{note}</div>"


def _word_html(word: str, contribution: float, shade: float) -> str:
    if contribution == 0:
        return escape(word)
    return f'<span title="{contribution:+.3f}" style="{_style(shade)}">{escape(word)}</span>'


def _style(shade: float) -> str:
    rgb = ", ".join(str(round(255 * part)) for part in to_rgb(BLUE if shade > 0 else ORANGE))
    return (
        f"background-color: rgba({rgb}, {MAX_OPACITY * abs(shade):.2f}); "
        f"border-bottom: 2px {'solid' if shade > 0 else 'dotted'} rgba({rgb}, {abs(shade):.2f})"
    )
