"""The result of comparing estimators by cross-validation."""

from dataclasses import dataclass
from itertools import combinations
from math import nan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skimdb.model_selection._paired_tests import (
    corrected_resampled_t_test,
    holm_adjust,
    mcnemar_test,
)
from skimdb.utils._optional import import_optional
from skimdb.utils._tables import Table, text_table

if TYPE_CHECKING:
    import pandas as pd


class PairwiseDifference(NamedTuple):
    """How two estimators differ over the folds of a cross-validation.

    Attributes
    ----------
    first, second : str
        Names of the two estimators.
    mean_difference : float
        Mean over the folds of the score of `first` minus the score of `second`.
    ci_low, ci_high : float
        Confidence interval of the mean difference, from the t-test's standard error.
    t_statistic : float
        Statistic of the corrected resampled t-test.
    t_pvalue : float
        Its two-sided p-value, with n_folds - 1 degrees of freedom.
    t_pvalue_holm : float
        `t_pvalue`, adjusted for the number of pairs by Holm's procedure.
    mcnemar_pvalue : float
        Two-sided p-value of McNemar's exact test on the held-out predictions.
    mcnemar_pvalue_holm : float
        `mcnemar_pvalue`, adjusted for the number of pairs by Holm's procedure.

    See Also
    --------
    EstimatorComparison.pairwise : Test each pair of estimators for a difference.
    """

    first: str
    second: str
    mean_difference: float
    ci_low: float
    ci_high: float
    t_statistic: float
    t_pvalue: float
    t_pvalue_holm: float
    mcnemar_pvalue: float
    mcnemar_pvalue_holm: float


@dataclass(frozen=True, eq=False, repr=False)
class EstimatorComparison:
    """Scores of several classifiers, cross-validated on the same folds.

    The `repr` is a table with the best estimator first.

    Attributes
    ----------
    scores : dict of str to dict of str to ndarray of shape (n_folds,)
        Scores on the test samples of each fold, by estimator and metric.
    scoring : list of str
        Names of the metrics; the first is the main one.
    fit_times, score_times : dict of str to ndarray of shape (n_folds,)
        Seconds that each estimator took to fit, and to predict and score the test samples.
    n_train, n_test : ndarray of shape (n_folds,)
        Number of training and test samples of each fold.
    test_indices : ndarray of shape (n_tested,)
        Sorted indices of the samples that were tested. In k-fold cross-validation, these are all
        samples.
    y_true : ndarray of shape (n_tested,)
        Labels of these samples.
    predictions : dict of str to ndarray of shape (n_tested,)
        Labels that each estimator predicted for these samples when they were held out. If several
        folds test a sample, as in repeated cross-validation, this is the first prediction.

    See Also
    --------
    compare_estimators : Cross-validate several classifiers on the same folds.
    """

    scores: dict[str, dict[str, NDArray[np.float64]]]
    scoring: list[str]
    fit_times: dict[str, NDArray[np.float64]]
    score_times: dict[str, NDArray[np.float64]]
    n_train: NDArray[np.intp]
    n_test: NDArray[np.intp]
    test_indices: NDArray[np.intp]
    y_true: NDArray[Any]
    predictions: dict[str, NDArray[Any]]

    def to_frame(self) -> "pd.DataFrame":
        """Return a table of the estimators, the best by the main metric first.

        Returns
        -------
        frame : pandas.DataFrame
            Indexed by the estimators' names, with columns ``mean_<metric>`` and ``std_<metric>``
            (sample standard deviation over the folds, NaN for a single fold) for each metric,
            ``mean_fit_time`` and ``mean_score_time`` (seconds).

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pd = import_optional("pandas", needed_by="EstimatorComparison.to_frame", install="pandas")
        names = self._ranking()
        columns: dict[str, list[float]] = {}
        for metric in self.scoring:
            columns[f"mean_{metric}"] = [self.scores[name][metric].mean() for name in names]
            columns[f"std_{metric}"] = [_std(self.scores[name][metric]) for name in names]
        columns["mean_fit_time"] = [self.fit_times[name].mean() for name in names]
        columns["mean_score_time"] = [self.score_times[name].mean() for name in names]
        return pd.DataFrame(columns, index=pd.Index(names, name="estimator"))

    def pairwise(
        self, metric: str | None = None, *, confidence_level: float = 0.95
    ) -> list[PairwiseDifference]:
        """Test each pair of estimators for a difference.

        The corrected resampled t-test [1]_ takes the variation of the training sets into account
        and applies to any metric. McNemar's test [2]_ compares the error rates on the held-out
        predictions, whatever the metric. It takes the fitted models as given and ignores how they
        vary with the training set [3]_: if the two tests disagree, trust the t-test for a
        statement about the methods rather than these models. Holm's procedure [4]_ adjusts the
        p-values of each test for the number of pairs.

        Parameters
        ----------
        metric : str, default=None
            One of `scoring`. If None, the main one.
        confidence_level : float, default=0.95
            Level of the confidence intervals, between 0 and 1. They are not adjusted for the
            number of pairs.

        Returns
        -------
        differences : list of PairwiseDifference
            One for each pair, in the order of the estimators. Use
            ``pandas.DataFrame(differences)`` for a table. With a single fold, the results of the
            t-test are NaN.

        Raises
        ------
        ValueError
            If the metric is unknown, or the confidence level is not between 0 and 1.

        References
        ----------
        .. [1] C. Nadeau and Y. Bengio, "Inference for the Generalization Error", Machine Learning
           52, pp. 239-281, 2003.
        .. [2] Q. McNemar, "Note on the sampling error of the difference between correlated
           proportions or percentages", Psychometrika 12, pp. 153-157, 1947.
        .. [3] T. G. Dietterich, "Approximate Statistical Tests for Comparing Supervised
           Classification Learning Algorithms", Neural Computation 10, pp. 1895-1923, 1998.
        .. [4] S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
           Journal of Statistics 6, pp. 65-70, 1979.
        """
        metric = self.scoring[0] if metric is None else metric
        if metric not in self.scoring:
            raise ValueError(f"metric must be one of {self.scoring}, got {metric!r}")
        if not 0 < confidence_level < 1:
            raise ValueError(
                f"confidence_level must be greater than 0 and less than 1, got {confidence_level!r}"
            )
        pairs = list(combinations(self.scores, 2))
        test_train_ratio = float(self.n_test.sum() / self.n_train.sum())
        differences = [self.scores[a][metric] - self.scores[b][metric] for a, b in pairs]
        t_tests = [
            corrected_resampled_t_test(
                difference, test_train_ratio, confidence_level=confidence_level
            )
            for difference in differences
        ]
        mcnemar_pvalues = [
            mcnemar_test(self.y_true, self.predictions[a], self.predictions[b]) for a, b in pairs
        ]
        t_holm = holm_adjust([t_test.pvalue for t_test in t_tests])
        mcnemar_holm = holm_adjust(mcnemar_pvalues)
        return [
            PairwiseDifference(
                first=first,
                second=second,
                mean_difference=float(differences[i].mean()),
                ci_low=t_tests[i].ci_low,
                ci_high=t_tests[i].ci_high,
                t_statistic=t_tests[i].statistic,
                t_pvalue=t_tests[i].pvalue,
                t_pvalue_holm=float(t_holm[i]),
                mcnemar_pvalue=mcnemar_pvalues[i],
                mcnemar_pvalue_holm=float(mcnemar_holm[i]),
            )
            for i, (first, second) in enumerate(pairs)
        ]

    def summary(self) -> Table:
        """Return metrics and times as a table of text, as mean ± standard deviation.

        Returns
        -------
        table : Table
            A `header`, and `rows` with one row per estimator, the best by the main metric first.
        """
        rows = [
            [
                name,
                *(_mean_and_std(self.scores[name][metric], ".4f") for metric in self.scoring),
                _mean_and_std(self.fit_times[name], ".3g"),
                _mean_and_std(self.score_times[name], ".3g"),
            ]
            for name in self._ranking()
        ]
        return Table(["estimator", *self.scoring, "fit time (s)", "score time (s)"], rows)

    def __repr__(self) -> str:
        title = f"EstimatorComparison (n_folds={len(self.n_test)}, mean ± standard deviation)"
        return f"{title}\n{text_table(self.summary())}"

    def _ranking(self) -> list[str]:
        """Return the names of the estimators by mean main score, best first."""
        names = list(self.scores)
        means = np.array([self.scores[name][self.scoring[0]].mean() for name in names])
        return [names[i] for i in np.argsort(-means, kind="stable")]


def _std(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else nan


def _mean_and_std(values: NDArray[np.float64], form: str) -> str:
    mean = format(values.mean(), form)
    return f"{mean} ± {_std(values):{form}}" if len(values) > 1 else mean
