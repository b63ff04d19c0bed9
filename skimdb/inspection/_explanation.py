"""Why reviews were classified as they were."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from skimdb.inspection._contributions import Contributions, Method, compute_contributions
from skimdb.inspection._frames import data_frame
from skimdb.inspection._highlight import highlighted_html
from skimdb.inspection._review_words import ReviewWord, review_words, shade_words
from skimdb.inspection._split_pipeline import FloatArray
from skimdb.utils._tables import Table, text_table

if TYPE_CHECKING:
    import pandas as pd

_MAX_ROWS = 20


def explain_reviews(pipeline: Any, X: Any, *, method: Method = "occlusion") -> "ReviewExplanations":
    """Tell how much each word of each review contributes to its classification.

    Contributions are to the log-odds of the second of two classes, as ``classes_`` of the
    classifier lists them. They are those of the features that the first step of the pipeline
    with a matrix of named features makes: of words, or of n-grams.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted, from reviews to a classifier of two classes. One of its steps makes an array or a
        sparse matrix with ``get_feature_names_out``, as MultiHotVectorizer does.
    X : sequence of n_reviews reviews
        Input of the pipeline: texts, or sequences of word indices.
    method : {"occlusion", "gradient"}, default="occlusion"
        "occlusion" takes each feature out of the review, at all its places at once, and measures
        by how much the log-odds fall [1]_. It takes any pipeline.

        "gradient" multiplies the derivative of the log-odds by the feature with the feature's
        value [2]_, [3]_. It takes a DenseSentimentClassifier, or a linear classifier with
        ``coef_``, and steps before that scale each feature and, by ``get_feature_names_out``,
        say that they keep it. A scale that depends on the review, such as that of a normalizer,
        counts as constant.

        For a linear classifier both are the coefficient times the feature's value.

    Returns
    -------
    explanations : ReviewExplanations
        A sequence of one ReviewExplanation per review.

    Raises
    ------
    TypeError
        If `pipeline` is not a Pipeline, or does not end in a classifier.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If it has no step that makes named features, if it knows more than two classes, if
        `method` is unknown or does not apply to it, or if there is no review.

    See Also
    --------
    top_words : The words that matter most over many reviews.
    WordContributionDisplay : Draws the largest contributions to a review.
    ReviewTextDisplay : Draws a review with its words highlighted.

    Notes
    -----
    The log-odds are the classifier's decision function, if it has one. (For classifiers such as
    LinearSVC, whose decision function means something else, contributions are to that.) Those of
    naive Bayes come from its joint log-probabilities, those of other classifiers from
    probabilities, which are kept apart from 0 and 1 by the precision of their type.

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
    contributions = compute_contributions(pipeline, X, method)
    split, features = contributions.split, contributions.features
    predicted, probability = split.predict(features), split.probability(features)
    words = review_words(split, X, contributions.names)
    return ReviewExplanations(
        ReviewExplanation(
            names=contributions.names[columns],
            contributions=values,
            predicted=predicted[i],
            probability=None if probability is None else float(probability[i]),
            log_odds=float(log_odds),
            baseline=contributions.baseline,
            classes=split.classifier.classes_,
            words=words[i] if words is not None else (),
        )
        for i, (columns, values, log_odds) in enumerate(
            zip(*_largest_first(contributions), contributions.log_odds, strict=True)
        )
    )


def _largest_first(
    contributions: Contributions,
) -> tuple[list[NDArray[np.intp]], list[FloatArray]]:
    """Return each review's features and their contributions, the largest first."""
    offsets = contributions.offsets
    review = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort([-np.abs(contributions.values), review])
    return (
        np.split(contributions.columns[order], offsets[1:-1]),
        np.split(contributions.values[order], offsets[1:-1]),
    )


@dataclass(frozen=True, eq=False, repr=False)
class ReviewExplanation:
    """What each feature of one review contributes to its classification.

    Its `repr` is a table of the 20 largest contributions. In a notebook it shows the review with
    its words highlighted: blue and underlined where they speak for the second class, orange and
    underlined with dots where they speak for the first.

    Attributes
    ----------
    names : ndarray of str of shape (n_present,)
        The words or n-grams that the review contains, the largest contribution first, whatever
        its sign.
    contributions : ndarray of shape (n_present,)
        What each contributes to the log-odds.
    predicted : object
        The label that the classifier predicts.
    probability : float or None
        The probability that the classifier gives to the second class; None if it gives none.
    log_odds : float
        Log-odds of the second class.
    baseline : float
        Log-odds of a review without any feature. For a linear classifier, `log_odds` is the sum
        of this and of all contributions.
    classes : ndarray of shape (2,)
        The labels of the classifier.
    words : tuple of ReviewWord
        The review's words in their order, each with its `text` and the names of the `features`
        that it counts as. Empty if the pipeline takes neither texts nor word indices.

    See Also
    --------
    explain_reviews : Makes one per review.
    """

    names: NDArray[np.object_]
    contributions: FloatArray
    predicted: Any
    probability: float | None
    log_odds: float
    baseline: float
    classes: NDArray[Any]
    words: tuple[ReviewWord, ...]

    @property
    def title(self) -> str:
        """The prediction in words."""
        if self.probability is None:
            return f"Predicted {self.predicted} (decision value {self.log_odds:+.2f})"
        return (
            f"Predicted {self.predicted} (probability of {self.classes[1]}: "
            f"{self.probability:.3f}, log-odds {self.log_odds:+.2f})"
        )

    def word_contributions(self) -> FloatArray:
        """Return what each of `words` contributes.

        Returns
        -------
        ndarray of shape (n_words,)
            The contribution of a feature counts in full at each of its places in the review. That
            of an n-gram is divided evenly among its words; it counts nowhere if the pipeline
            leaves out words between them, so that they do not follow each other.
        """
        return shade_words(self.words, dict(zip(self.names, self.contributions, strict=True)))

    def to_frame(self) -> "pd.DataFrame":
        """Return a table of all features of the review.

        Returns
        -------
        frame : pandas.DataFrame
            With the columns "feature" and "contribution", the largest contribution first.

        Raises
        ------
        ImportError
            Without pandas.
        """
        return data_frame({"feature": self.names, "contribution": self.contributions}, self)

    def __repr__(self) -> str:
        rows = [
            [name, f"{contribution:+.3f}"]
            for name, contribution in zip(self.names, self.contributions, strict=True)
        ]
        return f"{self.title}\n{_short_table(['feature', 'contribution'], rows)}"

    def _repr_html_(self) -> str:
        if not self.words:
            return highlighted_html(self.title, self.names.tolist(), self.contributions.tolist())
        texts = [word.text for word in self.words]
        return highlighted_html(self.title, texts, self.word_contributions().tolist())


class ReviewExplanations(Sequence[ReviewExplanation]):
    """The explanations of several reviews.

    Its `repr` is a table with a row for each of the first 20 reviews; in a notebook these are
    shown with their words highlighted.

    Parameters
    ----------
    explanations : iterable of ReviewExplanation

    See Also
    --------
    explain_reviews : Makes one.
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
            With the columns "review" (its position, from 0), "feature" and "contribution".

        Raises
        ------
        ImportError
            Without pandas.
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
                ", ".join(explanation.names[:3]),
            ]
            for number, explanation in enumerate(self)
        ]
        header = ["review", "predicted", "probability", "log-odds", "largest contributions"]
        return f"ReviewExplanations (n_reviews={len(self)})\n{_short_table(header, rows)}"

    def _repr_html_(self) -> str:
        shown = [explanation._repr_html_() for explanation in self[:_MAX_ROWS]]
        return "".join([*shown, *(f"<p>{line}</p>" for line in _rest(len(self)))])


def check_explanation(explanation: Any) -> None:
    """Raise a TypeError unless this is the explanation of a single review."""
    if not isinstance(explanation, ReviewExplanation):
        raise TypeError(
            "explanation must be of a single review, as explain_reviews(pipeline, X)[0], "
            f"got {type(explanation).__name__}."
        )


def _concatenate(arrays: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *arrays])


def _short_table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join([text_table(Table(header, rows[:_MAX_ROWS])), *_rest(len(rows))])


def _rest(n_rows: int) -> list[str]:
    return [f"... and {n_rows - _MAX_ROWS} more"] if n_rows > _MAX_ROWS else []
