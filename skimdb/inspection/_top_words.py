"""The words with the largest effect over many reviews."""

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from skimdb.inspection._contributions import (
    Contributions,
    Method,
    compute_contributions,
    readable_name,
)
from skimdb.inspection._frames import data_frame
from skimdb.inspection._split_pipeline import FloatArray
from skimdb.utils._tables import Table, text_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class TopWords:
    """The words or n-grams with the largest effect on predictions over a set of reviews.

    The `repr` is a table.

    Attributes
    ----------
    names : ndarray of str of shape (n,)
        The words, the one with the largest spread first.
    spreads : ndarray of shape (n,)
        Standard deviation of the word's contribution to the log-odds over all reviews. The
        contribution is 0 in reviews without the word.
    mean_contributions : ndarray of shape (n,)
        Mean contribution to the log-odds, over the reviews that contain the word.
    counts : ndarray of int of shape (n,)
        Number of reviews that contain the word.
    n_reviews : int
        Number of reviews.
    classes : ndarray of shape (n_classes,)
        The labels of the classifier.
    target : object
        The class whose log-odds are explained. None if it is the predicted class of each review.

    See Also
    --------
    top_words : Find the words with the largest effect.
    WordContributionDisplay.from_top_words : Draw them as bars.
    """

    names: NDArray[np.object_]
    spreads: FloatArray
    mean_contributions: FloatArray
    counts: NDArray[np.integer[Any]]
    n_reviews: int
    classes: NDArray[Any]
    target: Any

    def to_frame(self) -> "pd.DataFrame":
        """Return a table of the words.

        Returns
        -------
        frame : pandas.DataFrame
            With the columns "feature", "spread", "mean_contribution" and "count".

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        columns = {
            "feature": self.names,
            "spread": self.spreads,
            "mean_contribution": self.mean_contributions,
            "count": self.counts,
        }
        return data_frame(columns, self)

    def __repr__(self) -> str:
        rows = [
            [readable_name(name), f"{spread:.3f}", f"{mean:+.3f}", f"{count}"]
            for name, spread, mean, count in zip(
                self.names, self.spreads, self.mean_contributions, self.counts, strict=True
            )
        ]
        table = text_table(Table(["feature", "spread", "mean contribution", "count"], rows))
        return f"TopWords (n_reviews={self.n_reviews})\n{table}"


def top_words(
    pipeline: Any, X: Any, n: int = 20, *, method: Method = "occlusion", target: Any = None
) -> TopWords:
    """Find the words or n-grams with the largest effect on predictions over a set of reviews.

    Words are ranked by the spread of their contributions: the standard deviation over all reviews,
    where the contribution is 0 in reviews without the word. Rare words rank low, and so do words
    with the same effect on every review. For a linear classifier, the spread is the absolute
    standardised coefficient.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted pipeline; see `explain_reviews`.
    X : sequence of n_reviews reviews
        Input of the pipeline: texts, or sequences of word indices.
    n : int, default=20
        Maximum number of words. Words that occur in no review are left out.
    method : {"occlusion", "gradient"}, default="occlusion"
        How contributions are computed; see `explain_reviews`.
    target : object, default=None
        The class to explain, as for `explain_reviews`.

    Returns
    -------
    words : TopWords

    Raises
    ------
    TypeError, ValueError
        If `n` is not a positive integer; see also `explain_reviews`.
    sklearn.exceptions.NotFittedError
        If `pipeline` is not fitted.

    See Also
    --------
    explain_reviews : Compute the contributions to each review.
    WordContributionDisplay.from_top_words : Draw the result.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skimdb.inspection import top_words
    >>> reviews = ["great film", "great cast", "dull film", "bad, bad film"]
    >>> y = ["positive", "positive", "negative", "negative"]
    >>> model = make_pipeline(CountVectorizer(binary=True), LogisticRegression()).fit(reviews, y)
    >>> top_words(model, [*reviews, "dull"], n=2)
    TopWords (n_reviews=5)
    feature  spread  mean contribution  count
    great     0.336             +0.686      2
    dull      0.168             -0.343      2
    """
    check_scalar(n, "n", Integral, min_val=1)
    contributions = compute_contributions(pipeline, X, method, target)
    classes = contributions.split.classifier.classes_
    if target is None and len(classes) == 2:
        target = classes[1]
    n_reviews = len(contributions.log_odds)
    counts = np.bincount(contributions.columns, minlength=len(contributions.names))
    sums = _sum_by_feature(contributions, contributions.values)
    squares = _sum_by_feature(contributions, contributions.values**2)
    variances = np.maximum(squares / n_reviews - (sums / n_reviews) ** 2, 0)
    present = np.flatnonzero(counts)
    top = present[np.argsort(-variances[present], kind="stable")[:n]]
    return TopWords(
        names=contributions.names[top],
        spreads=np.sqrt(variances[top]),
        mean_contributions=sums[top] / counts[top],
        counts=counts[top],
        n_reviews=n_reviews,
        classes=classes,
        target=target,
    )


def _sum_by_feature(contributions: Contributions, values: FloatArray) -> FloatArray:
    n_features = len(contributions.names)
    return np.asarray(np.bincount(contributions.columns, weights=values, minlength=n_features))
