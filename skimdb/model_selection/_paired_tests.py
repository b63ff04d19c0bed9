"""Statistical tests of two classifiers that saw the same data."""

from math import copysign, inf, nan, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


class TTestResult(NamedTuple):
    """Result of a paired t-test.

    Attributes
    ----------
    statistic : float
        The t statistic.
    pvalue : float
        The two-sided p-value.
    ci_low, ci_high : float
        Confidence interval of the mean difference.
    """

    statistic: float
    pvalue: float
    ci_low: float
    ci_high: float


def corrected_resampled_t_test(
    differences: ArrayLike, test_train_ratio: float, *, confidence_level: float = 0.95
) -> TTestResult:
    """Test whether the mean of score differences over resampled folds is zero.

    The training sets of the folds overlap, so the differences are correlated and their
    variance over k folds understates the variance of their mean. Nadeau and Bengio replace its
    factor 1/k by 1/k + n_test/n_train.

    Parameters
    ----------
    differences : array-like of shape (n_folds,)
        Score of the first estimator minus score of the second, one for each fold.
    test_train_ratio : float
        Number of test samples over number of training samples of a fold.
    confidence_level : float, default=0.95
        Level of the confidence interval, between 0 and 1.

    Returns
    -------
    TTestResult
        With n_folds - 1 degrees of freedom. A mean of zero gives a statistic of 0 and a p-value
        of 1, also without any variance; the same non-zero difference on all folds gives an
        infinite statistic and a p-value of 0. A single fold has no variance: all is NaN.

    References
    ----------
    C. Nadeau and Y. Bengio, "Inference for the Generalization Error", Machine Learning 52,
    pp. 239-281, 2003.

    Examples
    --------
    >>> result = corrected_resampled_t_test([0.01, 0.03, 0.02, 0.02, 0.02], 1 / 4)
    >>> round(result.statistic, 3), round(result.pvalue, 3)
    (4.216, 0.014)
    """
    differences = np.asarray(differences, dtype=np.float64)
    n_folds = len(differences)
    if n_folds < 2:
        return TTestResult(nan, nan, nan, nan)
    mean = float(differences.mean())
    # The variance of equal numbers is not exactly zero in floating point.
    variance = 0.0 if np.ptp(differences) == 0 else float(differences.var(ddof=1))
    standard_error = sqrt((1 / n_folds + test_train_ratio) * variance)
    if mean == 0:
        statistic = 0.0
    elif standard_error == 0:
        statistic = copysign(inf, mean)
    else:
        statistic = mean / standard_error
    student = stats.t(df=n_folds - 1)
    half_width = standard_error * float(student.ppf((1 + confidence_level) / 2))
    pvalue = 2 * float(student.sf(abs(statistic)))
    return TTestResult(statistic, pvalue, mean - half_width, mean + half_width)


def mcnemar_test(
    y_true: NDArray[Any], y_pred_first: NDArray[Any], y_pred_second: NDArray[Any]
) -> float:
    """Test whether two classifiers have the same error rate on the same samples.

    Only the discordant samples count, those that one classifier gets right and the other wrong.
    Under the null hypothesis either is as likely as the other, which is tested exactly, by the
    binomial distribution.

    Parameters
    ----------
    y_true, y_pred_first, y_pred_second : ndarray of shape (n_samples,)
        True labels, and the labels that each classifier predicts.

    Returns
    -------
    pvalue : float
        Two-sided; 1 where no sample is discordant.

    References
    ----------
    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12, pp. 153-157, 1947.

    T. G. Dietterich, "Approximate Statistical Tests for Comparing Supervised Classification
    Learning Algorithms", Neural Computation 10, pp. 1895-1923, 1998.

    Examples
    --------
    >>> import numpy as np
    >>> y_true = np.ones(10, dtype=int)
    >>> mcnemar_test(y_true, y_true, np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]))
    0.0625
    """
    first_right = y_pred_first == y_true
    second_right = y_pred_second == y_true
    n_only_first = int(np.count_nonzero(first_right & ~second_right))
    n_only_second = int(np.count_nonzero(second_right & ~first_right))
    fewer = min(n_only_first, n_only_second)
    tail = float(stats.binom.cdf(fewer, n_only_first + n_only_second, 0.5))
    return min(1.0, 2 * tail)


def holm_adjust(pvalues: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for the number of tests, by Holm's step-down procedure.

    Rejecting where the adjusted p-value is at most alpha keeps the probability of any false
    rejection at or below alpha, however the tests depend on each other.

    Parameters
    ----------
    pvalues : array-like of shape (n_tests,)
        The p-values of all tests. NaN stays NaN.

    Returns
    -------
    adjusted : ndarray of shape (n_tests,)
        In the order of `pvalues`.

    References
    ----------
    S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 6, pp. 65-70, 1979.

    Examples
    --------
    >>> holm_adjust([0.03, 0.01, 0.5])
    array([0.06, 0.03, 0.5 ])
    """
    pvalues = np.asarray(pvalues, dtype=np.float64)
    order = np.argsort(pvalues)
    n_hypotheses_left = np.arange(len(pvalues), 0, -1)
    stepped = np.maximum.accumulate(n_hypotheses_left * pvalues[order])
    adjusted = np.empty_like(pvalues)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
