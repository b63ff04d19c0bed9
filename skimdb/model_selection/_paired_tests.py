"""Statistical tests for two classifiers on the same data."""

from math import copysign, inf, nan, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


class TTestResult(NamedTuple):
    """Result of a two-sided paired t-test, with a confidence interval of the mean difference."""

    statistic: float
    pvalue: float
    ci_low: float
    ci_high: float


def corrected_resampled_t_test(
    differences: ArrayLike, test_train_ratio: float, *, confidence_level: float = 0.95
) -> TTestResult:
    """Test whether the mean of score differences over resampled folds is zero.

    The training sets of the folds overlap, so the differences are correlated and their variance
    divided by the number of folds k is too small. Nadeau and Bengio (Machine Learning 52,
    pp. 239-281, 2003) replace the factor 1/k with 1/k + n_test/n_train, the `test_train_ratio`.

    A mean of zero gives a p-value of 1, even without any variance. The same nonzero difference on
    all folds gives an infinite statistic. A single fold gives NaN.
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
    """Return the p-value of McNemar's exact test that two classifiers have equal error rates.

    Only samples that one classifier gets right and the other wrong count. Under the null
    hypothesis, both cases are equally likely. Without such samples, the p-value is 1.

    See Q. McNemar, Psychometrika 12, pp. 153-157, 1947, and T. G. Dietterich, Neural Computation
    10, pp. 1895-1923, 1998.
    """
    first_right = y_pred_first == y_true
    second_right = y_pred_second == y_true
    n_only_first = int(np.count_nonzero(first_right & ~second_right))
    n_only_second = int(np.count_nonzero(second_right & ~first_right))
    fewer = min(n_only_first, n_only_second)
    tail = float(stats.binom.cdf(fewer, n_only_first + n_only_second, 0.5))
    return min(1.0, 2 * tail)


def holm_adjust(pvalues: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for the number of tests by Holm's step-down procedure.

    NaN stays NaN, and does not count as a test.

    See S. Holm, Scandinavian Journal of Statistics 6, pp. 65-70, 1979.
    """
    pvalues = np.asarray(pvalues, dtype=np.float64)
    # NaN is sorted to the end.
    order = np.argsort(pvalues)[: np.count_nonzero(~np.isnan(pvalues))]
    n_hypotheses_left = np.arange(len(order), 0, -1)
    stepped = np.maximum.accumulate(n_hypotheses_left * pvalues[order])
    adjusted = np.full_like(pvalues, nan)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
