"""The text of a review with highlighted words."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any, Self

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D

from skimdb.inspection._contributions import Method
from skimdb.inspection._explanation import (
    ReviewExplanation,
    check_explanation,
    explain_reviews,
)
from skimdb.inspection._highlight import MAX_OPACITY
from skimdb.inspection._style import BLUE, ORANGE, legend_above, panels, plain_text

# In multiples of the font size.
_LINE_HEIGHT, _SPACE, _UNDERLINE_DEPTH = 1.9, 0.45, 0.3
_MAX_ELSEWHERE = 3


class ReviewTextDisplay:
    """The text of a review, with words coloured by their contribution to its classification.

    Words that support the class that is explained are blue with a solid underline, words that
    oppose it are orange with a dotted underline. The larger the contribution, the stronger the
    colour. Lines are wrapped to the size that the axes have when `plot` is called, and for
    matplotlib's ``font.size``. Text that does not fit is replaced with an ellipsis. Below the text
    it says which contributions do not stand in it.

    It is recommended to use `from_estimator` or `from_explanation` to create a display. All
    parameters are stored as attributes.

    Parameters
    ----------
    words : sequence of str of length n_words
        The words in order.
    contributions : sequence of float of length n_words
        Contribution of each word to the log-odds.
    classes : sequence of str of length 2
        What negative and positive contributions support.
    title : str
        The title of the legend.
    is_joined : sequence of bool of length n_words, default=None
        Which words follow the word before without a space. If None, none does.
    elsewhere : str, default=""
        Which contributions do not stand in the text.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        The figure with the axes.
    ax_ : matplotlib Axes
        The axes with the text.
    texts_ : list of matplotlib Text
        The words that are shown, and an ellipsis if some are not.

    See Also
    --------
    explain_reviews : Compute the contributions; notebooks show the result in the same form.
    WordContributionDisplay : Bars of the largest contributions.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skimdb.inspection import ReviewTextDisplay
    >>> reviews = ["great film", "great cast", "dull film", "bad, bad film"]
    >>> y = ["positive", "positive", "negative", "negative"]
    >>> model = make_pipeline(CountVectorizer(binary=True), LogisticRegression()).fit(reviews, y)
    >>> display = ReviewTextDisplay.from_estimator(model, "A great cast.")
    >>> [text.get_text() for text in display.texts_]
    ['A', 'great', 'cast.']
    """

    figure_: Any
    ax_: Any
    texts_: list[Any]

    def __init__(
        self,
        *,
        words: Sequence[str],
        contributions: Sequence[float],
        classes: Sequence[str],
        title: str,
        is_joined: Sequence[bool] | None = None,
        elsewhere: str = "",
    ) -> None:
        self.words = words
        self.contributions = contributions
        self.classes = classes
        self.title = title
        self.is_joined = is_joined
        self.elsewhere = elsewhere

    @classmethod
    def from_estimator(
        cls,
        pipeline: Any,
        review: Any,
        *,
        method: Method = "occlusion",
        target: Any = None,
        ax: Axes | None = None,
    ) -> Self:
        """Explain one review and draw its text.

        Parameters
        ----------
        pipeline : Pipeline
            Fitted pipeline; see `explain_reviews`.
        review : str or sequence of int
            A single review: a text, or word indices.
        method : {"occlusion", "gradient"}, default="occlusion"
            How contributions are computed; see `explain_reviews`.
        target : object, default=None
            The class to explain; see `explain_reviews`.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        display : ReviewTextDisplay

        Raises
        ------
        TypeError, ValueError, sklearn.exceptions.NotFittedError
            See `explain_reviews` and `from_explanation`.
        """
        (explanation,) = explain_reviews(pipeline, [review], method=method, target=target)
        return cls.from_explanation(explanation, ax=ax)

    @classmethod
    def from_explanation(
        cls,
        explanation: ReviewExplanation,
        *,
        title: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the text of an explained review.

        Parameters
        ----------
        explanation : ReviewExplanation
            Explanation of one review: an item of the result of `explain_reviews`.
        title : str, default=None
            Title of the legend. If None, the prediction.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        display : ReviewTextDisplay

        Raises
        ------
        TypeError
            If `explanation` is not a ReviewExplanation, or `ax` is not a matplotlib Axes.
        ValueError
            If the explanation has no words.
        """
        check_explanation(explanation)
        if not explanation.words:
            raise ValueError(
                "explanation must contain at least one word, got none; the pipeline must take "
                "texts or word indices."
            )
        return cls(
            words=[word.text for word in explanation.words],
            contributions=explanation.word_contributions().tolist(),
            is_joined=[word.is_joined for word in explanation.words],
            classes=explanation.sides,
            title=explanation.title if title is None else title,
            elsewhere=explanation.elsewhere(_MAX_ELSEWHERE),
        ).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the text.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        self : ReviewTextDisplay

        Raises
        ------
        TypeError
            If `ax` is not a matplotlib Axes.
        """
        self.figure_, (self.ax_,) = panels(ax, 1)
        self.ax_.set_axis_off()
        for label, color in zip(self.classes, [ORANGE, BLUE], strict=True):
            self.ax_.fill([], [], color=color, label=plain_text(f"For {label}"))
        legend_above(self.ax_, title=self.title, ncols=2)
        # The layout decides the size of the axes, to which lines are wrapped.
        self.figure_.canvas.figure.draw_without_rendering()
        shown, ellipsis = self._wrap()
        self.texts_ = [*shown, *ellipsis]
        largest = max(map(abs, self.contributions), default=0.0) or 1.0
        for text, contribution in zip(shown, self.contributions, strict=False):
            if contribution:
                self._highlight(text, contribution / largest)
        return self

    def _wrap(self) -> tuple[list[Any], list[Any]]:
        """Place as many words as fit, in lines, and return their texts.

        The second list has an ellipsis if not all words fit.
        """
        room, height = self.ax_.bbox.size
        ellipsis = self._text("…")
        em = _pixels(ellipsis)
        right = room - ellipsis.get_window_extent().width
        bottom = self._note_elsewhere()
        texts: list[Any] = []
        x, y = 0.0, height - em
        for word, is_joined in zip(self.words, self.is_joined or repeat(False), strict=False):
            text = self._text(word)
            width = text.get_window_extent().width
            space = 0.0 if x == 0 or is_joined else _SPACE * em
            if x > 0 and x + space + width > right:
                if y - _LINE_HEIGHT * em < bottom:
                    text.remove()
                    ellipsis.set_position((x / room, y / height))
                    return texts, [ellipsis]
                x, y, space = 0.0, y - _LINE_HEIGHT * em, 0.0
            text.set_position(((x + space) / room, y / height))
            texts.append(text)
            x += space + width
        ellipsis.remove()
        return texts, []

    def _note_elsewhere(self) -> float:
        """Say which contributions do not stand in the text, and return how much room it takes."""
        if not self.elsewhere:
            return 0.0
        note = self._text(f"Not in the text: {self.elsewhere}")
        note.set(fontsize="small", color="0.4", verticalalignment="bottom")
        return float(note.get_window_extent().height)

    def _text(self, word: str) -> Any:
        # in_layout=False, because the layout would resize the axes to which lines are wrapped.
        return self.ax_.text(
            0, 0, word, transform=self.ax_.transAxes, parse_math=False, in_layout=False
        )

    def _highlight(self, text: Any, shade: float) -> None:
        """Colour the background of a text and underline it."""
        color = BLUE if shade > 0 else ORANGE
        text.set_bbox(
            {"facecolor": to_rgba(color, MAX_OPACITY * abs(shade)), "edgecolor": "none", "pad": 1}
        )
        x, y = text.get_position()
        room, height = self.ax_.bbox.size
        y -= _UNDERLINE_DEPTH * _pixels(text) / height
        self.ax_.add_line(
            Line2D(
                [x, x + text.get_window_extent().width / room],
                [y, y],
                transform=self.ax_.transAxes,
                color=color,
                alpha=abs(shade),
                linestyle="-" if shade > 0 else ":",
                linewidth=1.5,
            )
        )


def _pixels(text: Any) -> float:
    """Return the font size of a text in pixels."""
    return float(text.get_fontsize() * text.get_figure().canvas.figure.dpi / 72)
