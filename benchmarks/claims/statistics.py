"""Effect sizes, confidence intervals and verdicts for the claims."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from skimdb.model_selection._paired_tests import corrected_resampled_t_test
from skimdb.utils._report import Plot
from skimdb.utils._tables import Table

FloatArray = NDArray[np.float64]

HOLDS, FAILS, UNCLEAR = "holds", "does not hold", "cannot be told"

# What would not matter, announced before the results.
ACCURACY_MARGIN = 0.5
LOSS_MARGIN = 0.01
EPOCH_MARGIN = 1.0
RATIO_MARGIN = 1.1
MARGINS = (
    f"{ACCURACY_MARGIN} points of accuracy or of the area under the ROC curve: one and a half "
    "standard errors of an accuracy near 88 % on 10,000 reviews. "
    f"{LOSS_MARGIN} of loss: the notebooks trained their base network twice (A1, B4), and the "
    "least validation losses differ by 0.002. "
    f"{EPOCH_MARGIN:g} epoch: the smallest step. "
    f"A ratio of {RATIO_MARGIN}: a tenth more."
)
# 10,000 of the 25,000 reviews are for validation.
TEST_TRAIN_RATIO = 10_000 / 15_000


class Estimate(NamedTuple):
    """An effect size with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def map(self, function: Any) -> "Estimate":
        """Return the estimate on another scale, by an increasing function."""
        return Estimate(*(float(function(bound)) for bound in self))


@dataclass(frozen=True)
class Greater:
    """The effect is greater than `start`; up to `relevant` it would not matter."""

    start: float
    relevant: float

    def verdict(self, estimate: Estimate) -> str:
        """Judge by the interval."""
        if estimate.high < self.relevant:
            return FAILS
        return HOLDS if estimate.low > self.start else UNCLEAR

    def __str__(self) -> str:
        return f"> {self.start:g} (matters from {self.relevant:g})"


@dataclass(frozen=True)
class Within:
    """The effect lies between `low` and `high`."""

    low: float
    high: float

    def verdict(self, estimate: Estimate) -> str:
        """Judge by the interval."""
        if self.low <= estimate.low and estimate.high <= self.high:
            return HOLDS
        return FAILS if estimate.high < self.low or estimate.low > self.high else UNCLEAR

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


def verdict_of_all(verdicts: Sequence[str]) -> str:
    """Judge a claim by its parts: one that does not hold is enough for the whole not to."""
    if FAILS in verdicts:
        return FAILS
    return UNCLEAR if UNCLEAR in verdicts else HOLDS


@dataclass(frozen=True)
class Part:
    """One testable part of a claim, or with no rule a figure beside it."""

    statement: str
    unit: str
    estimate: Estimate
    rule: Greater | Within | None

    @property
    def verdict(self) -> str:
        """By the rule and the interval."""
        return self.rule.verdict(self.estimate) if self.rule else ""


@dataclass(frozen=True)
class Claim:
    """A claim that was judged.

    Attributes
    ----------
    number : int
    statement : str
    says : str
        What the data say, with their figures.
    parts : list of Part
    blocks : list of Plot or Table
    """

    number: int
    statement: str
    says: str
    parts: Sequence[Part]
    blocks: Sequence[Plot | Table] = ()

    @property
    def verdict(self) -> str:
        """Of all parts together."""
        return verdict_of_all([part.verdict for part in self.parts if part.rule])


def resampled_estimate(values: ArrayLike, test_train_ratio: float) -> Estimate:
    """Return the mean over random splits of the same reviews.

    The training parts of the splits overlap, so the t interval has Nadeau and Bengio's
    correction.
    """
    values = np.asarray(values, dtype=np.float64)
    test = corrected_resampled_t_test(values, test_train_ratio)
    return Estimate(float(values.mean()), test.ci_low, test.ci_high)


def crossed_estimate(values: FloatArray, clusters: NDArray[Any] | None = None) -> Estimate:
    """Return the mean over seeds and reviews, with an interval that covers both.

    Parameters
    ----------
    values : ndarray of shape (n_seeds, n_reviews)
        Of each fit on each review.
    clusters : ndarray of shape (n_reviews,), default=None
        What reviews depend on each other, as those of one movie. None takes them as independent.

    Returns
    -------
    estimate : Estimate
        The variance of the mean is the sum of the variance of the seeds' means over their number
        and that of the reviews' means (of sums over clusters) over theirs; so the part that
        belongs to both is counted twice, which errs on the safe side. Student's t with degrees
        of freedom by Satterthwaite.

    References
    ----------
    F. E. Satterthwaite, "An approximate distribution of estimates of variance components",
    Biometrics Bulletin 2, pp. 110-114, 1946.
    """
    n_seeds, n_reviews = values.shape
    mean = float(values.mean())
    seeds_variance = float(values.mean(axis=1).var(ddof=1)) / n_seeds
    deviations = values.mean(axis=0) - mean
    if clusters is not None:
        deviations = np.bincount(np.unique(clusters, return_inverse=True)[1], deviations)
    n_clusters = len(deviations)
    reviews_variance = n_clusters / (n_clusters - 1) * float(deviations @ deviations) / n_reviews**2
    variance = seeds_variance + reviews_variance
    if variance == 0:
        return Estimate(mean, mean, mean)
    degrees = variance**2 / (
        seeds_variance**2 / (n_seeds - 1) + reviews_variance**2 / (n_clusters - 1)
    )
    half_width = float(stats.t.ppf(0.975, degrees)) * sqrt(variance)
    return Estimate(mean, mean - half_width, mean + half_width)


def auc_values(y: NDArray[Any], scores: FloatArray) -> FloatArray:
    """Return values of the reviews whose mean is the area under the ROC curve.

    Parameters
    ----------
    y : ndarray of shape (n_reviews,)
        Labels 0 and 1.
    scores : ndarray of shape (n_reviews,)
        Higher for class 1.

    Returns
    -------
    values : ndarray of shape (n_reviews,)
        DeLong's structural components, scaled by class so that their variance over the number
        of reviews is the variance of the area.

    References
    ----------
    E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the areas under two or more
    correlated receiver operating characteristic curves: a nonparametric approach", Biometrics 44,
    pp. 837-845, 1988.

    X. Sun and W. Xu, "Fast implementation of DeLong's algorithm for comparing the areas under
    correlated receiver operating characteristic curves", IEEE Signal Processing Letters 21, 2014.
    """
    positive = y == 1
    ranks = stats.rankdata(scores)
    components = np.empty(len(y))
    for own, sign in ((positive, 1), (~positive, -1)):
        n_below = ranks[own] - stats.rankdata(scores[own])
        share_below = n_below / np.count_nonzero(~own)
        components[own] = share_below if sign == 1 else 1 - share_below
    area = components[positive].mean()
    n_class = np.where(positive, np.count_nonzero(positive), np.count_nonzero(~positive))
    values: FloatArray = area + (components - area) * len(y) / n_class
    return values


def independent_difference(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return values whose mean is the difference of the means over two sets of reviews.

    Parameters
    ----------
    first, second : ndarray of shape (n_seeds, n_first) and (n_seeds, n_second)
        Values of the same fits on either set.

    Returns
    -------
    values : ndarray of shape (n_seeds, n_first + n_second)
        For `crossed_estimate`: their variance is that of a difference of independent means.
    """
    n_all = first.shape[1] + second.shape[1]
    means = [part.mean(axis=1, keepdims=True) for part in (first, second)]
    deviations = [
        (part - mean) * n_all / part.shape[1]
        for part, mean in zip((first, second), means, strict=True)
    ]
    values: FloatArray = means[0] - means[1] + np.hstack([deviations[0], -deviations[1]])
    return values


def best_of_weights(n_pool: int, n_drawn: int) -> FloatArray:
    """Return the probability of each rank, the best first, to be the best of a random draw.

    Parameters
    ----------
    n_pool : int
        Number of candidates.
    n_drawn : int
        How many of them are drawn, without putting back.

    Returns
    -------
    weights : ndarray of shape (n_pool,)
        With these the mean over all subsets of the pool is exact.
    """
    weights = np.zeros(n_pool)
    weights[0] = n_drawn / n_pool
    for rank in range(1, n_pool - n_drawn + 1):
        weights[rank] = weights[rank - 1] * (n_pool - n_drawn - rank + 1) / (n_pool - rank)
    return weights


def chosen_score(chosen_on: FloatArray, scored_on: FloatArray, n_drawn: int) -> float:
    """Return the mean score of the best of a random draw of candidates.

    Parameters
    ----------
    chosen_on : ndarray of shape (n_pool,)
        The scores that choose; of equal ones the first is taken.
    scored_on : ndarray of shape (n_pool,)
        The scores that count.
    n_drawn : int
        Number of candidates drawn from the pool.
    """
    ranking = np.argsort(-chosen_on, kind="stable")
    return float(best_of_weights(len(ranking), n_drawn) @ scored_on[ranking])
