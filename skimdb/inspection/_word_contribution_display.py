"""The largest contributions to one review, or over many reviews."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from skimdb.inspection._contributions import Method, readable_name
from skimdb.inspection._explanation import (
    ReviewExplanation,
    check_explanation,
    explain_reviews,
    sides,
)
from skimdb.inspection._split_pipeline import FloatArray
from skimdb.inspection._style import BLACK, BLUE, ORANGE, legend_above, panels, plain_text
from skimdb.inspection._top_words import TopWords


class WordContributionDisplay:
    """Contributions of words or n-grams to the log-odds, as bars.

    One bar per word, the first at the top. Bars to the right support the class that is explained,
    bars to the left oppose it.

    It is recommended to use `from_estimator`, `from_explanation` or `from_top_words` to create a
    display. All parameters are stored as attributes.

    Parameters
    ----------
    names : ndarray of str of shape (n_bars,)
        The words, from top to bottom.
    contributions : ndarray of shape (n_bars,)
        Their contributions to the log-odds.
    classes : sequence of str of length 2
        What negative and positive contributions support.
    title : str
        The title of the legend.
    label : str, default="Contribution to the log-odds"
        The label of the horizontal axis.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        The figure with the axes.
    ax_ : matplotlib Axes
        The axes with the bars.
    bars_ : list of matplotlib BarContainer
        The bars that support the first class, and those that support the second.

    See Also
    --------
    explain_reviews : Compute the contributions to each review.
    top_words : Find the words with the largest effect over many reviews.
    ReviewTextDisplay : The text of a review with highlighted words.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skimdb.inspection import WordContributionDisplay
    >>> reviews = ["great film", "great cast", "dull film", "bad, bad film"]
    >>> y = ["positive", "positive", "negative", "negative"]
    >>> model = make_pipeline(CountVectorizer(binary=True), LogisticRegression()).fit(reviews, y)
    >>> display = WordContributionDisplay.from_estimator(model, "A great cast.")
    >>> display.names.tolist()
    ['great', 'cast']
    """

    figure_: Any
    ax_: Any
    bars_: list[Any]

    def __init__(
        self,
        *,
        names: NDArray[np.object_],
        contributions: FloatArray,
        classes: Sequence[str],
        title: str,
        label: str = "Contribution to the log-odds",
    ) -> None:
        self.names = names
        self.contributions = contributions
        self.classes = classes
        self.title = title
        self.label = label

    @classmethod
    def from_estimator(
        cls,
        pipeline: Any,
        review: Any,
        *,
        method: Method = "occlusion",
        target: Any = None,
        n: int = 15,
        ax: Axes | None = None,
    ) -> Self:
        """Explain one review and draw the largest contributions.

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
        n : int, default=15
            Maximum number of bars.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        display : WordContributionDisplay

        Raises
        ------
        TypeError, ValueError, sklearn.exceptions.NotFittedError
            See `explain_reviews` and `from_explanation`.
        """
        (explanation,) = explain_reviews(pipeline, [review], method=method, target=target)
        return cls.from_explanation(explanation, n=n, ax=ax)

    @classmethod
    def from_explanation(
        cls,
        explanation: ReviewExplanation,
        *,
        n: int = 15,
        title: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the largest contributions to a review.

        Parameters
        ----------
        explanation : ReviewExplanation
            Explanation of one review: an item of the result of `explain_reviews`.
        n : int, default=15
            Maximum number of bars.
        title : str, default=None
            Title of the legend. If None, the prediction.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        display : WordContributionDisplay

        Raises
        ------
        TypeError
            If `explanation` is not a ReviewExplanation, `n` is not an integer, or `ax` is not a
            matplotlib Axes.
        ValueError
            If there are no features, or `n` is not positive.
        """
        check_explanation(explanation)
        check_scalar(n, "n", Integral, min_val=1)
        if len(explanation.names) == 0:
            raise ValueError("explanation must contain at least one feature, got none.")
        return cls(
            names=explanation.names[:n],
            contributions=explanation.contributions[:n],
            classes=explanation.sides,
            title=explanation.title if title is None else title,
        ).plot(ax)

    @classmethod
    def from_top_words(cls, words: TopWords, *, ax: Axes | None = None) -> Self:
        """Draw the mean contributions of the words with the largest effect over many reviews.

        Parameters
        ----------
        words : TopWords
            Result of `top_words`. The number of reviews with each word is in parentheses.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        display : WordContributionDisplay

        Raises
        ------
        TypeError
            If `words` is not a TopWords, or `ax` is not a matplotlib Axes.
        ValueError
            If `words` is empty.
        """
        if not isinstance(words, TopWords):
            raise TypeError(
                f"words must be a TopWords, the result of top_words, got {type(words).__name__}."
            )
        if len(words.names) == 0:
            raise ValueError("words must contain at least one word, got none.")
        target = "the predicted class" if words.target is None else words.target
        labels = [
            f"{readable_name(name)} ({n:,})"
            for name, n in zip(words.names, words.counts, strict=True)
        ]
        return cls(
            names=np.array(labels, dtype=object),
            contributions=words.mean_contributions,
            classes=sides(words.classes, target),
            title=f"The {len(labels)} words that move {words.n_reviews:,} predictions most",
            label="Mean contribution to the log-odds of reviews with the word",
        ).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        self : WordContributionDisplay

        Raises
        ------
        TypeError
            If `ax` is not a matplotlib Axes.
        """
        self.figure_, (self.ax_,) = panels(ax, 1)
        rows = np.arange(len(self.names))
        masks = [self.contributions < 0, self.contributions >= 0]
        self.bars_ = [
            self.ax_.barh(
                rows[mask],
                self.contributions[mask],
                color=color,
                label=plain_text(f"For {label}"),
            )
            for label, color, mask in zip(self.classes, [ORANGE, BLUE], masks, strict=True)
        ]
        self.ax_.axvline(0, color=BLACK, linewidth=0.8)
        self.ax_.set_yticks(rows, [plain_text(readable_name(name)) for name in self.names])
        self.ax_.set_ylim(len(rows) - 0.5, -0.5)
        self.ax_.set_xlabel(plain_text(self.label))
        legend_above(self.ax_, title=self.title, ncols=2)
        return self
