"""Explanations of the predictions for single reviews."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from skimdb.inspection._contributions import (
    Contributions,
    Method,
    compute_contributions,
    readable_name,
)
from skimdb.inspection._frames import data_frame
from skimdb.inspection._highlight import highlighted_html
from skimdb.inspection._review_words import ReviewWord, ReviewWords, review_words
from skimdb.inspection._split_pipeline import FloatArray
from skimdb.utils._tables import Table, text_table

if TYPE_CHECKING:
    import pandas as pd

_MAX_ROWS = 20


def explain_reviews(
    pipeline: Any, X: Any, *, method: Method = "occlusion", target: Any = None
) -> "ReviewExplanations":
    """Compute how much each word of each review contributes to its classification.

    Contributions are to the log-odds of one class: its probability against that of all others.
    They are given for the features of the pipeline's vectorizer, which are words or n-grams.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted pipeline with a vectorizer, such as MultiHotVectorizer, and a classifier. The
        vectorizer is the first step that has ``get_feature_names_out`` and returns an array or a
        sparse matrix.
    X : sequence of n_reviews reviews
        Input of the pipeline: texts, or sequences of word indices.
    method : {"occlusion", "gradient"}, default="occlusion"
        "occlusion" removes each feature from the review, all its occurrences at once, and measures
        how much the log-odds fall [1]_. It works with any pipeline.

        "gradient" multiplies each feature by the gradient of the log-odds with respect to it [2]_,
        [3]_. It works with DenseSentimentClassifier and with linear classifiers that have
        ``coef_``. The steps before the classifier must scale each feature on its own and return
        the same names from ``get_feature_names_out``. A scale that depends on the review, such as
        that of a normalizer, is treated as constant.

        For a linear classifier of two classes, both give the coefficient times the feature's
        value.
    target : object, default=None
        The class to explain, one of the classifier's ``classes_``. If None, the second of two
        classes, or of more the one that is predicted for each review.

    Returns
    -------
    explanations : ReviewExplanations
        Sequence of one ReviewExplanation per review.

    Raises
    ------
    TypeError
        If `pipeline` is not a Pipeline, or does not end in a classifier.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If it has no vectorizer, if `method` is unknown or does not work with it, if `target` is
        not one of its classes, or if `X` is empty.

    See Also
    --------
    top_words : Find the words with the largest effect over many reviews.
    WordContributionDisplay : Bars of the largest contributions.
    ReviewTextDisplay : The text of a review with highlighted words.

    Notes
    -----
    The log-odds of two classes are the classifier's decision function, if it has one. The decision
    function of some classifiers, such as LinearSVC, does not give log-odds; contributions are then
    to the decision value, of more than two classes too.

    The log-odds of naive Bayes come from its joint log-probabilities. Those of other classifiers
    come from their probabilities, where the eps of their dtype stands for 0.

    References
    ----------
    .. [1] J. Li, W. Monroe and D. Jurafsky, `"Understanding Neural Networks through
       Representation Erasure" <https://arxiv.org/abs/1612.08220>`_, 2016.
    .. [2] K. Simonyan, A. Vedaldi and A. Zisserman, `"Deep Inside Convolutional Networks:
       Visualising Image Classification Models and Saliency Maps"
       <https://arxiv.org/abs/1312.6034>`_, 2013.
    .. [3] A. Shrikumar, P. Greenside and A. Kundaje, `"Learning Important Features Through
       Propagating Activation Differences" <https://arxiv.org/abs/1704.02685>`_, ICML 2017.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skimdb.inspection import explain_reviews
    >>> reviews = ["great film", "great cast", "dull film", "bad, bad film"]
    >>> y = ["positive", "positive", "negative", "negative"]
    >>> model = make_pipeline(CountVectorizer(binary=True), LogisticRegression()).fit(reviews, y)
    >>> explain_reviews(model, ["A great film, great and not dull!"])[0]
    Predicted positive (probability of positive: 0.509, log-odds +0.04)
    feature  contribution
    great          +0.686
    dull           -0.343
    film           -0.281
    """
    contributions = compute_contributions(pipeline, X, method, target)
    split, features, targets = contributions.split, contributions.features, contributions.targets
    predicted, probability = split.predict(features), split.probability(features, targets)
    rows = list(_largest_first(contributions))
    words = review_words(split, X, [dict(zip(*row, strict=True)) for row in rows])
    classes = split.classifier.classes_
    explanations = []
    for i, (names, values) in enumerate(rows):
        found = words[i] if words is not None else ReviewWords((), frozenset())
        explanations.append(
            ReviewExplanation(
                names=names,
                contributions=values,
                predicted=predicted[i],
                probability=None if probability is None else float(probability[i]),
                log_odds=float(contributions.log_odds[i]),
                baseline=float(contributions.baselines[i]),
                classes=classes,
                target=classes[targets[i]],
                words=found.words,
                is_in_words=np.array([name in found.placed for name in names], dtype=bool),
            )
        )
    return ReviewExplanations(explanations)


def _largest_first(
    contributions: Contributions,
) -> Iterator[tuple[NDArray[np.object_], FloatArray]]:
    """Yield the names of the features of each review and their contributions, largest first."""
    offsets = contributions.offsets
    review = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort([-np.abs(contributions.values), review])
    names, values = contributions.names[contributions.columns[order]], contributions.values[order]
    for start, stop in pairwise(offsets.tolist()):
        yield names[start:stop], values[start:stop]


@dataclass(frozen=True, eq=False, repr=False)
class ReviewExplanation:
    """Contributions of the features of one review to its classification.

    The `repr` is a table of the 20 largest contributions. A notebook shows the review with
    highlighted words: blue with a solid underline if they support the target, orange with a dotted
    underline if they oppose it. Features that do not stand in the words are listed below them.

    Attributes
    ----------
    names : ndarray of str of shape (n_present,)
        The words or n-grams of the review, the one with the largest absolute contribution first.
    contributions : ndarray of shape (n_present,)
        Contribution of each to the log-odds.
    predicted : object
        The predicted label.
    probability : float or None
        The predicted probability of the target; None without `predict_proba`.
    log_odds : float
        Log-odds of the target.
    baseline : float
        Log-odds of a review without features. For a linear classifier of two classes, `log_odds`
        is the baseline plus the sum of all contributions.
    classes : ndarray of shape (n_classes,)
        The labels of the classifier.
    target : object
        The label of the class that is explained.
    words : tuple of ReviewWord
        The words of the review in order, each with its `text`, its `contribution`, and whether it
        `is_joined` to the word before without a space. The characters of languages that put no
        spaces between words are words too. Empty if the pipeline takes neither texts nor word
        indices.
    is_in_words : ndarray of bool of shape (n_present,)
        Which of the contributions the words share. Others stand nowhere in the text: those of
        markers and blanks, and of features of other vectorizers than MultiHotVectorizer,
        CountVectorizer and TfidfVectorizer.

    See Also
    --------
    explain_reviews : Compute the explanations of reviews.
    """

    names: NDArray[np.object_]
    contributions: FloatArray
    predicted: Any
    probability: float | None
    log_odds: float
    baseline: float
    classes: NDArray[Any]
    target: Any
    words: tuple[ReviewWord, ...]
    is_in_words: NDArray[np.bool_]

    @property
    def title(self) -> str:
        """The prediction in words."""
        if self.probability is None:
            of_target = f" of {self.target}" if len(self.classes) > 2 else ""
            return f"Predicted {self.predicted} (decision value{of_target} {self.log_odds:+.2f})"
        return (
            f"Predicted {self.predicted} (probability of {self.target}: "
            f"{self.probability:.3f}, log-odds {self.log_odds:+.2f})"
        )

    @property
    def sides(self) -> tuple[str, str]:
        """What negative and positive contributions support."""
        return sides(self.classes, self.target)

    def word_contributions(self) -> FloatArray:
        """Return the contribution of each of `words`.

        Returns
        -------
        ndarray of shape (n_words,)
            The contribution of a word or n-gram is divided evenly among all its occurrences, and
            there among its words; that of an n-gram of characters is divided among the words that
            contain them. So the sum is that of the contributions that are `is_in_words`.
        """
        return np.array([word.contribution for word in self.words], dtype=np.float64)

    def elsewhere(self, n: int) -> str:
        """Return the `n` largest contributions that the words do not share, in one line.

        Those that are 0 to three decimals are left out.
        """
        is_elsewhere = ~self.is_in_words & (np.abs(self.contributions) >= 0.0005)
        values = self.contributions[is_elsewhere]
        names = list(map(readable_name, self.names[is_elsewhere]))
        shown = [f"{name} {value:+.3f}" for name, value in zip(names[:n], values[:n], strict=True)]
        if len(names) > n:
            shown.append(f"and {len(names) - n} more {values[n:].sum():+.3f}")
        return ", ".join(shown)

    def to_frame(self) -> "pd.DataFrame":
        """Return a table of all features of the review.

        Returns
        -------
        frame : pandas.DataFrame
            With the columns "feature" and "contribution", the largest contribution first.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return data_frame({"feature": self.names, "contribution": self.contributions}, self)

    def __repr__(self) -> str:
        rows = [
            [readable_name(name), f"{contribution:+.3f}"]
            for name, contribution in zip(self.names, self.contributions, strict=True)
        ]
        return f"{self.title}\n{_short_table(['feature', 'contribution'], rows)}"

    def _repr_html_(self) -> str:
        if not self.words:
            words = [
                ReviewWord(name, value, False)
                for name, value in zip(self.names, self.contributions.tolist(), strict=True)
            ]
            return highlighted_html(self.title, words, self.sides)
        return highlighted_html(self.title, self.words, self.sides, self.elsewhere(_MAX_ROWS))


class ReviewExplanations(Sequence[ReviewExplanation]):
    """Explanations of several reviews.

    The `repr` is a table with a row for each of the first 20 reviews. A notebook shows these
    reviews with highlighted words.

    Parameters
    ----------
    explanations : iterable of ReviewExplanation

    See Also
    --------
    explain_reviews : Compute the explanations of reviews.
    """

    def __init__(self, explanations: Iterable[ReviewExplanation]) -> None:
        self._explanations = list(explanations)

    def __len__(self) -> int:
        return len(self._explanations)

    @overload
    def __getitem__(self, item: int) -> ReviewExplanation: ...

    @overload
    def __getitem__(self, item: slice) -> "ReviewExplanations": ...

    def __getitem__(self, item: int | slice) -> "ReviewExplanation | ReviewExplanations":
        if isinstance(item, slice):
            return ReviewExplanations(self._explanations[item])
        return self._explanations[item]

    def to_frame(self) -> "pd.DataFrame":
        """Return a table of all features of all reviews.

        Returns
        -------
        frame : pandas.DataFrame
            With the columns "review" (its position in the sequence), "feature" and "contribution".

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        n_features = [len(explanation.names) for explanation in self]
        columns = {
            "review": np.repeat(np.arange(len(self)), n_features),
            "feature": _concatenate([explanation.names for explanation in self], np.object_),
            "contribution": _concatenate([each.contributions for each in self], np.float64),
        }
        return data_frame(columns, self)

    def __repr__(self) -> str:
        rows = [
            [
                str(number),
                str(explanation.predicted),
                "-" if explanation.probability is None else f"{explanation.probability:.3f}",
                f"{explanation.log_odds:+.2f}",
                ", ".join(map(readable_name, explanation.names[:3])),
            ]
            for number, explanation in enumerate(self)
        ]
        header = ["review", "predicted", "probability", "log-odds", "largest contributions"]
        return f"ReviewExplanations (n_reviews={len(self)})\n{_short_table(header, rows)}"

    def _repr_html_(self) -> str:
        shown = [explanation._repr_html_() for explanation in self[:_MAX_ROWS]]
        return "".join([*shown, *(f"<p>{line}</p>" for line in _rest(len(self)))])


def sides(classes: NDArray[Any], target: Any) -> tuple[str, str]:
    """Return what negative and positive contributions to the log-odds of the target support."""
    others = [label for label in classes.tolist() if label != target]
    return str(others[0]) if len(others) == 1 else "other classes", str(target)


def check_explanation(explanation: Any) -> None:
    """Raise a TypeError unless this is a ReviewExplanation."""
    if not isinstance(explanation, ReviewExplanation):
        raise TypeError(
            "explanation must be a ReviewExplanation, such as explain_reviews(pipeline, X)[0], "
            f"got {type(explanation).__name__}."
        )


def _concatenate(arrays: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *arrays])


def _short_table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join([text_table(Table(header, rows[:_MAX_ROWS])), *_rest(len(rows))])


def _rest(n_rows: int) -> list[str]:
    return [f"... and {n_rows - _MAX_ROWS} more"] if n_rows > _MAX_ROWS else []
